//! Aggregate calls: collected for the aggregate node; a column stands in their place.

use rsql_ast::ExprKind;
use rsql_ast::expr::{FunctionCall, OrderItem};
use rsql_common::{Error, Result, Span, quoted_name};
use rsql_expr::{AggregateCall, AggregateFn, Column, Expr, SortKey, SqlType};

use super::{Binder, Bound};
use crate::collected::{CollectedAggregate, CollectedGrouping};

impl Binder<'_> {
    /// An aggregate outside of windows.
    pub(super) fn aggregate_call(
        &mut self,
        f: &'static AggregateFn,
        name: &str,
        call: &FunctionCall,
        span: Span,
    ) -> Result<Bound> {
        if self.in_aggregate {
            return Err(Error::user("NESTED_AGGREGATE_FUNCTION").at(span));
        }
        let (subqueries, windows) = (self.out.subqueries.len(), self.out.windows.len());
        self.in_aggregate = true;
        let resolved = self.resolve_aggregate(f, name, call, span);
        self.in_aggregate = false;
        let (agg, text) = resolved?;
        if agg.args.iter().any(|a| !a.is_deterministic()) {
            return Err(Error::user("AGGREGATE_FUNCTION_WITH_NONDETERMINISTIC_EXPRESSION")
                .param("sqlExpr", format!("\"{text}\""))
                .at(span));
        }
        if self.out.windows.len() > windows {
            return Err(Error::user("_LEGACY_ERROR_TEMP_1059")
                .param("aggFunc", text)
                .param("windowFunc", "")
                .at(span));
        }
        let below = self.out.subqueries.split_off(subqueries);
        self.out.input_subqueries.extend(below);
        if let Some(outer) = self.owner(&agg) {
            let column = Expr::Column(Column {
                id: self.env.id(),
                ty: agg.ty.clone(),
            });
            if let Expr::Column(Column { id, .. }) = &column {
                outer.borrow_mut().push(CollectedAggregate {
                    call: agg,
                    id: *id,
                    name: text.as_str().into(),
                });
            }
            return Ok(self.named(column, || text));
        }
        if !self.allow.aggregates || !self.lambdas.is_empty() {
            return Err(self.misplaced_aggregate(&text, span));
        }
        let id = self.env.id();
        let expr = self.out.aggregate(agg, text.as_str().into(), || id);
        Ok(self.named(expr, || text))
    }

    /// The enclosing query whose columns alone the aggregate reads.
    fn owner(&self, agg: &AggregateCall) -> Option<&std::cell::RefCell<Vec<CollectedAggregate>>> {
        if self.allow.clause == "SELECT" && self.env.cx.settings.strict() {
            return None;
        }
        let mut read = std::collections::BTreeSet::new();
        agg.args.iter().for_each(|a| a.columns_into(&mut read));
        if read.is_empty() {
            return None;
        }
        if read.iter().any(|id| self.scope.holds(*id)) {
            return None;
        }
        let mut frame = self.env.outer;
        while let Some(f) = frame {
            if read.iter().all(|id| f.scope.holds(*id)) {
                return f.aggregates;
            }
            frame = f.further(&self.env);
        }
        None
    }

    fn misplaced_aggregate(&self, text: &str, span: Span) -> Error {
        match self.allow.clause {
            "SELECT" if self.env.pipe_clause.is_some() => Error::user("PIPE_OPERATOR_CONTAINS_AGGREGATE_FUNCTION")
                .param("expr", text)
                .param("clause", self.env.pipe_clause.unwrap_or("SELECT")),
            "WHERE" => Error::user("INVALID_WHERE_CONDITION")
                .param("condition", format!("\"{text}\""))
                .param("expressionList", text),
            "GROUP BY" => Error::user("GROUP_BY_AGGREGATE").param("sqlExpr", text),
            "FILTER" => Error::user("INVALID_AGGREGATE_FILTER.CONTAINS_AGGREGATE")
                .param("filterExpr", format!("\"{text}\""))
                .param("aggExpr", format!("\"{text}\"")),
            _ => Error::user("UNSUPPORTED_EXPR_FOR_OPERATOR").param("invalidExprSqls", format!("\"{text}\"")),
        }
        .at(span)
    }

    /// Binds an aggregate's arguments and resolves it; gives the call and its name.
    pub(super) fn resolve_aggregate(
        &mut self,
        f: &'static AggregateFn,
        name: &str,
        call: &FunctionCall,
        span: Span,
    ) -> Result<(AggregateCall, String)> {
        let naming = std::mem::replace(&mut self.naming, true);
        let result = self.resolve_aggregate_named(f, name, call, span);
        self.naming = naming;
        result
    }

    fn resolve_aggregate_named(
        &mut self,
        f: &'static AggregateFn,
        name: &str,
        call: &FunctionCall,
        span: Span,
    ) -> Result<(AggregateCall, String)> {
        self.refuse_ignore_nulls(name, call, span)?;
        if call.distinct && matches!(f.name, "percentile_cont" | "percentile_disc") {
            return Err(Error::user("INVALID_WITHIN_GROUP_EXPRESSION.DISTINCT_UNSUPPORTED")
                .param("funcName", quoted_name([&f.name]))
                .at(span));
        }
        let bare_star = match call.args.as_slice() {
            [only] => {
                matches!(&only.value.kind, ExprKind::Star { qualifier, except } if qualifier.is_empty() && except.is_empty())
            }
            _ => false,
        };
        if f.name == "count"
            && let [only] = call.args.as_slice()
            && let ExprKind::Star { qualifier, .. } = &only.value.kind
            && !qualifier.is_empty()
            && !self
                .env
                .cx
                .settings
                .bool("spark.sql.legacy.allowStarWithSingleTableIdentifierInCount")
            && !self.scope.of_table(qualifier, &self.env).is_empty()
        {
            let table: Vec<&str> = qualifier.iter().map(|q| q.value.as_str()).collect();
            return Err(Error::user("INVALID_USAGE_OF_STAR_WITH_TABLE_IDENTIFIER_IN_COUNT")
                .param("tableName", table.join("."))
                .at(span));
        }
        let counts_rows = f.name == "count" && bare_star && !call.distinct;
        let (mut texts, mut args): (Vec<String>, Vec<Expr>) = if counts_rows {
            (vec!["1".to_string()], Vec::new())
        } else {
            let args = super::arguments::in_order(&call.args, &f.doc, name, span)?;
            let args = self.arguments(&args)?;
            args.into_iter().map(|a| (a.bound.name, a.bound.expr)).unzip()
        };
        if f.name == "count" && args.is_empty() && !counts_rows {
            if !self.env.cx.settings.bool("spark.sql.legacy.allowParameterlessCount") {
                return Err(Error::user("WRONG_NUM_ARGS.WITH_SUGGESTION")
                    .param("functionName", "`count`")
                    .param("expectedNum", "> 0")
                    .param("actualNum", "0")
                    .param("legacyNum", "0")
                    .at(span));
            }
            // No row has a value in no column.
            args.push(Expr::lit(rsql_expr::Literal::null(SqlType::Int)));
        }
        let order = self.sort_keys(&call.within_group)?;
        let mut agg = (f.resolve)(
            args,
            order.iter().map(|(k, _)| k.clone()).collect(),
            call.ignore_nulls == Some(true),
            &self.cx(name, span),
        )
        .map_err(|e| e.at(span))?;
        agg.distinct = call.distinct;
        if f.name == "listagg" && call.distinct {
            distinct_order(&agg, &order, span)?;
        }
        let mut shown = name;
        let mut filter_text = String::new();
        if let Some(filter) = &call.filter {
            let mut out = crate::collected::Collected::default();
            let mut inner = Binder::new(self.env, self.scope, super::Allow::rows("FILTER"), &mut out);
            inner.naming = true;
            let bound = inner.bind(filter)?;
            filter_refused(&bound, filter.span)?;
            let bound = Bound {
                expr: inner.boolean(bound.expr, 0, filter.span)?,
                name: bound.name,
            };
            self.out.subqueries.append(&mut out.subqueries);
            filter_text = format!(" FILTER (WHERE {})", bound.name);
            agg.filter = Some(bound.expr);
        }
        if f.name == "listagg" && texts.len() == 1 {
            texts.push("NULL".to_string());
        }
        if name == "string_agg" && !call.within_group.is_empty() {
            shown = "listagg";
        }
        // IGNORE NULLS and RESPECT NULLS make another call of `first_value` and `last_value`, which shows.
        shown = match shown {
            "first_value" if call.ignore_nulls.is_some() => "first",
            "last_value" if call.ignore_nulls.is_some() => "last",
            _ => shown,
        };
        let mut text = crate::naming::aggregate(shown, &texts, call.distinct);
        if !order.is_empty() {
            let keys: Vec<String> = order
                .iter()
                .map(|(k, t)| within_group_key(f.name, k.descending, t))
                .collect();
            text.push_str(&format!(" WITHIN GROUP (ORDER BY {})", keys.join(", ")));
        }
        text.push_str(&filter_text);
        Ok((agg, text))
    }

    /// Sort keys with their texts.
    pub(crate) fn sort_keys(&mut self, items: &[OrderItem]) -> Result<Vec<(SortKey, String)>> {
        items
            .iter()
            .map(|item| {
                let bound = self.bind(&item.expr)?;
                let ty = bound.expr.ty();
                if !ty.is_orderable() {
                    return Err(Error::user("DATATYPE_MISMATCH.INVALID_ORDERING_TYPE")
                        .param("functionName", "`sortorder`")
                        .param("dataType", ty.quoted())
                        .param("sqlExpr", format!("\"{} ASC NULLS FIRST\"", bound.name))
                        .at(item.expr.span));
                }
                let nulls_first = item.nulls_first.unwrap_or(!item.descending);
                let direction = if item.descending { "DESC" } else { "ASC" };
                let nulls = if nulls_first { "FIRST" } else { "LAST" };
                let text = format!("{} {direction} NULLS {nulls}", bound.name);
                Ok((
                    SortKey {
                        expr: bound.expr,
                        descending: item.descending,
                        nulls_first,
                    },
                    text,
                ))
            })
            .collect()
    }

    /// `grouping(a)`, `grouping_id(a, b)`: computed from the grouping sets' id.
    pub(super) fn grouping_call(&mut self, name: &str, args: Vec<Bound>, span: Span) -> Result<Bound> {
        let single = name == "grouping";
        if single && args.len() != 1 {
            return Err(Error::user("WRONG_NUM_ARGS.WITHOUT_SUGGESTION")
                .param("functionName", "`grouping`")
                .param("expectedNum", "1")
                .param("actualNum", args.len().to_string())
                .at(span));
        }
        if !self.allow.aggregates || self.in_aggregate {
            return Err(Error::user("UNSUPPORTED_GROUPING_EXPRESSION").at(span));
        }
        let ty = if single { SqlType::Byte } else { SqlType::Long };
        let (texts, args): (Vec<String>, Vec<Expr>) = args.into_iter().map(|b| (b.name, b.expr)).unzip();
        let known = self
            .out
            .groupings
            .iter()
            .find(|g| g.single == single && g.args == args)
            .map(|g| g.id);
        let id = known.unwrap_or_else(|| self.env.id());
        if known.is_none() {
            self.out.groupings.push(CollectedGrouping { single, args, id, span });
        }
        Ok(self.named(Expr::Column(Column { id, ty }), || {
            crate::naming::function(name, &texts)
        }))
    }
}

/// FILTER takes a BOOLEAN that is the same each time.
fn filter_refused(bound: &Bound, span: Span) -> Result<()> {
    let refused = |sub: &str| {
        Err(Error::user(format!("INVALID_AGGREGATE_FILTER.{sub}"))
            .param("filterExpr", format!("\"{}\"", bound.name))
            .at(span))
    };
    if !bound.expr.is_deterministic() {
        return refused("NON_DETERMINISTIC");
    }
    match bound.expr.ty() {
        SqlType::Boolean | SqlType::Void => Ok(()),
        _ => refused("NOT_BOOLEAN"),
    }
}

/// DISTINCT with an order: texts that are equal must have one place, so the key is the text or what it is a cast of,
/// unless different values may look alike.
fn distinct_order(agg: &AggregateCall, order: &[(SortKey, String)], span: Span) -> Result<()> {
    let refused = |sub: &str| {
        Err(Error::user(format!("INVALID_WITHIN_GROUP_EXPRESSION.{sub}"))
            .param("funcName", "`listagg`")
            .param("funcArg", agg.args.first().map(Expr::to_string).unwrap_or_default())
            .param(
                "orderingExpr",
                order.iter().map(|(_, t)| t.as_str()).collect::<Vec<_>>().join(", "),
            )
            .at(span))
    };
    let (Some(text), [(key, _)]) = (agg.args.first(), order) else {
        return if order.is_empty() {
            Ok(())
        } else {
            refused("MISMATCH_WITH_DISTINCT_INPUT")
        };
    };
    match text {
        text if *text == key.expr => Ok(()),
        Expr::Cast(c) if c.expr == key.expr => match c.expr.ty() {
            SqlType::Float | SqlType::Double | SqlType::Timestamp => {
                refused("MISMATCH_WITH_DISTINCT_INPUT_UNSAFE_CAST")
            }
            _ => Ok(()),
        },
        _ => refused("MISMATCH_WITH_DISTINCT_INPUT"),
    }
}

/// A key of WITHIN GROUP as names show it: percentiles leave the default out, `mode` shows the order it searches in.
fn within_group_key(function: &str, descending: bool, text: &str) -> String {
    if function == "mode" {
        // The first of the most frequent values is searched from the other end.
        let key = text
            .rfind(if descending { " DESC NULLS" } else { " ASC NULLS" })
            .map_or(text, |at| &text[..at]);
        return if descending {
            key.to_string()
        } else {
            format!("{key} DESC")
        };
    }
    let stop = match (function, descending) {
        ("percentile_cont" | "percentile_disc", false) => " ASC NULLS",
        ("percentile_cont" | "percentile_disc", true) => " NULLS",
        _ => return text.to_string(),
    };
    text.rfind(stop).map_or(text, |at| &text[..at]).to_string()
}
