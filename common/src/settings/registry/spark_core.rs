//! Settings of a cluster, and of the event log, under Spark's names, by name.

use super::SettingType::{Bool, Bytes, Choice, Int, Number, Text, Time};
use super::{Setting, at_start, s};

pub(super) const SETTINGS: &[Setting] = &[
    at_start(
        "spark.blockManager.port",
        "0",
        Int,
        "Port that a worker's first executor serves its shuffle outputs at, the next one at the port after it, and so on; \
         0 is any that is free. `rsql worker --fetch-port` says it for one worker.",
    ),
    s(
        "spark.driver.maxResultSize",
        "0",
        Bytes,
        "Bytes that the result of a query on a cluster may have before it fails; 0 means no limit, since rows go to the client while they are read.",
    ),
    at_start(
        "spark.eventLog.dir",
        "",
        Text,
        "Folder of the event log, a path or a `file:` URI; made if it is not there. Each process writes a file of its own, one JSON \
         event a line. Empty: `events` beside the join file for a master, none for a session in one process or on a local cluster, \
         unless spark.eventLog.enabled was set.",
    ),
    at_start(
        "spark.eventLog.enabled",
        "true",
        Bool,
        "Writes the event log, if there is a folder for it. Set to true without a folder, it goes to Spark's, /tmp/spark-events.",
    ),
    at_start(
        "spark.excludeOnFailure.application.maxFailedExecutorsPerNode",
        "2",
        Int,
        "Avoided executors of a host for which the whole host is avoided.",
    ),
    at_start(
        "spark.excludeOnFailure.application.maxFailedTasksPerExecutor",
        "4",
        Int,
        "Failures on an executor within ten minutes for which all queries avoid it.",
    ),
    at_start(
        "spark.excludeOnFailure.enabled",
        "true",
        Bool,
        "A cluster avoids executors and hosts on which tasks failed repeatedly.",
    ),
    at_start(
        "spark.excludeOnFailure.stage.maxFailedTasksPerExecutor",
        "2",
        Int,
        "Failures on an executor for which a stage avoids it.",
    ),
    at_start(
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
    at_start(
        "spark.locality.wait",
        "3s",
        Time,
        "How long a task waits for a slot on a host that has its data.",
    ),
    s(
        "spark.redaction.regex",
        "(?i)secret|password|token|access[.]?key",
        Text,
        "Keys of properties and options whose values the event log and a cluster's REST API hide in statements.",
    ),
    at_start(
        "spark.scheduler.allocation.file",
        "",
        Text,
        "File of a cluster's pools, in the format of Spark's fairscheduler.xml; see below.",
    ),
    at_start(
        "spark.scheduler.mode",
        "FIFO",
        Choice(&["FIFO", "FAIR"]),
        "How queries of the default pool share a cluster, unless the allocation file has that pool.",
    ),
    s(
        "spark.scheduler.pool",
        "",
        Text,
        "Pool that a session's queries run in; empty and unknown names mean the default pool.",
    ),
    at_start(
        "spark.speculation",
        "false",
        Bool,
        "A cluster runs second attempts at tasks that are much slower than others of their stage.",
    ),
    at_start(
        "spark.speculation.minTaskRuntime",
        "10s",
        Time,
        "A task gets no second attempt before it has run for so long.",
    ),
    at_start(
        "spark.speculation.multiplier",
        "3",
        Number,
        "A task counts as slow when it runs for so many times the median of its stage.",
    ),
    at_start(
        "spark.speculation.quantile",
        "0.75",
        Number,
        "Share of a stage's tasks that are done before others count as slow.",
    ),
    at_start(
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
    at_start(
        "spark.task.reaper.killTimeout",
        "2m",
        Time,
        "An executor whose task does not end for so long after it was told to is replaced.",
    ),
    at_start(
        "spark.ui.retainedJobs",
        "200",
        Int,
        "Ended queries of a cluster that are kept to be shown.",
    ),
];
