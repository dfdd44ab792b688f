//! Names: lambda parameters, columns, aliases, enclosing queries' columns, session variables, and fields behind them.

use rsql_ast::Ident;
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::{Expr, Literal, SqlType};

use super::{Binder, Bound};
use crate::suggestion::{field_not_found, unresolved_column};

impl Binder<'_> {
    /// A dotted name.
    pub(super) fn column(&mut self, parts: &[Ident]) -> Result<Bound> {
        // A function without parentheses is nearer than aliases and enclosing queries, but not than a column.
        if self.lambdas.is_empty()
            && self.scope.find(parts, &self.env).is_ok_and(|f| f.is_none())
            && let Some(bound) = self.bare_function(parts)?
        {
            return Ok(bound);
        }
        match self.resolve_name(parts)? {
            Some(bound) => Ok(bound),
            None => match self.bare_function(parts)? {
                Some(bound) => Ok(bound),
                None => match self.variable(parts)? {
                    Some(bound) => Ok(bound),
                    None => Err(self.unresolved(parts)),
                },
            },
        }
    }

    /// The error for a name that stands for nothing.
    pub fn unresolved(&self, parts: &[Ident]) -> Error {
        if self.aliases_first && !self.aliases.columns.is_empty() {
            unresolved_column(parts, self.aliases)
        } else {
            unresolved_column(parts, self.scope)
        }
    }

    /// What a dotted name stands for among columns and aliases.
    pub fn resolve_name(&mut self, parts: &[Ident]) -> Result<Option<Bound>> {
        if let Some(first) = parts.first() {
            let param = self
                .lambdas
                .iter()
                .rev()
                .find(|p| self.env.same_name(&p.name, &first.value));
            if let Some(param) = param {
                let expr = Expr::Column(param.column.clone());
                let bound = self.named(expr, || "namedlambdavariable()".to_string());
                return self.fields(bound, &parts[1..]).map(Some);
            }
        }
        let near = |first: bool| {
            if first == self.aliases_first {
                self.aliases
            } else {
                self.scope
            }
        };
        // Aliases never stand inside aggregates' arguments where they hide columns (HAVING, ORDER BY).
        let order: &[bool] = match (self.aliases_first, self.in_aggregate) {
            (true, true) => &[false],
            _ => &[true, false],
        };
        for first in order {
            let found = near(*first).find(parts, &self.env);
            let found = match (*first == self.aliases_first, self.aliases_first) {
                (true, false) => ambiguous_alias(found)?,
                // Two outputs of one name do not hide a column of that name.
                (true, true) if found.is_err() && matches!(self.scope.find(parts, &self.env), Ok(Some(_))) => None,
                _ => found?,
            };
            if let Some(found) = found {
                let (expr, name, fields) = (found.column.expr.clone(), found.name.value.clone(), found.fields);
                let lateral = self.allow.clause == "SELECT" && !*first && !self.aliases_first;
                if lateral {
                    self.refuse_lateral_alias(&name, parts)?;
                }
                let bound = self.named(expr, || name);
                let mut bound = self.fields(bound, fields);
                if let (true, Ok(b), Some(last)) = (lateral && self.naming, &mut bound, parts.last()) {
                    b.name = format!("lateralAliasReference({})", last.value);
                }
                // An output without such a field does not hide a column that has it.
                let hides = !(*first && self.aliases_first);
                if hides || bound.is_ok() || !matches!(self.scope.find(parts, &self.env), Ok(Some(_))) {
                    return bound.map(Some);
                }
            }
        }
        let mut outer = self.env.outer;
        while let Some(frame) = outer {
            if let Some(found) = frame.scope.find(parts, &self.env)? {
                let expr = found.column.expr.clone();
                let name = quoted_outer(found.column);
                frame.names.borrow_mut().push(found.name.value.clone());
                let bound = self.named(expr, || name);
                return self.fields(bound, found.fields).map(Some);
            }
            outer = frame.further(&self.env);
        }
        Ok(None)
    }

    /// An alias of the select list is not yet there when windows and aggregates are computed.
    fn refuse_lateral_alias(&self, name: &str, parts: &[Ident]) -> Result<()> {
        let condition = if self.in_window {
            "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_WINDOW"
        } else if self.in_aggregate {
            "UNSUPPORTED_FEATURE.LATERAL_COLUMN_ALIAS_IN_AGGREGATE_FUNC"
        } else {
            return Ok(());
        };
        let span = parts.iter().fold(Span::NONE, |s, p| s.to(p.span));
        Err(Error::user(condition).param("lca", quoted_name([name])).at(span))
    }

    /// Fields behind a name: `a.b.c`.
    pub(super) fn fields(&self, mut bound: Bound, fields: &[Ident]) -> Result<Bound> {
        for field in fields {
            bound = self.field(bound, field)?;
        }
        Ok(bound)
    }

    /// `bound.name`: a struct's field, the fields of an array's structs, or a map's value.
    pub(super) fn field(&self, bound: Bound, name: &Ident) -> Result<Bound> {
        let span = name.span;
        let text = bound.name;
        let ty = bound.expr.ty();
        let expr = match &ty {
            SqlType::Struct(_) => self.struct_field(bound.expr, &ty, name)?.0,
            SqlType::Array(a) if matches!(a.element, SqlType::Struct(_)) => {
                let probe = Expr::lit(Literal::null(a.element.clone()));
                let (_, field) = self.struct_field(probe, &a.element, name)?;
                let args = vec![bound.expr, Expr::lit(Literal::string(field))];
                self.scalar("array_field", args, span)?
            }
            SqlType::Map(_) => self.scalar(
                "subscript",
                vec![bound.expr, Expr::lit(Literal::string(name.value.as_str()))],
                span,
            )?,
            SqlType::Void => bound.expr,
            other => {
                return Err(Error::user("INVALID_EXTRACT_BASE_FIELD_TYPE")
                    .param("base", format!("\"{text}\""))
                    .param("other", other.quoted())
                    .at(span));
            }
        };
        let map = matches!(ty, SqlType::Map(_));
        Ok(self.named(expr, || {
            if map {
                format!("{text}[{}]", name.value)
            } else {
                format!("{text}.{}", name.value)
            }
        }))
    }

    fn struct_field(&self, base: Expr, ty: &SqlType, name: &Ident) -> Result<(Expr, String)> {
        let SqlType::Struct(fields) = ty else {
            return Err(Error::internal("field of a value that is no struct"));
        };
        let mut hits = fields
            .iter()
            .enumerate()
            .filter(|(_, f)| self.env.same_name(&f.name, &name.value));
        match (hits.next(), hits.next()) {
            (Some((index, f)), None) => Ok((
                Expr::Field {
                    expr: Box::new(base),
                    index,
                    ty: f.ty.clone(),
                },
                f.name.to_string(),
            )),
            (None, _) => Err(field_not_found(name, fields, name.span)),
            _ => Err(Error::user("AMBIGUOUS_REFERENCE_TO_FIELDS")
                .param("field", quoted_name([&name.value]))
                .param(
                    "count",
                    fields
                        .iter()
                        .filter(|f| self.env.same_name(&f.name, &name.value))
                        .count()
                        .to_string(),
                )
                .at(name.span)),
        }
    }

    /// `CURRENT_DATE` and the like, which need no parentheses, written as a name.
    fn bare_function(&mut self, parts: &[Ident]) -> Result<Option<Bound>> {
        const BARE: [&str; 12] = [
            "localtime",
            "current_date",
            "current_timestamp",
            "current_user",
            "user",
            "session_user",
            "current_catalog",
            "current_database",
            "current_schema",
            "localtimestamp",
            "current_time",
            "grouping__id",
        ];
        let [name] = parts else { return Ok(None) };
        let lower = name.value.to_ascii_lowercase();
        if name.quoted || !BARE.contains(&lower.as_str()) {
            return Ok(None);
        }
        if lower == "grouping__id" {
            return self.grouping_call("grouping_id", Vec::new(), name.span).map(Some);
        }
        if self.env.cx.registry.scalar(&lower).is_none() {
            return Ok(None);
        }
        let expr = self.scalar(&lower, Vec::new(), name.span)?;
        Ok(Some(self.named(expr, || crate::naming::function(&lower, &[]))))
    }

    /// A session variable.
    fn variable(&mut self, parts: &[Ident]) -> Result<Option<Bound>> {
        for n in (1..=parts.len().min(3)).rev() {
            let name: Vec<String> = parts[..n].iter().map(|p| p.value.clone()).collect();
            if let Some(value) = self.env.cx.resolver.variable(&name) {
                let shown = parts[n - 1].value.clone();
                let text = crate::naming::sql_constant(&value, &self.env);
                let bound = self.named(Expr::lit(value), || {
                    format!("variablereference(system.session.{shown}={text})")
                });
                return self.fields(bound, &parts[n..]).map(Some);
            }
        }
        Ok(None)
    }

    /// `(expr).field`
    pub(super) fn field_of(&mut self, base: &rsql_ast::Expr, name: &Ident, span: Span) -> Result<Bound> {
        let bound = self.bind(base)?;
        self.field(bound, name).map_err(|e| e.at(span))
    }

    /// `IDENTIFIER('a.b')` where a column is meant.
    pub(super) fn identifier(&mut self, inner: &rsql_ast::Expr) -> Result<Bound> {
        let parts = super::parameter::identifier_parts(inner, &self.env)?;
        self.column(&parts)
    }
}

/// Ambiguity among aliases of the select list has a condition of its own.
fn ambiguous_alias<T>(found: Result<T>) -> Result<T> {
    found.map_err(|e| {
        if e.condition() != "AMBIGUOUS_REFERENCE" {
            return e;
        }
        let name = e
            .params()
            .find(|(k, _)| *k == "name")
            .map(|(_, v)| v.to_string())
            .unwrap_or_default();
        let span = e.span().unwrap_or(Span::NONE);
        Error::user("AMBIGUOUS_LATERAL_COLUMN_ALIAS")
            .param("name", name)
            .param("n", "2")
            .at(span)
    })
}

fn quoted_outer(column: &crate::scope::ScopeColumn) -> String {
    let mut parts: Vec<&str> = column.qualifier.iter().map(|q| &**q).collect();
    parts.push(&column.name);
    format!("outer({})", parts.join("."))
}
