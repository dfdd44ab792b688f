//! Where errors stand, and what limits do.

use crate::{ParseOptions, parse_columns, parse_expression, parse_object_name, parse_statement, parse_statements};

#[test]
fn errors_carry_line_and_column() {
    let cases = [
        ("select", "end of input", 1, 7),
        ("select 1 +", "end of input", 1, 11),
        ("select 1\nfrom t\nwhere a = = 1", "'='", 3, 11),
        ("select é,\n  'x' ) from t", "')'", 2, 7),
        ("select 'abc", "''abc'", 1, 8),
        ("select a from t where", "end of input", 1, 22),
        ("selec 1", "'selec'", 1, 1),
        ("select (1, 2", "end of input", 1, 13),
        ("select 1; select 2", "'select'", 1, 11),
        ("select a b c", "'c'", 1, 12),
        ("select case when true then 1", "end of input", 1, 29),
        ("select a from t group by", "end of input", 1, 25),
        ("select cast(a as)", "')'", 1, 17),
        ("select a is not null :: string", "'::'", 1, 22),
        ("select $x", "'$x'", 1, 8),
    ];
    for (sql, token, line, column) in cases {
        let error = parse_statement(sql, &ParseOptions::default())
            .unwrap_err()
            .in_query(sql);
        assert_eq!(error.condition(), "PARSE_SYNTAX_ERROR", "{sql}");
        let found = error.params().find(|p| p.0 == "error").map(|p| p.1.to_string());
        let at = error.line_column().unwrap();
        assert_eq!(
            (found.as_deref(), at.line, at.column),
            (Some(token), line, column),
            "{sql}"
        );
    }
}

#[test]
fn other_conditions() {
    let cases = [
        ("", "PARSE_EMPTY_STATEMENT"),
        ("/* open", "UNCLOSED_BRACKETED_COMMENT"),
        ("select cast(a as foo)", "UNSUPPORTED_DATATYPE"),
        ("select cast(a as varchar)", "DATATYPE_MISSING_SIZE"),
        ("select cast(a as array)", "INCOMPLETE_TYPE_DEFINITION.ARRAY"),
        ("select 1 in ()", "INVALID_SQL_SYNTAX.EMPTY_IN_PREDICATE"),
        ("select 128Y", "INVALID_NUMERIC_LITERAL_RANGE"),
        ("select foo 'x'", "UNSUPPORTED_TYPED_LITERAL"),
        ("select x'0g'", "INVALID_TYPED_LITERAL"),
        ("select 1 as a-b", "INVALID_IDENTIFIER"),
        ("with a as (select 1), A as (select 2) select 1", "DUPLICATED_CTE_NAMES"),
        ("select 1 as identifier('a.b')", "IDENTIFIER_TOO_MANY_NAME_PARTS"),
        ("create temp view a.v as select 1", "INVALID_TEMP_OBJ_QUALIFIER"),
        ("create database d comment 'a' comment 'b'", "DUPLICATE_CLAUSES"),
        (
            "select a from t order by a sort by b",
            "UNSUPPORTED_FEATURE.COMBINATION_QUERY_RESULT_CLAUSES",
        ),
        (
            "select timestampadd('MONTH', 1, x)",
            "INVALID_PARAMETER_VALUE.DATETIME_UNIT",
        ),
        ("set a b", "INVALID_SET_SYNTAX"),
        ("grant x", "INVALID_STATEMENT_OR_CLAUSE"),
    ];
    for (sql, condition) in cases {
        let error = parse_statement(sql, &ParseOptions::default()).unwrap_err();
        assert_eq!(error.condition(), condition, "{sql}");
    }
}

#[test]
fn reserved_words_can_be_enforced() {
    let strict = ParseOptions {
        enforce_reserved: true,
        ..ParseOptions::default()
    };
    for sql in [
        "select 1 as select",
        "select * from t as user",
        "select from t",
        "create view join as select 1",
    ] {
        assert!(parse_statement(sql, &strict).is_err(), "{sql}");
    }
    for sql in [
        "select date, left(a, 1), count(*) from t as anti",
        "select `select` from `from`",
        "select current_date",
    ] {
        parse_statement(sql, &strict).unwrap();
    }
    parse_statement("select 1 as select", &ParseOptions::default()).unwrap();
}

#[test]
fn deep_nesting_ends_with_an_error_that_names_the_limit() {
    let options = ParseOptions::default();
    let deep = |open: &str, close: &str| format!("select {}1{}", open.repeat(20_000), close.repeat(20_000));
    for sql in [
        deep("(", ")"),
        deep("abs(", ")"),
        deep("not ", ""),
        deep("- ", ""),
        deep("case when true then ", " end"),
        deep("(select ", ")"),
        deep("x -> ", ""),
        format!("select {}", vec!["1"; 20_000].join("+")),
        format!("select cast(1 as {}int{})", "array<".repeat(5000), ">".repeat(5000)),
        format!("select * from {}t{}", "(".repeat(5000), ")".repeat(5000)),
        format!("select a{}", "[1]".repeat(10_000)),
    ] {
        let error = parse_statement(&sql, &options).unwrap_err();
        assert_eq!(error.condition(), "FAILED_TO_PARSE_TOO_COMPLEX", "{}", &sql[..40]);
        assert!(error.message().contains("rsql.sql.max_depth"));
    }
    let short = ParseOptions {
        max_length: 10,
        ..ParseOptions::default()
    };
    assert!(
        parse_statement("select 1 + 1 + 1", &short)
            .unwrap_err()
            .message()
            .contains("max_length")
    );
}

#[test]
fn long_chains_do_not_nest() {
    let options = ParseOptions::default();
    for (item, separator) in [("a = 1", " AND "), ("a = 1", " OR ")] {
        parse_expression(&vec![item; 50_000].join(separator), &options).unwrap();
    }
    parse_statement(&vec!["select 1"; 20_000].join(" union all "), &options).unwrap();
    let deepest = parse_expression(&vec!["1"; 1000].join(" + "), &options).unwrap();
    assert!(deepest == deepest.clone());
    for (open, close) in [
        ("abs(", ")"),
        ("(select ", ")"),
        ("case when true then ", " end"),
        ("- (", ")"),
    ] {
        for depth in [100, 240] {
            let sql = format!("select {}1{}", open.repeat(depth), close.repeat(depth));
            let tree = parse_statement(&sql, &options).unwrap();
            assert!(tree == tree.clone());
        }
    }
    let hints = format!("select {} 1", "/*+ a ".repeat(5000) + &"*/".repeat(5000));
    parse_statement(&hints, &options).unwrap();
    parse_expression(&format!("a in ({})", vec!["1"; 50_000].join(",")), &options).unwrap();
}

#[test]
fn scripts_schemas_and_names() {
    let options = ParseOptions::default();
    assert_eq!(parse_statements("select 1;; select ';' ; ", &options).unwrap().len(), 2);
    assert!(parse_statements("  -- nothing\n ; ", &options).unwrap().is_empty());
    let columns = parse_columns(
        "a INT NOT NULL, `b c`: array<string> COMMENT 'x', d decimal(10, 2)",
        &options,
    )
    .unwrap();
    assert_eq!(columns.len(), 3);
    assert!(columns[0].not_null && columns[1].comment.as_deref() == Some("x"));
    assert_eq!(
        parse_object_name("a.`b.c`.1x", &options).unwrap().to_string(),
        "a.`b.c`.1x"
    );
    assert!(parse_object_name("a b", &options).is_err());
}

#[test]
fn double_quotes_can_be_identifiers() {
    let options = ParseOptions {
        double_quoted_identifiers: true,
        ..ParseOptions::default()
    };
    let sql = "select \"a\"\"b\" as \"c\" from \"t\" where x = 'y'";
    parse_statement(sql, &options).unwrap();
    assert!(parse_statement(sql, &ParseOptions::default()).is_err());
}

#[test]
fn parameters_count_from_zero_in_each_statement() {
    let options = ParseOptions::default();
    let statements = parse_statements("select ?, ?; select ?", &options).unwrap();
    let texts: Vec<String> = statements.iter().map(|s| format!("{:?}", s.kind)).collect();
    assert!(texts[0].contains("PositionalParameter(1)") && texts[1].contains("PositionalParameter(0)"));
}

#[test]
fn views_keep_their_text() {
    let sql = "create view v as\n  select 1 -- one\n  ;";
    let kind = parse_statement(sql, &ParseOptions::default()).unwrap().kind;
    let rsql_ast::StatementKind::CreateView { query_text, .. } = kind else {
        unreachable!("a view")
    };
    assert_eq!(query_text, "select 1");
}
