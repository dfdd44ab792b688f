//! CASE in both forms.

use rsql_ast as ast;
use rsql_common::{Error, Result, Span};
use rsql_expr::Expr;
use rsql_expr::coerce::{cast_to, common_type};
use rsql_expr::tree::CompareOp;

use super::{Binder, Bound};

impl Binder<'_> {
    /// `CASE [x] WHEN a THEN b … [ELSE c] END`
    pub(super) fn case(
        &mut self,
        operand: Option<&ast::Expr>,
        branches: &[(ast::Expr, ast::Expr)],
        otherwise: Option<&ast::Expr>,
        span: Span,
    ) -> Result<Bound> {
        let operand = operand.map(|e| self.bind(e)).transpose()?;
        let mut conditions = Vec::with_capacity(branches.len());
        let mut values = Vec::with_capacity(branches.len() + 1);
        for (when, then) in branches {
            let condition = match &operand {
                Some(operand) => {
                    let when = self.bind(when)?;
                    self.compare(CompareOp::Eq, operand.clone(), when, span)?
                }
                None => self.condition(when)?,
            };
            conditions.push(condition);
            values.push(self.bind(then)?);
        }
        let has_else = otherwise.is_some();
        if let Some(otherwise) = otherwise {
            values.push(self.bind(otherwise)?);
        }
        let values = self.one_collation(values, span)?;
        let name = if self.naming {
            let mut text = "CASE".to_string();
            for (c, v) in conditions.iter().zip(&values) {
                text.push_str(&format!(" WHEN {} THEN {}", c.name, v.name));
            }
            if let (true, Some(last)) = (has_else, values.last()) {
                text.push_str(&format!(" ELSE {}", last.name));
            }
            text + " END"
        } else {
            String::new()
        };
        let values: Vec<Expr> = values.into_iter().map(|b| b.expr).collect();
        let cx = self.cx("casewhen", span);
        let Some(ty) = common_type(&values, &cx) else {
            let types: Vec<String> = values.iter().map(|e| e.ty().quoted()).collect();
            return Err(Error::user("DATATYPE_MISMATCH.DATA_DIFF_TYPES")
                .param("functionName", "`casewhen`")
                .param("dataType", format!("[{}]", types.join(", ")))
                .param("sqlExpr", format!("\"{name}\""))
                .at(span));
        };
        let mut values: Vec<Expr> = values.into_iter().map(|e| cast_to(e, &ty, &cx)).collect();
        let otherwise = if has_else { values.pop().map(Box::new) } else { None };
        let branches = conditions.into_iter().map(|c| c.expr).zip(values).collect();
        Ok(Bound {
            expr: Expr::Case {
                branches,
                otherwise,
                ty,
            },
            name,
        })
    }
}
