//! The families of sketches: the third byte of every sketch of DataSketches says which it is.

use rsql_common::{Error, quoted_name};

/// Names by number, from 1.
const NAMES: [&str; 21] = [
    "ALPHA",
    "QUICKSELECT",
    "COMPACT",
    "UNION",
    "INTERSECTION",
    "A_NOT_B",
    "HLL",
    "QUANTILES",
    "TUPLE",
    "FREQUENCY",
    "RESERVOIR",
    "RESERVOIR_UNION",
    "VAROPT",
    "VAROPT_UNION",
    "KLL",
    "CPC",
    "REQ",
    "COUNTMIN",
    "EBPPS",
    "TDIGEST",
    "BLOOMFILTER",
];

/// Theta sketches that do not change any more.
pub(super) const THETA: u8 = 3;
/// Tuple sketches.
pub(super) const TUPLE: u8 = 9;

fn name(family: u8) -> Option<&'static str> {
    NAMES.get(usize::from(family).checked_sub(1)?).copied()
}

/// The error about bytes that are no sketch of `expected`: `condition`, or `condition_FAMILY` where they are a sketch of
/// another family.
pub(super) fn refused(condition: &'static str, function: &str, bytes: &[u8], expected: u8) -> Error {
    let function = quoted_name([function]);
    let found = bytes.get(2).filter(|f| **f != expected).and_then(|f| name(*f));
    match found.zip(name(expected)) {
        Some((found, expected)) => Error::user(format!("{condition}_FAMILY"))
            .param("function", function)
            .param("expectedFamily", expected)
            .param("actualFamily", found),
        None => Error::user(condition).param("function", function),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_a_sketch_of_another_family() {
        let condition = |bytes: &[u8]| refused("THETA_INVALID_INPUT_SKETCH_BUFFER", "f", bytes, THETA);
        assert_eq!(condition(&[1, 3, 0]).condition(), "THETA_INVALID_INPUT_SKETCH_BUFFER");
        assert_eq!(condition(&[1, 3]).condition(), "THETA_INVALID_INPUT_SKETCH_BUFFER");
        assert_eq!(condition(&[1, 3, 3]).condition(), "THETA_INVALID_INPUT_SKETCH_BUFFER");
        assert_eq!(condition(&[1, 3, 255]).condition(), "THETA_INVALID_INPUT_SKETCH_BUFFER");
        let tuple = condition(&[1, 255, 9]);
        assert_eq!(tuple.condition(), "THETA_INVALID_INPUT_SKETCH_BUFFER_FAMILY");
        let params: Vec<_> = tuple.params().collect();
        assert_eq!(
            params,
            [
                ("function", "`f`"),
                ("expectedFamily", "COMPACT"),
                ("actualFamily", "TUPLE")
            ]
        );
    }
}
