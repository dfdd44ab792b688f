//! Statements that Spark refuses are refused with its conditions.

use super::analyze;
use super::catalog::Catalog;

#[test]
fn conditions_are_sparks() {
    let mut catalog = Catalog::default();
    catalog.table("t", "a int, b string, s struct<x: int, y: int>, m map<int, int>");
    catalog.table("u", "a int, c int");
    let cases = [
        ("select zz from t", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
        ("select zz", "UNRESOLVED_COLUMN.WITHOUT_SUGGESTION"),
        ("select a from t, u", "AMBIGUOUS_REFERENCE"),
        ("select s.z from t", "FIELD_NOT_FOUND"),
        ("select a.x from t", "INVALID_EXTRACT_BASE_FIELD_TYPE"),
        ("select * from missing", "TABLE_OR_VIEW_NOT_FOUND"),
        ("select nosuch(a) from t", "UNRESOLVED_ROUTINE"),
        ("select a from t group by b", "MISSING_AGGREGATION"),
        ("select a, max(b) from t", "MISSING_GROUP_BY"),
        ("select sum(max(a)) from t", "NESTED_AGGREGATE_FUNCTION"),
        ("select a from t where max(a) > 1", "INVALID_WHERE_CONDITION"),
        ("select a from t group by max(a)", "GROUP_BY_AGGREGATE"),
        ("select a from t group by 3", "GROUP_BY_POS_OUT_OF_RANGE"),
        ("select max(a) from t group by 1", "GROUP_BY_POS_AGGREGATE"),
        ("select a from t order by 2", "ORDER_BY_POS_OUT_OF_RANGE"),
        (
            "select distinct a from t order by b",
            "UNRESOLVED_COLUMN.WITH_SUGGESTION",
        ),
        ("select max(a) from t having b > 1", "UNRESOLVED_COLUMN.WITH_SUGGESTION"),
        (
            "select grouping(a) from t group by a",
            "UNSUPPORTED_GROUPING_EXPRESSION",
        ),
        ("select a from t union select a, c from u", "NUM_COLUMNS_MISMATCH"),
        ("select s from t union select a from u", "INCOMPATIBLE_COLUMN_TYPE"),
        (
            "select m from t union select m from t",
            "UNSUPPORTED_FEATURE.SET_OPERATION_ON_MAP_TYPE",
        ),
        (
            "select (select a, c from u)",
            "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
        ),
        (
            "select a in (select a, c from u) from t",
            "DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH",
        ),
        ("select a from t limit -1", "INVALID_LIMIT_LIKE_EXPRESSION.IS_NEGATIVE"),
        ("select a from t limit a", "INVALID_LIMIT_LIKE_EXPRESSION.IS_UNFOLDABLE"),
        ("select a from t limit 'x'", "INVALID_LIMIT_LIKE_EXPRESSION.DATA_TYPE"),
        ("select * from t join u using (b)", "UNRESOLVED_USING_COLUMN_FOR_JOIN"),
        ("select a from t where b", "DATATYPE_MISMATCH.FILTER_NOT_BOOLEAN"),
        ("select date '2024-13-01'", "INVALID_TYPED_LITERAL"),
        ("select rank() over () from t", "WINDOW_FUNCTION_FRAME_NOT_ORDERED"),
        (
            "select encode(str => 'a', charset => 'utf-8')",
            "NAMED_PARAMETERS_NOT_SUPPORTED",
        ),
        ("select sum(expr => a) from t", "NAMED_PARAMETERS_NOT_SUPPORTED"),
        ("select mask(txt => 'a')", "UNRECOGNIZED_PARAMETER_NAME"),
        ("select ceil(2.5, null)", "NON_FOLDABLE_ARGUMENT"),
        (
            "select pmod('1', date '2020-01-01')",
            "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
        ),
        (
            "select pmod(1, date '2020-01-01')",
            "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
        ),
        ("select raise_error('a', map())", "WRONG_NUM_ARGS.WITHOUT_SUGGESTION"),
        ("select row_number() from t", "WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE"),
        ("select sum(a) over w from t", "MISSING_WINDOW_SPECIFICATION"),
        (
            "select a from t where sum(a) over () > 1",
            "WINDOW_FUNCTION_NOT_ALLOWED_IN_CLAUSE",
        ),
        (
            "select 1 + explode(array(1)) from t",
            "UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS",
        ),
        (
            "select a from t where explode(array(a)) > 1",
            "UNSUPPORTED_GENERATOR.OUTSIDE_SELECT",
        ),
        (
            "with x as (select 1), x as (select 2) select * from x",
            "DUPLICATED_CTE_NAMES",
        ),
        (
            "select cast(a as map<int, int>) from t",
            "DATATYPE_MISMATCH.CAST_WITHOUT_SUGGESTION",
        ),
        ("select cast(a as nosuchtype) from t", "UNSUPPORTED_DATATYPE"),
        ("select :p", "UNBOUND_SQL_PARAMETER"),
        ("values (1, 2), (3)", "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH"),
        (
            "select transform(array(1), (x, y, z) -> x)",
            "INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH",
        ),
    ];
    check(&catalog, &cases);
}

#[test]
fn operands_that_do_not_go_together() {
    let catalog = Catalog::default();
    let (wrong, differ) = (
        "DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE",
        "DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES",
    );
    let cases = [
        ("select 1 and true", differ),
        ("select null or 1", differ),
        ("select 1 or 2", wrong),
        ("select 'a' and 'b'", wrong),
        ("select 'f' or null", wrong),
        ("select time'10:00:01' + interval '1' month", differ),
        ("select time'10:00:01' - interval '1' month", differ),
        ("select time'10:00:01' - 1", differ),
        (
            "select date'2020-01-01' + date'2020-01-01'",
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        ),
        ("select cast(1 as date)", "DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION"),
        (
            "select try_cast(date'2020-01-01' as int)",
            "DATATYPE_MISMATCH.CAST_WITH_FUNC_SUGGESTION",
        ),
        ("select interval '1 25:00:00' day to second", "_LEGACY_ERROR_TEMP_0063"),
        ("select interval '1 day 2' day", "_LEGACY_ERROR_TEMP_0026"),
        ("select interval '' day", "INVALID_INTERVAL_FORMAT.UNRECOGNIZED_NUMBER"),
        (
            "select * from (select 1 a, 'x' b) unpivot (v for n in (a, b))",
            "UNPIVOT_VALUE_DATA_TYPE_MISMATCH",
        ),
    ];
    check(&catalog, &cases);
}

#[test]
fn values_are_computed_where_they_stand() {
    let catalog = Catalog::default();
    let (cannot, failed) = (
        "INVALID_INLINE_TABLE.CANNOT_EVALUATE_EXPRESSION_IN_INLINE_TABLE",
        "INVALID_INLINE_TABLE.FAILED_SQL_EXPRESSION_EVALUATION",
    );
    let cases = [
        ("values (cast('x' as int))", failed),
        ("values (1), (1 / 0)", failed),
        ("values (rand())", cannot),
        ("values (count(1))", cannot),
        ("values (row_number() over (order by 1))", cannot),
        (
            "select * from values (1, 2), (3, 4) as x(a, b, c)",
            "INVALID_INLINE_TABLE.NUM_COLUMNS_MISMATCH",
        ),
        ("values (current_date()), (date'1999-01-01')", "accepted"),
    ];
    check(&catalog, &cases);
}

#[test]
fn names_and_clauses() {
    let mut catalog = Catalog::default();
    catalog.table("t", "a int, b string");
    let nested = "REQUIRES_SINGLE_PART_NAMESPACE";
    let cases = [
        ("select * from x.y.z", nested),
        ("select * from spark_catalog.x.y.z", nested),
        ("select * from spark_catalog.x.z", "TABLE_OR_VIEW_NOT_FOUND"),
        ("select x.y.f(1)", nested),
        ("select range(5)", "NOT_A_SCALAR_FUNCTION"),
        (
            "select 1 as k, count(k) from t",
            "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_AGGREGATE_FUNC",
        ),
        (
            "select a as k, sum(a) over (order by k) from t",
            "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_WINDOW",
        ),
        (
            "select sum(a) ignore nulls over (order by a) from t",
            "INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX",
        ),
        (
            "select sum(a) over (order by a rows between a preceding and current row) from t",
            "INVALID_SQL_SYNTAX.INVALID_WINDOW_FRAME_BOUND",
        ),
        (
            "select sum(a) over (order by b range between 1 preceding and current row) from t",
            "DATATYPE_MISMATCH.SPECIFIED_WINDOW_FRAME_UNACCEPTED_TYPE",
        ),
        (
            "select sum(a) from t group by row_number() over (order by a)",
            "UNSUPPORTED_EXPR_FOR_OPERATOR",
        ),
    ];
    check(&catalog, &cases);
}

fn check(catalog: &Catalog, cases: &[(&str, &str)]) {
    let mut wrong = Vec::new();
    for (sql, want) in cases {
        let have = match analyze(sql, catalog) {
            Ok(_) => "accepted".to_string(),
            Err(e) => e.condition().to_string(),
        };
        if have != *want {
            wrong.push(format!("{sql}: want {want}, have {have}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn errors_know_their_place() {
    let mut catalog = Catalog::default();
    catalog.table("t", "a int");
    let sql = "select a,\n  bb from t";
    let e = analyze(sql, &catalog).unwrap_err().in_query(sql);
    let at = e.line_column().unwrap();
    assert_eq!((at.line, at.column), (2, 3));
}

#[test]
fn deep_trees_do_not_overflow() {
    let catalog = Catalog::default();
    let sum = vec!["1"; 900].join(" + ");
    analyze(&format!("select {sum} as s"), &catalog).unwrap();
    let any = vec!["1 = 1"; 3000].join(" or ");
    analyze(&format!("select {any} as s"), &catalog).unwrap();
}
