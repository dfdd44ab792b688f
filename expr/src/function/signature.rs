//! What arguments a function takes and what type it gives, as data.

use rsql_common::{Error, Result, quoted_name};

use super::ResolveCx;
use crate::{Expr, SqlType};

/// Arguments and result type of a function.
#[derive(Debug, Clone, Copy)]
pub struct Signature {
    /// How many arguments of which types.
    pub arity: Arity,
    /// Type of the result.
    pub returns: ReturnType,
}

/// How many arguments of which types.
#[derive(Debug, Clone, Copy)]
pub enum Arity {
    /// Exactly these.
    Exact(&'static [TypeSpec]),
    /// The first `usize` of these are required, the rest optional (absent ones stay absent).
    Optional(&'static [TypeSpec], usize),
    /// These, then any number (at least the `usize`) of the last one.
    Variadic(&'static [TypeSpec], usize),
    /// The function binds its arguments itself: checks count and types, adds casts.
    Bind(fn(Vec<Expr>, &ResolveCx<'_>) -> Result<Vec<Expr>>),
    /// The call is replaced by another expression altogether (Spark's RuntimeReplaceable).
    Rewrite(fn(Vec<Expr>, &ResolveCx<'_>) -> Result<Expr>),
}

/// What an argument may be; implicit casts are added where Spark adds them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TypeSpec {
    /// Anything, unchanged.
    Any,
    /// BOOLEAN
    Boolean,
    /// INT
    Int,
    /// BIGINT
    Long,
    /// DOUBLE
    Double,
    /// STRING
    String,
    /// STRING; nothing else is taken as one (Spark's `ExpectsInputTypes` without implicit casts).
    Text,
    /// BINARY
    Binary,
    /// DATE
    Date,
    /// TIMESTAMP
    Timestamp,
    /// TIMESTAMP_NTZ
    TimestampNtz,
    /// TIME of any precision
    Time,
    /// TIMESTAMP or TIMESTAMP_NTZ
    AnyTimestamp,
    /// Any numeric type; strings become DOUBLE.
    Numeric,
    /// Any integral type.
    Integral,
    /// DECIMAL of any precision
    Decimal,
    /// STRING or BINARY
    StringOrBinary,
    /// Numeric or ANSI interval
    NumericOrInterval,
    /// Year-month interval
    YearMonthInterval,
    /// Day-time interval
    DayTimeInterval,
    /// Array of anything
    Array,
    /// Map of anything
    Map,
    /// Struct of anything
    Struct,
    /// Array or map
    ArrayOrMap,
    /// Anything that can be sorted
    Orderable,
    /// A lambda (bound by the function itself)
    Lambda,
}

/// Type of the result.
#[derive(Debug, Clone, Copy)]
pub enum ReturnType {
    /// Always this one.
    Fixed(fn() -> SqlType),
    /// That of argument `i`.
    SameAs(usize),
    /// STRING with the collation of argument `i`.
    TextOf(usize),
    /// Computed from the bound arguments.
    Of(fn(&[Expr], &ResolveCx<'_>) -> Result<SqlType>),
}

/// Shorthands for [`ReturnType::Fixed`]: `ret::STRING`.
pub mod ret {
    use super::ReturnType::{self, Fixed};
    use crate::SqlType;

    macro_rules! fixed {
        ($($name:ident = $ty:expr;)*) => { $(
            #[doc = concat!("Always `", stringify!($ty), "`.")]
            pub const $name: ReturnType = Fixed(|| $ty);
        )* };
    }
    fixed! {
        BOOLEAN = SqlType::Boolean; BYTE = SqlType::Byte; SHORT = SqlType::Short; INT = SqlType::Int;
        LONG = SqlType::Long; FLOAT = SqlType::Float; DOUBLE = SqlType::Double; STRING = SqlType::String;
        BINARY = SqlType::Binary; DATE = SqlType::Date; TIMESTAMP = SqlType::Timestamp;
        TIMESTAMP_NTZ = SqlType::TimestampNtz; DAY_TIME = SqlType::DAY_TIME; YEAR_MONTH = SqlType::YEAR_MONTH;
        CALENDAR_INTERVAL = SqlType::CalendarInterval; VOID = SqlType::Void;
    }
}

impl Signature {
    /// Exactly these arguments.
    pub const fn exact(args: &'static [TypeSpec], returns: ReturnType) -> Self {
        Self {
            arity: Arity::Exact(args),
            returns,
        }
    }

    /// The first `required` arguments are required.
    pub const fn optional(args: &'static [TypeSpec], required: usize, returns: ReturnType) -> Self {
        Self {
            arity: Arity::Optional(args, required),
            returns,
        }
    }

    /// Any number of the last one, at least `at_least` in all.
    pub const fn variadic(args: &'static [TypeSpec], at_least: usize, returns: ReturnType) -> Self {
        Self {
            arity: Arity::Variadic(args, at_least),
            returns,
        }
    }

    /// A function that binds its own arguments.
    pub const fn bind_with(bind: fn(Vec<Expr>, &ResolveCx<'_>) -> Result<Vec<Expr>>, returns: ReturnType) -> Self {
        Self {
            arity: Arity::Bind(bind),
            returns,
        }
    }

    /// A function that is rewritten away.
    pub const fn rewrite(rewrite: fn(Vec<Expr>, &ResolveCx<'_>) -> Result<Expr>) -> Self {
        Self {
            arity: Arity::Rewrite(rewrite),
            returns: ret::VOID,
        }
    }

    /// Checks the arguments' number and types and adds the implicit casts Spark adds.
    pub fn bind(&self, name: &str, args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Vec<Expr>> {
        let (specs, required, most) = match self.arity {
            Arity::Exact(specs) => (specs, specs.len(), Some(specs.len())),
            Arity::Optional(specs, required) => (specs, required, Some(specs.len())),
            Arity::Variadic(specs, at_least) => (specs, at_least, None),
            Arity::Bind(bind) => return bind(args, cx),
            Arity::Rewrite(_) => return Ok(args),
        };
        if args.len() < required || most.is_some_and(|m| args.len() > m) {
            return Err(wrong_number(name, required, most, args.len(), cx));
        }
        args.into_iter()
            .enumerate()
            .map(|(i, arg)| match specs.get(i).or(specs.last()) {
                Some(spec) => crate::coerce::implicit_cast(arg, *spec, i, cx),
                None => Ok(arg),
            })
            .collect()
    }

    /// Type of the result for bound arguments.
    pub fn returns(&self, args: &[Expr], cx: &ResolveCx<'_>) -> Result<SqlType> {
        match self.returns {
            ReturnType::Fixed(ty) => Ok(ty()),
            ReturnType::SameAs(i) => args
                .get(i)
                .map(Expr::ty)
                .ok_or_else(|| Error::internal(format!("{} has no argument {i}", cx.called_as))),
            ReturnType::TextOf(i) => Ok(args
                .get(i)
                .map(Expr::ty)
                .filter(SqlType::is_string)
                .unwrap_or(SqlType::String)),
            ReturnType::Of(f) => f(args, cx),
        }
    }
}

/// `WRONG_NUM_ARGS` for a call with `given` arguments.
pub fn wrong_number(name: &str, required: usize, most: Option<usize>, given: usize, cx: &ResolveCx<'_>) -> Error {
    let expected = match most {
        Some(m) if m == required => required.to_string(),
        Some(m) => format!(
            "[{}]",
            (required..=m).map(|n| n.to_string()).collect::<Vec<_>>().join(", ")
        ),
        None => format!("> {}", required.saturating_sub(1)),
    };
    Error::user("WRONG_NUM_ARGS.WITHOUT_SUGGESTION")
        .param("functionName", quoted_name([name]))
        .param("expectedNum", expected)
        .param("actualNum", given.to_string())
        .at(cx.origin.0)
}
