//! Subqueries in expressions: each becomes a column that a dependent join below computes.

use std::cell::RefCell;

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_ast::expr::{BinaryOp, Quantifier};
use rsql_common::{Error, Result, Span};
use rsql_expr::tree::CompareOp;
use rsql_expr::{Column, Expr, SqlType};
use rsql_planner::LogicalPlan;
use rsql_planner::logical::DependentKind;
use rsql_planner::logical::build::column;

use super::{Binder, Bound};
use crate::collected::CollectedSubquery;
use crate::env::not_sparks;
use crate::env::{Env, Outer};

/// A subquery whose value is whether a row satisfies a condition.
struct Mark<'q> {
    plan: LogicalPlan,
    condition: Option<Expr>,
    null_aware: bool,
    query: &'q ast::Query,
    operand: Option<&'q ast::Expr>,
    names: String,
}

impl Binder<'_> {
    /// The plan of a subquery that may read this query's columns.
    pub fn subquery_plan(&mut self, query: &ast::Query) -> Result<LogicalPlan> {
        self.named_subquery_plan(query).map(|(plan, _)| plan)
    }

    /// The same with the names of the columns it reads of this query, as its own name lists them.
    fn named_subquery_plan(&mut self, query: &ast::Query) -> Result<(LogicalPlan, String)> {
        if !self.lambdas.is_empty() {
            return Err(Error::user("UNSUPPORTED_SUBQUERY_EXPRESSION_CATEGORY.HIGHER_ORDER_FUNCTION").at(query.span));
        }
        let aggregates = RefCell::new(Vec::new());
        let outer = Outer {
            scope: self.scope,
            next: self.env.outer,
            names: RefCell::default(),
            aggregates: (self.allow.aggregates && !self.in_aggregate).then_some(&aggregates),
            parameters: self.allow.clause == super::sql_function::QUERY_BODY,
        };
        let env = Env {
            outer: Some(&outer),
            ctes_yield: true,
            pipe: None,
            pipe_clause: None,
            ..self.env
        };
        let plan = crate::query::analyze(query, env)?;
        crate::correlation::check(&plan, query.span, self.env)?;
        let names = outer.names.take().join(", ");
        self.out.aggregates.extend(aggregates.into_inner());
        Ok((plan, names))
    }

    /// `(SELECT …)` as a value.
    pub(super) fn scalar_subquery(&mut self, query: &ast::Query, span: Span) -> Result<Bound> {
        let known = self
            .out
            .subqueries
            .iter()
            .find(|s| s.kind == DependentKind::Single && same_query(&s.query, query));
        if let Some(field) = known.and_then(|s| s.plan.schema().field(s.id)) {
            let expr = column(field);
            let names = known.map(|s| s.names.clone()).unwrap_or_default();
            return Ok(self.named(expr, || format!("scalarsubquery({names})")));
        }
        let (plan, names) = self.named_subquery_plan(query)?;
        let field = match plan.schema().fields.as_ref() {
            [field] => field.clone(),
            fields => {
                return Err(Error::user(
                    "INVALID_SUBQUERY_EXPRESSION.SCALAR_SUBQUERY_RETURN_MORE_THAN_ONE_OUTPUT_COLUMN",
                )
                .param("number", fields.len().to_string())
                .at(span));
            }
        };
        self.out.subqueries.push(CollectedSubquery {
            kind: DependentKind::Single,
            plan,
            condition: None,
            null_aware: false,
            id: field.id,
            query: query.clone(),
            operand: None,
            names: names.clone(),
        });
        Ok(self.named(column(&field), || format!("scalarsubquery({names})")))
    }

    /// A mark column: TRUE where a row of the subquery satisfies the condition.
    fn mark(&mut self, subquery: Mark<'_>) -> Expr {
        let id = self.env.id();
        self.out.subqueries.push(CollectedSubquery {
            kind: DependentKind::Mark,
            plan: subquery.plan,
            condition: subquery.condition,
            null_aware: subquery.null_aware,
            id,
            query: subquery.query.clone(),
            operand: subquery.operand.cloned(),
            names: subquery.names,
        });
        Expr::Column(Column {
            id,
            ty: SqlType::Boolean,
        })
    }

    /// The mark column of an equal subquery that this clause has already, with the names it reads.
    fn known_mark(&self, query: &ast::Query, operand: Option<&ast::Expr>) -> Option<(Expr, String)> {
        let known =
            self.out.subqueries.iter().find(|s| {
                s.kind == DependentKind::Mark && same_query(&s.query, query) && s.operand.as_ref() == operand
            })?;
        let column = Column {
            id: known.id,
            ty: SqlType::Boolean,
        };
        Some((Expr::Column(column), known.names.clone()))
    }

    /// `EXISTS (SELECT …)`
    pub(super) fn exists(&mut self, query: &ast::Query) -> Result<Bound> {
        let (mark, names) = match self.known_mark(query, None) {
            Some(known) => known,
            None => {
                let (plan, names) = self.named_subquery_plan(query)?;
                let mark = self.mark(Mark {
                    plan,
                    condition: None,
                    null_aware: false,
                    query,
                    operand: None,
                    names: names.clone(),
                });
                (mark, names)
            }
        };
        let expr = self.never_null(mark);
        Ok(self.named(expr, || format!("exists({names})")))
    }

    /// `x [NOT] IN (SELECT …)`
    pub(super) fn in_subquery(
        &mut self,
        operand: &ast::Expr,
        query: &ast::Query,
        negated: bool,
        span: Span,
    ) -> Result<Bound> {
        let (mark, name, names) = match self.known_mark(query, Some(operand)) {
            Some((mark, names)) => (mark, self.operand_name(operand)?, names),
            None => {
                let (plan, condition, name, names) = self.in_parts(operand, query, span)?;
                let mark = self.mark(Mark {
                    plan,
                    condition: Some(condition),
                    null_aware: true,
                    query,
                    operand: Some(operand),
                    names: names.clone(),
                });
                (mark, name, names)
            }
        };
        let constant_null = matches!(self.bind_quietly(operand), Some(e) if e.is_null_literal());
        // The condition of an outer join is three-valued in Spark too.
        let value =
            if constant_null || self.allow.clause == "JOIN" || self.env.cx.settings.bool("rsql.sql.in_subquery_null") {
                mark
            } else {
                self.never_null(mark)
            };
        let bound = self.named(value, || format!("({name} IN (listquery({names})))"));
        Ok(self.negated(bound, negated))
    }

    /// `NOT e`. Spark computes IN (SELECT …) by an existence join, which gives FALSE where the standard says NULL; NOT
    /// IN has a join of its own that gives FALSE there too. So NOT moves inwards to them.
    pub(super) fn opposite(&self, e: Expr) -> Expr {
        if !self.holds_in_mark(&e) {
            return Expr::not(e);
        }
        match e {
            Expr::And(parts) => Expr::Or(parts.into_iter().map(|p| self.opposite(p)).collect()),
            Expr::Or(parts) => Expr::And(parts.into_iter().map(|p| self.opposite(p)).collect()),
            Expr::Not(inner) => *inner,
            Expr::Coalesce { mut args, .. } if self.is_in_mark(&args) => self.never_null(match args.swap_remove(0) {
                Expr::Not(mark) => *mark,
                mark => Expr::not(mark),
            }),
            e => Expr::not(e),
        }
    }

    fn holds_in_mark(&self, e: &Expr) -> bool {
        match e {
            Expr::And(parts) | Expr::Or(parts) => parts.iter().any(|p| self.holds_in_mark(p)),
            Expr::Not(inner) => self.holds_in_mark(inner),
            Expr::Coalesce { args, .. } => self.is_in_mark(args),
            _ => false,
        }
    }

    /// True for the value of an IN that never is NULL.
    fn is_in_mark(&self, args: &[Expr]) -> bool {
        let marks = || self.out.subqueries.iter().chain(&self.out.input_subqueries);
        let is_mark = |c: &Column| marks().any(|s| s.id == c.id && s.null_aware);
        match args {
            [Expr::Column(c), Expr::Literal(_)] => is_mark(c),
            [Expr::Not(inner), Expr::Literal(_)] => matches!(&**inner, Expr::Column(c) if is_mark(c)),
            _ => false,
        }
    }

    /// The operand's expression if binding it leaves nothing behind.
    fn bind_quietly(&mut self, operand: &ast::Expr) -> Option<Expr> {
        matches!(operand.kind, ExprKind::Literal(_))
            .then(|| self.expr(operand).ok())
            .flatten()
    }

    fn operand_name(&mut self, operand: &ast::Expr) -> Result<String> {
        if !self.naming {
            return Ok(String::new());
        }
        Ok(match &operand.kind {
            ExprKind::Row(members) => {
                let names = members
                    .iter()
                    .map(|m| Ok(self.bind(m)?.name))
                    .collect::<Result<Vec<_>>>()?;
                format!("({})", names.join(", "))
            }
            _ => self.bind(operand)?.name,
        })
    }

    /// Plan of IN's subquery and the comparison of its columns with the operand.
    pub(crate) fn in_condition(
        &mut self,
        operand: &ast::Expr,
        query: &ast::Query,
        span: Span,
    ) -> Result<(LogicalPlan, Expr)> {
        let (plan, condition, ..) = self.in_parts(operand, query, span)?;
        Ok((plan, condition))
    }

    /// The same with the names of the operand and of the columns read.
    fn in_parts(
        &mut self,
        operand: &ast::Expr,
        query: &ast::Query,
        span: Span,
    ) -> Result<(LogicalPlan, Expr, String, String)> {
        let (values, name) = match &operand.kind {
            ExprKind::Row(members) => {
                let bound: Vec<Bound> = members.iter().map(|m| self.bind(m)).collect::<Result<_>>()?;
                let names: Vec<&str> = bound.iter().map(|b| b.name.as_str()).collect();
                let name = names.join(", ");
                (bound.into_iter().map(|b| b.expr).collect(), format!("({name})"))
            }
            _ => {
                let bound = self.bind(operand)?;
                (vec![bound.expr], bound.name)
            }
        };
        let (plan, names) = self.named_subquery_plan(query)?;
        let columns = plan.columns();
        if columns.len() != values.len() {
            return Err(Error::user("DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH")
                .param("leftLength", values.len().to_string())
                .param("rightLength", columns.len().to_string())
                .at(span));
        }
        let condition = self.all_equal(values.into_iter().zip(columns).collect(), span)?;
        Ok((plan, condition, name, names))
    }

    /// `x op ANY|ALL (SELECT …)`
    pub(super) fn quantified(
        &mut self,
        operand: &ast::Expr,
        op: BinaryOp,
        quantifier: Quantifier,
        query: &ast::Query,
        span: Span,
    ) -> Result<Bound> {
        if self.env.cx.settings.strict() {
            let word = if quantifier == Quantifier::All { "ALL" } else { "ANY" };
            return Err(not_sparks(word, span));
        }
        let Some(mut op) = super::operator::comparison(op).filter(|op| *op != CompareOp::NullSafeEq) else {
            return Err(Error::unsupported("this operator with ANY or ALL").at(span));
        };
        let all = quantifier == Quantifier::All;
        if all {
            op = op
                .negate()
                .ok_or_else(|| Error::unsupported("this operator with ALL"))?;
        }
        let value = self.expr(operand)?;
        let plan = self.subquery_plan(query)?;
        let columns = plan.columns();
        let [column] = columns.as_slice() else {
            return Err(Error::user("DATATYPE_MISMATCH.IN_SUBQUERY_LENGTH_MISMATCH")
                .param("leftLength", "1")
                .param("rightLength", columns.len().to_string())
                .at(span));
        };
        let condition = rsql_expr::coerce::compare(op, value, column.clone(), &self.cx(op.symbol(), span))?;
        let mark = self.mark(Mark {
            plan,
            condition: Some(condition),
            null_aware: true,
            query,
            operand: None,
            names: String::from("quantified"),
        });
        let bound = self.named(mark, || "quantifiedsubquery()".to_string());
        Ok(self.negated(bound, all))
    }
}

/// True if both are written alike, wherever they stand.
pub(crate) fn same_query(a: &ast::Query, b: &ast::Query) -> bool {
    a == b || without_places(a) == without_places(b)
}

fn without_places(query: &ast::Query) -> String {
    let text = format!("{query:?}");
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some((before, after)) = rest.split_once("Span {") {
        out.push_str(before);
        rest = after.split_once('}').map_or("", |(_, r)| r);
    }
    out.push_str(rest);
    out
}
