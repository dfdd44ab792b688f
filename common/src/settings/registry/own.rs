//! Settings of our own, `rsql.*`, by name.

use super::SettingType::{Bool, Bytes, Choice, Int, Text, Time};
use super::{Setting, at_start, s};

pub(super) const SETTINGS: &[Setting] = &[
    s(
        "rsql.adaptive.joinReorder.costPercent",
        "75",
        Int,
        "Another order of joins costs at most this part of what the order that was planned costs by the rows that are known \
         now, else the planned one stays.",
    ),
    s(
        "rsql.adaptive.joinReorder.enabled",
        "true",
        Bool,
        "Joins that have not started on a cluster change their order when the rows of finished stages say so.",
    ),
    s(
        "rsql.adaptive.joinReorder.minSavedRows",
        "100000",
        Int,
        "What another order of joins has to save for that, in rows built, probed or moved.",
    ),
    s(
        "rsql.cluster.copiedJoinBytes",
        "128m",
        Bytes,
        "Up to so many expected bytes a join's side goes to every task where that is cheaper than spreading both sides; \
         not looked at when spark.sql.autoBroadcastJoinThreshold is set.",
    ),
    at_start(
        "rsql.cluster.executor.grace",
        "30s",
        Time,
        "How long queries wait for an executor when a cluster has none.",
    ),
    at_start(
        "rsql.cluster.executor.lease",
        "30s",
        Time,
        "An executor without a heartbeat for this long is lost.",
    ),
    at_start(
        "rsql.cluster.localReads",
        "true",
        Bool,
        "Tasks read the shuffle files of executors on the same host from the disk instead of fetching them.",
    ),
    at_start(
        "rsql.cluster.pool.NAME.maxRunning",
        "",
        Int,
        "Queries of the pool NAME that run at once; no limit of its own if not set.",
    ),
    at_start(
        "rsql.cluster.pool.NAME.minShare",
        "0",
        Int,
        "Slots that the pool NAME gets before others get more than theirs; counts more than the allocation file.",
    ),
    at_start(
        "rsql.cluster.pool.NAME.mode",
        "FIFO",
        Choice(&["FIFO", "FAIR"]),
        "How queries of the pool NAME share it.",
    ),
    at_start(
        "rsql.cluster.pool.NAME.weight",
        "1",
        Int,
        "Share of the pool NAME among pools.",
    ),
    at_start(
        "rsql.cluster.query.maxResubmits",
        "16",
        Int,
        "Times that outputs of a query may be lost and made again, or that one of its tasks may be sent back, before the query fails.",
    ),
    s(
        "rsql.cluster.query.maxOutputBytes",
        "0",
        Bytes,
        "Bytes that all stages of a query on a cluster may write to shuffle outputs and files; 0 means no limit.",
    ),
    s(
        "rsql.cluster.query.queueTimeout",
        "10m",
        Time,
        "How long a query may wait for others to end before it fails; a session may say it for its own.",
    ),
    s(
        "rsql.cluster.query.timeout",
        "0",
        Time,
        "How long a query may run on a cluster; 0 means no limit.",
    ),
    at_start(
        "rsql.cluster.queries.maxQueued",
        "1024",
        Int,
        "Queries of a cluster that may wait; more are refused.",
    ),
    at_start(
        "rsql.cluster.queries.maxRunning",
        "64",
        Int,
        "Queries of a cluster that run at once.",
    ),
    s(
        "rsql.cluster.runtimeFilterRows",
        "1048576",
        Int,
        "Expected rows up to which a side of a shuffled join is computed first and tells the other side's scans which keys it has; 0 means never.",
    ),
    s(
        "rsql.cluster.scanTaskBytes",
        "16m",
        Bytes,
        "Bytes of files that a task of a cluster reads at least, while there are fewer tasks than slots.",
    ),
    at_start(
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
    at_start(
        "rsql.cluster.task.maxExecutorDeaths",
        "3",
        Int,
        "A query fails when one of its tasks was running on so many executors as they died.",
    ),
    at_start(
        "rsql.cluster.task.maxInternalErrors",
        "2",
        Int,
        "Attempts at a task of a cluster that may fail by a bug of the engine before its query fails.",
    ),
    at_start(
        "rsql.cluster.task.maxRetryWait",
        "30s",
        Time,
        "Longest wait before a task whose storage or network failed is tried again.",
    ),
    at_start(
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
        "rsql.exec.share_scans_from",
        "1048576",
        Bytes,
        "Bytes of a table from which scans of one query that can run at the same time are read together; -1 turns that off.",
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
    at_start(
        "rsql.memory.limit",
        "0",
        Bytes,
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
        Bytes,
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
        "rsql.write.sync",
        "true",
        Bool,
        "Files of a write are on the disk when it is reported done, so that a power cut leaves all of it or nothing; without, the \
         operating system writes them when it likes.",
    ),
];
