//! `nullif` and `decode` of texts with collations: what they compare gets the collation that counts, what they give keeps
//! its own.

use rsql_common::{Error, Result, Span};
use rsql_expr::coerce::{cast_to, common_type};
use rsql_expr::tree::CompareOp;
use rsql_expr::{Expr, Literal};

use crate::expr::{Binder, Bound};

impl Binder<'_> {
    /// The call, if it is one of these and has texts that do not compare by bytes.
    pub(crate) fn collated_choice(&self, name: &str, args: &[Bound], span: Span) -> Result<Option<Expr>> {
        if !args.iter().any(|b| b.expr.ty().has_collation()) {
            return Ok(None);
        }
        match (name, args) {
            ("nullif", [a, b]) => self.null_if(a, b, span).map(Some),
            ("decode", [x, rest @ ..]) if rest.len() > 1 => self.decode(x, rest, span).map(Some),
            _ => Ok(None),
        }
    }

    fn null_if(&self, a: &Bound, b: &Bound, span: Span) -> Result<Expr> {
        let equal = self.compare(CompareOp::Eq, a.clone(), b.clone(), span)?;
        let ty = a.expr.ty();
        Ok(Expr::Case {
            branches: vec![(equal.expr, Expr::lit(Literal::null(ty.clone())))],
            otherwise: Some(Box::new(a.expr.clone())),
            ty,
        })
    }

    fn decode(&self, x: &Bound, rest: &[Bound], span: Span) -> Result<Expr> {
        let mut conditions = Vec::new();
        let mut values = Vec::new();
        for pair in rest.chunks(2) {
            let [search, value] = pair else {
                values.extend(pair.iter().cloned());
                continue;
            };
            let equal = self.compare(CompareOp::NullSafeEq, x.clone(), search.clone(), span)?;
            conditions.push(equal.expr);
            values.push(value.clone());
        }
        let values: Vec<Expr> = self.one_collation(values, span)?.into_iter().map(|b| b.expr).collect();
        let cx = self.cx("decode", span);
        let Some(ty) = common_type(&values, &cx) else {
            return Err(Error::user("DATATYPE_MISMATCH.DATA_DIFF_TYPES")
                .param("functionName", "`casewhen`")
                .at(span));
        };
        let mut values: Vec<Expr> = values.into_iter().map(|e| cast_to(e, &ty, &cx)).collect();
        let otherwise = if values.len() > conditions.len() {
            values.pop().map(Box::new)
        } else {
            None
        };
        Ok(Expr::Case {
            branches: conditions.into_iter().zip(values).collect(),
            otherwise,
            ty,
        })
    }
}
