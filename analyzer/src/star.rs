//! `*`, `t.*`, `s.*` and their EXCEPT lists; quoted names that are patterns of column names.

use rsql_ast as ast;
use rsql_ast::{ExprKind, Ident};
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::{Expr, Literal, Scalar, SqlType};

use crate::expr::Binder;
use crate::scope::ScopeColumn;
use crate::suggestion::field_not_found;

/// The columns a star stands for.
pub(crate) fn expand(
    qualifier: &[Ident],
    except: &[Vec<Ident>],
    binder: &mut Binder<'_>,
    span: Span,
) -> Result<Vec<ScopeColumn>> {
    let columns = columns_of(qualifier, binder, span)?;
    if except.is_empty() {
        return Ok(columns);
    }
    let mut kept: Vec<Option<ScopeColumn>> = columns.into_iter().map(Some).collect();
    for path in except {
        remove(path, &mut kept, binder)?;
    }
    Ok(kept.into_iter().flatten().collect())
}

/// The columns whose names a quoted name matches as a regular expression, where
/// `spark.sql.parser.quotedRegexColumnNames` makes quoted names of the select list patterns.
pub(crate) fn by_pattern(e: &ast::Expr, binder: &mut Binder<'_>) -> Result<Option<Vec<ScopeColumn>>> {
    let ExprKind::Column(path) = &e.kind else {
        return Ok(None);
    };
    let Some((pattern, qualifier)) = path.split_last().filter(|(p, q)| p.quoted && q.len() < 2) else {
        return Ok(None);
    };
    let settings = &binder.env.cx.settings;
    if !settings.bool("spark.sql.parser.quotedRegexColumnNames") {
        return Ok(None);
    }
    let flags = if settings.bool("spark.sql.caseSensitive") {
        ""
    } else {
        "(?i)"
    };
    let pattern = format!("{flags}^(?:{})$", pattern.value);
    let mut matching = Vec::new();
    for column in columns_of(qualifier, binder, e.span)? {
        let text = |t: &str| Expr::lit(Literal::string(t));
        let matches = binder.scalar("rlike", vec![text(&column.name), text(&pattern)], e.span)?;
        let matches = rsql_expr::eval::fold(&matches, &binder.env.cx.registry)?;
        if matches.value == Scalar::Bool(true) {
            matching.push(column);
        }
    }
    Ok(Some(matching))
}

fn columns_of(qualifier: &[Ident], binder: &mut Binder<'_>, span: Span) -> Result<Vec<ScopeColumn>> {
    if qualifier.is_empty() {
        return Ok(binder.scope.visible().cloned().collect());
    }
    let table = binder.scope.of_table(qualifier, &binder.env);
    if !table.is_empty() {
        return Ok(table.into_iter().cloned().collect());
    }
    if let Some(bound) = binder.resolve_name(qualifier)?
        && let SqlType::Struct(fields) = bound.expr.ty()
    {
        return Ok(fields
            .iter()
            .enumerate()
            .map(|(index, f)| ScopeColumn {
                qualifier: [].into(),
                name: f.name.clone(),
                expr: Expr::Field {
                    expr: Box::new(bound.expr.clone()),
                    index,
                    ty: f.ty.clone(),
                },
                qualified_only: false,
            })
            .collect());
    }
    let mut outer = binder.env.outer;
    while let Some(frame) = outer {
        let table = frame.scope.of_table(qualifier, &binder.env);
        if !table.is_empty() {
            return Ok(table.into_iter().cloned().collect());
        }
        outer = frame.further(&binder.env);
    }
    let columns: Vec<String> = binder.scope.visible().map(|c| quoted_name([&c.name])).collect();
    Err(Error::user("CANNOT_RESOLVE_STAR_EXPAND")
        .param("targetString", quoted_name(qualifier.iter().map(|q| &q.value)))
        .param("columns", columns.join(", "))
        .at(span))
}

/// Removes the column (or the struct's field) that `path` names.
fn remove(path: &[Ident], columns: &mut [Option<ScopeColumn>], binder: &Binder<'_>) -> Result<()> {
    let span = path.iter().fold(Span::NONE, |s, i| s.to(i.span));
    let env = &binder.env;
    for split in (1..=path.len()).rev() {
        let (name, fields) = path.split_at(split);
        let Some((last, qualifier)) = name.split_last() else {
            continue;
        };
        let hit = columns.iter_mut().find(|c| {
            c.as_ref().is_some_and(|c| {
                env.same_name(&c.name, &last.value)
                    && c.qualifier.len() >= qualifier.len()
                    && c.qualifier[c.qualifier.len() - qualifier.len()..]
                        .iter()
                        .zip(qualifier)
                        .all(|(a, b)| env.same_name(a, &b.value))
            })
        });
        let Some(slot) = hit else { continue };
        if fields.is_empty() {
            *slot = None;
        } else if let Some(column) = slot.as_mut() {
            column.expr = without_field(column.expr.clone(), fields, binder, span)?;
        }
        return Ok(());
    }
    let names: Vec<String> = columns.iter().flatten().map(|c| quoted_name([&c.name])).collect();
    Err(Error::user("UNRESOLVED_COLUMN.WITH_SUGGESTION")
        .param("objectName", quoted_name(path.iter().map(|p| &p.value)))
        .param("proposal", names.join(", "))
        .at(span))
}

/// A struct without one of its (nested) fields.
fn without_field(base: Expr, path: &[Ident], binder: &Binder<'_>, span: Span) -> Result<Expr> {
    let (SqlType::Struct(fields), [name, rest @ ..]) = (base.ty(), path) else {
        return Err(Error::user("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION")
            .param("objectName", quoted_name(path.iter().map(|p| &p.value)))
            .at(span));
    };
    let mut args = Vec::new();
    let mut found = false;
    for (index, f) in fields.iter().enumerate() {
        let value = Expr::Field {
            expr: Box::new(base.clone()),
            index,
            ty: f.ty.clone(),
        };
        let value = if !binder.env.same_name(&f.name, &name.value) {
            value
        } else {
            found = true;
            if rest.is_empty() {
                continue;
            }
            without_field(value, rest, binder, span)?
        };
        args.push(Expr::lit(rsql_expr::Literal::string(f.name.clone())));
        args.push(value);
    }
    if !found {
        return Err(field_not_found(name, &fields, span));
    }
    binder.scalar("named_struct", args, span)
}
