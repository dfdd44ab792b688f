//! `if`, `coalesce`, `nvl`, `nvl2`, `nullif`, `nullifzero`, `zeroifnull`, `nanvl`: rewritten to CASE and COALESCE.

use rsql_common::Result;
use rsql_expr::function::{ResolveCx, TypeSpec};
use rsql_expr::{CompareOp, Expr, Literal, ScalarFn, SqlType};

use super::doc;
use crate::kernel::{cast, check_count, rewritten, to_common, unexpected_input};

pub(super) const ALL: &[&ScalarFn] = &[&IF, &COALESCE, &NVL, &NVL2, &NULLIF, &NULLIFZERO, &ZEROIFNULL, &NANVL];

/// `N` arguments, counted.
fn exactly<const N: usize>(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<[Expr; N]> {
    check_count(&args, N, Some(N), cx)?;
    let mut args = args.into_iter();
    Ok(std::array::from_fn(|_| args.next().unwrap_or_default()))
}

/// CASE WHEN condition THEN yes ELSE no END, both of their common type.
fn choose(condition: Expr, yes: Expr, no: Expr, cx: &ResolveCx<'_>) -> Result<Expr> {
    let (values, ty) = to_common(vec![yes, no], cx)?;
    let [yes, no] = exactly(values, cx)?;
    Ok(Expr::Case {
        branches: vec![(condition, yes)],
        otherwise: Some(Box::new(no)),
        ty,
    })
}

/// `if(condition, a, b)`
static IF: ScalarFn = rewritten(
    "if",
    &["iff"],
    doc(
        "if(condition, a, b)",
        "a where the condition is true, else b.",
        "SELECT if(1 < 2, 'a', 'b')",
    ),
    |args, cx| {
        check_count(&args, 3, Some(3), cx)?;
        let condition = match args[0].ty() {
            SqlType::Boolean => args[0].clone(),
            SqlType::Void => cast(args[0].clone(), &SqlType::Boolean, cx),
            _ => return Err(unexpected_input(&args, 0, "\"BOOLEAN\"", cx)),
        };
        let [_, a, b] = exactly(args, cx)?;
        choose(condition, a, b, cx)
    },
);

/// `coalesce(expr[, ...])`
static COALESCE: ScalarFn = rewritten(
    "coalesce",
    &[],
    doc(
        "coalesce(expr[, ...])",
        "The first argument that is not NULL.",
        "SELECT coalesce(NULL, 1, NULL)",
    ),
    |args, cx| {
        check_count(&args, 1, None, cx)?;
        let (args, ty) = to_common(args, cx)?;
        Ok(Expr::Coalesce { args, ty })
    },
);

/// `nvl(a, b)`
static NVL: ScalarFn = rewritten(
    "nvl",
    &["ifnull"],
    doc("nvl(a, b)", "a, or b where a is NULL.", "SELECT nvl(NULL, array('2'))"),
    |args, cx| {
        check_count(&args, 2, Some(2), cx)?;
        let (args, ty) = to_common(args, cx)?;
        Ok(Expr::Coalesce { args, ty })
    },
);

/// `nvl2(a, b, c)`
static NVL2: ScalarFn = rewritten(
    "nvl2",
    &[],
    doc(
        "nvl2(a, b, c)",
        "b where a is not NULL, else c.",
        "SELECT nvl2(NULL, 2, 1)",
    ),
    |args, cx| {
        let [a, b, c] = exactly(args, cx)?;
        choose(Expr::IsNotNull(Box::new(a)), b, c, cx)
    },
);

/// `nullif(a, b)`
static NULLIF: ScalarFn = rewritten(
    "nullif",
    &[],
    doc("nullif(a, b)", "NULL where a equals b, else a.", "SELECT nullif(2, 2)"),
    |args, cx| {
        let [a, b] = exactly(args, cx)?;
        let equal = rsql_expr::coerce::compare(CompareOp::Eq, a.clone(), b, cx)?;
        let ty = a.ty();
        Ok(Expr::Case {
            branches: vec![(equal, Expr::lit(Literal::null(ty.clone())))],
            otherwise: Some(Box::new(a)),
            ty,
        })
    },
);

/// `nullifzero(expr)`
static NULLIFZERO: ScalarFn = rewritten(
    "nullifzero",
    &[],
    doc(
        "nullifzero(expr)",
        "NULL where the argument is 0, else the argument.",
        "SELECT nullifzero(0)",
    ),
    |args, cx| {
        let [a] = exactly(args, cx)?;
        NULLIF.resolve(vec![a, Expr::lit(Literal::int(0))], cx)
    },
);

/// `zeroifnull(expr)`
static ZEROIFNULL: ScalarFn = rewritten(
    "zeroifnull",
    &[],
    doc(
        "zeroifnull(expr)",
        "0 where the argument is NULL, else the argument.",
        "SELECT zeroifnull(NULL)",
    ),
    |args, cx| {
        let [a] = exactly(args, cx)?;
        NVL.resolve(vec![a, Expr::lit(Literal::int(0))], cx)
    },
);

/// `nanvl(a, b)`
static NANVL: ScalarFn = rewritten(
    "nanvl",
    &[],
    doc(
        "nanvl(a, b)",
        "a, or b where a is NaN.",
        "SELECT nanvl(double('NaN'), 123)",
    ),
    |args, cx| {
        let [a, b] = exactly(args, cx)?;
        let float = a.ty() == SqlType::Float && b.ty() == SqlType::Float;
        let ty = if float { SqlType::Float } else { SqlType::Double };
        let number = |e: Expr, i| match e.ty() {
            SqlType::Float if float => Ok(e),
            _ => rsql_expr::coerce::implicit_cast(e, TypeSpec::Double, i, cx),
        };
        let (a, b) = (number(a, 0)?, number(b, 1)?);
        let nan = match ty {
            SqlType::Float => Literal::new(rsql_expr::Scalar::F32(f32::NAN), SqlType::Float),
            _ => Literal::double(f64::NAN),
        };
        // NaN equals itself here.
        let is_nan = Expr::compare(CompareOp::Eq, a.clone(), Expr::lit(nan));
        Ok(Expr::Case {
            branches: vec![(is_nan, b)],
            otherwise: Some(Box::new(a)),
            ty,
        })
    },
);
