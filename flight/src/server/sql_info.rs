//! What the server can do, as drivers ask for it. JDBC clients fail on values that are missing, so all are here.

use arrow_flight::sql::metadata::{SqlInfoData, SqlInfoDataBuilder};
use arrow_flight::sql::{
    SqlInfo as I, SqlNullOrdering, SqlOuterJoinsSupportLevel, SqlSupportedCaseSensitivity, SqlTransactionIsolationLevel,
};
use rsql_common::Result;

use crate::error::from_flight;

/// Bits 0, 1, … of a mask.
const fn bits(n: u32) -> i32 {
    (1 << n) - 1
}

/// Words that are not identifiers in Spark's ANSI mode and not SQL-92 keywords.
const KEYWORDS: &[&str] = &[
    "ANTI",
    "CLUSTER",
    "DISTRIBUTE",
    "ILIKE",
    "LATERAL",
    "MINUS",
    "OVERWRITE",
    "PIVOT",
    "QUALIFY",
    "RLIKE",
    "SEMI",
    "SORT",
    "UNPIVOT",
];
const NUMERIC: &[&str] = &[
    "ABS", "ACOS", "ASIN", "ATAN", "ATAN2", "CEILING", "COS", "COT", "DEGREES", "EXP", "FLOOR", "LOG", "LOG10", "MOD",
    "PI", "POWER", "RADIANS", "RAND", "ROUND", "SIGN", "SIN", "SQRT", "TAN",
];
const STRING: &[&str] = &[
    "ASCII",
    "CHAR",
    "CONCAT",
    "LCASE",
    "LEFT",
    "LENGTH",
    "LOCATE",
    "LTRIM",
    "REPEAT",
    "REPLACE",
    "RIGHT",
    "RTRIM",
    "SOUNDEX",
    "SPACE",
    "SUBSTRING",
    "UCASE",
];
const SYSTEM: &[&str] = &["DATABASE", "IFNULL", "USER"];
const DATETIME: &[&str] = &[
    "CURDATE",
    "DAYNAME",
    "DAYOFMONTH",
    "DAYOFWEEK",
    "DAYOFYEAR",
    "HOUR",
    "MINUTE",
    "MONTH",
    "MONTHNAME",
    "NOW",
    "QUARTER",
    "SECOND",
    "TIMESTAMPADD",
    "TIMESTAMPDIFF",
    "WEEK",
    "YEAR",
];

/// Limits that are not limited.
const UNLIMITED: [I; 20] = [
    I::SqlMaxBinaryLiteralLength,
    I::SqlMaxCharLiteralLength,
    I::SqlMaxColumnNameLength,
    I::SqlMaxColumnsInGroupBy,
    I::SqlMaxColumnsInIndex,
    I::SqlMaxColumnsInOrderBy,
    I::SqlMaxColumnsInSelect,
    I::SqlMaxColumnsInTable,
    I::SqlMaxConnections,
    I::SqlMaxCursorNameLength,
    I::SqlMaxIndexLength,
    I::SqlDbSchemaNameLength,
    I::SqlMaxProcedureNameLength,
    I::SqlMaxCatalogNameLength,
    I::SqlMaxRowSize,
    I::SqlMaxStatementLength,
    I::SqlMaxStatements,
    I::SqlMaxTableNameLength,
    I::SqlMaxTablesInSelect,
    I::SqlMaxUsernameLength,
];

const YES: [I; 15] = [
    I::FlightSqlServerSql,
    I::FlightSqlServerCancel,
    I::FlightSqlServerBulkIngestion,
    I::SqlDdlSchema,
    I::SqlDdlTable,
    I::SqlAllTablesAreSelectable,
    I::SqlSupportsColumnAliasing,
    I::SqlNullPlusNullIsNull,
    I::SqlSupportsTableCorrelationNames,
    I::SqlSupportsExpressionsInOrderBy,
    I::SqlSupportsOrderByUnrelated,
    I::SqlSupportsLikeEscapeClause,
    I::SqlCatalogAtStart,
    I::SqlCorrelatedSubqueriesSupported,
    I::SqlNamedParametersSupported,
];

const NO: [I; 17] = [
    I::FlightSqlServerReadOnly,
    I::FlightSqlServerSubstrait,
    I::FlightSqlServerIngestTransactionsSupported,
    I::SqlDdlCatalog,
    I::SqlSupportsDifferentTableCorrelationNames,
    I::SqlSupportsNonNullableColumns,
    I::SqlSupportsIntegrityEnhancementFacility,
    I::SqlSelectForUpdateSupported,
    I::SqlStoredProceduresSupported,
    I::SqlMaxRowSizeIncludesBlobs,
    I::SqlTransactionsSupported,
    I::SqlDataDefinitionCausesTransactionCommit,
    I::SqlDataDefinitionsInTransactionsIgnored,
    I::SqlBatchUpdatesSupported,
    I::SqlSavepointsSupported,
    I::SqlLocatorsUpdateCopy,
    I::SqlStoredFunctionsUsingCallSyntaxSupported,
];

/// All values.
pub(crate) fn data() -> Result<SqlInfoData> {
    let mut b = SqlInfoDataBuilder::new();
    b.append(I::FlightSqlServerName, "rsql");
    b.append(I::FlightSqlServerVersion, env!("CARGO_PKG_VERSION"));
    b.append(I::FlightSqlServerArrowVersion, "1.5");
    for (info, text) in [
        (I::SqlIdentifierQuoteChar, "`"),
        (I::SqlSearchStringEscape, "\\"),
        (I::SqlExtraNameCharacters, ""),
        (I::SqlSchemaTerm, "database"),
        (I::SqlProcedureTerm, "procedure"),
        (I::SqlCatalogTerm, "catalog"),
    ] {
        b.append(info, text);
    }
    for (info, words) in [
        (I::SqlKeywords, KEYWORDS),
        (I::SqlNumericFunctions, NUMERIC),
        (I::SqlStringFunctions, STRING),
        (I::SqlSystemFunctions, SYSTEM),
        (I::SqlDatetimeFunctions, DATETIME),
    ] {
        b.append(info, words);
    }
    for info in YES {
        b.append(info, true);
    }
    for info in NO {
        b.append(info, false);
    }
    for info in UNLIMITED {
        b.append(info, 0_i64);
    }
    for (info, mask) in [
        (I::FlightSqlServerTransaction, 0),
        (I::FlightSqlServerStatementTimeout, 0),
        (I::FlightSqlServerTransactionTimeout, 0),
        (
            I::SqlIdentifierCase,
            SqlSupportedCaseSensitivity::SqlCaseSensitivityCaseInsensitive as i32,
        ),
        (
            I::SqlQuotedIdentifierCase,
            SqlSupportedCaseSensitivity::SqlCaseSensitivityCaseInsensitive as i32,
        ),
        (I::SqlNullOrdering, SqlNullOrdering::SqlNullsSortedLow as i32),
        (I::SqlSupportedGroupBy, bits(2)),
        (I::SqlSupportedGrammar, bits(2)),
        (I::SqlAnsi92SupportedLevel, bits(1)),
        (
            I::SqlOuterJoinsSupportLevel,
            SqlOuterJoinsSupportLevel::SqlFullOuterJoins as i32,
        ),
        (I::SqlSchemasSupportedActions, 0),
        (I::SqlCatalogsSupportedActions, 0),
        (I::SqlSupportedPositionedCommands, 0),
        (I::SqlSupportedSubqueries, bits(3)),
        (I::SqlSupportedUnions, bits(2)),
        (
            I::SqlDefaultTransactionIsolation,
            SqlTransactionIsolationLevel::SqlTransactionNone as i32,
        ),
        (I::SqlSupportedTransactionsIsolationLevels, 0),
        (I::SqlSupportedResultSetTypes, 1 << 1),
        (I::SqlSupportedConcurrenciesForResultSetUnspecified, 0),
        (I::SqlSupportedConcurrenciesForResultSetForwardOnly, 1 << 1),
        (I::SqlSupportedConcurrenciesForResultSetScrollSensitive, 0),
        (I::SqlSupportedConcurrenciesForResultSetScrollInsensitive, 0),
    ] {
        b.append(info, mask);
    }
    b.append(
        I::SqlSupportsConvert,
        std::collections::BTreeMap::<i32, Vec<i32>>::new(),
    );
    b.build().map_err(|e| from_flight(&e))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_value_a_jdbc_driver_reads_is_there() {
        let all = data().unwrap();
        let mut missing = Vec::new();
        for id in (0..12).filter(|n| ![6, 7].contains(n)).chain(500..577) {
            if all.record_batch([id]).unwrap().num_rows() != 1 {
                missing.push(id);
            }
        }
        assert!(missing.is_empty(), "{missing:?}");
    }
}
