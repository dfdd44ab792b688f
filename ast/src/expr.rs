//! Unresolved expressions.

use rsql_common::Span;

use crate::{Ident, IntervalUnit, Literal, ObjectName, Query, TypeExpr};

/// An expression and its place.
#[derive(Debug, Clone)]
pub struct Expr {
    /// What it is.
    pub kind: ExprKind,
    /// Where it stands.
    pub span: Span,
}

/// Places do not count.
impl PartialEq for Expr {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind
    }
}

/// Binary operators that take two values.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    /// `/`
    Divide,
    /// `DIV`
    IntegralDivide,
    /// `%`, `MOD`
    Remainder,
    /// `||`
    Concat,
    BitAnd,
    BitOr,
    BitXor,
    ShiftLeft,
    ShiftRight,
    ShiftRightUnsigned,
    Eq,
    /// `<>`, `!=`
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    /// `<=>`
    NullSafeEq,
}

/// Unary operators.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum UnaryOp {
    Plus,
    Minus,
    /// `~`
    BitNot,
}

/// Kinds of pattern match.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum LikeKind {
    Like,
    ILike,
    /// `RLIKE`, `REGEXP`
    RLike,
}

/// ANY (SOME) or ALL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum Quantifier {
    Any,
    All,
}

/// Which cast was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CastKind {
    /// `CAST(x AS t)`
    Cast,
    /// `TRY_CAST(x AS t)`
    TryCast,
    /// `x :: t`
    DoubleColon,
}

/// Sides of TRIM.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum TrimSide {
    Both,
    Leading,
    Trailing,
}

/// What an expression is.
#[derive(Debug, Clone, PartialEq)]
pub enum ExprKind {
    /// A constant.
    Literal(Literal),
    /// `a`, `t.a`, `t.a.field`: the analyzer decides which part is what.
    Column(Vec<Ident>),
    /// `*`, `t.*`, with `EXCEPT (…)`.
    Star {
        /// `t` of `t.*`; empty for `*`.
        qualifier: Vec<Ident>,
        /// Columns (possibly nested) left out.
        except: Vec<Vec<Ident>>,
    },
    /// `?` (by position from 0).
    PositionalParameter(usize),
    /// `:name`
    NamedParameter(String),
    /// `IDENTIFIER(expr)`
    Identifier(Box<Expr>),
    /// `+x`, `-x`, `~x`
    Unary {
        /// Operator.
        op: UnaryOp,
        /// Operand.
        expr: Box<Expr>,
    },
    /// `l op r`
    Binary {
        /// Operator.
        op: BinaryOp,
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
    },
    /// `a AND b AND …`: two or more.
    And(Vec<Expr>),
    /// `a OR b OR …`: two or more.
    Or(Vec<Expr>),
    /// `NOT x`, `!x`
    Not(Box<Expr>),
    /// `x IS [NOT] NULL`
    IsNull {
        /// Operand.
        expr: Box<Expr>,
        /// NOT given.
        negated: bool,
    },
    /// `x IS [NOT] TRUE | FALSE | UNKNOWN`; UNKNOWN is `None`.
    IsBoolean {
        /// Operand.
        expr: Box<Expr>,
        /// TRUE, FALSE, or UNKNOWN.
        value: Option<bool>,
        /// NOT given.
        negated: bool,
    },
    /// `a IS [NOT] DISTINCT FROM b`
    IsDistinctFrom {
        /// Left operand.
        left: Box<Expr>,
        /// Right operand.
        right: Box<Expr>,
        /// NOT given.
        negated: bool,
    },
    /// `x [NOT] BETWEEN a AND b`
    Between {
        /// Operand.
        expr: Box<Expr>,
        /// Lower bound.
        low: Box<Expr>,
        /// Upper bound.
        high: Box<Expr>,
        /// NOT given.
        negated: bool,
    },
    /// `x [NOT] IN (a, b, …)`
    InList {
        /// Operand.
        expr: Box<Expr>,
        /// Candidates.
        list: Vec<Expr>,
        /// NOT given.
        negated: bool,
    },
    /// `x [NOT] IN (SELECT …)`; the operand may be a [`ExprKind::Row`].
    InSubquery {
        /// Operand.
        expr: Box<Expr>,
        /// Subquery.
        query: Box<Query>,
        /// NOT given.
        negated: bool,
    },
    /// `EXISTS (SELECT …)`; NOT EXISTS is [`ExprKind::Not`] of this.
    Exists(Box<Query>),
    /// `(SELECT …)` used as a value.
    ScalarSubquery(Box<Query>),
    /// `x op ANY|ALL (SELECT …)`
    QuantifiedSubquery {
        /// Operand.
        expr: Box<Expr>,
        /// Comparison.
        op: BinaryOp,
        /// ANY or ALL.
        quantifier: Quantifier,
        /// Subquery.
        query: Box<Query>,
    },
    /// `x [NOT] LIKE p [ESCAPE c]`, `ILIKE`, `RLIKE`
    Like {
        /// Which match.
        kind: LikeKind,
        /// Operand.
        expr: Box<Expr>,
        /// Pattern.
        pattern: Box<Expr>,
        /// Escape character.
        escape: Option<Box<Expr>>,
        /// NOT given.
        negated: bool,
    },
    /// `x [NOT] LIKE ANY|ALL (p, …)`
    LikeQuantified {
        /// Which match.
        kind: LikeKind,
        /// Operand.
        expr: Box<Expr>,
        /// ANY (SOME) or ALL.
        quantifier: Quantifier,
        /// Patterns.
        patterns: Vec<Expr>,
        /// NOT given.
        negated: bool,
    },
    /// `CASE [x] WHEN a THEN b … [ELSE c] END`
    Case {
        /// Operand of the simple form.
        operand: Option<Box<Expr>>,
        /// WHEN and THEN.
        branches: Vec<(Expr, Expr)>,
        /// ELSE.
        otherwise: Option<Box<Expr>>,
    },
    /// A cast.
    Cast {
        /// Which spelling.
        kind: CastKind,
        /// Operand.
        expr: Box<Expr>,
        /// Target.
        ty: TypeExpr,
    },
    /// A call of a function, aggregate, window or table function.
    Function(Box<FunctionCall>),
    /// `EXTRACT(field FROM x)`
    Extract {
        /// Field as written.
        field: Ident,
        /// Source.
        expr: Box<Expr>,
    },
    /// `TRIM([BOTH|LEADING|TRAILING] [chars] FROM x)`; plain `trim(x)` is a function call.
    Trim {
        /// Side.
        side: TrimSide,
        /// Characters to remove.
        chars: Option<Box<Expr>>,
        /// Source.
        expr: Box<Expr>,
    },
    /// `(x, y) -> body`, `x -> body`
    Lambda {
        /// Parameters.
        params: Vec<Ident>,
        /// Body.
        body: Box<Expr>,
    },
    /// `x[i]`
    Subscript {
        /// Array or map.
        expr: Box<Expr>,
        /// Index or key.
        index: Box<Expr>,
    },
    /// `(expr).field`; a dotted name is [`ExprKind::Column`].
    Field {
        /// Struct.
        expr: Box<Expr>,
        /// Field.
        name: Ident,
    },
    /// `v:path`: semi-structured access, path as written.
    Path {
        /// Variant or JSON string.
        expr: Box<Expr>,
        /// Text after the colon.
        path: String,
    },
    /// `(a, b, …)` with at least two members, or `STRUCT`-less row.
    Row(Vec<Expr>),
    /// `x AS name` inside an argument list or a select list; several names for generators.
    Alias {
        /// Named expression.
        expr: Box<Expr>,
        /// Names; more than one for `AS (a, b)`.
        names: Vec<Ident>,
    },
    /// `x COLLATE name`
    Collate {
        /// Operand.
        expr: Box<Expr>,
        /// Collation.
        collation: ObjectName,
    },
    /// `DEFAULT` in VALUES, INSERT, SET and the like.
    Default,
    /// A unit keyword as argument: `TIMESTAMPADD(DAY, …)`, `DATEDIFF(MONTH, …)`.
    Unit(Ident),
}

/// A call.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionCall {
    /// Name, possibly qualified.
    pub name: ObjectName,
    /// Arguments in order; `count(*)` has one [`ExprKind::Star`].
    pub args: Vec<FunctionArg>,
    /// `DISTINCT` given.
    pub distinct: bool,
    /// Written without parentheses: `CURRENT_DATE`, `USER`. A column of that name comes before the function.
    pub bare: bool,
    /// `WITHIN GROUP (ORDER BY …)`
    pub within_group: Vec<OrderItem>,
    /// `FILTER (WHERE …)`
    pub filter: Option<Expr>,
    /// `IGNORE NULLS` (true) or `RESPECT NULLS` (false).
    pub ignore_nulls: Option<bool>,
    /// `OVER …`
    pub over: Option<WindowRef>,
}

/// An argument, by position or `name => value`.
#[derive(Debug, Clone, PartialEq)]
pub struct FunctionArg {
    /// Name of `name => value`.
    pub name: Option<Ident>,
    /// Value. `TABLE(t)` arguments are [`ExprKind::ScalarSubquery`] of `SELECT * FROM t`.
    pub value: Expr,
}

impl FunctionArg {
    /// An argument by position.
    pub fn positional(value: Expr) -> Self {
        Self { name: None, value }
    }
}

/// `OVER w` or `OVER (…)`.
#[derive(Debug, Clone, PartialEq)]
pub enum WindowRef {
    /// A named window.
    Named(Ident),
    /// A specification.
    Spec(WindowSpec),
}

/// The inside of `OVER (…)`.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct WindowSpec {
    /// Named window it builds on.
    pub base: Option<Ident>,
    /// PARTITION BY (also DISTRIBUTE BY).
    pub partition_by: Vec<Expr>,
    /// ORDER BY (also SORT BY).
    pub order_by: Vec<OrderItem>,
    /// Frame.
    pub frame: Option<WindowFrame>,
    /// Where it stands.
    pub span: Span,
}

/// ROWS or RANGE with bounds.
#[derive(Debug, Clone, PartialEq)]
pub struct WindowFrame {
    /// ROWS, RANGE or GROUPS.
    pub units: FrameUnits,
    /// First bound.
    pub start: FrameBound,
    /// Second bound; absent means CURRENT ROW.
    pub end: Option<FrameBound>,
}

/// How a frame counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FrameUnits {
    Rows,
    Range,
    Groups,
}

/// A bound of a frame.
#[derive(Debug, Clone, PartialEq)]
#[allow(missing_docs, reason = "the names say it")]
pub enum FrameBound {
    UnboundedPreceding,
    Preceding(Box<Expr>),
    CurrentRow,
    Following(Box<Expr>),
    UnboundedFollowing,
}

/// One item of ORDER BY.
#[derive(Debug, Clone, PartialEq)]
pub struct OrderItem {
    /// Sort key; `ALL` in `ORDER BY ALL` is the column `ALL`.
    pub expr: Expr,
    /// DESC given.
    pub descending: bool,
    /// NULLS FIRST (true), NULLS LAST (false), or unsaid.
    pub nulls_first: Option<bool>,
}

impl Expr {
    /// An expression at a place.
    pub fn new(kind: ExprKind, span: Span) -> Self {
        Self { kind, span }
    }

    /// A node without a place; for trees built by hand.
    pub fn of(kind: ExprKind) -> Self {
        Self { kind, span: Span::NONE }
    }

    /// A column by its dotted parts; for trees built by hand.
    pub fn column(parts: &[&str]) -> Self {
        Self::of(ExprKind::Column(parts.iter().map(|p| Ident::new(*p)).collect()))
    }

    /// A literal; for trees built by hand.
    pub fn literal(literal: Literal) -> Self {
        Self::of(ExprKind::Literal(literal))
    }

    /// `left op right`; for trees built by hand.
    pub fn binary(op: BinaryOp, left: Expr, right: Expr) -> Self {
        Self::of(ExprKind::Binary {
            op,
            left: Box::new(left),
            right: Box::new(right),
        })
    }

    /// `expr AS name`; for trees built by hand.
    pub fn alias(self, name: &str) -> Self {
        Self::of(ExprKind::Alias {
            expr: Box::new(self),
            names: vec![Ident::new(name)],
        })
    }

    /// `name(args)`; for trees built by hand.
    pub fn call(name: &str, args: Vec<Expr>) -> Self {
        Self::of(ExprKind::Function(Box::new(FunctionCall {
            name: ObjectName::of(&[name]),
            args: args.into_iter().map(FunctionArg::positional).collect(),
            distinct: false,
            bare: false,
            within_group: Vec::new(),
            filter: None,
            ignore_nulls: None,
            over: None,
        })))
    }
}

/// A unit as used by intervals inside expressions; re-exported for builders.
pub type Unit = IntervalUnit;
