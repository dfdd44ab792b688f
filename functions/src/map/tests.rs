//! Map and struct functions on constants.

use rsql_expr::{EvalOptions, Scalar, SqlType};

use crate::testing::{call_with, int, int_map, null, show, shown, some_ints, text, typed};

#[test]
fn values() {
    let pairs = |p: &[Option<(i32, i32)>]| {
        let structs = p
            .iter()
            .map(|p| {
                p.map_or(Scalar::Null, |(k, v)| {
                    Scalar::Struct([Scalar::I32(k), Scalar::I32(v)].into())
                })
            })
            .collect();
        let pair = SqlType::structure([("k", SqlType::Int, false), ("v", SqlType::Int, false)]);
        typed(Scalar::Array(structs), SqlType::array(pair))
    };
    for (name, args, want) in [
        ("map", vec![int(1), text("a"), int(2), text("b")], "{1:a,2:b}"),
        ("map", vec![int(1), text("a"), int(1), text("b")], "DUPLICATED_MAP_KEY"),
        ("map", vec![null(SqlType::Int), text("a")], "NULL_MAP_KEY"),
        ("map", vec![int(1)], "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
        (
            "map",
            vec![int_map(&[]), int(1)],
            "DATATYPE_MISMATCH.INVALID_MAP_KEY_TYPE",
        ),
        (
            "map_from_arrays",
            vec![some_ints(&[1, 2]), some_ints(&[3, 4])],
            "{1:3,2:4}",
        ),
        (
            "map_from_arrays",
            vec![some_ints(&[1, 2]), some_ints(&[3])],
            "_LEGACY_ERROR_TEMP_2128",
        ),
        (
            "map_from_entries",
            vec![pairs(&[Some((1, 2)), Some((3, 4))])],
            "{1:2,3:4}",
        ),
        ("map_from_entries", vec![pairs(&[Some((1, 2)), None])], "null"),
        ("map_concat", vec![int_map(&[(1, 2)]), int_map(&[(3, 4)])], "{1:2,3:4}"),
        (
            "map_concat",
            vec![int_map(&[(1, 2)]), int_map(&[(1, 4)])],
            "DUPLICATED_MAP_KEY",
        ),
        ("map_concat", vec![int(1)], "DATATYPE_MISMATCH.MAP_CONCAT_DIFF_TYPES"),
        ("map_keys", vec![int_map(&[(1, 2), (3, 4)])], "[1,3]"),
        ("map_values", vec![int_map(&[(1, 2), (3, 4)])], "[2,4]"),
        ("map_entries", vec![int_map(&[(1, 2)])], "[(1,2)]"),
        ("map_contains_key", vec![int_map(&[(1, 2)]), int(1)], "true"),
        (
            "map_contains_key",
            vec![int_map(&[(1, 2)]), null(SqlType::Void)],
            "DATATYPE_MISMATCH.NULL_TYPE",
        ),
        ("str_to_map", vec![text("a:1,b:2")], "{a:1,b:2}"),
        ("str_to_map", vec![text("a")], "{a:null}"),
        (
            "str_to_map",
            vec![text("a1b2c"), text("[0-9]"), text(":")],
            "{a:null,b:null,c:null}",
        ),
        ("struct", vec![int(1), text("x")], "(1,x)"),
        ("named_struct", vec![text("a"), int(1)], "(1)"),
        (
            "named_struct",
            vec![int(1), int(1)],
            "DATATYPE_MISMATCH.CREATE_NAMED_STRUCT_WITHOUT_FOLDABLE_STRING",
        ),
    ] {
        let call = format!("{name}({args:?})");
        assert_eq!(shown(name, args), want, "{call}");
    }
}

#[test]
fn last_key_wins_if_told_so() {
    let options = EvalOptions {
        map_key_last_wins: true,
        ..EvalOptions::default()
    };
    let many: Vec<_> = (0..40).flat_map(|i| [int(i % 20), int(i)]).collect();
    let shown = show(&call_with("map", many, options).unwrap().value);
    assert!(shown.starts_with("{0:20,1:21,") && shown.ends_with("19:39}"), "{shown}");
}
