//! Intervals: arithmetic that operators become, functions that make intervals, and their fields.

mod arithmetic;
mod divide;
mod fields;
mod make;
mod scale;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::FunctionKind::Scalar;

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    for f in [
        &arithmetic::INTERVAL_ADD,
        &arithmetic::INTERVAL_SUBTRACT,
        &arithmetic::INTERVAL_NEGATE,
        &arithmetic::INTERVAL_ABS,
        &arithmetic::INTERVAL_SIGN,
        &divide::INTERVAL_DIV,
        &scale::MULTIPLY_INTERVAL,
        &scale::DIVIDE_INTERVAL,
        &fields::INTERVAL_FIELD,
        &make::MAKE_INTERVAL,
        &make::TRY_MAKE_INTERVAL,
        &make::MAKE_DT_INTERVAL,
        &make::MAKE_YM_INTERVAL,
    ] {
        r.add(Scalar(f));
    }
}
