//! `stddev*`, `var*`, `skewness`, `kurtosis`: central moments by Welford's method, as Spark keeps them, so that the last
//! digits agree.

use rsql_common::Result;
use rsql_expr::function::{AggregateFn, FunctionRegistry, ResolveCx, TypeSpec};
use rsql_expr::{AggregateCall, Expr, SortKey, SqlType};

use super::define::{add, aggregate, call, doc, one_argument};
use super::registers::{Registers, Rules, state_fields};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(
        r,
        &[&STDDEV_SAMP, &STDDEV_POP, &VAR_SAMP, &VAR_POP, &SKEWNESS, &KURTOSIS],
    );
}

/// Count, mean, and sums of the second to fourth power of the distance to it.
type Moments = [f64; 5];

fn update(m: &mut Moments, x: f64, _: f64) {
    let [n, avg, m2, m3, m4] = *m;
    let n1 = n + 1.0;
    let delta = x - avg;
    let delta_n = delta / n1;
    let delta2 = delta * delta;
    let delta_n2 = delta_n * delta_n;
    let new_m2 = m2 + delta * (delta - delta_n);
    let new_m3 = m3 - 3.0 * delta_n * new_m2 + delta * (delta2 - delta_n2);
    let new_m4 = m4 - 4.0 * delta_n * new_m3 - 6.0 * delta_n2 * new_m2 + delta * (delta * delta2 - delta_n * delta_n2);
    *m = [n1, avg + delta_n, new_m2, new_m3, new_m4];
}

fn merge(m: &mut Moments, other: &Moments) {
    let [n1, avg1, a2, a3, a4] = *m;
    let [n2, avg2, b2, b3, b4] = *other;
    let n = n1 + n2;
    let delta = avg2 - avg1;
    let delta_n = if n == 0.0 { 0.0 } else { delta / n };
    *m = [
        n,
        avg1 + delta_n * n2,
        a2 + b2 + delta * delta_n * n1 * n2,
        a3 + b3 + delta_n * delta_n * delta * n1 * n2 * (n1 - n2) + 3.0 * delta_n * (n1 * b2 - n2 * a2),
        a4 + b4
            + delta_n * delta_n * delta_n * delta * n1 * n2 * (n1 * n1 - n1 * n2 + n2 * n2)
            + 6.0 * delta_n * delta_n * (n1 * n1 * b2 + n2 * n2 * a2)
            + 4.0 * delta_n * (n1 * b3 - n2 * a3),
    ];
}

const fn rules(result: fn(&Moments) -> Option<f64>) -> Rules<5> {
    Rules {
        two: false,
        update,
        merge,
        result,
        integral: false,
    }
}

/// A DOUBLE argument and result.
pub(super) fn resolve_double(
    name: &'static str,
    args: Vec<Expr>,
    order: &[SortKey],
    ignore_nulls: bool,
    cx: &ResolveCx<'_>,
) -> Result<AggregateCall> {
    let arg = rsql_expr::coerce::implicit_cast(one_argument(args, order, cx)?, TypeSpec::Double, 0, cx)?;
    Ok(call(name, vec![arg], SqlType::Double, ignore_nulls, cx))
}

macro_rules! moment {
    ($name:ident, $sql:literal, [$($alias:literal),*], $text:literal, $result:expr) => {
        #[doc = concat!("`", $sql, "(expr)`")]
        static $name: AggregateFn = aggregate(
            $sql,
            &[$($alias),*],
            doc(concat!($sql, "(expr)"), $text, concat!("SELECT ", $sql, "(a) FROM VALUES (1), (2), (3) AS t(a)")),
            |args, order, nulls, cx| resolve_double($sql, args, &order, nulls, cx),
            |_| state_fields(&["n", "avg", "m2", "m3", "m4"]),
            |_| Ok(Registers::boxed(rules($result))),
        );
    };
}

moment!(
    STDDEV_SAMP,
    "stddev_samp",
    ["stddev", "std"],
    "Sample standard deviation.",
    |m| { (m[0] > 1.0).then(|| (m[2] / (m[0] - 1.0)).sqrt()) }
);
moment!(STDDEV_POP, "stddev_pop", [], "Population standard deviation.", |m| {
    (m[0] > 0.0).then(|| (m[2] / m[0]).sqrt())
});
moment!(VAR_SAMP, "var_samp", ["variance"], "Sample variance.", |m| (m[0] > 1.0)
    .then(|| m[2] / (m[0] - 1.0)));
moment!(VAR_POP, "var_pop", [], "Population variance.", |m| (m[0] > 0.0)
    .then(|| m[2] / m[0]));
moment!(SKEWNESS, "skewness", [], "Skewness.", |m| {
    (m[0] > 0.0 && m[2] != 0.0).then(|| m[0].sqrt() * m[3] / (m[2] * m[2] * m[2]).sqrt())
});
moment!(KURTOSIS, "kurtosis", [], "Excess kurtosis.", |m| {
    (m[0] > 0.0 && m[2] != 0.0).then(|| m[0] * m[4] / (m[2] * m[2]) - 3.0)
});

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn merging_equals_adding() {
        let xs = [-10.0, -20.0, 100.0, 1000.0];
        let (mut all, mut left, mut right) = ([0.0; 5], [0.0; 5], [0.0; 5]);
        for (i, x) in xs.iter().enumerate() {
            update(&mut all, *x, 0.0);
            update(if i < 2 { &mut left } else { &mut right }, *x, 0.0);
        }
        merge(&mut left, &right);
        for (a, b) in all.iter().zip(&left) {
            assert!((a - b).abs() <= a.abs() * 1e-12, "{a} {b}");
        }
        assert_eq!(all[0] * all[4] / (all[2] * all[2]) - 3.0, -0.7014368047529609);
    }
}
