//! Freezes session facts for expressions.

use std::sync::Arc;

use rsql_catalog::session::{SPARK_CATALOG, SessionCatalog};
use rsql_common::Settings;
use rsql_expr::{BinaryStyle, EvalOptions};

/// The facts that expressions of a statement carry, as of `now_micros` (microseconds since the epoch).
pub(crate) fn freeze(settings: &Settings, catalog: &SessionCatalog, user: &str, now_micros: i64) -> Arc<EvalOptions> {
    let upper = |key: &str| settings.get(key).unwrap_or_default().to_uppercase();
    Arc::new(EvalOptions {
        ansi: settings.ansi(),
        time_zone: settings.time_zone().into(),
        now_micros,
        user: user.into(),
        catalog: SPARK_CATALOG.into(),
        database: Arc::clone(catalog.current_database()),
        map_key_last_wins: upper("spark.sql.mapKeyDedupPolicy") == "LAST_WIN",
        time_parser_policy: upper("spark.sql.legacy.timeParserPolicy").into(),
        timestamp_is_ntz: upper("spark.sql.timestampType") == "TIMESTAMP_NTZ",
        decimal_precision_loss: settings.bool("spark.sql.decimalOperations.allowPrecisionLoss"),
        binary_style: BinaryStyle::named(settings.get("spark.sql.binaryOutputStyle").unwrap_or_default()),
        default_collation: None,
    })
}
