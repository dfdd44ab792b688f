//! The types of the dialect, as ODBC and JDBC number them (`GetXdbcTypeInfo`).

use arrow_flight::sql::metadata::{XdbcTypeInfo, XdbcTypeInfoData, XdbcTypeInfoDataBuilder};
use arrow_flight::sql::{Nullable, Searchable, XdbcDataType as X};
use rsql_common::Result;

use crate::error::from_flight;

/// Name, number, size, what encloses a literal, numeric radix.
const TYPES: &[(&str, X, i32, Option<(&str, &str)>, Option<i32>)] = &[
    ("BOOLEAN", X::XdbcBit, 1, None, None),
    ("TINYINT", X::XdbcTinyint, 3, None, Some(10)),
    ("SMALLINT", X::XdbcSmallint, 5, None, Some(10)),
    ("INT", X::XdbcInteger, 10, None, Some(10)),
    ("BIGINT", X::XdbcBigint, 19, None, Some(10)),
    ("FLOAT", X::XdbcReal, 7, None, Some(10)),
    ("DOUBLE", X::XdbcDouble, 15, None, Some(10)),
    ("DECIMAL", X::XdbcDecimal, 38, None, Some(10)),
    ("STRING", X::XdbcVarchar, i32::MAX, Some(("'", "'")), None),
    ("BINARY", X::XdbcVarbinary, i32::MAX, Some(("X'", "'")), None),
    ("DATE", X::XdbcDate, 10, Some(("DATE'", "'")), None),
    ("TIME", X::XdbcTime, 15, Some(("TIME'", "'")), None),
    ("TIMESTAMP", X::XdbcTimestamp, 26, Some(("TIMESTAMP'", "'")), None),
    (
        "TIMESTAMP_NTZ",
        X::XdbcTimestamp,
        26,
        Some(("TIMESTAMP_NTZ'", "'")),
        None,
    ),
];

/// All types.
pub(crate) fn data() -> Result<XdbcTypeInfoData> {
    let mut builder = XdbcTypeInfoDataBuilder::new();
    for (name, number, size, quotes, radix) in TYPES {
        let decimal = *number == X::XdbcDecimal;
        builder.append(XdbcTypeInfo {
            type_name: (*name).to_string(),
            data_type: *number,
            column_size: Some(*size),
            literal_prefix: quotes.map(|q| q.0.to_string()),
            literal_suffix: quotes.map(|q| q.1.to_string()),
            create_params: decimal.then(|| vec!["precision".to_string(), "scale".to_string()]),
            nullable: Nullable::NullabilityNullable,
            case_sensitive: *number == X::XdbcVarchar,
            searchable: Searchable::Full,
            unsigned_attribute: radix.map(|_| false),
            fixed_prec_scale: false,
            auto_increment: None,
            local_type_name: Some((*name).to_string()),
            minimum_scale: decimal.then_some(0),
            maximum_scale: decimal.then_some(38),
            sql_data_type: *number,
            datetime_subcode: None,
            num_prec_radix: *radix,
            interval_precision: None,
        });
    }
    builder.build().map_err(|e| from_flight(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_listed_and_filtered() {
        let all = data().unwrap();
        assert_eq!(all.record_batch(None).unwrap().num_rows(), TYPES.len());
        assert_eq!(all.record_batch(X::XdbcTimestamp as i32).unwrap().num_rows(), 2);
    }
}
