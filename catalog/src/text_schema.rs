//! Schemas of CSV and JSON files, read from their content.

use std::borrow::Cow;
use std::collections::BTreeMap;

use rsql_common::{Error, Result};
use rsql_expr::SqlType;
use rsql_expr::datetime::Zone;
use rsql_expr::datetime::parse::{parse_date, parse_timestamp, parse_timestamp_ntz};
use rsql_storage::delimited::DelimitedOptions;
use rsql_storage::{FileKey, ListedFile, mapping};
use serde_json::Value;

use crate::SourceColumn;

fn bytes_of(file: &ListedFile) -> Result<bytes::Bytes> {
    mapping::open(&FileKey {
        path: file.path.clone(),
        size: file.size,
        modified: file.modified,
    })
}

/// Columns of CSV files: the header's names or `_c0`, `_c1`, …; strings unless `inferSchema` is set.
pub(crate) fn infer_csv(
    files: &[ListedFile],
    options: &[(String, String)],
    time_zone: &str,
) -> Result<Option<Vec<SourceColumn>>> {
    let format = DelimitedOptions::from_options(options);
    let infer = options
        .iter()
        .any(|(k, v)| k == "inferschema" && v.eq_ignore_ascii_case("true"));
    let zone = Zone::parse(time_zone)?;
    let mut names: Option<Vec<String>> = None;
    let mut types: Vec<Option<SqlType>> = Vec::new();
    for file in files {
        let bytes = bytes_of(file)?;
        let mut at = 0;
        let mut first = true;
        let mut fields: Vec<Option<Cow<'_, str>>> = Vec::new();
        while at < bytes.len() {
            let (end, next) = format.record_end(&bytes, at);
            let record = &bytes[at..end];
            at = next;
            if format.is_skipped(record) {
                continue;
            }
            format.fields(record, &mut fields);
            let is_first = std::mem::take(&mut first);
            if names.is_none() {
                let name = |(i, f): (usize, &Option<Cow<'_, str>>)| match f {
                    Some(name) if format.header => name.to_string(),
                    _ => format!("_c{i}"),
                };
                names = Some(unique(fields.iter().enumerate().map(name).collect()));
                types = vec![None; fields.len()];
            }
            if is_first && format.header {
                continue;
            }
            if !infer {
                break;
            }
            for (ty, field) in types.iter_mut().zip(&fields) {
                if let Some(text) = field {
                    *ty = Some(wider(ty.take(), text, &zone));
                }
            }
        }
        if names.is_some() && !infer {
            break;
        }
    }
    let columns = names.map(|names| {
        let pairs = names.into_iter().zip(types);
        pairs
            .map(|(name, ty)| column(&name, ty.unwrap_or(SqlType::String)))
            .collect()
    });
    Ok(columns)
}

/// Repeated names get their position behind them, as Spark does it.
fn unique(names: Vec<String>) -> Vec<String> {
    let lower: Vec<String> = names.iter().map(|n| n.to_lowercase()).collect();
    names
        .into_iter()
        .enumerate()
        .map(|(i, n)| {
            if lower.iter().filter(|l| **l == lower[i]).count() > 1 {
                format!("{n}{i}")
            } else {
                n
            }
        })
        .collect()
}

fn column(name: &str, ty: SqlType) -> SourceColumn {
    SourceColumn {
        name: name.into(),
        ty,
        nullable: true,
    }
}

/// The narrowest type that holds what was seen and `text`.
fn wider(seen: Option<SqlType>, text: &str, zone: &Zone) -> SqlType {
    use SqlType::*;
    let fits = |ty: &SqlType| match ty {
        Int => text.parse::<i32>().is_ok(),
        Long => text.parse::<i64>().is_ok(),
        Double => text.parse::<f64>().is_ok(),
        Date => (8..=10).contains(&text.len()) && text.contains('-') && parse_date(text).is_some(),
        TimestampNtz => false,
        Timestamp => text.contains('-') && parse_timestamp(text, zone, 0).is_some(),
        Boolean => text.eq_ignore_ascii_case("true") || text.eq_ignore_ascii_case("false"),
        _ => true,
    };
    const LADDER: [SqlType; 7] = [Int, Long, Double, Date, Timestamp, Boolean, String];
    let alone = || LADDER.iter().find(|t| fits(t)).cloned().unwrap_or(String);
    match seen {
        None => alone(),
        Some(ty) if fits(&ty) => ty,
        Some(Int) if fits(&Long) => Long,
        Some(Int | Long) if fits(&Double) => Double,
        Some(Date) if fits(&Timestamp) => Timestamp,
        Some(_) => String,
    }
}

/// Columns of JSON files: every field that occurs, in alphabetical order.
pub(crate) fn infer_json(files: &[ListedFile], options: &[(String, String)]) -> Result<Option<Vec<SourceColumn>>> {
    let on = |key: &str| options.iter().any(|(k, v)| k == key && v.eq_ignore_ascii_case("true"));
    let infer = JsonInference {
        strings: on("primitivesasstring"),
        decimals: on("prefersdecimal"),
        timestamps: on("infertimestamp"),
    };
    let mut found: Option<SqlType> = None;
    let mut corrupt = false;
    for file in files {
        let bytes = bytes_of(file)?;
        let mut add = |value: Result<Value, serde_json::Error>| match value {
            Ok(Value::Array(rows)) => rows
                .iter()
                .for_each(|r| found = Some(infer.merge(found.take(), infer.of(r)))),
            Ok(row @ Value::Object(_)) => found = Some(infer.merge(found.take(), infer.of(&row))),
            _ => corrupt = true,
        };
        if on("multiline") {
            add(serde_json::from_slice(&bytes));
        } else {
            let lines = bytes
                .split(|b| *b == b'\n')
                .filter(|l| !l.iter().all(u8::is_ascii_whitespace));
            lines.for_each(|l| add(serde_json::from_slice(l)));
        }
    }
    let Some(SqlType::Struct(fields)) = found else {
        return Ok(corrupt.then(|| vec![column("_corrupt_record", SqlType::String)]));
    };
    let mut columns: Vec<SourceColumn> = fields.iter().map(|f| column(&f.name, settle(f.ty.clone()))).collect();
    if corrupt {
        columns.push(column("_corrupt_record", SqlType::String));
    }
    columns.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(Some(columns))
}

struct JsonInference {
    strings: bool,
    decimals: bool,
    timestamps: bool,
}

impl JsonInference {
    /// Type of a value; VOID for null.
    fn of(&self, value: &Value) -> SqlType {
        match value {
            Value::Null => SqlType::Void,
            Value::Object(map) => {
                let mut fields: BTreeMap<&str, SqlType> = BTreeMap::new();
                for (name, value) in map {
                    fields.insert(name, self.of(value));
                }
                SqlType::structure(fields.into_iter().map(|(n, t)| (n, t, true)))
            }
            Value::Array(items) => {
                let element = items.iter().fold(None, |t, v| Some(self.merge(t, self.of(v))));
                SqlType::array(element.unwrap_or(SqlType::Void))
            }
            _ if self.strings => SqlType::String,
            Value::Bool(_) => SqlType::Boolean,
            Value::Number(n) => {
                let text = n.to_string();
                let digits = text.trim_start_matches('-').len();
                if text.parse::<i64>().is_ok() {
                    SqlType::Long
                } else if !text.contains(['.', 'e', 'E']) && digits <= 38 {
                    SqlType::Decimal(digits as u8, 0)
                } else if self.decimals && !text.contains(['e', 'E']) && digits <= 39 {
                    let scale = text.split_once('.').map_or(0, |(_, f)| f.len());
                    SqlType::Decimal((digits - 1).max(scale) as u8, scale as i8)
                } else {
                    SqlType::Double
                }
            }
            Value::String(s) => {
                if self.timestamps && s.len() >= 10 && parse_timestamp_ntz(s, false).is_some() {
                    SqlType::Timestamp
                } else {
                    SqlType::String
                }
            }
        }
    }

    /// A type that holds both.
    fn merge(&self, a: Option<SqlType>, b: SqlType) -> SqlType {
        use SqlType::*;
        let Some(a) = a else { return b };
        match (a, b) {
            (a, b) if a == b => a,
            (Void, t) | (t, Void) => t,
            (Long, Double) | (Double, Long) | (Double, Decimal(..)) | (Decimal(..), Double) => Double,
            (Decimal(p, s), Long) | (Long, Decimal(p, s)) => Decimal(p.max(20), s),
            (Decimal(p, s), Decimal(q, t)) => {
                let scale = s.max(t);
                let whole = (p as i8 - s).max(q as i8 - t);
                Decimal((whole + scale).min(38) as u8, scale)
            }
            (Array(x), Array(y)) => SqlType::array(self.merge(Some(x.element.clone()), y.element.clone())),
            (Struct(x), Struct(y)) => {
                let mut fields: BTreeMap<&str, SqlType> = BTreeMap::new();
                for f in x.iter().chain(y.iter()) {
                    let merged = self.merge(fields.remove(&*f.name), f.ty.clone());
                    fields.insert(&f.name, merged);
                }
                SqlType::structure(fields.into_iter().map(|(n, t)| (n, t, true)))
            }
            _ => String,
        }
    }
}

/// VOID, which only nulls left, becomes STRING.
fn settle(ty: SqlType) -> SqlType {
    match ty {
        SqlType::Void => SqlType::String,
        SqlType::Array(a) => SqlType::array(settle(a.element.clone())),
        SqlType::Struct(fields) => SqlType::structure(
            fields
                .iter()
                .map(|f| (std::sync::Arc::clone(&f.name), settle(f.ty.clone()), true)),
        ),
        other => other,
    }
}

/// An error about an option that is not there yet.
pub(crate) fn check_options(format: &str, options: &[(String, String)]) -> Result<()> {
    const KNOWN_MISSING: [&str; 4] = ["dateformat", "timestampformat", "timestampntzformat", "locale"];
    match options.iter().find(|(k, _)| KNOWN_MISSING.contains(&k.as_str())) {
        Some((key, _)) => Err(Error::unsupported(format!("option {key} of {format} files"))),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listed(dir: &tempfile::TempDir, content: &str) -> Vec<ListedFile> {
        let path = dir.path().join(format!("{}.txt", content.len()));
        std::fs::write(&path, content).unwrap();
        rsql_storage::list_files(&[path.to_string_lossy().into_owned()], None)
            .unwrap()
            .files
    }

    fn shown(columns: Option<Vec<SourceColumn>>) -> String {
        let columns = columns.unwrap_or_default();
        columns
            .iter()
            .map(|c| format!("{} {}", c.name, c.ty))
            .collect::<Vec<_>>()
            .join(", ")
    }

    #[test]
    fn csv() {
        let dir = tempfile::tempdir().unwrap();
        let files = listed(&dir, "a,b,A\n1,x,2020-01-02\n2.5,,2020-01-02 03:04:05\n");
        let options = |keys: &[&str]| {
            keys.iter()
                .map(|k| ((*k).to_string(), "true".to_string()))
                .collect::<Vec<_>>()
        };
        let plain = infer_csv(&files, &[], "UTC").unwrap();
        assert_eq!(shown(plain), "_c0 string, _c1 string, _c2 string");
        let typed = infer_csv(&files, &options(&["header", "inferschema"]), "UTC").unwrap();
        assert_eq!(shown(typed), "a0 double, b string, A2 timestamp");
    }

    #[test]
    fn json() {
        let dir = tempfile::tempdir().unwrap();
        let files = listed(
            &dir,
            "{\"b\": 1, \"a\": [1, null]}\n{\"b\": 2.5, \"c\": {\"x\": null}}\n",
        );
        assert_eq!(
            shown(infer_json(&files, &[]).unwrap()),
            "a array<bigint>, b double, c struct<x:string>"
        );
        let bad = listed(&dir, "{\"b\": 1}\nnonsense\n");
        assert_eq!(
            shown(infer_json(&bad, &[]).unwrap()),
            "_corrupt_record string, b bigint"
        );
    }
}
