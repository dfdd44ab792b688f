//! ROLLUP, CUBE and GROUPING SETS: each row once per set (Expand), grouped by the keys and the set's id.

use std::sync::Arc;

use rsql_ast as ast;
use rsql_ast::query::{GroupBy, GroupItem};
use rsql_common::{ColumnId, Error, Result};
use rsql_expr::tree::{ArithExpr, ArithOp, Origin};
use rsql_expr::{AggregateCall, Expr, Field, Literal, Scalar, Schema, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::build::column;

use crate::collected::CollectedGrouping;
use crate::env::Env;
use crate::rewrite::GroupRewrite;

/// Most keys of a CUBE or of all sets.
const MAX_KEYS: usize = 63;

type Sets = Vec<Vec<usize>>;

/// Binds the items' keys through `key`; gives the sets, if there is any grouping analytics.
pub(crate) fn bind(items: &[GroupItem], key: &mut dyn FnMut(&ast::Expr) -> Result<usize>) -> Result<Option<Sets>> {
    let mut analytics = false;
    let mut product: Sets = vec![vec![]];
    let mut plain: Vec<usize> = Vec::new();
    for item in items {
        let sets = match item {
            GroupItem::Expr(e) => {
                let k = key(e)?;
                plain.push(k);
                vec![vec![k]]
            }
            GroupItem::WithRollup => {
                product = vec![vec![]];
                rollup(&plain.iter().map(|k| vec![*k]).collect::<Vec<_>>())
            }
            GroupItem::WithCube => {
                product = vec![vec![]];
                cube(&plain.iter().map(|k| vec![*k]).collect::<Vec<_>>())?
            }
            GroupItem::WithSets(members) => {
                product = vec![vec![]];
                nested(members, key)?
            }
            other => nested(std::slice::from_ref(other), key)?,
        };
        analytics |= !matches!(item, GroupItem::Expr(_));
        product = product
            .iter()
            .flat_map(|left| {
                sets.iter().map(|right| {
                    let mut all = left.clone();
                    right.iter().for_each(|k| {
                        if !all.contains(k) {
                            all.push(*k);
                        }
                    });
                    all
                })
            })
            .collect();
    }
    Ok(analytics.then_some(product))
}

fn nested(items: &[GroupItem], key: &mut dyn FnMut(&ast::Expr) -> Result<usize>) -> Result<Sets> {
    let mut sets = Vec::new();
    for item in items {
        match item {
            GroupItem::Expr(e) => sets.push(vec![key(e)?]),
            GroupItem::Set(members) => sets.push(members.iter().map(&mut *key).collect::<Result<_>>()?),
            GroupItem::Rollup(members) => sets.extend(rollup(&blocks(members, key)?)),
            GroupItem::Cube(members) => sets.extend(cube(&blocks(members, key)?)?),
            GroupItem::GroupingSets(members) | GroupItem::WithSets(members) => sets.extend(nested(members, key)?),
            GroupItem::WithRollup | GroupItem::WithCube => return Err(Error::unsupported("nested WITH ROLLUP")),
        }
    }
    Ok(sets)
}

fn blocks(members: &[Vec<ast::Expr>], key: &mut dyn FnMut(&ast::Expr) -> Result<usize>) -> Result<Sets> {
    members.iter().map(|m| m.iter().map(&mut *key).collect()).collect()
}

fn rollup(blocks: &[Vec<usize>]) -> Sets {
    (0..=blocks.len()).rev().map(|n| blocks[..n].concat()).collect()
}

fn cube(blocks: &[Vec<usize>]) -> Result<Sets> {
    if blocks.len() > 16 {
        return Err(Error::unsupported("CUBE of more than 16 columns"));
    }
    let n = blocks.len();
    let subsets = (0u32..1 << n).rev();
    Ok(subsets
        .map(|bits| {
            (0..n)
                .filter(|i| bits & (1 << (n - 1 - i)) != 0)
                .flat_map(|i| blocks[i].clone())
                .collect()
        })
        .collect())
}

/// True if the items make grouping sets.
pub(crate) fn is_analytic(group_by: &GroupBy) -> bool {
    group_by.items.iter().any(|i| !matches!(i, GroupItem::Expr(_)))
}

/// What is computed for each group of each set.
pub(crate) struct Calls {
    pub aggregates: Vec<(AggregateCall, ColumnId, Arc<str>)>,
    /// Those among them whose arguments read the set's keys instead of the input's columns.
    pub over_keys: Vec<ColumnId>,
    pub groupings: Vec<CollectedGrouping>,
}

/// Expand and Aggregate over `plan`, and how expressions over `plan` read them.
pub(crate) fn plan(
    plan: LogicalPlan,
    keys: &[(Expr, Arc<str>)],
    sets: &[Vec<usize>],
    calls: Calls,
    input: &Schema,
    env: Env<'_>,
) -> Result<(LogicalPlan, GroupRewrite)> {
    if keys.len() > MAX_KEYS {
        return Err(Error::user("GROUPING_SIZE_LIMIT_EXCEEDED").param("maxSize", MAX_KEYS.to_string()));
    }
    let pass: Vec<Field> = plan.schema().iter().cloned().collect();
    let key_fields: Vec<Field> = keys
        .iter()
        .map(|(e, name)| Field {
            id: env.id(),
            name: Arc::clone(name),
            ty: e.ty(),
            nullable: true,
        })
        .collect();
    let marker = |name: &str| Field {
        id: env.id(),
        name: name.into(),
        ty: SqlType::Long,
        nullable: false,
    };
    let set_id = marker("grouping_id");
    let repeated = sets
        .iter()
        .enumerate()
        .any(|(i, s)| sets[..i].iter().any(|t| same_set(s, t)));
    let position = repeated.then(|| marker("grouping_position"));
    let mut projections = Vec::with_capacity(sets.len());
    for (n, set) in sets.iter().enumerate() {
        let mut row: Vec<Expr> = pass.iter().map(column).collect();
        let mut bits = 0i64;
        for (i, (e, _)) in keys.iter().enumerate() {
            bits <<= 1;
            if set.contains(&i) {
                row.push(e.clone());
            } else {
                bits |= 1;
                row.push(Expr::lit(Literal::null(e.ty())));
            }
        }
        row.push(Expr::lit(Literal::long(bits)));
        if position.is_some() {
            row.push(Expr::lit(Literal::long(i64::try_from(n).unwrap_or(0))));
        }
        projections.push(row);
    }
    let mut fields = pass;
    fields.extend(key_fields.iter().cloned());
    fields.push(set_id.clone());
    fields.extend(position.clone());
    let expanded = plan.expand(projections, fields);
    let group_fields = key_fields.iter().chain([&set_id]).chain(position.as_ref());
    let groups: Vec<(Expr, Field)> = group_fields.map(|f| (column(f), f.clone())).collect();
    let mut computed = Vec::new();
    for g in calls.groupings {
        computed.push((g.id, grouping_value(&g, keys, &set_id)?));
    }
    let map = keys
        .iter()
        .zip(&key_fields)
        .map(|((e, _), f)| (e.clone(), column(f)))
        .collect();
    let rewrite = GroupRewrite::new(map, computed, input, !keys.is_empty());
    let aggregates = calls
        .aggregates
        .into_iter()
        .map(|(call, id, name)| match calls.over_keys.contains(&id) {
            true => (rewrite.call(call), id, name),
            false => (call, id, name),
        })
        .collect();
    Ok((expanded.aggregate(groups, aggregates), rewrite))
}

fn same_set(a: &[usize], b: &[usize]) -> bool {
    a.len() == b.len() && a.iter().all(|k| b.contains(k))
}

/// `grouping(a)`, `grouping_id(…)` from the set's id.
fn grouping_value(g: &CollectedGrouping, keys: &[(Expr, Arc<str>)], set_id: &Field) -> Result<Expr> {
    let bit_of = |e: &Expr| keys.iter().position(|(k, _)| k == e).map(|i| keys.len() - 1 - i);
    if g.single {
        let Some(bit) = g.args.first().and_then(bit_of) else {
            return Err(Error::user("GROUPING_COLUMN_MISMATCH")
                .param("grouping", "grouping()")
                .param(
                    "groupingColumns",
                    keys.iter().map(|(_, n)| n.to_string()).collect::<Vec<_>>().join(","),
                )
                .at(g.span));
        };
        return Ok(bit_case(set_id, bit));
    }
    let same_order = g.args.len() == keys.len() && g.args.iter().zip(keys).all(|(a, (k, _))| a == k);
    if g.args.is_empty() || same_order {
        return Ok(column(set_id));
    }
    Err(Error::user("GROUPING_ID_COLUMN_MISMATCH")
        .param("groupingIdColumn", "")
        .param(
            "groupByColumns",
            keys.iter().map(|(_, n)| n.to_string()).collect::<Vec<_>>().join(","),
        )
        .at(g.span))
}

/// 1 where the bit is set, else 0, as TINYINT.
fn bit_case(set_id: &Field, bit: usize) -> Expr {
    let mask = Expr::lit(Literal::long(1i64 << bit));
    let masked = Expr::Arith(Box::new(ArithExpr {
        op: ArithOp::BitAnd,
        left: column(set_id),
        right: mask,
        ty: SqlType::Long,
        mode: rsql_expr::EvalMode::Ansi,
        origin: Origin::default(),
    }));
    let set = Expr::compare(rsql_expr::CompareOp::NotEq, masked, Expr::lit(Literal::long(0)));
    let tiny = |v: i8| Expr::lit(Literal::new(Scalar::I8(v), SqlType::Byte));
    Expr::Case {
        branches: vec![(set, tiny(1))],
        otherwise: Some(Box::new(tiny(0))),
        ty: SqlType::Byte,
    }
}
