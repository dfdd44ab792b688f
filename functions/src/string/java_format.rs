//! `format_string` / `printf`: Java's `Formatter`.

use arrow::array::{Array, ArrayRef, StringViewArray, cast::AsArray};
use arrow::datatypes::{Float32Type, Float64Type};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{EvalArgs, ReturnType, Signature, TypeSpec};
use rsql_expr::tree::Effects;
use rsql_expr::types::Repr;
use rsql_expr::{EvalMode, Expr, ScalarFn, SqlType, cast_array};

use super::format_number::group_thousands;
use super::{Definitions, doc};
use crate::kernel::{StrCol, check_count, constant_text, custom, native_values, some, text_rows};

pub(super) const ALL: Definitions = &[&FORMAT_STRING];

/// `format_string(format[, expr[, ...]])`
static FORMAT_STRING: ScalarFn = ScalarFn {
    effects: Effects::FALLIBLE,
    ..custom(
        "format_string",
        &["printf"],
        doc(
            "format_string(format[, expr[, ...]])",
            "A text with the values at the places of %d, %s and so on.",
            "SELECT format_string('Hello World %d %s', 100, 'days')",
        ),
        Signature::bind_with(
            |args, cx| {
                check_count(&args, 1, None, cx)?;
                let mut args = args.into_iter();
                let first = args.next().unwrap_or_default();
                let format = rsql_expr::coerce::implicit_cast(first, TypeSpec::String, 0, cx)?;
                if constant_text(&format, cx).is_some_and(|f| f.contains("%0$")) {
                    return Err(Error::user("INVALID_PARAMETER_VALUE.ZERO_INDEX")
                        .param("parameter", "`strfmt`")
                        .param("functionName", quoted_name([&cx.called_as]))
                        .at(cx.origin.0));
                }
                Ok(std::iter::once(format).chain(args).collect::<Vec<Expr>>())
            },
            ReturnType::TextOf(0),
        ),
        |args| {
            let formats = StrCol::of(args, 0)?;
            let values = (1..args.len())
                .map(|i| Values::of(args, i))
                .collect::<Result<Vec<_>>>()?;
            text_rows(args.rows, |row, out| {
                let format = some!(formats.get(row));
                push_formatted(out, format, &values, row)
                    .map_err(|e| args.error(Error::user("INVALID_PARAMETER_VALUE.PATTERN").with_message(e)))?;
                Ok(Some(()))
            })
        },
    )
};

/// An argument, as text and as the number it may be.
struct Values {
    texts: ArrayRef,
    number: Number,
    ty: SqlType,
}

enum Number {
    None,
    Integer(Vec<i64>),
    Float(Vec<f64>),
}

impl Values {
    fn of(args: &EvalArgs<'_>, i: usize) -> Result<Self> {
        let (array, ty) = (args.array(i)?, args.ty(i));
        let options = args.options();
        let texts = cast_array(
            &array,
            &ty,
            &SqlType::String,
            EvalMode::Legacy,
            options,
            args.call.origin,
        )?;
        let number = match ty.repr() {
            Repr::I8 => Number::Integer(widen::<i8>(&array)?),
            Repr::I16 => Number::Integer(widen::<i16>(&array)?),
            Repr::I32 => Number::Integer(widen::<i32>(&array)?),
            Repr::I64 if !ty.is_decimal() => Number::Integer(widen::<i64>(&array)?),
            Repr::F32 => Number::Float(
                array
                    .as_primitive::<Float32Type>()
                    .values()
                    .iter()
                    .map(|v| f64::from(*v))
                    .collect(),
            ),
            Repr::F64 => Number::Float(array.as_primitive::<Float64Type>().values().to_vec()),
            _ => Number::None,
        };
        Ok(Self { texts, number, ty })
    }

    fn text(&self, row: usize) -> Option<&str> {
        let texts: &StringViewArray = self.texts.as_string_view_opt()?;
        texts.is_valid(row).then(|| texts.value(row))
    }
}

fn widen<T: arrow::datatypes::ArrowNativeType + Into<i64>>(array: &ArrayRef) -> Result<Vec<i64>> {
    Ok(native_values::<T>(array.as_ref())?
        .iter()
        .map(|v| (*v).into())
        .collect())
}

/// A `%` directive.
#[derive(Default)]
struct Directive {
    index: Option<usize>,
    flags: String,
    width: usize,
    precision: Option<usize>,
    conversion: char,
}

impl Directive {
    fn has(&self, flag: char) -> bool {
        self.flags.contains(flag)
    }
}

/// Reads the directive after a `%`.
fn directive(chars: &mut std::iter::Peekable<std::str::Chars<'_>>) -> Result<Directive, String> {
    let mut d = Directive::default();
    let mut number = String::new();
    let digits = |chars: &mut std::iter::Peekable<std::str::Chars<'_>>, into: &mut String| {
        while let Some(c) = chars.next_if(char::is_ascii_digit) {
            into.push(c);
        }
    };
    if chars.peek().is_some_and(|c| ('1'..='9').contains(c)) {
        digits(chars, &mut number);
        if chars.next_if_eq(&'$').is_some() {
            d.index = number.parse().ok();
            number.clear();
        }
    }
    if number.is_empty() {
        while let Some(c) = chars.next_if(|c| "-#+ 0,(<".contains(*c)) {
            d.flags.push(c);
        }
        digits(chars, &mut number);
    }
    d.width = number.parse().unwrap_or(0);
    if chars.next_if_eq(&'.').is_some() {
        let mut precision = String::new();
        digits(chars, &mut precision);
        d.precision = precision.parse().ok();
    }
    d.conversion = chars.next().ok_or("Conversion = '%'")?;
    Ok(d)
}

fn push_formatted(out: &mut String, format: &str, values: &[Values], row: usize) -> Result<(), String> {
    let mut chars = format.chars().peekable();
    let (mut next, mut last) = (0, 0);
    while let Some(c) = chars.next() {
        if c != '%' {
            out.push(c);
            continue;
        }
        let d = directive(&mut chars)?;
        match d.conversion {
            '%' => pad(out, "%", &d),
            'n' => out.push('\n'),
            _ => {
                let at = match d.index {
                    Some(i) => i - 1,
                    None if d.has('<') => last,
                    None => {
                        next += 1;
                        next - 1
                    }
                };
                last = at;
                let value = values
                    .get(at)
                    .ok_or_else(|| format!("Format specifier '%{}'", d.conversion))?;
                let text = converted(&d, value, row)?;
                if d.conversion.is_ascii_uppercase() {
                    pad(out, &text.to_uppercase(), &d);
                } else {
                    pad(out, &text, &d);
                }
            }
        }
    }
    Ok(())
}

fn pad(out: &mut String, text: &str, d: &Directive) {
    let missing = d.width.saturating_sub(text.chars().count());
    if d.has('-') {
        out.push_str(text);
        out.extend(std::iter::repeat_n(' ', missing));
    } else if d.has('0') && !matches!(d.conversion, 's' | 'S') {
        let sign = text.len() - text.trim_start_matches(['-', '+', ' ', '(']).len();
        out.push_str(&text[..sign]);
        out.extend(std::iter::repeat_n('0', missing));
        out.push_str(&text[sign..]);
    } else {
        out.extend(std::iter::repeat_n(' ', missing));
        out.push_str(text);
    }
}

/// The value as the directive shows it, before padding.
fn converted(d: &Directive, value: &Values, row: usize) -> Result<String, String> {
    let mismatch = || format!("{} != {}", d.conversion, java_class(&value.ty));
    let Some(text) = value.text(row) else {
        return Ok(if d.conversion.eq_ignore_ascii_case(&'b') {
            "false".into()
        } else {
            cut("null", d).to_string()
        });
    };
    Ok(match (d.conversion.to_ascii_lowercase(), &value.number) {
        ('s', _) => cut(text, d).to_string(),
        ('b', _) => cut(if value.ty == SqlType::Boolean { text } else { "true" }, d).to_string(),
        ('h', _) => return Err(mismatch()),
        ('c', Number::Integer(v)) => u32::try_from(v[row])
            .ok()
            .and_then(char::from_u32)
            .map(String::from)
            .ok_or_else(mismatch)?,
        ('d', Number::Integer(v)) => signed(d, v[row] < 0, grouped(d, v[row].unsigned_abs().to_string())),
        ('x', Number::Integer(v)) => radix(d, &value.ty, v[row], "0x", |v| format!("{v:x}")),
        ('o', Number::Integer(v)) => radix(d, &value.ty, v[row], "0", |v| format!("{v:o}")),
        ('f' | 'e' | 'g', Number::Float(v)) if !v[row].is_finite() => signed(
            d,
            v[row] < 0.0,
            if v[row].is_nan() {
                "NaN".into()
            } else {
                "Infinity".into()
            },
        ),
        ('f', Number::Float(v)) => signed(
            d,
            v[row].is_sign_negative(),
            grouped(d, fixed(v[row].abs(), d.precision.unwrap_or(6))),
        ),
        ('e', Number::Float(v)) => signed(
            d,
            v[row].is_sign_negative(),
            scientific(v[row].abs(), d.precision.unwrap_or(6)),
        ),
        ('g', Number::Float(v)) => signed(d, v[row].is_sign_negative(), general(d, v[row].abs())),
        _ => return Err(mismatch()),
    })
}

/// The precision of text conversions cuts.
fn cut<'a>(text: &'a str, d: &Directive) -> &'a str {
    match d.precision.and_then(|p| text.char_indices().nth(p)) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

fn grouped(d: &Directive, digits: String) -> String {
    if !d.has(',') {
        return digits;
    }
    let (whole, fraction) = digits.split_at(digits.find('.').unwrap_or(digits.len()));
    group_thousands(whole) + fraction
}

fn signed(d: &Directive, negative: bool, digits: String) -> String {
    match (negative, d.has('('), d.has('+'), d.has(' ')) {
        (true, true, ..) => format!("({digits})"),
        (true, false, ..) => format!("-{digits}"),
        (false, _, true, _) => format!("+{digits}"),
        (false, _, false, true) => format!(" {digits}"),
        _ => digits,
    }
}

fn radix(d: &Directive, ty: &SqlType, value: i64, prefix: &str, digits: fn(u64) -> String) -> String {
    // Negative numbers show the bits of their own width.
    let bits = match ty.repr() {
        Repr::I8 => u64::from(value as u8),
        Repr::I16 => u64::from(value as u16),
        Repr::I32 => u64::from(value as u32),
        _ => value as u64,
    };
    if d.has('#') {
        format!("{prefix}{}", digits(bits))
    } else {
        digits(bits)
    }
}

/// Fixed notation of the shortest decimal of a double, rounded half up.
fn fixed(value: f64, places: usize) -> String {
    use crate::math::{Rounding, round_text};
    let rounded = round_text(&format!("{value:e}"), places as i32, Rounding::HalfUp);
    let exact: f64 = rounded.and_then(|t| t.parse().ok()).unwrap_or(value);
    format!("{exact:.places$}")
}

fn scientific(value: f64, places: usize) -> String {
    let text = format!("{value:.places$e}");
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    format!(
        "{mantissa}e{}{:02}",
        if exponent < 0 { '-' } else { '+' },
        exponent.abs()
    )
}

fn general(d: &Directive, value: f64) -> String {
    let precision = d.precision.unwrap_or(6).max(1);
    if value == 0.0 {
        return format!("{value:.*}", precision - 1);
    }
    if (1e-4..10f64.powi(precision as i32)).contains(&value) {
        let whole = (value.log10().floor() as i32 + 1).max(0) as usize;
        let places = if value < 1.0 {
            precision
        } else {
            precision.saturating_sub(whole)
        };
        return grouped(d, fixed(value, places));
    }
    scientific(value, precision - 1)
}

/// The class Java would name in a mismatch.
fn java_class(ty: &SqlType) -> &'static str {
    match ty {
        SqlType::Boolean => "java.lang.Boolean",
        SqlType::Byte => "java.lang.Byte",
        SqlType::Short => "java.lang.Short",
        SqlType::Int | SqlType::Date | SqlType::YearMonthInterval(..) => "java.lang.Integer",
        SqlType::Float => "java.lang.Float",
        SqlType::Double => "java.lang.Double",
        SqlType::Decimal(..) => "org.apache.spark.sql.types.Decimal",
        t if t.is_string() => "org.apache.spark.unsafe.types.UTF8String",
        _ => "java.lang.Long",
    }
}
