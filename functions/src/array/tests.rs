//! Array functions on constants.

use rsql_expr::{EvalOptions, Scalar, SqlType};

use crate::testing::{call_with, int, int_map, ints, null, show, shown, some_ints, text, texts, typed};

fn doubles(values: &[f64]) -> rsql_expr::Expr {
    let values = values.iter().map(|v| Scalar::F64(*v)).collect();
    typed(Scalar::Array(values), SqlType::array(SqlType::Double))
}

fn nested(lists: &[Option<&[i32]>]) -> rsql_expr::Expr {
    let lists = lists
        .iter()
        .map(|l| {
            l.map_or(Scalar::Null, |l| {
                Scalar::Array(l.iter().map(|v| Scalar::I32(*v)).collect())
            })
        })
        .collect();
    typed(Scalar::Array(lists), SqlType::array(SqlType::array(SqlType::Int)))
}

#[test]
fn values() {
    let with_null = || ints(&[Some(1), None, Some(3)]);
    let boolean = |b| typed(Scalar::Bool(b), SqlType::Boolean);
    for (name, args, want) in [
        ("array", vec![int(1), int(2)], "[1,2]"),
        ("array", vec![], "[]"),
        ("array_repeat", vec![text("a"), int(2)], "[a,a]"),
        ("array_repeat", vec![text("a"), int(-1)], "[]"),
        ("flatten", vec![nested(&[Some(&[1, 2]), Some(&[3])])], "[1,2,3]"),
        ("flatten", vec![nested(&[Some(&[1, 2]), None])], "null"),
        (
            "arrays_zip",
            vec![some_ints(&[1]), texts(&["a", "b"])],
            "[(1,a),(null,b)]",
        ),
        ("array_contains", vec![some_ints(&[1, 2]), int(2)], "true"),
        ("array_contains", vec![with_null(), int(2)], "null"),
        ("array_contains", vec![with_null(), int(3)], "true"),
        ("array_position", vec![some_ints(&[3, 7, 8, 8]), int(8)], "3"),
        ("array_position", vec![some_ints(&[3]), int(8)], "0"),
        ("arrays_overlap", vec![with_null(), some_ints(&[4])], "null"),
        ("arrays_overlap", vec![with_null(), some_ints(&[])], "false"),
        ("arrays_overlap", vec![with_null(), some_ints(&[3])], "true"),
        (
            "array_distinct",
            vec![ints(&[Some(1), None, Some(1), None])],
            "[1,null]",
        ),
        (
            "array_distinct",
            vec![doubles(&[0.0, -0.0, f64::NAN, f64::NAN])],
            "[0.0,NaN]",
        ),
        ("array_union", vec![with_null(), ints(&[Some(4), None])], "[1,null,3,4]"),
        ("array_intersect", vec![with_null(), ints(&[Some(3), None])], "[null,3]"),
        ("array_except", vec![with_null(), some_ints(&[3])], "[1,null]"),
        ("array_append", vec![some_ints(&[1]), null(SqlType::Int)], "[1,null]"),
        ("array_prepend", vec![some_ints(&[1]), int(0)], "[0,1]"),
        ("array_append", vec![null(SqlType::array(SqlType::Int)), int(0)], "null"),
        ("array_insert", vec![some_ints(&[1, 2, 3]), int(2), int(9)], "[1,9,2,3]"),
        (
            "array_insert",
            vec![some_ints(&[1, 2, 3]), int(6), int(4)],
            "[1,2,3,null,null,4]",
        ),
        (
            "array_insert",
            vec![some_ints(&[1, 2, 3]), int(-6), int(4)],
            "[4,null,null,1,2,3]",
        ),
        (
            "array_insert",
            vec![some_ints(&[5, 4, 3, 2]), int(-1), int(1)],
            "[5,4,3,2,1]",
        ),
        (
            "array_insert",
            vec![some_ints(&[5, 3, 2, 1]), int(-4), int(4)],
            "[5,4,3,2,1]",
        ),
        (
            "array_insert",
            vec![some_ints(&[1]), int(0), int(4)],
            "INVALID_INDEX_OF_ZERO",
        ),
        (
            "array_remove",
            vec![ints(&[Some(1), None, Some(3), Some(1)]), int(1)],
            "[null,3]",
        ),
        ("array_compact", vec![with_null()], "[1,3]"),
        ("array_join", vec![texts(&["a", "-", "b"]), text(" ")], "a b"),
        (
            "array_join",
            vec![texts(&["a", "-", "b"]), text(" "), text("?")],
            "a ? b",
        ),
        ("array_max", vec![with_null()], "3"),
        ("array_min", vec![ints(&[None])], "null"),
        ("array_max", vec![doubles(&[f64::NAN, 1.0])], "NaN"),
        ("sort_array", vec![ints(&[Some(3), Some(1), None])], "[null,1,3]"),
        (
            "sort_array",
            vec![ints(&[Some(3), Some(1), None]), boolean(false)],
            "[3,1,null]",
        ),
        ("array_sort", vec![ints(&[Some(3), None, Some(1)])], "[1,3,null]"),
        ("slice", vec![some_ints(&[1, 2, 3, 4]), int(-2), int(5)], "[3,4]"),
        ("slice", vec![some_ints(&[1, 2, 3]), int(-5), int(2)], "[]"),
        (
            "slice",
            vec![some_ints(&[1]), int(0), int(2)],
            "INVALID_PARAMETER_VALUE.START",
        ),
        (
            "slice",
            vec![some_ints(&[1]), int(1), int(-1)],
            "INVALID_PARAMETER_VALUE.LENGTH",
        ),
        ("element_at", vec![some_ints(&[1, 2]), int(-1)], "2"),
        (
            "element_at",
            vec![some_ints(&[1, 2]), int(3)],
            "INVALID_ARRAY_INDEX_IN_ELEMENT_AT",
        ),
        ("element_at", vec![some_ints(&[1, 2]), int(0)], "INVALID_INDEX_OF_ZERO"),
        ("try_element_at", vec![some_ints(&[1, 2]), int(3)], "null"),
        ("element_at", vec![int_map(&[(1, 5)]), int(1)], "5"),
        ("element_at", vec![int_map(&[(1, 5)]), int(2)], "null"),
        (
            "element_at",
            vec![int_map(&[(1, 5)]), text("2")],
            "DATATYPE_MISMATCH.MAP_FUNCTION_DIFF_TYPES",
        ),
        ("size", vec![int_map(&[(1, 5)])], "1"),
        ("cardinality", vec![null(SqlType::array(SqlType::Int))], "null"),
        ("array_size", vec![some_ints(&[1, 2])], "2"),
        (
            "array_contains",
            vec![some_ints(&[1]), text("a")],
            "DATATYPE_MISMATCH.ARRAY_FUNCTION_DIFF_TYPES",
        ),
        (
            "array_contains",
            vec![int(1), int(1)],
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        ),
        (
            "array_contains",
            vec![some_ints(&[1])],
            "WRONG_NUM_ARGS.WITHOUT_SUGGESTION",
        ),
        (
            "sort_array",
            vec![typed(Scalar::Null, SqlType::array(int_map(&[]).ty()))],
            "DATATYPE_MISMATCH.INVALID_ORDERING_TYPE",
        ),
    ] {
        let call = format!("{name}({args:?})");
        assert_eq!(shown(name, args), want, "{call}");
    }
}

#[test]
fn sequences() {
    let date = |d| typed(Scalar::I32(d), SqlType::Date);
    let month = || typed(Scalar::I32(1), SqlType::YEAR_MONTH);
    let day_time = |us| typed(Scalar::I64(us), SqlType::DAY_TIME);
    for (args, want) in [
        (vec![int(1), int(5)], "[1,2,3,4,5]"),
        (vec![int(5), int(1)], "[5,4,3,2,1]"),
        (vec![int(1), int(6), int(2)], "[1,3,5]"),
        (vec![int(1), int(1), int(0)], "[1]"),
        (
            vec![int(1), int(5), int(-1)],
            "INVALID_PARAMETER_VALUE.SEQUENCE_BOUNDARIES",
        ),
        (vec![date(4), date(2)], "[4,3,2]"),
        // January 31 to May 31 1970.
        (vec![date(30), date(150), month()], "[30,58,89,119,150]"),
        (
            vec![date(0), date(2), day_time(43_200_000_000)],
            "_LEGACY_ERROR_TEMP_3242",
        ),
        (vec![date(0), date(4), day_time(2 * 86_400_000_000)], "[0,2,4]"),
        (
            vec![date(0), date(4), int(1)],
            "DATATYPE_MISMATCH.SEQUENCE_WRONG_INPUT_TYPES",
        ),
        (
            vec![text("a"), text("b")],
            "DATATYPE_MISMATCH.SEQUENCE_WRONG_INPUT_TYPES",
        ),
    ] {
        let call = format!("{args:?}");
        assert_eq!(shown("sequence", args), want, "{call}");
    }
}

#[test]
fn legacy_mode_is_lenient() {
    let legacy = || EvalOptions {
        ansi: false,
        ..EvalOptions::default()
    };
    for (name, args, want) in [
        ("size", vec![null(SqlType::array(SqlType::Int))], "-1"),
        ("element_at", vec![some_ints(&[1, 2]), int(3)], "null"),
    ] {
        assert_eq!(show(&call_with(name, args, legacy()).unwrap().value), want, "{name}");
    }
}
