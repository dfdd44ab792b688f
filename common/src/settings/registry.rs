//! Every setting with its default and meaning; `docs/settings.md` is generated from here.

/// What values a setting takes.
#[derive(Debug, Clone, Copy)]
pub enum SettingType {
    /// `true` or `false`.
    Bool,
    /// An integer, or a size such as `64m`.
    Int,
    /// A time such as `500ms`, `30s`, `2m`; milliseconds without a unit.
    Time,
    /// A number with or without a fraction.
    Number,
    /// Any text.
    Text,
    /// One of these, ignoring case.
    Choice(&'static [&'static str]),
}

/// One registered setting.
#[derive(Debug)]
pub struct Setting {
    /// Full key.
    pub key: &'static str,
    /// Value when nobody set it.
    pub default: &'static str,
    /// What values it takes.
    pub ty: SettingType,
    /// One sentence for users.
    pub doc: &'static str,
}

const fn s(key: &'static str, default: &'static str, ty: SettingType, doc: &'static str) -> Setting {
    Setting { key, default, ty, doc }
}

use SettingType::{Bool, Choice, Int, Number, Text, Time};

/// All settings, in key order within their group.
pub static REGISTRY: &[Setting] = &[
    s(
        "rsql.cluster.copiedJoinBytes",
        "128m",
        Int,
        "Up to so many expected bytes a join's side goes to every task where that is cheaper than spreading both sides; \
         not looked at when spark.sql.autoBroadcastJoinThreshold is set.",
    ),
    s(
        "rsql.cluster.executor.grace",
        "30s",
        Time,
        "How long queries wait for an executor when a cluster has none.",
    ),
    s(
        "rsql.cluster.executor.lease",
        "30s",
        Time,
        "An executor without a heartbeat for this long is lost.",
    ),
    s(
        "rsql.cluster.localReads",
        "true",
        Bool,
        "Tasks read the shuffle files of executors on the same host from the disk instead of fetching them.",
    ),
    s(
        "rsql.cluster.query.maxResubmits",
        "16",
        Int,
        "Times that outputs of a query may be lost and made again, or that one of its tasks may be sent back, before the query fails.",
    ),
    s(
        "rsql.cluster.query.queueTimeout",
        "10m",
        Time,
        "How long a query may wait for others to end before it fails.",
    ),
    s(
        "rsql.cluster.query.timeout",
        "0",
        Time,
        "How long a query may run on a cluster; 0 means no limit.",
    ),
    s(
        "rsql.cluster.queries.maxQueued",
        "1024",
        Int,
        "Queries of a cluster that may wait; more are refused.",
    ),
    s(
        "rsql.cluster.queries.maxRunning",
        "64",
        Int,
        "Queries of a cluster that run at once.",
    ),
    s(
        "rsql.cluster.runtimeFilterRows",
        "1m",
        Int,
        "Expected rows up to which a side of a shuffled join is computed first and tells the other side's scans which keys it has; 0 means never.",
    ),
    s(
        "rsql.cluster.scanTaskBytes",
        "16m",
        Int,
        "Bytes of files that a task of a cluster reads at least, while there are fewer tasks than slots.",
    ),
    s(
        "rsql.cluster.secret.file",
        "",
        Text,
        "The file that lets a machine join a cluster; the master makes it, mode 0600, if it is not there.",
    ),
    s(
        "rsql.cluster.sortInOneTaskRows",
        "50000",
        Int,
        "A cluster sorts up to so many expected rows in one task instead of by ranges.",
    ),
    s(
        "rsql.cluster.task.maxExecutorDeaths",
        "3",
        Int,
        "A query fails when one of its tasks was running on so many executors as they died.",
    ),
    s(
        "rsql.cluster.task.maxInternalErrors",
        "2",
        Int,
        "Attempts at a task of a cluster that may fail by a bug of the engine before its query fails.",
    ),
    s(
        "rsql.cluster.task.maxRetryWait",
        "30s",
        Time,
        "Longest wait before a task whose storage or network failed is tried again.",
    ),
    s(
        "rsql.cluster.task.retryWait",
        "500ms",
        Time,
        "Wait before a task whose storage or network failed is tried again; doubles each time.",
    ),
    s(
        "rsql.exec.chunk_rows",
        "4096",
        Int,
        "Rows in one chunk between operators.",
    ),
    s(
        "rsql.exec.force_spill",
        "false",
        Bool,
        "Makes every stateful operator spill, to test it.",
    ),
    s(
        "rsql.exec.hash_zero",
        "false",
        Bool,
        "Makes every hash zero, to test collision handling.",
    ),
    s(
        "rsql.exec.threads",
        "0",
        Int,
        "Worker threads of the process; 0 means one per core.",
    ),
    s(
        "rsql.local.dir",
        "",
        Text,
        "Folder for spill files; empty means the system's temporary folder.",
    ),
    s(
        "rsql.memory.limit",
        "0",
        Int,
        "Bytes that queries may hold in all; 0 means 70 % of the machine's memory.",
    ),
    s(
        "rsql.optimizer.enabled",
        "true",
        Bool,
        "Runs all optimizer batches; false leaves only those a plan needs to run.",
    ),
    s(
        "rsql.optimizer.verify",
        "false",
        Bool,
        "Runs each query again with only the mandatory batches and compares.",
    ),
    s(
        "rsql.preserve_order",
        "true",
        Bool,
        "Without ORDER BY, rows come in the order of their source.",
    ),
    s(
        "rsql.sql.in_subquery_null",
        "false",
        Bool,
        "IN (SELECT …) used as a value may be NULL, as the standard says; false gives FALSE there, as Spark does.",
    ),
    s(
        "rsql.sql.max_length",
        "16m",
        Int,
        "Longest SQL text accepted, in bytes.",
    ),
    s(
        "rsql.sql.max_depth",
        "1000",
        Int,
        "Deepest nesting of expressions and queries accepted.",
    ),
    s(
        "rsql.sql.strict",
        "false",
        Bool,
        "Refuses what Spark refuses, with Spark's error, even where an answer exists.",
    ),
    s(
        "spark.eventLog.dir",
        "",
        Text,
        "Folder of a cluster's event log, one JSON event a line; empty: `events` beside a master's join file, none for a local cluster.",
    ),
    s(
        "spark.eventLog.enabled",
        "true",
        Bool,
        "Writes the event log of a cluster, if there is a folder for it.",
    ),
    s(
        "spark.excludeOnFailure.application.maxFailedExecutorsPerNode",
        "2",
        Int,
        "Avoided executors of a host for which the whole host is avoided.",
    ),
    s(
        "spark.excludeOnFailure.application.maxFailedTasksPerExecutor",
        "4",
        Int,
        "Failures on an executor within ten minutes for which all queries avoid it.",
    ),
    s(
        "spark.excludeOnFailure.enabled",
        "true",
        Bool,
        "A cluster avoids executors and hosts on which tasks failed repeatedly.",
    ),
    s(
        "spark.excludeOnFailure.stage.maxFailedTasksPerExecutor",
        "2",
        Int,
        "Failures on an executor for which a stage avoids it.",
    ),
    s(
        "spark.excludeOnFailure.timeout",
        "1h",
        Time,
        "How long executors and hosts are avoided.",
    ),
    s(
        "spark.io.compression.codec",
        "lz4",
        Choice(&["lz4", "zstd", "lzf", "snappy", "none"]),
        "How a cluster compresses shuffle files: lz4, zstd or none; lzf and snappy mean lz4.",
    ),
    s(
        "spark.io.encryption.enabled",
        "false",
        Bool,
        "A cluster encrypts shuffle files (AES-256-GCM) under a key of each query that is never written.",
    ),
    s(
        "spark.locality.wait",
        "3s",
        Time,
        "How long a task waits for a slot on a host that has its data.",
    ),
    s(
        "spark.scheduler.mode",
        "FIFO",
        Choice(&["FIFO", "FAIR"]),
        "How queries of one pool share a cluster.",
    ),
    s(
        "spark.scheduler.pool",
        "",
        Text,
        "Pool that a session's queries run in; empty means the default pool.",
    ),
    s(
        "spark.speculation",
        "false",
        Bool,
        "A cluster runs second attempts at tasks that are much slower than others of their stage.",
    ),
    s(
        "spark.speculation.minTaskRuntime",
        "10s",
        Time,
        "A task gets no second attempt before it has run for so long.",
    ),
    s(
        "spark.speculation.multiplier",
        "3",
        Number,
        "A task counts as slow when it runs for so many times the median of its stage.",
    ),
    s(
        "spark.speculation.quantile",
        "0.75",
        Number,
        "Share of a stage's tasks that are done before others count as slow.",
    ),
    s(
        "spark.sql.adaptive.advisoryPartitionSizeInBytes",
        "64m",
        Int,
        "Stored bytes that a cluster's task is to read of earlier stages when partitions are coalesced or split.",
    ),
    s(
        "spark.sql.adaptive.autoBroadcastJoinThreshold",
        "",
        Text,
        "Measured bytes up to which a side of a join is sent to every task; spark.sql.autoBroadcastJoinThreshold if not set.",
    ),
    s(
        "spark.sql.adaptive.coalescePartitions.enabled",
        "true",
        Bool,
        "Lets a task of a cluster read several small partitions.",
    ),
    s(
        "spark.sql.adaptive.coalescePartitions.minPartitionSize",
        "1m",
        Int,
        "With parallelismFirst, partitions are coalesced at least up to this size.",
    ),
    s(
        "spark.sql.adaptive.coalescePartitions.parallelismFirst",
        "true",
        Bool,
        "Coalesces partitions only as far as every slot of the cluster keeps a task.",
    ),
    s(
        "spark.sql.adaptive.enabled",
        "true",
        Bool,
        "Plans what is left of a distributed query again with the measured sizes of its finished stages.",
    ),
    s(
        "spark.sql.adaptive.localShuffleReader.enabled",
        "true",
        Bool,
        "Reads the side of a join that need not be shuffled any more where it was written.",
    ),
    s(
        "spark.sql.adaptive.skewJoin.enabled",
        "true",
        Bool,
        "Splits partitions of a join that are much larger than the others.",
    ),
    s(
        "spark.sql.adaptive.skewJoin.skewedPartitionFactor",
        "5.0",
        Text,
        "A partition is skewed if it is so many times the median.",
    ),
    s(
        "spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes",
        "256m",
        Int,
        "And if it has at least so many bytes.",
    ),
    s(
        "spark.sql.ansi.doubleQuotedIdentifiers",
        "false",
        Bool,
        "In ANSI mode, \"x\" is an identifier, not a string.",
    ),
    s(
        "spark.sql.ansi.enabled",
        "true",
        Bool,
        "Errors on overflow and bad casts instead of NULL.",
    ),
    s(
        "spark.sql.ansi.enforceReservedKeywords",
        "false",
        Bool,
        "In ANSI mode, refuses reserved words as identifiers.",
    ),
    s(
        "spark.sql.ansi.relationPrecedence",
        "false",
        Bool,
        "In ANSI mode, JOIN binds tighter than the comma.",
    ),
    s(
        "spark.sql.autoBroadcastJoinThreshold",
        "10m",
        Int,
        "Expected bytes up to which a cluster sends a whole side of a join to every task; -1 means never.",
    ),
    s(
        "spark.sql.caseSensitive",
        "false",
        Bool,
        "Compares identifiers with regard to case.",
    ),
    s("spark.sql.charAsVarchar", "false", Bool, "Treats CHAR as VARCHAR."),
    s(
        "spark.sql.crossJoin.enabled",
        "true",
        Bool,
        "Allows joins without a condition.",
    ),
    s(
        "spark.sql.cteRecursionLevelLimit",
        "100",
        Int,
        "Most iterations of a recursive CTE; -1 for no limit.",
    ),
    s(
        "spark.sql.cteRecursionRowLimit",
        "1000000",
        Int,
        "Most rows a recursive CTE may return; -1 for no limit.",
    ),
    s(
        "spark.sql.decimalOperations.allowPrecisionLoss",
        "true",
        Bool,
        "Gives up scale rather than overflow in decimal arithmetic.",
    ),
    s(
        "spark.sql.defaultCatalog",
        "spark_catalog",
        Text,
        "Catalog of unqualified names.",
    ),
    s(
        "spark.sql.execution.arrow.maxRecordsPerBatch",
        "10000",
        Int,
        "Rows in one Arrow batch handed to clients.",
    ),
    s(
        "spark.sql.groupByAliases",
        "true",
        Bool,
        "GROUP BY may name select-list aliases.",
    ),
    s(
        "spark.sql.groupByOrdinal",
        "true",
        Bool,
        "An integer in GROUP BY is a position.",
    ),
    s(
        "spark.sql.legacy.ctePrecedencePolicy",
        "CORRECTED",
        Choice(&["EXCEPTION", "CORRECTED", "LEGACY"]),
        "Which CTE an inner name means.",
    ),
    s(
        "spark.sql.legacy.timeParserPolicy",
        "CORRECTED",
        Choice(&["EXCEPTION", "CORRECTED", "LEGACY"]),
        "Which date pattern rules apply.",
    ),
    s(
        "spark.sql.mapKeyDedupPolicy",
        "EXCEPTION",
        Choice(&["EXCEPTION", "LAST_WIN"]),
        "What a repeated map key does.",
    ),
    s(
        "spark.sql.maxPlanStringLength",
        "2147483632",
        Int,
        "Longest plan text printed.",
    ),
    s(
        "spark.sql.optimizer.excludedRules",
        "",
        Text,
        "Comma-separated optimizer rules that do not run.",
    ),
    s(
        "spark.sql.optimizer.windowGroupLimitThreshold",
        "1000",
        Int,
        "Largest rank by which a filter limits the rows of window partitions; -1 for never.",
    ),
    s(
        "spark.sql.orderByOrdinal",
        "true",
        Bool,
        "An integer in ORDER BY is a position.",
    ),
    s(
        "spark.sql.parser.escapedStringLiterals",
        "false",
        Bool,
        "Keeps backslashes in string literals.",
    ),
    s(
        "spark.sql.parser.quotedRegexColumnNames",
        "false",
        Bool,
        "Quoted names in a select list are regular expressions.",
    ),
    s(
        "spark.sql.session.timeZone",
        "UTC",
        Text,
        "Time zone of timestamps' text and calendar fields.",
    ),
    s(
        "spark.sql.shuffle.partitions",
        "200",
        Int,
        "Partitions of a shuffle between stages; a cluster takes the number of its slots unless this is set.",
    ),
    s(
        "spark.sql.sources.default",
        "parquet",
        Text,
        "Format of tables without USING.",
    ),
    s(
        "spark.sql.sources.useV1SourceList",
        "avro,csv,json,kafka,orc,parquet,text",
        Text,
        "Kept for compatibility.",
    ),
    s(
        "spark.sql.storeAssignmentPolicy",
        "ANSI",
        Choice(&["ANSI", "STRICT", "LEGACY"]),
        "Which casts INSERT may add.",
    ),
    s(
        "spark.sql.timeType.enabled",
        "true",
        Bool,
        "The TIME type exists; false refuses it with UNSUPPORTED_TIME_TYPE.",
    ),
    s(
        "spark.sql.timestampType",
        "TIMESTAMP_LTZ",
        Choice(&["TIMESTAMP_LTZ", "TIMESTAMP_NTZ"]),
        "What TIMESTAMP means.",
    ),
    s(
        "spark.sql.warehouse.dir",
        "",
        Text,
        "Folder of managed tables; empty means a folder that ends with the session.",
    ),
    s(
        "spark.stage.maxConsecutiveAttempts",
        "4",
        Int,
        "Times in a row that a stage may fail to fetch its input before its query fails.",
    ),
    s(
        "spark.task.maxFailures",
        "4",
        Int,
        "Attempts at a task of a cluster before its query fails.",
    ),
    s(
        "spark.task.reaper.killTimeout",
        "2m",
        Time,
        "An executor whose task does not end for so long after it was told to is replaced.",
    ),
    s(
        "spark.ui.retainedJobs",
        "200",
        Int,
        "Ended queries of a cluster that are kept to be shown.",
    ),
];
