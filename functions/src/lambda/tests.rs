//! Higher-order functions on constants.

use rsql_expr::tree::ArithExpr;
use rsql_expr::{ArithOp, CompareOp, EvalMode, Expr, Origin, SqlType};

use crate::testing::{int, int_map, ints, lambda, null, shown, some_ints};

fn arith(op: ArithOp, left: &Expr, right: &Expr) -> Expr {
    Expr::Arith(Box::new(ArithExpr {
        op,
        left: left.clone(),
        right: right.clone(),
        ty: SqlType::Int,
        mode: EvalMode::Ansi,
        origin: Origin::default(),
    }))
}

fn add(left: &Expr, right: &Expr) -> Expr {
    arith(ArithOp::Add, left, right)
}

#[test]
fn values() {
    let greater = |p: &[Expr]| Expr::compare(CompareOp::Gt, p[0].clone(), int(1));
    let array_null = || null(SqlType::array(SqlType::Int));
    for (name, args, want) in [
        (
            "transform",
            vec![some_ints(&[1, 2, 3]), lambda(1, |p| add(&p[0], &int(1)))],
            "[2,3,4]",
        ),
        (
            "transform",
            vec![some_ints(&[1, 2, 3]), lambda(2, |p| add(&p[0], &p[1]))],
            "[1,3,5]",
        ),
        ("transform", vec![array_null(), lambda(1, |p| p[0].clone())], "null"),
        (
            "filter",
            vec![ints(&[Some(1), None, Some(2)]), lambda(1, greater)],
            "[2]",
        ),
        ("exists", vec![some_ints(&[1, 2]), lambda(1, greater)], "true"),
        ("exists", vec![ints(&[Some(1), None]), lambda(1, greater)], "null"),
        ("forall", vec![ints(&[Some(1), None]), lambda(1, greater)], "false"),
        ("forall", vec![some_ints(&[]), lambda(1, greater)], "true"),
        (
            "aggregate",
            vec![some_ints(&[1, 2, 3]), int(0), lambda(2, |p| add(&p[0], &p[1]))],
            "6",
        ),
        (
            "reduce",
            vec![
                some_ints(&[1, 2, 3]),
                int(0),
                lambda(2, |p| add(&p[0], &p[1])),
                lambda(1, |p| arith(ArithOp::Multiply, &p[0], &int(10))),
            ],
            "60",
        ),
        (
            "zip_with",
            vec![some_ints(&[1, 2]), some_ints(&[3]), lambda(2, |p| add(&p[0], &p[1]))],
            "[4,null]",
        ),
        (
            "map_filter",
            vec![int_map(&[(1, 0), (2, 2)]), lambda(2, greater)],
            "{2:2}",
        ),
        (
            "transform_values",
            vec![int_map(&[(1, 0), (2, 2)]), lambda(2, |p| add(&p[0], &p[1]))],
            "{1:1,2:4}",
        ),
        (
            "transform_keys",
            vec![int_map(&[(1, 0), (2, 2)]), lambda(2, |p| add(&p[0], &int(1)))],
            "{2:0,3:2}",
        ),
        (
            "transform_keys",
            vec![int_map(&[(1, 0), (2, 2)]), lambda(2, |_| int(1))],
            "DUPLICATED_MAP_KEY",
        ),
        (
            "map_zip_with",
            vec![
                int_map(&[(1, 1), (2, 2)]),
                int_map(&[(2, 3), (4, 4)]),
                lambda(3, |p| add(&p[1], &p[2])),
            ],
            "{1:null,2:5,4:null}",
        ),
        (
            "array_sort",
            vec![
                some_ints(&[3, 1, 5, 2, 4, 9, 7, 8, 6]),
                lambda(2, |p| arith(ArithOp::Subtract, &p[1], &p[0])),
            ],
            "[9,8,7,6,5,4,3,2,1]",
        ),
        (
            "array_sort",
            vec![
                ints(&[Some(3), None]),
                lambda(2, |p| arith(ArithOp::Subtract, &p[1], &p[0])),
            ],
            "COMPARATOR_RETURNS_NULL",
        ),
        (
            "filter",
            vec![some_ints(&[1]), lambda(1, |p| p[0].clone())],
            "DATATYPE_MISMATCH.UNEXPECTED_INPUT_TYPE",
        ),
    ] {
        assert_eq!(shown(name, args), want, "{name}");
    }
}

#[test]
fn quantifiers_stop_at_the_deciding_element() {
    // 1 DIV 0 would fail for the second element.
    let inverse = |p: &[Expr]| {
        let divided = Expr::Arith(Box::new(ArithExpr {
            op: ArithOp::Remainder,
            left: int(5),
            right: p[0].clone(),
            ty: SqlType::Int,
            mode: EvalMode::Ansi,
            origin: Origin::default(),
        }));
        Expr::compare(CompareOp::Eq, divided, int(0))
    };
    assert_eq!(shown("exists", vec![some_ints(&[1, 0]), lambda(1, inverse)]), "true");
    assert_ne!(shown("exists", vec![some_ints(&[2, 0]), lambda(1, inverse)]), "false");
}
