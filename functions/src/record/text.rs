//! Single values from and to text, with the formats that options name.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringViewArray};
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD};
use rsql_common::Result;
use rsql_expr::datetime::parse;
use rsql_expr::datetime::pattern::DatetimePattern;
use rsql_expr::datetime::text::{push_date, push_timestamp};
use rsql_expr::datetime::zone::Zone;
use rsql_expr::format::push_float;
use rsql_expr::{BinaryStyle, EvalMode, EvalOptions, Origin, Scalar, SqlType, cast_array, scalar_at};

use super::Options;

/// Formats and surroundings of a reader or writer.
struct Formats {
    zone: Zone,
    date: Option<DatetimePattern>,
    timestamp: Option<DatetimePattern>,
    timestamp_ntz: Option<DatetimePattern>,
    time: Option<DatetimePattern>,
}

impl Formats {
    fn new(options: &Options, eval: &EvalOptions, reads: bool) -> Result<Self> {
        let compile = |key: &str| {
            let pattern = options.get(key);
            let compiled = pattern.map(|p| {
                if reads {
                    DatetimePattern::for_parse(p)
                } else {
                    DatetimePattern::for_format(p)
                }
            });
            compiled.transpose()
        };
        Ok(Self {
            zone: Zone::parse(options.get("timezone").unwrap_or(&eval.time_zone))?,
            date: compile("dateformat")?,
            timestamp: compile("timestampformat")?,
            timestamp_ntz: compile("timestampntzformat")?,
            time: compile("timeformat")?,
        })
    }
}

/// Reads values.
pub(crate) struct TextReader<'a> {
    formats: Formats,
    eval: &'a EvalOptions,
}

impl<'a> TextReader<'a> {
    /// A reader by these options.
    pub(crate) fn new(options: &Options, eval: &'a EvalOptions) -> Result<Self> {
        Ok(Self {
            formats: Formats::new(options, eval, true)?,
            eval,
        })
    }

    /// The value of an atomic type that a text stands for.
    pub(crate) fn read(&self, text: &str, ty: &SqlType) -> Option<Scalar> {
        Some(match ty {
            t if t.is_string() => Scalar::Str(text.into()),
            SqlType::Boolean if text.eq_ignore_ascii_case("true") => Scalar::Bool(true),
            SqlType::Boolean if text.eq_ignore_ascii_case("false") => Scalar::Bool(false),
            SqlType::Boolean => return None,
            SqlType::Byte => Scalar::I8(text.parse().ok()?),
            SqlType::Short => Scalar::I16(text.parse().ok()?),
            SqlType::Int => Scalar::I32(text.parse().ok()?),
            SqlType::Long => Scalar::I64(text.parse().ok()?),
            SqlType::Float => Scalar::F32(
                special_float(text)
                    .map(|v| v as f32)
                    .or_else(|| text.trim().parse().ok())?,
            ),
            SqlType::Double => Scalar::F64(special_float(text).or_else(|| text.trim().parse().ok())?),
            SqlType::Date => Scalar::I32(match &self.formats.date {
                Some(p) => p.parse(text)?.days,
                None => parse::parse_date(text)?,
            }),
            SqlType::Timestamp => Scalar::I64(match &self.formats.timestamp {
                Some(p) => p.parse_timestamp(text, &self.formats.zone)?,
                None => parse::parse_timestamp(text, &self.formats.zone, self.eval.now_micros)?,
            }),
            SqlType::TimestampNtz => Scalar::I64(match &self.formats.timestamp_ntz {
                Some(p) => p.parse_timestamp_ntz(text)?,
                None => parse::parse_timestamp_ntz(text, false)?,
            }),
            SqlType::Time(_) if self.formats.time.is_some() => {
                Scalar::I64(self.formats.time.as_ref()?.parse(text)?.nanos)
            }
            SqlType::Binary => {
                let mut bytes = Vec::new();
                STANDARD.decode_vec(text, &mut bytes).ok()?;
                Scalar::Bin(bytes.into())
            }
            other => self.by_cast(text, other)?,
        })
    }

    fn by_cast(&self, text: &str, ty: &SqlType) -> Option<Scalar> {
        let array: ArrayRef = Arc::new(StringViewArray::from(vec![text]));
        let cast = cast_array(
            &array,
            &SqlType::String,
            ty,
            EvalMode::Try,
            self.eval,
            Origin::default(),
        )
        .ok()?;
        scalar_at(cast.as_ref(), 0, ty).ok().filter(|s| !s.is_null())
    }
}

fn special_float(text: &str) -> Option<f64> {
    Some(match text {
        "NaN" => f64::NAN,
        "Infinity" | "+Infinity" | "INF" | "+INF" | "Inf" | "+Inf" => f64::INFINITY,
        "-Infinity" | "-INF" | "-Inf" => f64::NEG_INFINITY,
        _ => return None,
    })
}

/// Writes values.
pub(crate) struct TextWriter<'a> {
    formats: Formats,
    eval: &'a EvalOptions,
}

impl<'a> TextWriter<'a> {
    /// A writer by these options.
    pub(crate) fn new(options: &Options, eval: &'a EvalOptions) -> Result<Self> {
        Ok(Self {
            formats: Formats::new(options, eval, false)?,
            eval,
        })
    }

    /// Appends a value of an atomic type.
    pub(crate) fn push(&self, out: &mut String, value: &Scalar, ty: &SqlType) -> Result<()> {
        let zone = &self.formats.zone;
        match (value, ty) {
            (Scalar::Null, _) => out.push_str("null"),
            (Scalar::Bool(v), _) => out.push_str(if *v { "true" } else { "false" }),
            (Scalar::Str(s), _) => out.push_str(s),
            (Scalar::Bin(b), _) => STANDARD.encode_string(b, out),
            (Scalar::F32(v), _) => push_float(out, *v),
            (Scalar::F64(v), _) => push_float(out, *v),
            (v, SqlType::Byte | SqlType::Short | SqlType::Int | SqlType::Long) => {
                out.push_str(&v.as_i64().unwrap_or(0).to_string());
            }
            (Scalar::I32(days), SqlType::Date) => match &self.formats.date {
                Some(p) => p.format(i64::from(*days) * 86_400_000_000, &Zone::Fixed(0), 0, out)?,
                None => push_date(out, *days),
            },
            (Scalar::I64(micros), SqlType::Timestamp) => match &self.formats.timestamp {
                Some(p) => p.format_timestamp(*micros, zone, out)?,
                None => push_iso(
                    out,
                    *micros + i64::from(zone.offset_at(*micros)) * 1_000_000,
                    Some(zone.offset_at(*micros)),
                ),
            },
            (Scalar::I64(micros), SqlType::TimestampNtz) => match &self.formats.timestamp_ntz {
                Some(p) => p.format(*micros, &Zone::Fixed(0), 0, out)?,
                None => push_iso(out, *micros, None),
            },
            (Scalar::I64(nanos), SqlType::Time(_)) if self.formats.time.is_some() => {
                if let Some(p) = &self.formats.time {
                    p.format(*nanos / 1000, &Zone::Fixed(0), 0, out)?;
                }
            }
            (v, ty) => self.push_cast(out, v, ty)?,
        }
        Ok(())
    }

    /// Appends bytes in the session's style.
    pub(crate) fn push_bytes(&self, out: &mut String, value: &Scalar) -> Result<()> {
        use std::fmt::Write;
        let Scalar::Bin(bytes) = value else {
            return self.push_cast(out, value, &SqlType::Binary);
        };
        let joined = |one: &dyn Fn(&u8) -> String, separator: &str| {
            let parts: Vec<String> = bytes.iter().map(one).collect();
            format!("[{}]", parts.join(separator))
        };
        match self.eval.binary_style {
            BinaryStyle::Utf8 => self.push_cast(out, value, &SqlType::Binary)?,
            BinaryStyle::Basic => out.push_str(&joined(&|b| b.cast_signed().to_string(), ", ")),
            BinaryStyle::Base64 => STANDARD_NO_PAD.encode_string(bytes, out),
            BinaryStyle::Hex => bytes.iter().for_each(|b| {
                let _ = write!(out, "{b:02X}");
            }),
            BinaryStyle::HexDiscrete => out.push_str(&joined(&|b| format!("{b:02X}"), " ")),
        }
        Ok(())
    }

    /// Appends a value of any type as a cast to STRING shows it.
    pub(crate) fn push_cast(&self, out: &mut String, value: &Scalar, ty: &SqlType) -> Result<()> {
        let array = rsql_expr::scalars_to_array(std::slice::from_ref(value), ty)?;
        let cast = cast_array(
            &array,
            ty,
            &SqlType::String,
            EvalMode::Legacy,
            self.eval,
            Origin::default(),
        )?;
        if let Scalar::Str(s) = scalar_at(cast.as_ref(), 0, &SqlType::String)? {
            out.push_str(&s);
        }
        Ok(())
    }
}

/// `2020-01-02T03:04:05.678-08:00`
fn push_iso(out: &mut String, local: i64, offset: Option<i32>) {
    use std::fmt::Write;
    let start = out.len();
    // Whole seconds first: the usual text has a space and drops zeros.
    push_timestamp(out, local - local.rem_euclid(1_000_000), &Zone::Fixed(0));
    if let Some(space) = out[start..].find(' ') {
        out.replace_range(start + space..=start + space, "T");
    }
    let _ = write!(out, ".{:03}", local.rem_euclid(1_000_000) / 1000);
    match offset {
        None => {}
        Some(0) => out.push('Z'),
        Some(seconds) => {
            let sign = if seconds < 0 { '-' } else { '+' };
            let minutes = seconds.abs() / 60;
            let _ = write!(out, "{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        }
    }
}
