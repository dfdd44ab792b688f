//! Structs, rows, subscripts.

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_common::{Result, Span};
use rsql_expr::{Expr, Literal};

use super::{Binder, Bound};

/// The name a struct takes from a member: its alias, its column's last part.
pub(crate) fn own_name(e: &ast::Expr) -> Option<String> {
    match &e.kind {
        ExprKind::Alias { names, .. } => names.first().map(|n| n.value.clone()),
        ExprKind::Column(parts) => parts.last().map(|p| p.value.clone()),
        _ => None,
    }
}

impl Binder<'_> {
    /// `(a, b)` as a value.
    pub(super) fn row(&mut self, members: &[ast::Expr], span: Span) -> Result<Bound> {
        let members: Vec<(Option<String>, Bound)> = members
            .iter()
            .map(|m| Ok((own_name(m), self.bind(m)?)))
            .collect::<Result<_>>()?;
        let names = numbered(&members);
        let text = if self.naming {
            let parts: Vec<String> = names
                .iter()
                .zip(&members)
                .map(|(n, (_, b))| format!("{n}, {}", unaliased(&b.name, n)))
                .collect();
            format!("named_struct({})", parts.join(", "))
        } else {
            String::new()
        };
        Ok(Bound {
            expr: self.named_struct(names, members, span)?,
            name: text,
        })
    }

    /// `struct(a, b AS c)`
    pub(super) fn struct_call(&mut self, members: Vec<(Option<String>, Bound)>, span: Span) -> Result<Bound> {
        let names = numbered(&members);
        let text = if self.naming {
            let parts: Vec<&str> = members.iter().map(|(_, b)| b.name.as_str()).collect();
            format!("struct({})", parts.join(", "))
        } else {
            String::new()
        };
        Ok(Bound {
            expr: self.named_struct(names, members, span)?,
            name: text,
        })
    }

    fn named_struct(&self, names: Vec<String>, members: Vec<(Option<String>, Bound)>, span: Span) -> Result<Expr> {
        let args = names
            .into_iter()
            .zip(members)
            .flat_map(|(n, (_, b))| [Expr::lit(Literal::string(n)), b.expr])
            .collect();
        self.scalar("named_struct", args, span)
    }

    /// `x[i]`
    pub(super) fn subscript(&mut self, base: &ast::Expr, index: &ast::Expr, span: Span) -> Result<Bound> {
        let base = self.bind(base)?;
        if matches!(base.expr.ty(), rsql_expr::SqlType::Struct(_))
            && let ExprKind::Literal(ast::Literal::String(name)) = &index.kind
        {
            let name = ast::Ident {
                value: name.clone(),
                quoted: true,
                span: index.span,
            };
            return self.field(base, &name);
        }
        let index = self.bind(index)?;
        let ty = base.expr.ty();
        if ty == rsql_expr::SqlType::Void {
            return Ok(self.named(base.expr, || format!("{}[{}]", base.name, index.name)));
        }
        if !matches!(ty, rsql_expr::SqlType::Array(_) | rsql_expr::SqlType::Map(_)) {
            return Err(rsql_common::Error::user("INVALID_EXTRACT_BASE_FIELD_TYPE")
                .param("base", format!("\"{}\"", base.name))
                .param("other", ty.quoted())
                .at(span));
        }
        let expr = self.scalar("subscript", vec![base.expr, index.expr], span)?;
        Ok(self.named(expr, || format!("{}[{}]", base.name, index.name)))
    }
}

fn numbered(members: &[(Option<String>, Bound)]) -> Vec<String> {
    members
        .iter()
        .enumerate()
        .map(|(i, (name, _))| name.clone().unwrap_or_else(|| format!("col{}", i + 1)))
        .collect()
}

fn unaliased<'t>(text: &'t str, alias: &str) -> &'t str {
    text.strip_suffix(&format!(" AS {alias}")).unwrap_or(text)
}
