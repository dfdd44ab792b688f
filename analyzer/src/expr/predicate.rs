//! AND, OR, NOT, IS, BETWEEN and IN.

use rsql_ast as ast;
use rsql_common::{Error, Result, Span};
use rsql_expr::coerce::{cast_to, common_type};
use rsql_expr::tree::{CompareOp, collation_key};
use rsql_expr::{Expr, Literal, SqlType};

use super::{Binder, Bound};

impl Binder<'_> {
    /// `a AND b AND …`, `a OR b OR …`
    pub(super) fn connective(&mut self, parts: &[ast::Expr], and: bool) -> Result<Bound> {
        let mut bounds = Vec::with_capacity(parts.len());
        let mut name = String::new();
        let mut left: Option<SqlType> = None;
        for (i, part) in parts.iter().enumerate() {
            let bound = self.bind(part)?;
            let ty = bound.expr.ty();
            if let Some(left) = &left {
                self.operands(left, &ty, and, (&name, &bound.name), part.span)?;
            }
            left = Some(if i == 0 { ty } else { SqlType::Boolean });
            bounds.push((bound.expr, part.span));
            if self.naming {
                name = match (i, and) {
                    (0, _) => bound.name,
                    (_, true) => format!("({name} AND {})", bound.name),
                    (_, false) => format!("({name} OR {})", bound.name),
                };
            }
        }
        let exprs = bounds
            .into_iter()
            .map(|(e, at)| self.boolean(e, 0, at))
            .collect::<Result<_>>()?;
        let expr = if and { Expr::And(exprs) } else { Expr::Or(exprs) };
        Ok(Bound { expr, name })
    }

    /// Refuses operands of AND and OR that do not go together: a text is read as a truth value only beside one.
    fn operands(&self, left: &SqlType, right: &SqlType, and: bool, names: (&str, &str), span: Span) -> Result<()> {
        let truth = |t: &SqlType| matches!(t, SqlType::Boolean | SqlType::Void);
        let boolean = *left == SqlType::Boolean || *right == SqlType::Boolean;
        if truth(left) && truth(right) || boolean && (left.is_string() || right.is_string()) {
            return Ok(());
        }
        let sql = format!("\"({} {} {})\"", names.0, if and { "AND" } else { "OR" }, names.1);
        let texts = |t: &SqlType| t.is_string() || *t == SqlType::Void;
        if left == right || texts(left) && texts(right) {
            let actual = if *left == SqlType::Void { right } else { left };
            return Err(Error::user("DATATYPE_MISMATCH.BINARY_OP_WRONG_TYPE")
                .param("inputType", SqlType::Boolean.quoted())
                .param("actualDataType", actual.quoted())
                .param("sqlExpr", sql)
                .at(span));
        }
        Err(Error::user("DATATYPE_MISMATCH.BINARY_OP_DIFF_TYPES")
            .param("left", left.quoted())
            .param("right", right.quoted())
            .param("sqlExpr", sql)
            .at(span))
    }

    /// `NOT x`
    pub(super) fn not(&mut self, inner: &ast::Expr) -> Result<Bound> {
        let bound = self.condition(inner)?;
        Ok(self.negated(bound, true))
    }

    /// `bound`, negated if asked.
    pub(super) fn negated(&self, bound: Bound, negate: bool) -> Bound {
        if !negate {
            return bound;
        }
        self.named(self.opposite(bound.expr), || format!("(NOT {})", bound.name))
    }

    /// `x IS [NOT] NULL`
    pub(super) fn is_null(&mut self, inner: &ast::Expr, negated: bool) -> Result<Bound> {
        let bound = self.bind(inner)?;
        let inner = Box::new(bound.expr);
        let expr = if negated {
            Expr::IsNotNull(inner)
        } else {
            Expr::IsNull(inner)
        };
        let not = if negated { "NOT " } else { "" };
        Ok(self.named(expr, || format!("({} IS {not}NULL)", bound.name)))
    }

    /// `x IS [NOT] TRUE | FALSE | UNKNOWN`
    pub(super) fn is_boolean(&mut self, inner: &ast::Expr, value: Option<bool>, negated: bool) -> Result<Bound> {
        let bound = self.condition(inner)?;
        let Some(value) = value else {
            let inner = Box::new(bound.expr);
            let expr = if negated {
                Expr::IsNotNull(inner)
            } else {
                Expr::IsNull(inner)
            };
            let not = if negated { "NOT " } else { "" };
            return Ok(self.named(expr, || format!("({} IS {not}NULL)", bound.name)));
        };
        let expr = Expr::compare(CompareOp::NullSafeEq, bound.expr, Expr::lit(Literal::bool(value)));
        let bound = self.named(expr, || format!("({} <=> {value})", bound.name));
        Ok(self.negated(bound, negated))
    }

    /// `a IS [NOT] DISTINCT FROM b`
    pub(super) fn is_distinct(&mut self, l: &ast::Expr, r: &ast::Expr, negated: bool, span: Span) -> Result<Bound> {
        let (l, r) = (self.bind(l)?, self.bind(r)?);
        let same = self.compare(CompareOp::NullSafeEq, l, r, span)?;
        Ok(self.negated(same, !negated))
    }

    /// `x [NOT] BETWEEN a AND b`
    pub(super) fn between(
        &mut self,
        x: &ast::Expr,
        low: &ast::Expr,
        high: &ast::Expr,
        negated: bool,
        span: Span,
    ) -> Result<Bound> {
        let (x, low, high) = (self.bind(x)?, self.bind(low)?, self.bind(high)?);
        self.between_of(x, low, high, negated, span)
    }

    /// `x >= low AND x <= high`, named `between(x, low, high)`
    pub(super) fn between_of(&self, x: Bound, low: Bound, high: Bound, negated: bool, span: Span) -> Result<Bound> {
        let name = if self.naming {
            format!("between({}, {}, {})", x.name, low.name, high.name)
        } else {
            String::new()
        };
        if !x.expr.is_deterministic() {
            let args = self.one_collation_of(vec![x.expr, low.expr, high.expr], span)?;
            let args = args.into_iter().map(collation_key).collect();
            let expr = self.scalar("between_once", args, span)?;
            return Ok(self.negated(Bound { expr, name }, negated));
        }
        let from = self.compare(CompareOp::GtEq, x.clone(), low, span)?;
        let to = self.compare(CompareOp::LtEq, x, high, span)?;
        let bound = Bound {
            expr: Expr::And(vec![from.expr, to.expr]),
            name,
        };
        Ok(self.negated(bound, negated))
    }

    /// `x [NOT] IN (a, b, …)`
    pub(super) fn in_list(&mut self, x: &ast::Expr, list: &[ast::Expr], negated: bool, span: Span) -> Result<Bound> {
        let x = self.bind(x)?;
        let list = list.iter().map(|e| self.bind(e)).collect::<Result<Vec<_>>>()?;
        let all: Vec<Bound> = self.one_collation(std::iter::once(x).chain(list).collect(), span)?;
        let named = || {
            let items: Vec<&str> = all.iter().skip(1).map(|b| b.name.as_str()).collect();
            let x = all.first().map_or("", |b| b.name.as_str());
            format!("({x} IN ({}))", items.join(", "))
        };
        self.known_collation(&all, named, span)?;
        let name = if self.naming { named() } else { String::new() };
        let all: Vec<Expr> = all.into_iter().map(|b| b.expr).collect();
        let all = self.char_padded(self.rows_alike(all, span)?, span)?;
        let cx = self.cx("in", span);
        let Some(ty) = common_type(&all, &cx) else {
            let types: Vec<String> = all.iter().map(|e| e.ty().quoted()).collect();
            return Err(Error::user("DATATYPE_MISMATCH.DATA_DIFF_TYPES")
                .param("functionName", "`in`")
                .param("dataType", format!("[{}]", types.join(", ")))
                .param("sqlExpr", format!("\"{name}\""))
                .at(span));
        };
        if !ty.is_orderable() {
            return Err(Error::user("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE")
                .param("functionName", "`in`")
                .param("dataType", ty.quoted())
                .at(span));
        }
        let mut all = all.into_iter().map(|e| cast_to(e, &ty, &cx));
        let Some(first) = all.next() else {
            return Err(Error::internal("IN without operand"));
        };
        let expr = Expr::In {
            expr: Box::new(collation_key(first)),
            list: all.map(collation_key).collect(),
        };
        Ok(self.negated(Bound { expr, name }, negated))
    }

    /// Structs of one length under the first one's field names: rows are compared by position.
    fn rows_alike(&self, rows: Vec<Expr>, span: Span) -> Result<Vec<Expr>> {
        let Some(SqlType::Struct(first)) = rows.first().map(Expr::ty) else {
            return Ok(rows);
        };
        let renamed = |row: Expr| -> Result<Expr> {
            match row.ty() {
                SqlType::Struct(fields)
                    if fields.len() == first.len()
                        && fields.iter().zip(first.iter()).any(|(a, b)| a.name != b.name) =>
                {
                    let parts = first
                        .iter()
                        .zip(fields.iter())
                        .enumerate()
                        .flat_map(|(index, (name, f))| {
                            let value = Expr::Field {
                                expr: Box::new(row.clone()),
                                index,
                                ty: f.ty.clone(),
                            };
                            [Expr::lit(Literal::string(name.name.clone())), value]
                        });
                    self.scalar("named_struct", parts.collect(), span)
                }
                _ => Ok(row),
            }
        };
        rows.into_iter().map(renamed).collect()
    }

    /// `a = b` member by member of rows; used by IN with a row operand.
    pub(super) fn all_equal(&self, pairs: Vec<(Expr, Expr)>, span: Span) -> Result<Expr> {
        let mut parts = Vec::with_capacity(pairs.len());
        for (l, r) in pairs {
            let mut both = self.one_collation_of(vec![l, r], span)?.into_iter();
            let (l, r) = (both.next().unwrap_or_default(), both.next().unwrap_or_default());
            let (left, right) = (l.ty(), r.ty());
            if left.is_indeterminate() {
                return Err(crate::collation::indeterminate("IN (listquery())", span));
            }
            let cx = self.cx("in", span);
            let equal = rsql_expr::coerce::compare(CompareOp::Eq, l, r, &cx);
            parts.push(equal.map_err(|_| {
                Error::user("DATATYPE_MISMATCH.IN_SUBQUERY_DATA_TYPE_MISMATCH")
                    .param("mismatchedColumns", "")
                    .param("leftType", left.quoted())
                    .param("rightType", right.quoted())
                    .at(span)
            })?);
        }
        Ok(Expr::conjunction(parts))
    }

    /// TRUE where `expr` is TRUE, FALSE where it is FALSE or NULL.
    pub(super) fn never_null(&self, expr: Expr) -> Expr {
        Expr::Coalesce {
            args: vec![expr, Expr::lit(Literal::bool(false))],
            ty: SqlType::Boolean,
        }
    }
}
