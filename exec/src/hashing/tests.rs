//! Key tables against a hash map.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, Decimal128Array, Float64Array, Int32Array, Int64Array, StringViewArray};
use arrow::datatypes::DataType;

use rsql_expr::{Codes, Dict, DictVector, Vector};

use super::{CodeCache, KeyColumn, KeyTable, NONE};

/// A small generator of test values.
fn numbers(mut seed: u64) -> impl FnMut(u64) -> u64 {
    move |below| {
        seed = seed.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        (seed >> 33) % below
    }
}

fn column(kind: usize, rows: usize, spread: u64, next: &mut impl FnMut(u64) -> u64) -> ArrayRef {
    let values: Vec<Option<i64>> = (0..rows)
        .map(|_| (next(10) > 0).then(|| next(spread) as i64 - spread as i64 / 2))
        .collect();
    match kind {
        0 => Arc::new(Int64Array::from(values)),
        1 => Arc::new(values.iter().map(|v| v.map(|v| v as i32)).collect::<Int32Array>()),
        2 => Arc::new(
            values
                .iter()
                .map(|v| v.map(|v| format!("{}{v}", if v % 2 == 0 { "a long enough prefix " } else { "" })))
                .collect::<StringViewArray>(),
        ),
        3 => Arc::new(values.iter().map(|v| v.map(i128::from)).collect::<Decimal128Array>()),
        4 => Arc::new(
            values
                .iter()
                .map(|v| v.map(|v| v as f64 * 0.5))
                .collect::<Float64Array>(),
        ),
        _ => Arc::new(values.iter().map(|v| v.map(|v| v << 40)).collect::<Int64Array>()),
    }
}

fn text(arrays: &[ArrayRef], row: usize) -> String {
    arrays
        .iter()
        .map(|a| arrow::util::display::array_value_to_string(a, row).unwrap() + if a.is_null(row) { "~" } else { "" })
        .collect::<Vec<_>>()
        .join("|")
}

#[test]
fn numbers_follow_first_appearance_in_every_layout() {
    let layouts: &[&[usize]] = &[
        &[0],
        &[1],
        &[5],
        &[0, 1],
        &[5, 5],
        &[0, 5, 1],
        &[2],
        &[3],
        &[4],
        &[2, 0],
        &[4, 3, 2],
    ];
    for (case, kinds) in layouts.iter().enumerate() {
        for hash_zero in [false, true] {
            for (rows, spread) in [(1, 5), (7, 3), (300, 40), (300, 100_000_000)] {
                let mut next = numbers(case as u64 * 31 + rows as u64);
                let types: Vec<DataType> = kinds
                    .iter()
                    .map(|k| column(*k, 1, 2, &mut next).data_type().clone())
                    .collect();
                let mut table = KeyTable::new(&types, true, hash_zero);
                let mut expected: HashMap<String, u32> = HashMap::new();
                let mut order = Vec::new();
                let mut out = Vec::new();
                for round in 1..6u64 {
                    let arrays: Vec<ArrayRef> = kinds
                        .iter()
                        .map(|k| column(*k, rows, spread * round * round, &mut next))
                        .collect();
                    let keys: Vec<KeyColumn> = arrays.iter().map(|a| KeyColumn::from_array(a).unwrap()).collect();
                    table.assign(&keys, rows, &mut out);
                    for (row, id) in out.iter().enumerate() {
                        let n = expected.len() as u32;
                        let key = text(&arrays, row);
                        let want = *expected.entry(key.clone()).or_insert_with(|| {
                            order.push(key);
                            n
                        });
                        assert_eq!(*id, want, "{kinds:?} {rows} {spread}");
                    }
                    let other: Vec<ArrayRef> = kinds.iter().map(|k| column(*k, rows, spread * 3, &mut next)).collect();
                    let keys: Vec<KeyColumn> = other.iter().map(|a| KeyColumn::from_array(a).unwrap()).collect();
                    table.find(&keys, rows, &mut out);
                    for (row, id) in out.iter().enumerate() {
                        assert_eq!(
                            *id,
                            expected.get(&text(&other, row)).copied().unwrap_or(NONE),
                            "{kinds:?}"
                        );
                    }
                }
                assert_eq!(table.len(), order.len());
                let keys = table.key_arrays(&types).unwrap();
                for (row, key) in order.iter().enumerate() {
                    assert_eq!(&text(&keys, row), key);
                }
            }
        }
    }
}

#[test]
fn zeros_and_nans_are_one_key() {
    let array: ArrayRef = Arc::new(Float64Array::from(vec![0.0, -0.0, f64::NAN, -f64::NAN]));
    let mut table = KeyTable::new(&[DataType::Float64], true, false);
    let mut out = Vec::new();
    table.assign(&[KeyColumn::from_array(&array).unwrap()], 4, &mut out);
    assert_eq!(out, [0, 0, 1, 1]);
}

#[test]
fn nested_values_are_keys() {
    let list: ArrayRef = Arc::new(arrow::array::ListArray::from_iter_primitive::<
        arrow::datatypes::Int32Type,
        _,
        _,
    >([
        Some(vec![Some(1), None]),
        None,
        Some(vec![]),
        Some(vec![Some(1), None]),
    ]));
    let types = [list.data_type().clone()];
    let mut table = KeyTable::new(&types, true, false);
    let mut out = Vec::new();
    table.assign(&[KeyColumn::from_array(&list).unwrap()], 4, &mut out);
    assert_eq!(out, [0, 1, 2, 0]);
    assert_eq!(&table.key_arrays(&types).unwrap()[0], &list.slice(0, 3));
}

#[test]
fn codes_are_asked_once_a_combination() {
    let dictionary = |values: Vec<&str>| Dict::new(Arc::new(StringViewArray::from(values)), true);
    let vector = |dict: &Arc<Dict>, codes: Vec<u8>, valid: Option<Vec<bool>>| {
        Vector::Dictionary(DictVector {
            codes: Codes::from(codes),
            validity: valid.map(Into::into),
            dict: Arc::clone(dict),
        })
    };
    let (a, b) = (dictionary(vec!["x", "y"]), dictionary(vec!["p", "q", "r"]));
    let mut cache = CodeCache::default();
    let mut out = Vec::new();
    let asked = std::cell::RefCell::new(Vec::new());
    let mut resolve = |keys: &[Vector], out: &mut Vec<u32>| {
        let rows = keys[0].len();
        let answer = |rows: &[u32]| {
            asked.borrow_mut().push(rows.to_vec());
            Ok(rows.iter().map(|r| r * 10).collect())
        };
        cache.resolve(keys, rows, out, answer).unwrap()
    };
    let keys = [
        vector(&a, vec![0, 1, 0, 0, 1], None),
        vector(&b, vec![2, 0, 2, 1, 1], Some(vec![true, true, true, false, true])),
    ];
    assert!(resolve(&keys, &mut out));
    assert_eq!(out, [0, 10, 0, 30, 40]);
    assert!(resolve(&keys, &mut out));
    assert_eq!(*asked.borrow(), [vec![0, 1, 3, 4]]);
    // Another dictionary starts anew; flat keys do not take part.
    let other = [vector(&dictionary(vec!["y", "x"]), vec![0, 1], None)];
    assert!(resolve(&other, &mut out));
    assert_eq!(out, [0, 10]);
    assert!(!resolve(&[Vector::Flat(Arc::new(Int32Array::from(vec![1])))], &mut out));
}
