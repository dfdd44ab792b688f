//! Calls of SQL functions: the body is bound with the parameters standing for the arguments.

use rsql_ast::expr::FunctionCall;
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::Expr;
use rsql_expr::coerce::cast_exactly;

use super::{Allow, Binder, Bound};
use crate::collected::Collected;
use crate::env::Env;
use crate::scope::{Scope, ScopeColumn};
use crate::{AnalyzerContext, SqlFunction};

/// Deepest nesting of SQL functions.
const MAX_DEPTH: usize = 100;

/// The place of a query that is a function's body.
pub(crate) const QUERY_BODY: &str = "a SQL function's query";

impl Binder<'_> {
    /// A scalar SQL function's value.
    pub(super) fn sql_function(&mut self, function: &SqlFunction, call: &FunctionCall, span: Span) -> Result<Bound> {
        if self.env.cx.settings.strict()
            && matches!(self.allow.clause, "ORDER BY" | "limit" | "offset" | "LATERAL VIEW")
        {
            return Err(Error::user("UNSUPPORTED_SQL_UDF_USAGE")
                .param("functionName", quoted_name(&function.name))
                .param("nodeName", self.allow.clause)
                .at(span));
        }
        let Some(body) = &function.body else {
            if let (Some(query), None) = (&function.query, &function.returns_table) {
                return self.query_function(function, query, call, span);
            }
            return Err(Error::user("NOT_A_SCALAR_FUNCTION")
                .param("functionName", quoted_name(&function.name))
                .at(span));
        };
        self.in_body(function, call, span, "a SQL function", |inner| inner.expr(body))
    }

    fn query_function(
        &mut self,
        function: &SqlFunction,
        query: &rsql_ast::Query,
        call: &FunctionCall,
        span: Span,
    ) -> Result<Bound> {
        self.in_body(function, call, span, QUERY_BODY, |inner| {
            Ok(inner.scalar_subquery(query, span)?.expr)
        })
    }

    /// What `bind` makes of a function's body where its parameters are known, as the type it returns.
    fn in_body(
        &mut self,
        function: &SqlFunction,
        call: &FunctionCall,
        span: Span,
        place: &'static str,
        bind: impl FnOnce(&mut Binder<'_>) -> Result<Expr>,
    ) -> Result<Bound> {
        let (scope, texts) = self.parameter_scope(function, call, span)?;
        let cx = body_context(self.env.cx, function);
        let env = Env {
            cx: &cx,
            outer: None,
            ctes: None,
            pipe: None,
            function_depth: self.env.function_depth + 1,
            ..self.env
        };
        let mut out = Collected::default();
        let mut inner = Binder::new(env, &scope, Allow::rows(place), &mut out);
        let bound = bind(&mut inner)?;
        let expr = match &function.returns {
            Some(ty) => inner.cast_result(bound, ty, span)?,
            None => bound,
        };
        self.out.subqueries.append(&mut out.subqueries);
        Ok(self.named(expr, || crate::naming::qualified_function(&function.name, &texts)))
    }

    fn cast_result(&self, expr: Expr, ty: &rsql_expr::SqlType, span: Span) -> Result<Expr> {
        Ok(cast_exactly(expr, ty, &self.cx("cast", span)))
    }

    /// Parameters as a scope, each standing for its argument; and the arguments' texts.
    pub(crate) fn parameter_scope(
        &mut self,
        function: &SqlFunction,
        call: &FunctionCall,
        span: Span,
    ) -> Result<(Scope, Vec<String>)> {
        if self.env.function_depth > MAX_DEPTH {
            return Err(Error::user("RECURSIVE_SQL_FUNCTION")
                .param("name", quoted_name(&function.name))
                .at(span));
        }
        let mut values: Vec<Option<Bound>> = vec![None; function.params.len()];
        for (i, arg) in call.args.iter().enumerate() {
            let at = match &arg.name {
                None => i,
                Some(name) => function
                    .params
                    .iter()
                    .position(|(p, ..)| self.env.same_name(p, &name.value))
                    .ok_or_else(|| {
                        Error::user("UNRECOGNIZED_PARAMETER_NAME")
                            .param("routineName", quoted_name(&function.name))
                            .param("argumentName", quoted_name([&name.value]))
                            .at(span)
                    })?,
            };
            let bound = self.bind(&arg.value)?;
            match values.get_mut(at) {
                Some(slot) => *slot = Some(bound),
                None => return Err(wrong_number(function, call.args.len(), span)),
            }
        }
        let qualifier: std::sync::Arc<[std::sync::Arc<str>]> = function
            .name
            .last()
            .map(|n| vec![n.as_str().into()])
            .unwrap_or_default()
            .into();
        let mut columns = Vec::new();
        let mut texts = Vec::new();
        for ((name, ty, default), value) in function.params.iter().zip(values) {
            let bound = match (value, default) {
                (Some(bound), _) => {
                    texts.push(bound.name.clone());
                    bound
                }
                (None, Some(default)) => self.bind(default)?,
                (None, None) => return Err(wrong_number(function, call.args.len(), span)),
            };
            columns.push(ScopeColumn {
                qualifier: qualifier.clone(),
                name: name.as_str().into(),
                expr: cast_exactly(bound.expr, ty, &self.cx("cast", span)),
                qualified_only: false,
            });
        }
        Ok((Scope::over(columns), texts))
    }
}

/// The context a function's body is analyzed in.
pub(crate) fn body_context<'a>(cx: &'a AnalyzerContext<'a>, function: &SqlFunction) -> AnalyzerContext<'a> {
    let mut options = (*function.options).clone();
    options.now_micros = cx.options.now_micros;
    AnalyzerContext {
        options: options.into(),
        ..cx.clone()
    }
}

fn wrong_number(function: &SqlFunction, given: usize, span: Span) -> Error {
    Error::user("WRONG_NUM_ARGS.WITHOUT_SUGGESTION")
        .param("functionName", quoted_name(&function.name))
        .param("expectedNum", function.params.len().to_string())
        .param("actualNum", given.to_string())
        .at(span)
}
