//! Function calls: arguments, DISTINCT, WITHIN GROUP, FILTER, IGNORE NULLS, OVER.

use rsql_ast::expr::{FunctionArg, FunctionCall, WindowRef};
use rsql_ast::query::Select;
use rsql_ast::relation::TableAlias;
use rsql_ast::{Expr, ExprKind, Ident, Literal, ObjectName, Query, Relation, SetExpr};
use rsql_common::{Error, Result, quoted_name};

use crate::parser::Parser;
use crate::select::star;
use crate::token::Symbol;

/// Functions whose first of three arguments is a unit.
const UNIT_FUNCTIONS: [&str; 7] = [
    "TIMESTAMPADD",
    "DATEADD",
    "DATE_ADD",
    "TIMESTAMPDIFF",
    "DATEDIFF",
    "DATE_DIFF",
    "TIMEDIFF",
];

const UNITS: [&str; 11] = [
    "YEAR",
    "QUARTER",
    "MONTH",
    "WEEK",
    "DAY",
    "DAYOFYEAR",
    "HOUR",
    "MINUTE",
    "SECOND",
    "MILLISECOND",
    "MICROSECOND",
];

/// A call of `name` with positional `args` and nothing else.
pub(crate) fn plain_call(name: Ident, args: Vec<Expr>) -> ExprKind {
    let args = args.into_iter().map(FunctionArg::positional).collect();
    ExprKind::Function(Box::new(new_call(ObjectName(vec![name]), args)))
}

fn new_call(name: ObjectName, args: Vec<FunctionArg>) -> FunctionCall {
    FunctionCall {
        name,
        args,
        distinct: false,
        bare: false,
        within_group: Vec::new(),
        filter: None,
        ignore_nulls: None,
        over: None,
    }
}

impl Parser<'_> {
    /// `CURRENT_DATE` and others without parentheses.
    pub(crate) fn bare_call(&mut self) -> ExprKind {
        let token = self.advance();
        let mut call = new_call(ObjectName(vec![self.to_ident(token)]), Vec::new());
        call.bare = true;
        ExprKind::Function(Box::new(call))
    }

    /// The call of `name` that starts at the current `(`.
    pub(crate) fn call(&mut self, name: Vec<Ident>, start: u32) -> Result<ExprKind> {
        self.expect_symbol(Symbol::LeftParen)?;
        let mut call = new_call(ObjectName(name), Vec::new());
        let quantified = |p: &Self| !p.symbol_at(1, Symbol::RightParen) && !p.symbol_at(1, Symbol::Comma);
        if self.at("DISTINCT") && quantified(self) {
            self.advance();
            call.distinct = true;
        } else if self.at("ALL") && quantified(self) && !self.symbol_at(1, Symbol::Period) {
            self.advance();
        }
        if !self.at_symbol(Symbol::RightParen) {
            call.args = self.comma_separated(Self::argument)?;
        }
        call.ignore_nulls = self.null_treatment();
        self.finish_call(call, start)
    }

    /// The rest of a call whose first argument has been read.
    pub(crate) fn call_with_first(&mut self, name: Ident, first: Expr, start: u32) -> Result<ExprKind> {
        let mut args = vec![FunctionArg::positional(first)];
        while self.eat_symbol(Symbol::Comma) {
            args.push(self.argument()?);
        }
        self.finish_call(new_call(ObjectName(vec![name]), args), start)
    }

    /// `)` and the clauses behind it.
    pub(crate) fn finish_call(&mut self, mut call: FunctionCall, start: u32) -> Result<ExprKind> {
        self.expect_symbol(Symbol::RightParen)?;
        self.unit_argument(&mut call, start)?;
        if self.at_all(&["WITHIN", "GROUP"]) && self.symbol_at(2, Symbol::LeftParen) {
            self.eat_all(&["WITHIN", "GROUP"]);
            call.within_group = self.parenthesized(|p| {
                p.expect_all(&["ORDER", "BY"])?;
                p.comma_separated(Self::order_item)
            })?;
        }
        if self.at("FILTER") && self.symbol_at(1, Symbol::LeftParen) {
            self.advance();
            call.filter = Some(self.parenthesized(|p| {
                if !p.at("WHERE") {
                    return p.fail();
                }
                p.advance();
                p.expr()
            })?);
        }
        if let Some(ignore) = self.null_treatment() {
            call.ignore_nulls = Some(ignore);
        }
        if self.at("OVER") && (self.symbol_at(1, Symbol::LeftParen) || self.identifier_at(1)) {
            self.advance();
            call.over = Some(self.window_reference()?);
        }
        Ok(ExprKind::Function(Box::new(call)))
    }

    fn window_reference(&mut self) -> Result<WindowRef> {
        if self.at_symbol(Symbol::LeftParen) {
            let spec = self.window_spec()?;
            let only_name = spec.partition_by.is_empty() && spec.order_by.is_empty() && spec.frame.is_none();
            return Ok(match spec.base {
                Some(name) if only_name => WindowRef::Named(name),
                _ => WindowRef::Spec(spec),
            });
        }
        Ok(WindowRef::Named(self.name()?))
    }

    /// `IGNORE NULLS` or `RESPECT NULLS`
    fn null_treatment(&mut self) -> Option<bool> {
        if self.eat_all(&["IGNORE", "NULLS"]) {
            Some(true)
        } else if self.eat_all(&["RESPECT", "NULLS"]) {
            Some(false)
        } else {
            None
        }
    }

    /// `value`, `name => value`, `TABLE(t)`
    pub(crate) fn argument(&mut self) -> Result<FunctionArg> {
        let name = if self.identifier_at(0) && self.symbol_at(1, Symbol::FatArrow) {
            let name = self.ident()?;
            self.advance();
            Some(name)
        } else {
            None
        };
        let value = if self.table_argument_ahead() {
            self.table_argument()?
        } else {
            self.expr()?
        };
        Ok(FunctionArg { name, value })
    }

    fn table_argument_ahead(&self) -> bool {
        self.at("TABLE") && (self.symbol_at(1, Symbol::LeftParen) || self.identifier_at(1))
    }

    /// `TABLE t`, `TABLE(t)`, `TABLE(query)`, as a query in parentheses.
    fn table_argument(&mut self) -> Result<Expr> {
        let start = self.start();
        self.advance();
        let query = if self.query_in_parens_at(0) {
            self.parenthesized(Self::query)?
        } else if self.at_symbol(Symbol::LeftParen) {
            self.parenthesized(Self::table_as_query)?
        } else {
            self.table_as_query()?
        };
        if self.at_all(&["WITH", "SINGLE", "PARTITION"])
            || self.at_all(&["PARTITION", "BY"])
            || self.at_all(&["DISTRIBUTE", "BY"])
        {
            return Err(Error::unsupported("partitioning of a TABLE argument").at(self.peek().span()));
        }
        Ok(Expr::new(
            ExprKind::ScalarSubquery(Box::new(query)),
            self.span_since(start),
        ))
    }

    fn table_as_query(&mut self) -> Result<Query> {
        let start = self.start();
        let table = self.named_relation(TableAlias::default())?;
        let span = self.span_since(start);
        let select = Select {
            items: vec![star(span)],
            from: vec![table],
            span,
            ..Select::default()
        };
        let mut query = Query::of(SetExpr::Select(Box::new(select)));
        query.span = span;
        Ok(query)
    }

    /// Turns the first of three arguments of TIMESTAMPADD and others into a unit; a string there is an error.
    fn unit_argument(&mut self, call: &mut FunctionCall, start: u32) -> Result<()> {
        let [name] = call.name.0.as_slice() else {
            return Ok(());
        };
        let upper = name.value.to_ascii_uppercase();
        if call.args.len() != 3 || !UNIT_FUNCTIONS.contains(&upper.as_str()) {
            return Ok(());
        }
        let first = &mut call.args[0].value;
        match &first.kind {
            ExprKind::Column(parts) => {
                if let [unit] = parts.as_slice()
                    && !unit.quoted
                    && UNITS.contains(&unit.value.to_ascii_uppercase().as_str())
                {
                    first.kind = ExprKind::Unit(unit.clone());
                }
                Ok(())
            }
            ExprKind::Literal(Literal::String(text)) => {
                Err(invalid_unit(&upper, &format!("'{text}'")).at(self.span_since(start)))
            }
            _ => Ok(()),
        }
    }
}

fn invalid_unit(function: &str, value: &str) -> Error {
    Error::user("INVALID_PARAMETER_VALUE.DATETIME_UNIT")
        .param("functionName", quoted_name([function.to_ascii_lowercase()]))
        .param("parameter", "`unit`")
        .param("invalidValue", value)
}

/// A relation that is just a table; used where only a name makes sense.
pub(crate) fn table_relation(name: ObjectName) -> Relation {
    Relation::Table {
        name,
        alias: TableAlias::default(),
        sample: None,
        options: Vec::new(),
        time_travel: None,
        identifier: None,
    }
}
