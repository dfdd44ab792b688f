//! Sizes of memory on command lines and in `local-cluster[…]`: one reading of them, so that a text means one size everywhere.

use rsql_common::{Error, Result};

/// Units and their power of two, longer names first.
const UNITS: [(&str, u32); 9] = [
    ("kb", 10),
    ("mb", 20),
    ("gb", 30),
    ("tb", 40),
    ("k", 10),
    ("m", 20),
    ("g", 30),
    ("t", 40),
    ("b", 0),
];
/// Without a unit a number is in MiB, as Spark reads `spark.executor.memory` and `local-cluster`.
const MEBIBYTES: u32 = 20;

/// Reads `4g`, `1.5g`, `512m`, `4096` (MiB) or `1048576b` as bytes; nothing is no size.
pub fn parse_memory(text: &str) -> Result<usize> {
    bytes(text).ok_or_else(|| {
        Error::usage(format!(
            "A size of memory is a number above 0 with b, k, m, g or t, in MiB without one (4g, 512m, 4096), not {text:?}."
        ))
    })
}

fn bytes(text: &str) -> Option<usize> {
    let text = text.trim().to_ascii_lowercase();
    let unit = UNITS
        .iter()
        .find_map(|(name, shift)| Some((text.strip_suffix(name)?, *shift)));
    let (number, shift) = unit.unwrap_or((&text, MEBIBYTES));
    let number = number.trim_end();
    if !number.starts_with(|c: char| c.is_ascii_digit()) || number.contains('e') {
        return None;
    }
    let bytes = match number.parse::<usize>() {
        Ok(whole) => whole.checked_mul(1 << shift)?,
        Err(_) => {
            let bytes = number.parse::<f64>().ok()? * (1u64 << shift) as f64;
            (bytes < usize::MAX as f64).then_some(bytes as usize)?
        }
    };
    (bytes > 0).then_some(bytes)
}

/// The size as people write it: `512 MiB`, `1.5 GiB`.
pub(crate) fn describe(bytes: usize) -> String {
    let (unit, shift) = match bytes {
        0x4000_0000.. => ("GiB", 30),
        0x10_0000.. => ("MiB", 20),
        _ => return format!("{bytes} bytes"),
    };
    let number = format!("{:.1}", bytes as f64 / (1u64 << shift) as f64);
    format!("{} {unit}", number.strip_suffix(".0").unwrap_or(&number))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_as_spark_reads_them() {
        for (text, want) in [
            ("4096", 4 << 30),
            ("4g", 4 << 30),
            ("4GB", 4 << 30),
            (" 1.5g ", 3 << 29),
            ("512m", 512 << 20),
            ("64 kb", 64 << 10),
            ("1048576b", 1 << 20),
            ("1t", 1 << 40),
        ] {
            assert_eq!(parse_memory(text).unwrap(), want, "{text}");
        }
    }

    #[test]
    fn nothing_and_nonsense_are_no_sizes() {
        for text in [
            "",
            "0",
            "0g",
            "-1g",
            "g",
            "b",
            "lots",
            "1x",
            "1e3",
            "inf",
            "nan",
            "0.1b",
            "99999999999t",
        ] {
            let e = parse_memory(text).unwrap_err();
            assert_eq!(e.condition(), "INVALID_USAGE", "{text}");
        }
    }

    #[test]
    fn sizes_are_written_for_people() {
        assert_eq!(describe(1 << 30), "1 GiB");
        assert_eq!(describe(3 << 29), "1.5 GiB");
        assert_eq!(describe(256 << 20), "256 MiB");
        assert_eq!(describe(100), "100 bytes");
    }
}
