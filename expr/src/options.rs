//! What the analyzer freezes into expressions, so that kernels read no session.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// How an operation treats overflow, bad input and division by zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub enum EvalMode {
    /// Raise an error.
    #[default]
    Ansi,
    /// NULL or wrap around, as Spark did before ANSI.
    Legacy,
    /// NULL.
    Try,
}

/// Session facts at the time of analysis; shared by all expressions of a statement (views carry their own).
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct EvalOptions {
    /// `spark.sql.ansi.enabled`
    pub ansi: bool,
    /// `spark.sql.session.timeZone`
    pub time_zone: Arc<str>,
    /// Start of the query, microseconds since the epoch.
    pub now_micros: i64,
    /// `current_user()`
    pub user: Arc<str>,
    /// `current_catalog()`
    pub catalog: Arc<str>,
    /// `current_database()`
    pub database: Arc<str>,
    /// `spark.sql.mapKeyDedupPolicy=LAST_WIN`
    pub map_key_last_wins: bool,
    /// `spark.sql.legacy.timeParserPolicy` (upper case).
    pub time_parser_policy: Arc<str>,
    /// `spark.sql.timestampType=TIMESTAMP_NTZ`
    pub timestamp_is_ntz: bool,
    /// `spark.sql.decimalOperations.allowPrecisionLoss`
    pub decimal_precision_loss: bool,
    /// `spark.sql.binaryOutputStyle`
    pub binary_style: BinaryStyle,
    /// DEFAULT COLLATION of what is being defined: that of texts which do not say their own.
    pub default_collation: Option<crate::Collation>,
}

/// How bytes are written as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, Default)]
pub enum BinaryStyle {
    /// As the UTF-8 text they are.
    #[default]
    Utf8,
    /// `[83, 112]`: signed numbers.
    Basic,
    /// Base64 without padding.
    Base64,
    /// `5370`
    Hex,
    /// `[53 70]`
    HexDiscrete,
}

impl BinaryStyle {
    /// The style of a setting's value.
    pub fn named(name: &str) -> Self {
        match name.to_ascii_uppercase().as_str() {
            "BASIC" => Self::Basic,
            "BASE64" => Self::Base64,
            "HEX" => Self::Hex,
            "HEX_DISCRETE" => Self::HexDiscrete,
            _ => Self::Utf8,
        }
    }
}

impl EvalOptions {
    /// ANSI or legacy, by the session's setting.
    pub fn mode(&self) -> EvalMode {
        if self.ansi { EvalMode::Ansi } else { EvalMode::Legacy }
    }
}

impl Default for EvalOptions {
    fn default() -> Self {
        Self {
            ansi: true,
            time_zone: "UTC".into(),
            now_micros: 0,
            user: "user".into(),
            catalog: "spark_catalog".into(),
            database: "default".into(),
            map_key_last_wins: false,
            time_parser_policy: "CORRECTED".into(),
            timestamp_is_ntz: false,
            decimal_precision_loss: true,
            binary_style: BinaryStyle::Utf8,
            default_collation: None,
        }
    }
}
