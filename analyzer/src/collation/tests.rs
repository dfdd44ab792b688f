//! Strengths and what comes of two collations.

use rsql_common::ColumnId;
use rsql_expr::{Column, Literal};

use super::*;

fn column(collation: Collation) -> Expr {
    Expr::Column(Column {
        id: ColumnId(1),
        ty: SqlType::collated(collation),
    })
}

fn collation(name: &str) -> Collation {
    name.parse().unwrap()
}

#[test]
fn the_stronger_counts() {
    use Strength::{Default, Explicit, Implicit};
    let (binary, lcase, unicode) = (Collation::UTF8_BINARY, Collation::UTF8_LCASE, collation("UNICODE"));
    for (a, b, expected) in [
        ((lcase, Implicit), (binary, Default), Some((lcase, Implicit))),
        ((binary, Implicit), (lcase, Explicit), Some((lcase, Explicit))),
        ((lcase, Implicit), (lcase, Explicit), Some((lcase, Explicit))),
        (
            (lcase, Implicit),
            (unicode, Implicit),
            Some((Collation::INDETERMINATE, Implicit)),
        ),
        (
            (Collation::INDETERMINATE, Implicit),
            (unicode, Explicit),
            Some((unicode, Explicit)),
        ),
        ((binary, Default), (lcase, Default), Some((lcase, Default))),
        ((lcase, Explicit), (unicode, Explicit), None),
    ] {
        assert_eq!(stronger(a, b).ok(), expected, "{a:?} {b:?}");
    }
}

#[test]
fn constants_give_way() {
    let text = Expr::lit(Literal::string("a"));
    let lcase = column(Collation::UTF8_LCASE);
    assert_eq!(strength(&text), Strength::Default);
    assert_eq!(strength(&lcase), Strength::Implicit);
    assert_eq!(winners(&[&text, &lcase]).unwrap(), Some(vec![Collation::UTF8_LCASE]));
    assert_eq!(winners(&[&text, &text]).unwrap(), None);
}

#[test]
fn collations_reach_into_nested_types() {
    let ty = SqlType::map(SqlType::Int, SqlType::array(SqlType::String), true);
    let unicode = collation("UNICODE_CI");
    let expected = SqlType::map(SqlType::Int, SqlType::array(SqlType::collated(unicode)), true);
    assert_eq!(with_collations(&ty, &[unicode]), expected);
}

#[test]
fn names_may_be_qualified() {
    let span = Span::NONE;
    assert_eq!(
        named(&["system", "BUILTIN", "utf8_lcase"], span).unwrap(),
        Collation::UTF8_LCASE
    );
    for parts in [
        &["builtin", "utf8_lcase"][..],
        &["system", "builtin2", "utf8_lcase"],
        &["nothing"],
    ] {
        assert_eq!(named(parts, span).unwrap_err().condition(), "COLLATION_INVALID_NAME");
    }
}
