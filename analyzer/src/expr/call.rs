//! Function calls: finds what the name means and hands over to the kind of function it is.

use rsql_ast::expr::FunctionCall;
use rsql_ast::{ExprKind, Ident};
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::{ArithOp, Expr, Field, GeneratorFn};

use super::{Binder, Bound};
use crate::collected::CollectedGenerator;

/// The function's own name, lower case, if the qualifier can hold built-in functions.
pub(crate) fn builtin_name(parts: &[Ident]) -> Option<String> {
    let is = |i: &Ident, s: &str| i.value.eq_ignore_ascii_case(s);
    let name = match parts {
        [name] => name,
        [a, name] if is(a, "builtin") || is(a, "session") => name,
        [a, b, name] if is(a, "system") && (is(b, "builtin") || is(b, "session")) => name,
        _ => return None,
    };
    Some(name.value.to_ascii_lowercase())
}

impl Binder<'_> {
    /// A call.
    pub(super) fn call(&mut self, call: &FunctionCall, span: Span) -> Result<Bound> {
        if call.bare && self.scope.find(&call.name.0, &self.env)?.is_some() {
            return self.column(&call.name.0);
        }
        let parts: Vec<String> = call.name.parts().map(str::to_string).collect();
        if let Some(function) = self.env.cx.resolver.function(&parts)? {
            return self.sql_function(&function, call, span);
        }
        let Some(name) = builtin_name(&call.name.0) else {
            return Err(self.unresolved_routine(call, span));
        };
        if call.over.is_some() {
            return self.window_call(&name, call, span);
        }
        self.call_depth += 1;
        let result = self.call_builtin(&name, call, span);
        self.call_depth -= 1;
        result
    }

    fn call_builtin(&mut self, name: &str, call: &FunctionCall, span: Span) -> Result<Bound> {
        if let Some(window) = self
            .scope
            .time_window
            .as_ref()
            .filter(|w| *w.column.name == *name && w.call.args == call.args)
        {
            let (expr, name) = (window.column.expr.clone(), window.column.name.to_string());
            return Ok(self.named(expr, || name));
        }
        let registry = &self.env.cx.registry;
        if matches!(name, "grouping" | "grouping_id") {
            let args = self.arguments(call.args.iter().map(|a| &a.value))?;
            return self.grouping_call(name, args.into_iter().map(|a| a.bound).collect(), span);
        }
        if let Some(f) = registry.aggregate(name) {
            return self.aggregate_call(f, name, call, span);
        }
        let scalar = registry.scalar(name);
        let generator = registry.generator(name.strip_suffix("_outer").unwrap_or(name));
        if scalar.is_some() || generator.is_none() {
            self.refuse_aggregate_syntax(name, call, span)?;
        }
        match (scalar, generator) {
            (Some(f), _) => {
                if super::lambda::has_lambda(&call.args) {
                    let args: Vec<_> = call.args.clone();
                    return self.higher_order(f, name, &args, span);
                }
                let args = super::arguments::in_order(&call.args, &f.doc, name, span)?;
                self.scalar_call(name, &args, span)
            }
            (None, Some(f)) => self.generator_call(f, name, call, span),
            (None, None) if registry.window(name).is_some() => Err(Error::user("WINDOW_FUNCTION_WITHOUT_OVER_CLAUSE")
                .param("funcName", format!("\"{name}()\""))
                .at(span)),
            (None, None) => Err(self.unresolved_routine(call, span)),
        }
    }

    fn scalar_call(&mut self, name: &str, args: &[rsql_ast::Expr], span: Span) -> Result<Bound> {
        let unit = args.first().is_some_and(|a| matches!(a.kind, ExprKind::Unit(_)));
        let name = match name {
            "dateadd" | "date_add" if unit => "timestampadd",
            "datediff" | "date_diff" | "timediff" if unit => "timestampdiff",
            other => other,
        };
        let args = self.arguments(args)?;
        if name == "struct" {
            return self.struct_call(args.into_iter().map(|a| (a.own_name, a.bound)).collect(), span);
        }
        if let ("between", [x, low, high]) = (name, args.as_slice()) {
            return self.between_of(x.bound.clone(), low.bound.clone(), high.bound.clone(), false, span);
        }
        if let ("and" | "or", [l, r]) = (name, args.as_slice()) {
            let parts = vec![
                self.boolean(l.bound.expr.clone(), 0, span)?,
                self.boolean(r.bound.expr.clone(), 1, span)?,
            ];
            let word = name.to_ascii_uppercase();
            let expr = if name == "and" {
                Expr::And(parts)
            } else {
                Expr::Or(parts)
            };
            return Ok(self.named(expr, || format!("({} {word} {})", l.bound.name, r.bound.name)));
        }
        if let ("try_add" | "try_subtract" | "try_multiply" | "try_divide", [l, r]) = (name, args.as_slice())
            && [l, r].iter().any(|a| super::temporal::is_temporal(&a.bound.expr.ty()))
        {
            let op = match name {
                "try_add" => ArithOp::Add,
                "try_subtract" => ArithOp::Subtract,
                "try_multiply" => ArithOp::Multiply,
                _ => ArithOp::Divide,
            };
            let text = crate::naming::function(name, &[l.bound.name.clone(), r.bound.name.clone()]);
            let before = self.mode.replace(rsql_expr::EvalMode::Try);
            let bound = self.temporal(op, l.bound.clone(), r.bound.clone(), span);
            self.mode = before;
            return Ok(self.named(bound?.expr, || text));
        }
        let args: Vec<Bound> = args.into_iter().map(|a| a.bound).collect();
        if let Some(expr) = self.collated_choice(name, &args, span)? {
            let texts: Vec<String> = args.into_iter().map(|b| b.name).collect();
            return Ok(self.named(expr, || crate::naming::function(name, &texts)));
        }
        let args = self.collated_arguments(name, args, span)?;
        let (texts, exprs): (Vec<String>, Vec<Expr>) = args.into_iter().map(|b| (b.name, b.expr)).unzip();
        let ty = exprs.first().map(Expr::ty);
        let expr = self
            .scalar(name, exprs, span)
            .map_err(|e| with_sql(e, || crate::naming::function(name, &texts)))?;
        let expr = crate::collation::by_default(name, expr, &self.env);
        Ok(self.named(expr, || crate::naming::scalar(name, &texts, ty.as_ref())))
    }

    /// Refuses IGNORE NULLS where a function always reads NULLs as it does.
    pub(super) fn refuse_ignore_nulls(&self, name: &str, call: &FunctionCall, span: Span) -> Result<()> {
        let takes = matches!(
            name,
            "first" | "first_value" | "last" | "last_value" | "any_value" | "nth_value" | "lag" | "lead"
        ) || matches!(name, "collect_list" | "collect_set" | "array_agg");
        if takes || call.ignore_nulls != Some(true) {
            return Ok(());
        }
        Err(Error::user("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX")
            .param("prettyName", quoted_name([&name]))
            .param("syntax", "IGNORE NULLS")
            .at(span))
    }

    fn refuse_aggregate_syntax(&self, name: &str, call: &FunctionCall, span: Span) -> Result<()> {
        let syntax = if call.distinct {
            "DISTINCT"
        } else if call.filter.is_some() {
            "FILTER clause"
        } else if call.ignore_nulls == Some(true) {
            "IGNORE NULLS"
        } else if !call.within_group.is_empty() {
            "WITHIN GROUP (ORDER BY ...)"
        } else {
            return Ok(());
        };
        if !self.env.cx.registry.contains(name) {
            return Err(self.unresolved_routine(call, span));
        }
        Err(Error::user("INVALID_SQL_SYNTAX.FUNCTION_WITH_UNSUPPORTED_SYNTAX")
            .param("prettyName", quoted_name([&name]))
            .param("syntax", syntax)
            .at(span))
    }

    /// A generator: its columns are made by a Generate node, which the select list plants.
    fn generator_call(
        &mut self,
        f: &'static GeneratorFn,
        name: &str,
        call: &FunctionCall,
        span: Span,
    ) -> Result<Bound> {
        if !self.allow.generators {
            return Err(Error::user("UNSUPPORTED_GENERATOR.OUTSIDE_SELECT")
                .param("plan", self.allow.clause)
                .at(span));
        }
        if self.call_depth > 1 || self.in_aggregate || self.in_window || !self.lambdas.is_empty() {
            return Err(Error::user("UNSUPPORTED_GENERATOR.NESTED_IN_EXPRESSIONS")
                .param("expression", format!("\"{name}()\""))
                .at(span));
        }
        let args = super::arguments::in_order(&call.args, &f.doc, name, span)?;
        let args = self.arguments(&args)?;
        let (texts, exprs): (Vec<String>, Vec<Expr>) = args.into_iter().map(|a| (a.bound.name, a.bound.expr)).unzip();
        let (args, columns) = (f.resolve)(exprs, &self.cx(name, span)).map_err(|e| e.at(span))?;
        let outputs: Vec<Field> = columns
            .into_iter()
            .map(|(name, ty, nullable)| Field {
                id: self.env.id(),
                name: name.into(),
                ty,
                nullable,
            })
            .collect();
        let Some(first) = outputs.first().map(rsql_planner::logical::build::column) else {
            return Err(Error::internal("generator without columns"));
        };
        self.out.generators.push(CollectedGenerator {
            func: f.name.into(),
            args,
            outer: name.ends_with("_outer"),
            outputs,
        });
        Ok(self.named(first, || crate::naming::function(name, &texts)))
    }

    /// `UNRESOLVED_ROUTINE`
    pub(crate) fn unresolved_routine(&self, call: &FunctionCall, span: Span) -> Error {
        let parts: Vec<String> = call.name.parts().map(str::to_string).collect();
        if let Some(error) = crate::relation::nested_namespace(&parts) {
            return error.at(span);
        }
        if let [name] = parts.as_slice()
            && name.eq_ignore_ascii_case("range")
        {
            return Error::user("NOT_A_SCALAR_FUNCTION")
                .param("functionName", quoted_name([name]))
                .at(span);
        }
        let (catalog, database) = self.env.cx.resolver.namespace();
        Error::user("UNRESOLVED_ROUTINE")
            .param("routineName", quoted_name(call.name.parts()))
            .param(
                "searchPath",
                format!(
                    "[`system`.`builtin`, `system`.`session`, {}]",
                    quoted_name([catalog, database])
                ),
            )
            .at(span)
    }
}

/// Adds the call's text to type errors that lack it.
pub(super) fn with_sql(error: Error, text: impl FnOnce() -> String) -> Error {
    let wants = error.condition().starts_with("DATATYPE_MISMATCH") && error.params().all(|(k, _)| k != "sqlExpr");
    if wants {
        error.param("sqlExpr", format!("\"{}\"", text()))
    } else {
        error
    }
}
