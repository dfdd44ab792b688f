//! Names in commands: written ones, and `IDENTIFIER(expr)`.

use rsql_ast::command::NameExpr;
use rsql_common::{Error, Result};
use rsql_expr::Literal;

use crate::query::StatementCx;

/// The parts of a name.
pub(super) fn parts(cx: &StatementCx<'_>, name: &NameExpr) -> Result<Vec<String>> {
    match name {
        NameExpr::Name(name) => Ok(name.parts().map(str::to_string).collect()),
        NameExpr::Identifier(expr) => {
            let value = constant(cx, expr)?;
            let text = value.value.as_str().ok_or_else(|| {
                let condition = if value.value.is_null() {
                    "NOT_A_CONSTANT_STRING.NULL"
                } else {
                    "NOT_A_CONSTANT_STRING.WRONG_TYPE"
                };
                Error::user(condition)
                    .param("name", "IDENTIFIER")
                    .param("dataType", value.ty.quoted())
                    .at(expr.span)
            })?;
            let options = rsql_sql::ParseOptions::from_settings(&cx.state.settings)?;
            let name = rsql_sql::parse_object_name(text, &options)?;
            Ok(name.parts().map(str::to_string).collect())
        }
    }
}

/// The value of a constant expression.
pub(super) fn constant(cx: &StatementCx<'_>, expr: &rsql_ast::Expr) -> Result<Literal> {
    let typed = cx.analyze(|cx| rsql_analyzer::analyze_expression(expr, cx))?;
    rsql_expr::eval::fold(&typed, &cx.session.shared.registry)
}
