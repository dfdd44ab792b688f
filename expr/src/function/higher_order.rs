//! Which parameters the lambdas of higher-order functions get.
//!
//! A lambda's body can be typed only when its parameters' types are known, and these follow from the function's other
//! arguments, which all stand before the lambdas. The analyzer types those, asks here, types the body over fresh
//! columns, and resolves the call with the finished lambdas.

use crate::{Expr, SqlType};

/// Type and nullability of the parameters of the lambda at `arg_index` of a call of `name` (lower case).
///
/// `bound` are the arguments before the first lambda. `n_params` is how many parameters the user wrote; functions
/// that accept several numbers of them (`transform(a, x -> …)` and `transform(a, (x, i) -> …)`) answer accordingly.
/// An answer of another length than `n_params` means the lambda is written with a wrong number of parameters
/// (`INVALID_LAMBDA_FUNCTION_CALL.NUM_ARGS_MISMATCH`); `None` means that no lambda is allowed there.
pub fn lambda_params(name: &str, arg_index: usize, bound: &[Expr], n_params: usize) -> Option<Vec<(SqlType, bool)>> {
    // An argument of a wrong type gets a lambda over `void`, so that the function itself can say what is wrong.
    let element = |i: usize| bound.get(i).map(|e| element_of(&e.ty()));
    let entry = |i: usize| bound.get(i).map(|e| entry_of(&e.ty()));
    Some(match (name, arg_index) {
        ("transform" | "filter", 1) if bound.len() == 1 => {
            let mut params = vec![element(0)?];
            if n_params > 1 {
                params.push((SqlType::Int, false));
            }
            params
        }
        ("exists" | "any_match" | "forall" | "all_match", 1) => vec![element(0)?],
        ("array_sort", 1) => vec![element(0)?; 2],
        ("aggregate" | "reduce", 2) => vec![(bound.get(1)?.ty(), true), element(0)?],
        ("aggregate" | "reduce", 3) => vec![(bound.get(1)?.ty(), true)],
        ("zip_with", 2) => {
            let (left, right) = (element(0)?, element(1)?);
            vec![(left.0, true), (right.0, true)]
        }
        ("map_filter" | "transform_keys" | "transform_values", 1) => {
            let (key, value) = entry(0)?;
            vec![key, value]
        }
        ("map_zip_with", 2) => {
            let ((key, left), (_, right)) = (entry(0)?, entry(1)?);
            vec![key, (left.0, true), (right.0, true)]
        }
        _ => return None,
    })
}

fn element_of(ty: &SqlType) -> (SqlType, bool) {
    match ty {
        SqlType::Array(a) => (a.element.clone(), a.contains_null),
        _ => (SqlType::Void, true),
    }
}

fn entry_of(ty: &SqlType) -> ((SqlType, bool), (SqlType, bool)) {
    match ty {
        SqlType::Map(m) => ((m.key.clone(), false), (m.value.clone(), m.value_contains_null)),
        _ => ((SqlType::Void, false), (SqlType::Void, true)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Literal;

    #[test]
    fn parameters_follow_the_arguments() {
        let array = Expr::lit(Literal::null(SqlType::array_of(SqlType::Long, false)));
        let map = Expr::lit(Literal::null(SqlType::map(SqlType::String, SqlType::Date, true)));
        let zero = Expr::lit(Literal::int(0));
        let long = (SqlType::Long, false);
        let cases: [(&str, usize, Vec<Expr>, usize, Option<Vec<(SqlType, bool)>>); 6] = [
            ("transform", 1, vec![array.clone()], 1, Some(vec![long.clone()])),
            (
                "transform",
                1,
                vec![array.clone()],
                2,
                Some(vec![long.clone(), (SqlType::Int, false)]),
            ),
            (
                "aggregate",
                2,
                vec![array.clone(), zero.clone()],
                2,
                Some(vec![(SqlType::Int, true), long]),
            ),
            (
                "reduce",
                3,
                vec![array.clone(), zero],
                1,
                Some(vec![(SqlType::Int, true)]),
            ),
            (
                "map_filter",
                1,
                vec![map],
                2,
                Some(vec![(SqlType::String, false), (SqlType::Date, true)]),
            ),
            ("abs", 0, vec![array], 1, None),
        ];
        for (name, index, bound, n, want) in cases {
            assert_eq!(lambda_params(name, index, &bound, n), want, "{name}");
        }
    }
}
