//! Binds expressions: names become columns, operators and calls become typed nodes, and each gets the name Spark gives
//! it. This file is the dispatch; each form has its own file.

pub(crate) mod aggregate_call;
pub(crate) mod arguments;
pub(crate) mod call;
pub(crate) mod case;
pub(crate) mod cast;
pub(crate) mod column;
pub(crate) mod interval;
pub(crate) mod lambda;
pub(crate) mod like;
pub(crate) mod literal;
pub(crate) mod operator;
pub(crate) mod parameter;
pub(crate) mod predicate;
pub(crate) mod special;
pub(crate) mod sql_function;
pub(crate) mod structure;
pub(crate) mod subquery;
pub(crate) mod temporal;
pub(crate) mod window_call;
pub(crate) mod window_frame;

use rsql_ast as ast;
use rsql_ast::ExprKind;
use rsql_ast::query::NamedWindow;
use rsql_common::{Error, Result, Span};
use rsql_expr::function::{ResolveCx, TypeSpec};
use rsql_expr::{Column, Expr};

use crate::collected::Collected;
use crate::env::{Env, deep};
use crate::scope::Scope;

/// A bound expression and its name; the name is empty while nobody asks for names.
#[derive(Debug, Clone)]
pub(crate) struct Bound {
    /// Typed expression.
    pub expr: Expr,
    /// Spark's text of it.
    pub name: String,
}

/// What an expression may hold where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Allow {
    pub aggregates: bool,
    pub windows: bool,
    pub generators: bool,
    /// Name of the clause for messages.
    pub clause: &'static str,
}

impl Allow {
    /// Plain row expressions of a clause.
    pub const fn rows(clause: &'static str) -> Self {
        Self {
            aggregates: false,
            windows: false,
            generators: false,
            clause,
        }
    }

    /// Select list and what may hold the same.
    pub const fn all(clause: &'static str) -> Self {
        Self {
            aggregates: true,
            windows: true,
            generators: true,
            clause,
        }
    }
}

/// A parameter of an enclosing lambda.
#[derive(Debug, Clone)]
pub(crate) struct LambdaParam {
    pub name: String,
    pub column: Column,
}

/// Binds the expressions of one clause.
pub(crate) struct Binder<'b> {
    pub env: Env<'b>,
    /// Columns.
    pub scope: &'b Scope,
    /// Aliases.
    pub aliases: &'b Scope,
    /// Aliases hide columns (ORDER BY, HAVING) rather than the other way round (select list, GROUP BY).
    pub aliases_first: bool,
    /// Named windows.
    pub windows: &'b [&'b NamedWindow],
    /// What the clause's plan nodes must compute.
    pub out: &'b mut Collected,
    pub allow: Allow,
    /// Names are wanted.
    pub naming: bool,
    /// Parameters of enclosing lambdas, innermost last.
    pub lambdas: Vec<LambdaParam>,
    /// Inside an aggregate's argument.
    pub in_aggregate: bool,
    /// Inside a window call.
    pub in_window: bool,
    /// Error behaviour other than the session's, inside `try_*` functions.
    pub mode: Option<rsql_expr::EvalMode>,
    /// Calls entered; a generator must stand outside of all.
    pub call_depth: usize,
}

static NO_ALIASES: Scope = Scope {
    columns: Vec::new(),
    time_window: None,
};

impl<'b> Binder<'b> {
    /// A binder over `scope`.
    pub fn new(env: Env<'b>, scope: &'b Scope, allow: Allow, out: &'b mut Collected) -> Self {
        Self {
            env,
            scope,
            aliases: &NO_ALIASES,
            aliases_first: false,
            windows: &[],
            out,
            allow,
            naming: false,
            lambdas: Vec::new(),
            in_aggregate: false,
            in_window: false,
            mode: None,
            call_depth: 0,
        }
    }

    /// With aliases.
    #[must_use]
    pub fn with_aliases(mut self, aliases: &'b Scope, first: bool) -> Self {
        self.aliases = aliases;
        self.aliases_first = first;
        self
    }

    /// With named windows.
    #[must_use]
    pub fn with_windows(mut self, windows: &'b [&'b NamedWindow]) -> Self {
        self.windows = windows;
        self
    }

    /// Binds and names.
    pub fn bind_named(&mut self, e: &ast::Expr) -> Result<Bound> {
        let before = std::mem::replace(&mut self.naming, true);
        let bound = self.bind(e);
        self.naming = before;
        bound
    }

    /// Binds without caring for the name.
    pub fn expr(&mut self, e: &ast::Expr) -> Result<Expr> {
        let before = std::mem::replace(&mut self.naming, false);
        let bound = self.bind(e);
        self.naming = before;
        Ok(bound?.expr)
    }

    /// Binds a condition: BOOLEAN, or what becomes it.
    pub fn condition(&mut self, e: &ast::Expr) -> Result<Bound> {
        let bound = self.bind(e)?;
        let expr = self.boolean(bound.expr, 0, e.span)?;
        Ok(Bound { expr, name: bound.name })
    }

    /// `expr` as BOOLEAN.
    pub fn boolean(&self, expr: Expr, index: usize, span: Span) -> Result<Expr> {
        rsql_expr::coerce::implicit_cast(expr, TypeSpec::Boolean, index, &self.cx("", span)).map_err(|e| e.at(span))
    }

    /// What resolving a call looks at.
    pub fn cx<'a>(&'a self, called_as: &'a str, span: Span) -> ResolveCx<'a> {
        let cx = self.env.resolve_cx(called_as, span);
        match self.mode {
            Some(mode) => cx.with_mode(mode),
            None => cx,
        }
    }

    /// `expr` with a name that is only made when wanted.
    pub fn named(&self, expr: Expr, name: impl FnOnce() -> String) -> Bound {
        let name = if self.naming { name() } else { String::new() };
        Bound { expr, name }
    }

    /// Calls the registry's scalar function `name`.
    pub fn scalar(&self, name: &str, args: Vec<Expr>, span: Span) -> Result<Expr> {
        match self.env.cx.registry.scalar(name) {
            Some(f) => f.resolve(args, &self.cx(name, span)).map_err(|e| e.at(span)),
            None => Err(Error::unsupported(format!("function {name}")).at(span)),
        }
    }

    /// Binds any expression.
    pub fn bind(&mut self, e: &ast::Expr) -> Result<Bound> {
        deep(|| self.dispatch(e)).map_err(|error| error.at(e.span))
    }

    fn dispatch(&mut self, e: &ast::Expr) -> Result<Bound> {
        let span = e.span;
        match &e.kind {
            ExprKind::Literal(l) => self.literal(l, span),
            ExprKind::Column(parts) => self.column(parts),
            ExprKind::Star { .. } => Err(Error::user("INVALID_USAGE_OF_STAR_OR_REGEX")
                .param("elem", "'*'")
                .param("prettyName", self.allow.clause)),
            ExprKind::PositionalParameter(i) => self.positional(*i),
            ExprKind::NamedParameter(name) => self.named_parameter(name),
            ExprKind::Identifier(inner) => self.identifier(inner),
            ExprKind::Unary { op, expr } => self.unary(*op, expr, span),
            ExprKind::Binary { op, left, right } => self.binary(*op, left, right, span),
            ExprKind::And(parts) => self.connective(parts, true),
            ExprKind::Or(parts) => self.connective(parts, false),
            ExprKind::Not(inner) => self.not(inner),
            ExprKind::IsNull { expr, negated } => self.is_null(expr, *negated),
            ExprKind::IsBoolean { expr, value, negated } => self.is_boolean(expr, *value, *negated),
            ExprKind::IsDistinctFrom { left, right, negated } => self.is_distinct(left, right, *negated, span),
            ExprKind::Between {
                expr,
                low,
                high,
                negated,
            } => self.between(expr, low, high, *negated, span),
            ExprKind::InList { expr, list, negated } => self.in_list(expr, list, *negated, span),
            ExprKind::InSubquery { expr, query, negated } => self.in_subquery(expr, query, *negated, span),
            ExprKind::Exists(query) => self.exists(query),
            ExprKind::ScalarSubquery(query) => self.scalar_subquery(query, span),
            ExprKind::QuantifiedSubquery {
                expr,
                op,
                quantifier,
                query,
            } => self.quantified(expr, *op, *quantifier, query, span),
            ExprKind::Like {
                kind,
                expr,
                pattern,
                escape,
                negated,
            } => self.like(*kind, expr, pattern, escape.as_deref(), *negated, span),
            ExprKind::LikeQuantified {
                kind,
                expr,
                quantifier,
                patterns,
                negated,
            } => self.like_quantified(*kind, expr, *quantifier, patterns, *negated, span),
            ExprKind::Case {
                operand,
                branches,
                otherwise,
            } => self.case(operand.as_deref(), branches, otherwise.as_deref(), span),
            ExprKind::Cast { kind, expr, ty } => self.cast(*kind, expr, ty, span),
            ExprKind::Function(call) => self.call(call, span),
            ExprKind::Extract { field, expr } => self.extract(field, expr, span),
            ExprKind::Trim { side, chars, expr } => self.trim(*side, chars.as_deref(), expr, span),
            ExprKind::Lambda { .. } => {
                Err(Error::user("INVALID_LAMBDA_FUNCTION_CALL.NON_HIGHER_ORDER_FUNCTION")
                    .param("class", self.allow.clause))
            }
            ExprKind::Subscript { expr, index } => self.subscript(expr, index, span),
            ExprKind::Field { expr, name } => self.field_of(expr, name, span),
            ExprKind::Path { .. } => Err(Error::unsupported("semi-structured path")),
            ExprKind::Row(members) => self.row(members, span),
            ExprKind::Alias { expr, names } => {
                let bound = self.bind(expr)?;
                let alias = names.first().map(|n| n.value.clone()).unwrap_or_default();
                Ok(self.named(bound.expr, || format!("{} AS {alias}", bound.name)))
            }
            ExprKind::Collate { expr, collation } => self.collate(expr, collation, span),
            ExprKind::Default => Err(Error::user("DEFAULT_PLACEMENT_INVALID")),
            ExprKind::Unit(unit) => Ok(
                self.named(Expr::lit(rsql_expr::Literal::string(unit.value.as_str())), || {
                    unit.value.clone()
                }),
            ),
        }
    }
}
