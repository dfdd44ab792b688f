//! Calls of higher-order functions: the other arguments say which parameters a lambda gets.

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_ast::expr::FunctionArg;
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::{Column, Expr, LambdaExpr, ScalarFn};

use super::{Binder, Bound, LambdaParam};

/// True if an argument is a lambda.
pub(super) fn has_lambda(args: &[FunctionArg]) -> bool {
    args.iter().any(|a| matches!(a.value.kind, ExprKind::Lambda { .. }))
}

impl Binder<'_> {
    /// A call with lambdas among its arguments.
    pub(super) fn higher_order(
        &mut self,
        function: &'static ScalarFn,
        called_as: &str,
        args: &[FunctionArg],
        span: Span,
    ) -> Result<Bound> {
        let mut bound: Vec<Expr> = Vec::new();
        let mut all: Vec<Bound> = Vec::new();
        for (i, arg) in args.iter().enumerate() {
            if let ExprKind::Lambda { params, body } = &arg.value.kind {
                let types = self
                    .env
                    .cx
                    .registry
                    .lambda_params(function.name, i, &bound, params.len())
                    .ok_or_else(|| {
                        Error::user("INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION")
                            .param("class", called_as)
                            .at(arg.value.span)
                    })?;
                if types.len() != params.len() {
                    return Err(Error::user("INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH")
                        .param("expectedNumArgs", params.len().to_string())
                        .param("actualNumArgs", types.len().to_string())
                        .at(arg.value.span));
                }
                let lambda = self.lambda(params, body, types)?;
                all.push(lambda);
            } else {
                let b = self.bind(&arg.value)?;
                if all.len() == bound.len() {
                    bound.push(b.expr.clone());
                }
                all.push(b);
            }
        }
        let name = if self.naming {
            let mut texts: Vec<String> = all.iter().map(|b| b.name.clone()).collect();
            if matches!(function.name, "aggregate" | "reduce") && texts.len() == 3 {
                texts.push("lambdafunction(namedlambdavariable(), namedlambdavariable())".to_string());
            }
            crate::naming::function(called_as, &texts)
        } else {
            String::new()
        };
        let args = all.into_iter().map(|b| b.expr).collect();
        let expr = function
            .resolve(args, &self.cx(called_as, span))
            .map_err(|e| e.at(span))?;
        Ok(Bound { expr, name })
    }

    fn lambda(
        &mut self,
        params: &[ast::Ident],
        body: &ast::Expr,
        types: Vec<(rsql_expr::SqlType, bool)>,
    ) -> Result<Bound> {
        for (i, p) in params.iter().enumerate() {
            if params[..i].iter().any(|q| self.env.same_name(&p.value, &q.value)) {
                let names: Vec<String> = params.iter().map(|p| quoted_name([&p.value])).collect();
                return Err(Error::user("INVALID_LAMBDA_FUNCTION_CALL.DUPLICATE_ARG_NAMES")
                    .param("args", names.join(", "))
                    .param("caseSensitiveConfig", "\"spark.sql.caseSensitive\"")
                    .at(p.span));
            }
        }
        let before = self.lambdas.len();
        let columns: Vec<Column> = types
            .into_iter()
            .map(|(ty, _)| Column { id: self.env.id(), ty })
            .collect();
        self.lambdas
            .extend(params.iter().zip(&columns).map(|(p, c)| LambdaParam {
                name: p.value.clone(),
                column: c.clone(),
            }));
        let body = self.bind(body);
        self.lambdas.truncate(before);
        let body = body?;
        let name = if self.naming {
            let vars = vec!["namedlambdavariable()"; params.len()];
            format!("lambdafunction({}, {})", body.name, vars.join(", "))
        } else {
            String::new()
        };
        let expr = Expr::Lambda(Box::new(LambdaExpr {
            params: columns,
            first_slot: 0,
            body: body.expr,
        }));
        Ok(Bound { expr, name })
    }
}
