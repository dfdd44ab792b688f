//! Generators on small columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray};
use arrow::datatypes::Int32Type;
use rsql_expr::eval::literal_array;

use crate::testing::int_map;

fn lists() -> ArrayRef {
    Arc::new(ListArray::from_iter_primitive::<Int32Type, _, _>([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
        Some(vec![Some(4)]),
    ]))
}

#[test]
fn explodes_arrays() {
    let registry = crate::registry();
    let out = (registry.generator("posexplode").unwrap().eval)(&[lists()], &[], 4).unwrap();
    assert_eq!(out.row_of, [0, 0, 3]);
    assert_eq!(
        out.columns[0].as_primitive::<Int32Type>(),
        &Int32Array::from(vec![0, 1, 0])
    );
    assert_eq!(
        out.columns[1].as_primitive::<Int32Type>(),
        &Int32Array::from(vec![Some(1), None, Some(4)])
    );
}

#[test]
fn explodes_maps() {
    let registry = crate::registry();
    let map = literal_array(int_map(&[(1, 2), (3, 4)]).as_literal().unwrap()).unwrap();
    let out = (registry.generator("explode").unwrap().eval)(&[map], &[], 1).unwrap();
    assert_eq!(out.row_of, [0, 0]);
    assert_eq!(out.columns.len(), 2);
    assert_eq!(out.columns[1].len(), 2);
}
