//! `format_number`: grouped digits, by a number of places or a `DecimalFormat` pattern.

use arrow::array::{Array, ArrayRef, cast::AsArray};
use arrow::datatypes::{Float32Type, Float64Type};
use rsql_common::{Error, Result};
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Signature, TypeSpec};
use rsql_expr::tree::NullRule;
use rsql_expr::types::Repr;
use rsql_expr::{ScalarFn, SqlType};

use super::{Definitions, doc};
use crate::kernel::{IntCol, StrCol, check_count, fallible, native_values, some, text_rows};

pub(super) const ALL: Definitions = &[&FORMAT_NUMBER];

/// `format_number(number, places or pattern)`
static FORMAT_NUMBER: ScalarFn = ScalarFn {
    nulls: NullRule::PropagateOrNull,
    ..fallible(
        "format_number",
        &[],
        doc(
            "format_number(number, places)",
            "Digits in groups of three, rounded to a number of places, or laid out by a pattern such as '#,###.00'.",
            "SELECT format_number(12332.123456, 4)",
        ),
        Signature::bind_with(
            |args, cx| {
                check_count(&args, 2, Some(2), cx)?;
                let value = rsql_expr::coerce::implicit_cast(args[0].clone(), TypeSpec::Numeric, 0, cx)?;
                let layout = match args[1].ty() {
                    t if t.is_string() => args[1].clone(),
                    _ => rsql_expr::coerce::implicit_cast(args[1].clone(), TypeSpec::Int, 1, cx)?,
                };
                Ok(vec![value, layout])
            },
            ret::STRING,
        ),
        |args| {
            let numbers = plain_numbers(args)?;
            if args.ty(1).is_string() {
                let patterns = StrCol::of(args, 1)?;
                return text_rows(args.rows, |row, out| {
                    let (number, pattern) = (some!(numbers[row].as_deref()), some!(patterns.get(row)));
                    let layout = Layout::read(pattern).ok_or_else(|| {
                        args.error(Error::user("INVALID_FORMAT.MISMATCH_INPUT").param("format", pattern))
                    })?;
                    layout.push(out, number);
                    Ok(Some(()))
                });
            }
            let places = IntCol::of(args, 1)?;
            text_rows(args.rows, |row, out| {
                let (number, places) = (some!(numbers[row].as_deref()), some!(places.get(row)));
                let Ok(places) = usize::try_from(places) else {
                    return Ok(None);
                };
                let layout = Layout {
                    grouping: Some(3),
                    least_whole: 1,
                    least_fraction: places,
                    most_fraction: places,
                    ..Layout::default()
                };
                layout.push(out, number);
                Ok(Some(()))
            })
        },
    )
};

/// Each number in plain decimal digits (`-12.5`), or a word such as `NaN`.
fn plain_numbers(args: &EvalArgs<'_>) -> Result<Vec<Option<String>>> {
    let array: ArrayRef = args.array(0)?;
    let ty = args.ty(0);
    let scale = if let SqlType::Decimal(_, s) = ty {
        usize::try_from(s).unwrap_or(0)
    } else {
        0
    };
    let valid = |i: usize, text: String| array.is_valid(i).then_some(text);
    let float = |v: f64, shortest: String| if v.is_finite() { shortest } else { v.to_string() };
    Ok(match ty.repr() {
        Repr::I8 => native_values::<i8>(array.as_ref())?
            .iter()
            .enumerate()
            .map(|(i, v)| valid(i, v.to_string()))
            .collect(),
        Repr::I16 => native_values::<i16>(array.as_ref())?
            .iter()
            .enumerate()
            .map(|(i, v)| valid(i, v.to_string()))
            .collect(),
        Repr::I32 => native_values::<i32>(array.as_ref())?
            .iter()
            .enumerate()
            .map(|(i, v)| valid(i, v.to_string()))
            .collect(),
        Repr::I64 => native_values::<i64>(array.as_ref())?
            .iter()
            .enumerate()
            .map(|(i, v)| valid(i, point(i128::from(*v), scale)))
            .collect(),
        Repr::I128 => native_values::<i128>(array.as_ref())?
            .iter()
            .enumerate()
            .map(|(i, v)| valid(i, point(*v, scale)))
            .collect(),
        Repr::F32 => {
            let floats = array.as_primitive::<Float32Type>();
            // The exact double, as Java widens it.
            floats
                .iter()
                .map(|v| v.map(|v| float(f64::from(v), f64::from(v).to_string())))
                .collect()
        }
        _ => array
            .as_primitive::<Float64Type>()
            .iter()
            .map(|v| v.map(|v| float(v, v.to_string())))
            .collect(),
    })
}

/// Unscaled digits with their point.
pub(super) fn point(unscaled: i128, scale: usize) -> String {
    let digits = format!("{:0>width$}", unscaled.unsigned_abs(), width = scale + 1);
    let (whole, fraction) = digits.split_at(digits.len() - scale);
    let sign = if unscaled < 0 { "-" } else { "" };
    if scale == 0 {
        format!("{sign}{whole}")
    } else {
        format!("{sign}{whole}.{fraction}")
    }
}

/// Whole digits in groups of three.
pub(super) fn group_thousands(digits: &str) -> String {
    grouped_by(digits, 3)
}

fn grouped_by(digits: &str, size: usize) -> String {
    let mut out = String::with_capacity(digits.len() * 4 / 3);
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(size) {
            out.push(',');
        }
        out.push(c);
    }
    out
}

/// A `DecimalFormat` pattern.
#[derive(Debug, Default, PartialEq)]
struct Layout {
    prefix: String,
    suffix: String,
    grouping: Option<usize>,
    least_whole: usize,
    least_fraction: usize,
    most_fraction: usize,
    percent: bool,
}

impl Layout {
    fn read(pattern: &str) -> Option<Self> {
        if pattern.is_empty() {
            return Some(Self {
                grouping: Some(3),
                least_whole: 1,
                ..Self::default()
            });
        }
        let mut layout = Self::default();
        let (mut whole, mut fraction) = (String::new(), None::<String>);
        for c in pattern.split(';').next()?.chars() {
            match (c, &mut fraction) {
                ('#' | '0' | ',', None) if layout.suffix.is_empty() => whole.push(c),
                ('#' | '0', Some(f)) if layout.suffix.is_empty() => f.push(c),
                ('.', None) if layout.suffix.is_empty() => fraction = Some(String::new()),
                (c, f) => {
                    layout.percent |= c == '%';
                    if whole.is_empty() && f.is_none() {
                        layout.prefix.push(c)
                    } else {
                        layout.suffix.push(c)
                    }
                }
            }
        }
        layout.grouping = whole.rfind(',').map(|i| whole.len() - i - 1).filter(|n| *n > 0);
        layout.least_whole = whole.matches('0').count();
        let fraction = fraction.unwrap_or_default();
        layout.least_fraction = fraction.matches('0').count();
        layout.most_fraction = fraction.len();
        // A zero after a hash, or the like, is no pattern.
        let ordered = !whole.replace(',', "").trim_start_matches('#').contains('#')
            && !fraction.trim_start_matches('0').contains('0');
        ordered.then_some(layout)
    }

    /// Appends a plain number, rounded half to even.
    fn push(&self, out: &mut String, number: &str) {
        let (sign, number) = match number.strip_prefix('-') {
            Some(rest) => ("-", rest),
            None => ("", number),
        };
        if !number.starts_with(|c: char| c.is_ascii_digit()) {
            out.push_str(match number {
                "inf" => {
                    if sign.is_empty() {
                        "∞"
                    } else {
                        "-∞"
                    }
                }
                _ => "NaN",
            });
            return;
        }
        let number = if self.percent {
            shift_left(number, 2)
        } else {
            number.to_string()
        };
        let (whole, fraction) = round_half_even(&number, self.most_fraction);
        let whole = format!("{:0>width$}", whole.trim_start_matches('0'), width = self.least_whole);
        let mut fraction = fraction.as_str();
        while fraction.len() > self.least_fraction && fraction.ends_with('0') {
            fraction = &fraction[..fraction.len() - 1];
        }
        out.push_str(sign);
        out.push_str(&self.prefix);
        match self.grouping {
            Some(size) => out.push_str(&grouped_by(&whole, size)),
            None => out.push_str(&whole),
        }
        if whole.is_empty() && fraction.is_empty() {
            out.push('0');
        }
        if !fraction.is_empty() {
            out.push('.');
            out.push_str(fraction);
        }
        out.push_str(&self.suffix);
    }
}

/// The point of a plain number moved to the right.
fn shift_left(number: &str, places: usize) -> String {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let fraction = format!("{fraction:0<places$}");
    format!("{whole}{}.{}", &fraction[..places], &fraction[places..])
}

/// Whole and fraction digits of a plain number rounded to `places`, half to the even digit.
fn round_half_even(number: &str, places: usize) -> (String, String) {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if fraction.len() <= places {
        return (whole.to_string(), format!("{fraction:0<places$}"));
    }
    let mut digits: Vec<u8> = whole.bytes().chain(fraction.bytes().take(places)).collect();
    let rest = &fraction.as_bytes()[places..];
    let odd = digits.last().is_some_and(|d| d % 2 == 1);
    let above = rest[1..].iter().any(|d| *d != b'0');
    let up = rest[0] > b'5' || rest[0] == b'5' && (above || odd);
    let mut carry = up;
    for d in digits.iter_mut().rev() {
        if !carry {
            break;
        }
        carry = *d == b'9';
        *d = if carry { b'0' } else { *d + 1 };
    }
    if carry {
        digits.insert(0, b'1');
    }
    let text: String = digits.into_iter().map(char::from).collect();
    let split = text.len() - places;
    (text[..split].to_string(), text[split..].to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layouts() {
        let show = |pattern: &str, number: &str| {
            let mut out = String::new();
            Layout::read(pattern).unwrap().push(&mut out, number);
            out
        };
        assert_eq!(show("###,###.##", "1234567.891"), "1,234,567.89");
        assert_eq!(show("#.00", "1234"), "1234.00");
        assert_eq!(show("#,##0.0000", "12332.123456"), "12,332.1235");
        assert_eq!(show("0", "2.5"), "2");
        assert_eq!(show("0", "-0.5"), "-0");
        assert_eq!(show("00.0#", "9.999"), "10.0");
    }
}
