//! Mathematical functions.

mod absolute;
mod arithmetic;
mod bases;
mod buckets;
mod combinatorics;
mod double;
mod fdlibm;
mod random;
mod round;
mod rounding;
mod xor_shift;

use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, Family, FunctionKind};

/// Adds the family to the registry.
pub(crate) fn register(r: &mut FunctionRegistry) {
    double::register(r);
    let all = [
        &absolute::ABS,
        &absolute::SIGN,
        &arithmetic::POSITIVE,
        &arithmetic::NEGATIVE,
        &arithmetic::MOD,
        &arithmetic::PMOD,
        &arithmetic::DIV,
        &arithmetic::TRY_ADD,
        &arithmetic::TRY_SUBTRACT,
        &arithmetic::TRY_MULTIPLY,
        &arithmetic::TRY_DIVIDE,
        &arithmetic::TRY_MOD,
        &bases::BIN,
        &bases::CONV,
        &bases::HEX,
        &bases::UNHEX,
        &buckets::WIDTH_BUCKET,
        &combinatorics::FACTORIAL,
        &random::RAND,
        &random::RANDN,
        &random::UNIFORM,
        &random::RANDSTR,
        &round::ROUND,
        &round::BROUND,
        &round::CEIL,
        &round::FLOOR,
    ];
    for f in all {
        r.add(FunctionKind::Scalar(f));
    }
}

pub(crate) use bases::{decode_hex, push_hex};
pub(crate) use random::{Stream, stream_token};
pub(crate) use rounding::{Rounding, round_text};

const fn doc(usage: &'static str, text: &'static str, example: &'static str) -> Doc {
    Doc {
        family: Family::Math,
        usage,
        text,
        example,
    }
}
