//! A tree built by hand gives the plan that its SQL gives.

use rsql_ast::expr::{BinaryOp, CastKind, OrderItem};
use rsql_ast::query::{GroupBy, GroupItem, Select};
use rsql_ast::relation::TableAlias;
use rsql_ast::{Expr, ExprKind, Literal, ObjectName, Query, Relation, SetExpr, Span, TypeExpr, TypeKind};
use rsql_common::Settings;
use rsql_planner::logical::canonical::canonical;

use super::catalog::Catalog;
use super::{analyze, context};

fn call(name: &str, arg: Expr, alias: &str) -> Expr {
    Expr::call(name, vec![arg]).alias(alias)
}

fn one_and(op: BinaryOp, column: &str) -> Expr {
    Expr::binary(op, Expr::literal(Literal::Int(1)), Expr::column(&[column]))
}

/// TPC-H's first query.
fn q1() -> Query {
    let price = || Expr::column(&["l_extendedprice"]);
    let discounted = || Expr::binary(BinaryOp::Multiply, price(), one_and(BinaryOp::Subtract, "l_discount"));
    let charged = Expr::binary(BinaryOp::Multiply, discounted(), one_and(BinaryOp::Add, "l_tax"));
    let star = Expr::of(ExprKind::Star {
        qualifier: vec![],
        except: vec![],
    });
    let keys = || vec![Expr::column(&["l_returnflag"]), Expr::column(&["l_linestatus"])];
    let mut items = keys();
    items.extend([
        call("sum", Expr::column(&["l_quantity"]), "sum_qty"),
        call("sum", price(), "sum_base_price"),
        call("sum", discounted(), "sum_disc_price"),
        call("sum", charged, "sum_charge"),
        call("avg", Expr::column(&["l_quantity"]), "avg_qty"),
        call("avg", price(), "avg_price"),
        call("avg", Expr::column(&["l_discount"]), "avg_disc"),
        call("count", star, "count_order"),
    ]);
    let day = Expr::of(ExprKind::Cast {
        kind: CastKind::Cast,
        expr: Box::new(Expr::literal(Literal::String("1998-09-02".into()))),
        ty: TypeExpr {
            kind: TypeKind::Simple {
                name: "date".into(),
                args: vec![],
            },
            span: Span::NONE,
        },
    });
    let select = Select {
        items,
        from: vec![Relation::Table {
            name: ObjectName::of(&["lineitem"]),
            alias: TableAlias::default(),
            sample: None,
            options: vec![],
            time_travel: None,
            identifier: None,
        }],
        filter: Some(Expr::binary(BinaryOp::LtEq, Expr::column(&["l_shipdate"]), day)),
        group_by: Some(GroupBy {
            items: keys().into_iter().map(GroupItem::Expr).collect(),
            all: false,
            span: Span::NONE,
        }),
        ..Select::default()
    };
    let mut query = Query::of(SetExpr::Select(Box::new(select)));
    query.order_by = keys()
        .into_iter()
        .map(|expr| OrderItem {
            expr,
            descending: false,
            nulls_first: None,
        })
        .collect();
    query
}

#[test]
fn a_tree_by_hand_equals_its_text() {
    let catalog = Catalog::tpch();
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../tpch/queries/q01.sql");
    let text = std::fs::read_to_string(file).unwrap();
    let from_text = analyze(&text, &catalog).unwrap();
    let settings = Settings::default();
    let by_hand = crate::analyze_query(&q1(), &context(&catalog, &settings)).unwrap();
    assert_eq!(canonical(by_hand), canonical(from_text));
}

#[test]
fn a_definition_read_twice_is_shared_and_one_read_once_is_not() {
    let catalog = Catalog::tpch();
    let plan = |sql: &str| format!("{:?}", analyze(sql, &catalog).unwrap());
    let twice = plan("WITH n AS (SELECT * FROM nation) SELECT * FROM n a JOIN n b ON a.n_nationkey = b.n_regionkey");
    assert!(twice.starts_with("With"), "{twice}");
    let once = plan("WITH n AS (SELECT * FROM nation), unread AS (SELECT 1) SELECT * FROM n");
    assert!(!once.contains("CteRef") && !once.contains("With("), "{once}");
}
