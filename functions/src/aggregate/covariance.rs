//! `corr`, `covar_*` and the `regr_*` family over pairs without NULL.

use rsql_common::{Error, Result};
use rsql_expr::function::{AggregateFn, FunctionRegistry, ResolveCx, TypeSpec};
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType};

use super::define::{add, aggregate, call, doc, no_order};
use super::registers::{Registers, Rules, state_fields};
use crate::kernel::check_count;

pub(super) fn register(r: &mut FunctionRegistry) {
    add(
        r,
        &[
            &CORR,
            &COVAR_POP,
            &COVAR_SAMP,
            &REGR_COUNT,
            &REGR_AVGX,
            &REGR_AVGY,
            &REGR_SXX,
            &REGR_SYY,
            &REGR_SXY,
            &REGR_SLOPE,
            &REGR_INTERCEPT,
            &REGR_R2,
        ],
    );
}

/// Count, mean of the first and of the second, sum of products of distances, sums of squared distances of both.
type Pairs = [f64; 6];

fn update(p: &mut Pairs, x: f64, y: f64) {
    let [n, x_avg, y_avg, ck, x_mk, y_mk] = *p;
    let n1 = n + 1.0;
    let dx = x - x_avg;
    let dy = y - y_avg;
    let new_x = x_avg + dx / n1;
    let new_y = y_avg + dy / n1;
    *p = [
        n1,
        new_x,
        new_y,
        ck + dx * (y - new_y),
        x_mk + dx * (x - new_x),
        y_mk + dy * (y - new_y),
    ];
}

/// [`update`] with the squared distances summed as variances sum them, for the last digits to agree.
fn update_moments(p: &mut Pairs, x: f64, y: f64) {
    let [n, x_avg, y_avg, _, x_mk, y_mk] = *p;
    let (dx, dy) = (x - x_avg, y - y_avg);
    update(p, x, y);
    p[4] = x_mk + dx * (dx - dx / (n + 1.0));
    p[5] = y_mk + dy * (dy - dy / (n + 1.0));
}

/// [`update_moments`] with the products summed from the independent variable's side, as the regression line's are.
fn update_line(p: &mut Pairs, y: f64, x: f64) {
    let [n, y_avg, x_avg, ck, ..] = *p;
    update_moments(p, y, x);
    p[3] = ck + (x - x_avg) * (y - (y_avg + (y - y_avg) / (n + 1.0)));
}

fn merge(p: &mut Pairs, other: &Pairs) {
    let [n1, x1, y1, c1, xm1, ym1] = *p;
    let [n2, x2, y2, c2, xm2, ym2] = *other;
    let n = n1 + n2;
    let (dx, dy) = (x2 - x1, y2 - y1);
    let dx_n = if n == 0.0 { 0.0 } else { dx / n };
    let dy_n = if n == 0.0 { 0.0 } else { dy / n };
    *p = [
        n,
        x1 + dx_n * n2,
        y1 + dy_n * n2,
        c1 + c2 + dx * dy_n * n1 * n2,
        xm1 + xm2 + dx * dx_n * n1 * n2,
        ym1 + ym2 + dy * dy_n * n1 * n2,
    ];
}

fn resolve(
    name: &'static str,
    args: Vec<Expr>,
    order: &[SortKey],
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    no_order(order, cx)?;
    check_count(&args, 2, Some(2), cx)?;
    let args = args
        .into_iter()
        .enumerate()
        .map(|(i, a)| rsql_expr::coerce::implicit_cast(a, TypeSpec::Double, i, cx))
        .collect::<Result<Vec<_>, Error>>()?;
    let integral = name == "regr_count";
    let ty = if integral { SqlType::Long } else { SqlType::Double };
    Ok(AggregateCall {
        nullable: !integral,
        ..call(name, args, ty, ignore_nulls, cx)
    })
}

macro_rules! pairs {
    ($name:ident, $sql:literal, $text:literal, $integral:literal, $update:ident, $result:expr) => {
        #[doc = concat!("`", $sql, "(y, x)`")]
        static $name: AggregateFn = aggregate(
            $sql,
            &[],
            doc(
                concat!($sql, "(y, x)"),
                $text,
                concat!(
                    "SELECT ",
                    $sql,
                    "(y, x) FROM VALUES (1, 2), (2, 2), (2, 3) AS t(y, x)"
                ),
            ),
            |args, order, nulls, cx| resolve($sql, args, &order, nulls, cx),
            |_| state_fields(&["n", "x_avg", "y_avg", "ck", "x_mk", "y_mk"]),
            |_| {
                Ok(Registers::boxed(Rules {
                    two: true,
                    update: $update,
                    merge,
                    result: $result,
                    integral: $integral,
                }))
            },
        );
    };
}

// In the state the first argument is "x"; for the `regr_*` functions that is the dependent variable, y.
pairs!(CORR, "corr", "Pearson's correlation.", false, update, |p| (p[0] > 1.0
    && p[4] * p[5] != 0.0)
    .then(|| p[3] / (p[4] * p[5]).sqrt()));
pairs!(COVAR_POP, "covar_pop", "Population covariance.", false, update, |p| (p
    [0]
    > 0.0)
    .then(|| p[3] / p[0]));
pairs!(COVAR_SAMP, "covar_samp", "Sample covariance.", false, update, |p| (p
    [0]
    > 1.0)
    .then(|| p[3] / (p[0] - 1.0)));
pairs!(
    REGR_COUNT,
    "regr_count",
    "Number of pairs without NULL.",
    true,
    update,
    |p| { Some(p[0]) }
);
pairs!(
    REGR_AVGX,
    "regr_avgx",
    "Mean of the independent variable.",
    false,
    update,
    |p| (p[0] > 0.0).then_some(p[2])
);
pairs!(
    REGR_AVGY,
    "regr_avgy",
    "Mean of the dependent variable.",
    false,
    update,
    |p| { (p[0] > 0.0).then_some(p[1]) }
);
pairs!(
    REGR_SXX,
    "regr_sxx",
    "Squared distances of the independent variable.",
    false,
    update_moments,
    |p| { (p[0] > 0.0).then_some(p[5]) }
);
pairs!(
    REGR_SYY,
    "regr_syy",
    "Squared distances of the dependent variable.",
    false,
    update_moments,
    |p| { (p[0] > 0.0).then_some(p[4]) }
);
pairs!(
    REGR_SXY,
    "regr_sxy",
    "Products of both distances.",
    false,
    update,
    |p| (p[0] > 0.0).then_some(p[3])
);
pairs!(
    REGR_SLOPE,
    "regr_slope",
    "Slope of the regression line.",
    false,
    update_line,
    |p| { (p[0] > 0.0 && p[5] != 0.0).then(|| p[3] / p[5]) }
);
pairs!(
    REGR_INTERCEPT,
    "regr_intercept",
    "Intercept of the regression line.",
    false,
    update_line,
    |p| { (p[0] > 0.0 && p[5] != 0.0).then(|| p[1] - p[3] / p[5] * p[2]) }
);
pairs!(
    REGR_R2,
    "regr_r2",
    "Coefficient of determination.",
    false,
    update,
    |p| {
        if p[0] == 0.0 || p[5] == 0.0 {
            None
        } else if p[4] == 0.0 {
            Some(1.0)
        } else {
            let corr = p[3] / (p[4] * p[5]).sqrt();
            Some(corr * corr)
        }
    }
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spark_digits() {
        let mut p = [0.0; 6];
        for (y, x) in [(1.0, 2.0), (2.0, 2.0), (2.0, 3.0), (2.0, 4.0)] {
            update(&mut p, y, x);
        }
        assert_eq!(p[3], 0.7499999999999998);
        let corr = p[3] / (p[4] * p[5]).sqrt();
        assert_eq!(corr * corr, 0.2727272727272726);
    }
}
