//! Functions of doubles: trigonometry, logarithms, powers, constants.

use std::f64::consts::{E, PI};
use std::sync::Arc;

use arrow::array::{ArrayRef, cast::AsArray};
use arrow::datatypes::{DataType, Float64Type};
use rsql_common::{Error, Result};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, FunctionKind, FunctionRegistry, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::{Expr, Literal, ScalarFn};

use super::doc;
use super::fdlibm::{cbrt, cosh, strict_exp};
use crate::kernel::{DoubleCol, check_count, prim_rows, pure, rewritten, some};

pub(super) fn register(r: &mut FunctionRegistry) {
    let all: [&'static ScalarFn; 32] = [
        &ACOS, &ACOSH, &ASIN, &ASINH, &ATAN, &ATANH, &CBRT, &COS, &COSH, &COT, &CSC, &DEGREES, &EXP, &EXPM1, &RADIANS,
        &RINT, &SEC, &SIN, &SINH, &SQRT, &TAN, &TANH, &LN, &LOG10, &LOG1P, &LOG2, &LOG, &ATAN2, &HYPOT, &POW, &PI_FN,
        &E_FN,
    ];
    for f in all {
        r.add(FunctionKind::Scalar(f));
    }
}

/// Applies `f` to every double.
fn map(args: &EvalArgs<'_>, f: impl Fn(f64) -> f64) -> Result<ArrayRef> {
    let array = args.array(0)?;
    let doubles = array
        .as_primitive_opt::<Float64Type>()
        .ok_or_else(|| Error::internal(format!("{} where DOUBLE was expected", args.call.func)))?;
    Ok(Arc::new(doubles.unary::<_, Float64Type>(f)))
}

/// Applies `f` to every double; NULL where it gives none.
fn map_some(args: &EvalArgs<'_>, f: impl Fn(f64) -> Option<f64>) -> Result<ArrayRef> {
    let values = DoubleCol::of(args, 0)?;
    prim_rows::<Float64Type>(args.rows, &DataType::Float64, |row| Ok(f(some!(values.get(row)))))
}

/// Applies `f` to every pair of doubles.
fn map_pairs(args: &EvalArgs<'_>, f: impl Fn(f64, f64) -> Option<f64>) -> Result<ArrayRef> {
    let (a, b) = (DoubleCol::of(args, 0)?, DoubleCol::of(args, 1)?);
    prim_rows::<Float64Type>(args.rows, &DataType::Float64, |row| {
        Ok(f(some!(a.get(row)), some!(b.get(row))))
    })
}

macro_rules! double {
    ($($name:ident = $sql:literal [$($alias:literal),*] $text:literal $f:expr;)*) => { $(
        #[doc = concat!("`", $sql, "(expr)`")]
        static $name: ScalarFn = pure(
            $sql,
            &[$($alias),*],
            doc(concat!($sql, "(expr)"), $text, concat!("SELECT ", $sql, "(1)")),
            Signature::exact(&[TypeSpec::Double], ret::DOUBLE),
            |args| map(args, $f),
        );
    )* };
}

double! {
    ACOS = "acos" [] "Inverse cosine." libm::acos;
    ACOSH = "acosh" [] "Inverse hyperbolic cosine." libm::acosh;
    ASIN = "asin" [] "Inverse sine." libm::asin;
    ASINH = "asinh" [] "Inverse hyperbolic sine." libm::asinh;
    ATAN = "atan" [] "Inverse tangent." libm::atan;
    ATANH = "atanh" [] "Inverse hyperbolic tangent." |x| 0.5 * (x.ln_1p() - (-x).ln_1p());
    CBRT = "cbrt" [] "Cube root." cbrt;
    COS = "cos" [] "Cosine." f64::cos;
    COSH = "cosh" [] "Hyperbolic cosine." cosh;
    COT = "cot" [] "Cotangent." |x| 1.0 / x.tan();
    CSC = "csc" [] "Cosecant." |x| 1.0 / x.sin();
    DEGREES = "degrees" [] "Radians as degrees." f64::to_degrees;
    EXP = "exp" [] "e to the power of the argument." strict_exp;
    EXPM1 = "expm1" [] "exp(expr) - 1." f64::exp_m1;
    RADIANS = "radians" [] "Degrees as radians." f64::to_radians;
    RINT = "rint" [] "Nearest whole number, the even one of two." f64::round_ties_even;
    SEC = "sec" [] "Secant." |x| 1.0 / x.cos();
    SIN = "sin" [] "Sine." f64::sin;
    SINH = "sinh" [] "Hyperbolic sine." f64::sinh;
    SQRT = "sqrt" [] "Square root." f64::sqrt;
    TAN = "tan" [] "Tangent." f64::tan;
    TANH = "tanh" [] "Hyperbolic tangent." f64::tanh;
}

macro_rules! logarithm {
    ($($name:ident = $sql:literal $text:literal $least:literal $f:expr;)*) => { $(
        #[doc = concat!("`", $sql, "(expr)`; NULL where the logarithm has no value.")]
        static $name: ScalarFn = ScalarFn {
            nulls: NullRule::PropagateOrNull,
            ..pure(
                $sql,
                &[],
                doc(concat!($sql, "(expr)"), $text, concat!("SELECT ", $sql, "(1)")),
                Signature::exact(&[TypeSpec::Double], ret::DOUBLE),
                |args| map_some(args, |x| if x <= $least { None } else { Some($f(x)) }),
            )
        };
    )* };
}

logarithm! {
    LN = "ln" "Natural logarithm." 0.0 libm::log;
    LOG10 = "log10" "Logarithm to base 10." 0.0 f64::log10;
    LOG1P = "log1p" "Natural logarithm of 1 + expr." -1.0 f64::ln_1p;
    LOG2 = "log2" "Logarithm to base 2." 0.0 |x: f64| libm::log(x) / std::f64::consts::LN_2;
}

/// `log([base, ]expr)`
static LOG: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..pure(
        "log",
        &[],
        doc(
            "log([base, ]expr)",
            "Logarithm, natural without a base.",
            "SELECT log(10, 100)",
        ),
        Signature::optional(&[TypeSpec::Double, TypeSpec::Double], 1, ret::DOUBLE),
        |args| {
            if args.len() == 1 {
                return map_some(args, |x| (x > 0.0 || x.is_nan()).then(|| libm::log(x)));
            }
            map_pairs(args, |base, x| {
                if base <= 0.0 || x <= 0.0 {
                    None
                } else {
                    Some(libm::log(x) / libm::log(base))
                }
            })
        },
    )
};

/// `atan2(y, x)`
static ATAN2: ScalarFn = pure(
    "atan2",
    &[],
    doc("atan2(y, x)", "Angle of the point (x, y).", "SELECT atan2(0, 0)"),
    Signature::exact(&[TypeSpec::Double, TypeSpec::Double], ret::DOUBLE),
    // Adding 0.0 turns -0.0 into 0.0.
    |args| map_pairs(args, |y, x| Some(libm::atan2(y + 0.0, x + 0.0))),
);

/// `hypot(a, b)`
static HYPOT: ScalarFn = pure(
    "hypot",
    &[],
    doc("hypot(a, b)", "sqrt(a² + b²).", "SELECT hypot(3, 4)"),
    Signature::exact(&[TypeSpec::Double, TypeSpec::Double], ret::DOUBLE),
    |args| map_pairs(args, |a, b| Some(libm::hypot(a, b))),
);

/// `pow(base, exponent)`
static POW: ScalarFn = pure(
    "pow",
    &["power"],
    doc(
        "pow(base, exponent)",
        "Base to the power of the exponent.",
        "SELECT pow(2, 3)",
    ),
    Signature::exact(&[TypeSpec::Double, TypeSpec::Double], ret::DOUBLE),
    |args| {
        map_pairs(args, |base, exponent| {
            // Java's pow gives NaN where C's gives 1.
            if exponent.is_nan() || (base.abs() == 1.0 && exponent.is_infinite()) {
                Some(f64::NAN)
            } else {
                // The same digits as the JVM, which computes by fdlibm.
                Some(libm::pow(base, exponent))
            }
        })
    },
);

/// `pi()`
static PI_FN: ScalarFn = rewritten("pi", &[], doc("pi()", "π", "SELECT pi()"), |args, cx| {
    check_count(&args, 0, Some(0), cx)?;
    Ok(Expr::lit(Literal::double(PI)))
});

/// `e()`
static E_FN: ScalarFn = rewritten("e", &[], doc("e()", "Euler's number.", "SELECT e()"), |args, cx| {
    check_count(&args, 0, Some(0), cx)?;
    Ok(Expr::lit(Literal::double(E)))
});
