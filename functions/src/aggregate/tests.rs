//! Every way to feed an accumulator gives the same result: grouped, one group at a time, as partial states, from
//! dictionaries and constants.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, StringViewArray};
use arrow::buffer::NullBuffer;
use rsql_expr::function::Accumulator;
use rsql_expr::vector::DictVector;
use rsql_expr::{AggregateCall, Codes, Dict, EvalMode, Expr, Literal, Origin, Slot, SqlType, Vector};

fn call(func: &str, args: &[SqlType], ty: SqlType) -> AggregateCall {
    AggregateCall {
        func: func.into(),
        args: args
            .iter()
            .enumerate()
            .map(|(index, ty)| Expr::Slot(Slot { index, ty: ty.clone() }))
            .collect(),
        distinct: false,
        filter: None,
        order_by: vec![],
        ty,
        nullable: true,
        ignore_nulls: false,
        mode: EvalMode::Ansi,
        options: Arc::default(),
        origin: Origin::default(),
    }
}

fn fresh(call: &AggregateCall) -> Box<dyn Accumulator> {
    let function = crate::registry().aggregate(&call.func).unwrap();
    (function.accumulator)(call).unwrap()
}

fn flat(arrays: &[ArrayRef]) -> Vec<Vector> {
    arrays.iter().cloned().map(Vector::Flat).collect()
}

fn same(func: &str, way: &str, a: &ArrayRef, b: &ArrayRef) {
    assert_eq!(a.to_data(), b.to_data(), "{func} {way}");
}

/// Feeds `arrays` in every way and returns the result of the first.
fn check(call: &AggregateCall, arrays: &[ArrayRef], group_of: &[u32]) -> ArrayRef {
    let (func, groups) = (call.func.as_ref(), 3);
    let mut grouped = fresh(call);
    grouped.resize(groups);
    grouped.update(&flat(arrays), group_of).unwrap();
    let expected = grouped.finish().unwrap();

    // A result can be read again.
    same(func, "finished twice", &grouped.finish().unwrap(), &expected);

    // Row by row.
    let mut single = fresh(call);
    single.resize(groups);
    for (i, g) in group_of.iter().enumerate() {
        let rows: Vec<Vector> = flat(arrays).iter().map(|v| v.slice(i, 1)).collect();
        single.update_one(&rows, 1, *g).unwrap();
    }
    same(func, "row by row", &single.finish().unwrap(), &expected);

    // In two parts, merged into a third.
    let half = group_of.len() / 2;
    let mut merged = fresh(call);
    merged.resize(groups);
    for range in [0..half, half..group_of.len()] {
        let mut part = fresh(call);
        part.resize(groups);
        let rows: Vec<Vector> = flat(arrays).iter().map(|v| v.slice(range.start, range.len())).collect();
        part.update(&rows, &group_of[range]).unwrap();
        let state = part.state().unwrap();
        let fields = (crate::registry().aggregate(func).unwrap().state)(call);
        assert_eq!(state.len(), fields.len(), "{func}");
        for (column, field) in state.iter().zip(&fields) {
            assert_eq!(column.data_type(), &field.ty.arrow(), "{func} {}", field.name);
        }
        merged.merge(&state, &[0, 1, 2]).unwrap();
    }
    same(func, "merged", &merged.finish().unwrap(), &expected);
    expected
}

#[test]
fn every_way_gives_the_same() {
    let group_of = [0, 1, 0, 1, 0, 0, 1, 0];
    let ints: ArrayRef = Arc::new(Int32Array::from(vec![
        Some(3),
        Some(1),
        None,
        Some(7),
        Some(3),
        Some(-2),
        None,
        Some(0),
    ]));
    let longs: ArrayRef = Arc::new(Int64Array::from(vec![5i64, -1, 8, 8, 2, 9, 4, 4]));
    let doubles: ArrayRef = Arc::new(Float64Array::from(vec![1.5, 2.0, 0.5, 4.0, 8.0, -1.0, 2.0, 16.0]));
    let texts: ArrayRef = Arc::new(StringViewArray::from(vec![
        Some("b"),
        Some("a"),
        None,
        Some("c"),
        Some("a"),
        Some("zz"),
        Some("a"),
        None,
    ]));
    let flags: ArrayRef = Arc::new(BooleanArray::from(vec![
        true, true, false, true, true, false, true, true,
    ]));
    let decimals = crate::kernel::native_array(
        vec![150i64, 25, 300, 10, 5, 1, 2, 3],
        None,
        &SqlType::Decimal(15, 2).arrow(),
    );
    let decimals = decimals.unwrap();
    use SqlType::{Boolean, Double, Int, Long, String};
    let decimal = SqlType::Decimal(15, 2);
    for (func, ty, array, result) in [
        ("count", Int, &ints, Long),
        ("sum", Int, &ints, Long),
        ("sum", Double, &doubles, Double),
        ("sum", decimal.clone(), &decimals, SqlType::Decimal(25, 2)),
        ("avg", Int, &ints, Double),
        ("avg", decimal.clone(), &decimals, SqlType::Decimal(19, 6)),
        ("min", Long, &longs, Long),
        ("max", Double, &doubles, Double),
        ("min", decimal.clone(), &decimals, decimal.clone()),
        ("max", String, &texts, String),
        ("min", Boolean, &flags, Boolean),
        ("first", Int, &ints, Int),
        ("last", String, &texts, String),
        ("bool_and", Boolean, &flags, Boolean),
        ("count_if", Boolean, &flags, Long),
        ("bit_xor", Long, &longs, Long),
        ("collect_list", Int, &ints, SqlType::array_of(Int, false)),
        ("collect_set", String, &texts, SqlType::array_of(String, false)),
        ("mode", Long, &longs, Long),
        ("approx_count_distinct", String, &texts, Long),
        ("listagg", String, &texts, String),
    ] {
        check(&call(func, &[ty], result), std::slice::from_ref(array), &group_of);
    }
    check(
        &call("max_by", &[String, Long], String),
        &[Arc::clone(&texts), Arc::clone(&longs)],
        &group_of,
    );
    let mut percentile = call("percentile", &[Double], Double);
    percentile.args.push(Expr::lit(Literal::double(0.5)));
    let medians = check(
        &percentile,
        &[Arc::clone(&doubles), Arc::new(Float64Array::from(vec![0.5; 8]))],
        &group_of,
    );
    assert_eq!(medians.len(), 3);
    assert!(medians.is_null(2));
}

#[test]
fn encoded_input_gives_the_same() {
    let dict = Dict::new(Arc::new(Int64Array::from(vec![10i64, 20, 40])), true);
    let encoded = Vector::Dictionary(DictVector {
        codes: Codes::from(vec![0u8, 2, 1, 2]),
        validity: Some(NullBuffer::from(vec![true, true, false, true])),
        dict,
    });
    let plain = Vector::Flat(encoded.to_array().unwrap());
    for (func, result) in [
        ("sum", SqlType::Long),
        ("avg", SqlType::Double),
        ("min", SqlType::Long),
        ("count", SqlType::Long),
    ] {
        let call = call(func, &[SqlType::Long], result);
        let run = |vector: &Vector, one: bool| {
            let mut a = fresh(&call);
            a.resize(2);
            if one {
                a.update_one(std::slice::from_ref(vector), 4, 1).unwrap();
            } else {
                a.update(std::slice::from_ref(vector), &[0, 1, 0, 1]).unwrap();
            }
            a.finish().unwrap()
        };
        for one in [false, true] {
            same(func, "dictionary", &run(&encoded, one), &run(&plain, one));
        }
        let constant = Vector::constant(Arc::new(Int64Array::from(vec![7i64])), 4);
        let repeated = Vector::Flat(constant.to_array().unwrap());
        same(func, "constant", &run(&constant, false), &run(&repeated, false));
    }
}

#[test]
fn overflow_is_an_error_or_null() {
    let call = call("sum", &[SqlType::Long], SqlType::Long);
    let mut sum = fresh(&call);
    sum.resize(1);
    let big: ArrayRef = Arc::new(Int64Array::from(vec![i64::MAX, 1]));
    let error = sum.update_one(&flat(&[Arc::clone(&big)]), 2, 0).unwrap_err();
    assert_eq!(error.condition(), "ARITHMETIC_OVERFLOW");
    let lenient = AggregateCall {
        func: "try_sum".into(),
        mode: EvalMode::Try,
        ..call
    };
    let mut sum = fresh(&lenient);
    sum.resize(1);
    sum.update_one(&flat(&[big]), 2, 0).unwrap();
    assert!(sum.finish().unwrap().is_null(0));
}
