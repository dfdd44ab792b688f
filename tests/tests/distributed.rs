//! Distributed answers equal local ones: TPC-H and the `.slt` files, cut into stages for 1, 3 and 7 slots and run within
//! this process.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rsql_cluster::in_process::InProcessRunner;
use rsql_engine::{Session, SessionBuilder, StatementOutput};
use rsql_expr::format::Notation;
use rsql_tests::ordered::{key_columns, keys};
use rsql_tpch::queries::QUERIES;
use rsql_tpch::run::{Verdict, check, register};
use sqllogictest::{DefaultColumnType, Record};

/// Everything is divided, however small it is, and stays so.
const SMALL: [(&str, &str); 3] = [
    ("rsql.cluster.scanTaskBytes", "1"),
    ("rsql.cluster.sortInOneTaskRows", "0"),
    ("spark.sql.adaptive.enabled", "false"),
];
/// No side of a join is copied unless it has to be.
const SHUFFLED: (&str, &str) = ("spark.sql.autoBroadcastJoinThreshold", "-1");

/// Joins that have not started are planned again after each stage, whether that gains anything or not.
pub(crate) const REORDERED: [(&str, &str); 4] = [
    SHUFFLED,
    ("spark.sql.adaptive.enabled", "true"),
    ("rsql.adaptive.joinReorder.costPercent", "1000000"),
    ("rsql.adaptive.joinReorder.minSavedRows", "-1000000000"),
];

/// What adaptive planning may do it does: all partitions of a stage in one task.
pub(crate) const COALESCED: [(&str, &str); 3] = [
    SHUFFLED,
    ("spark.sql.adaptive.enabled", "true"),
    ("spark.sql.adaptive.coalescePartitions.parallelismFirst", "false"),
];
/// Every partition of a join in as many tasks as wrote it.
pub(crate) const SPLIT: [(&str, &str); 6] = [
    SHUFFLED,
    ("spark.sql.adaptive.enabled", "true"),
    ("spark.sql.adaptive.coalescePartitions.enabled", "false"),
    ("spark.sql.adaptive.advisoryPartitionSizeInBytes", "1"),
    ("spark.sql.adaptive.skewJoin.skewedPartitionFactor", "0"),
    ("spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes", "0"),
];
/// Some of everything in one plan.
pub(crate) const EAGER: [(&str, &str); 9] = [
    SHUFFLED,
    ("rsql.adaptive.joinReorder.costPercent", "1000000"),
    ("rsql.adaptive.joinReorder.minSavedRows", "-1000000000"),
    ("spark.sql.adaptive.enabled", "true"),
    ("spark.sql.adaptive.coalescePartitions.parallelismFirst", "false"),
    ("spark.sql.adaptive.advisoryPartitionSizeInBytes", "1k"),
    ("spark.sql.adaptive.autoBroadcastJoinThreshold", "16k"),
    ("spark.sql.adaptive.skewJoin.skewedPartitionFactor", "0.5"),
    ("spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes", "4k"),
];
/// Every join that was planned to be shuffled has a side copied where that is allowed.
pub(crate) const COPIED: [(&str, &str); 5] = [
    SHUFFLED,
    ("spark.sql.adaptive.enabled", "true"),
    ("spark.sql.adaptive.autoBroadcastJoinThreshold", "1g"),
    ("spark.sql.adaptive.coalescePartitions.parallelismFirst", "false"),
    ("spark.sql.adaptive.advisoryPartitionSizeInBytes", "1k"),
];

fn session(conf: &[(&str, &str)]) -> SessionBuilder {
    conf.iter().fold(Session::builder(), |b, (k, v)| b.set(k, v).unwrap())
}

/// A session to be whose queries run in stages, with files below `dir`.
pub(crate) fn builder(slots: usize, conf: &[(&str, &str)], dir: &Path) -> SessionBuilder {
    let runner = InProcessRunner::new(slots, dir).unwrap();
    session(&[&SMALL[..], conf].concat()).runner(Arc::new(runner))
}

fn distributed(slots: usize, conf: &[(&str, &str)]) -> (Session, Arc<InProcessRunner>, tempfile::TempDir) {
    let dir = tempfile::tempdir().unwrap();
    let runner = Arc::new(InProcessRunner::new(slots, dir.path()).unwrap());
    let conf = [&SMALL[..], conf].concat();
    let session = session(&conf).runner(Arc::clone(&runner) as _).build().unwrap();
    (session, runner, dir)
}

/// Gives how often each rule of adaptive planning changed a stage.
fn tpch(slots: usize, conf: &[(&str, &str)]) -> BTreeMap<&'static str, u32> {
    let (session, runner, dir) = distributed(slots, conf);
    register(&session, super::tpch::data()).unwrap();
    let mut bad = Vec::new();
    for query in &QUERIES {
        let before = runner.stages_run();
        let verdict = match session.sql(query.sql) {
            Ok(output) => check(query, &output, super::tpch::SF),
            Err(e) => Verdict::Failed(e.to_string()),
        };
        if verdict != Verdict::Right {
            bad.push(format!("Q{}: {verdict}", query.number));
        }
        assert!(runner.stages_run() > before + 1, "Q{} ran in one piece", query.number);
    }
    assert!(bad.is_empty(), "{slots} slots, {conf:?}: {bad:#?}");
    let changes = runner.changes();
    drop((session, runner));
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        0,
        "shuffle files stayed"
    );
    changes
}

#[test]
fn tpch_coalesced() {
    let changes = tpch(7, &COALESCED);
    assert!(changes["CoalesceShufflePartitions"] > 50, "{changes:?}");
}

#[test]
fn tpch_split() {
    let changes = tpch(3, &SPLIT);
    assert!(changes["OptimizeSkewedJoin"] > 30, "{changes:?}");
}

#[test]
fn tpch_copied() {
    for slots in [1, 7] {
        let changes = tpch(slots, &COPIED);
        assert!(changes["DynamicJoinSelection"] > 10, "{slots} slots: {changes:?}");
    }
}

#[test]
fn tpch_with_everything_at_once() {
    let changes = tpch(7, &EAGER);
    for rule in [
        "OptimizeSkewedJoin",
        "DynamicJoinSelection",
        "CoalesceShufflePartitions",
    ] {
        assert!(changes.contains_key(rule), "{rule}: {changes:?}");
    }
}

#[test]
fn tpch_with_joins_reordered() {
    for conf in [&REORDERED[..], &REORDERED[1..]] {
        let changes = tpch(3, conf);
        assert!(changes["ReorderJoin"] > 10, "{changes:?}");
    }
}

#[test]
fn tpch_on_one_slot() {
    tpch(1, &[]);
}

#[test]
fn tpch_on_three_slots() {
    tpch(3, &[SHUFFLED]);
}

#[test]
fn tpch_on_seven_slots() {
    tpch(7, &[]);
}

#[test]
fn one_executor_changes_no_plan() {
    use rsql_planner::distribute::{ClusterShape, DistributeContext, distribute};
    let session = Session::new().unwrap();
    register(&session, super::tpch::data()).unwrap();
    for query in &QUERIES {
        let local = session.plan(query.sql).unwrap().physical;
        let shape = ClusterShape::from_settings(&session.settings(), 1, 8).unwrap();
        let cx = DistributeContext {
            shape: &shape,
            registry: session.registry(),
            ids: &Default::default(),
        };
        let planned = distribute((*local).clone(), &cx).unwrap();
        assert_eq!(
            rsql_planner::explain_physical(&planned),
            rsql_planner::explain_physical(&local)
        );
        assert_eq!(planned, *local, "Q{}", query.number);
        // One task does it all, also if other executors have come meanwhile: two would each aggregate their share.
        for executors in [1, 3] {
            let settings = session.settings().with("rsql.cluster.scanTaskBytes", "1").unwrap();
            let shape = ClusterShape::from_settings(&settings, executors, 8).unwrap();
            let graph = rsql_planner::stages::cut(planned.clone(), &shape).unwrap();
            let tasks: Vec<usize> = graph.stages.iter().map(|s| s.tasks).collect();
            assert_eq!(tasks, [1], "Q{} for {executors} executors", query.number);
        }
    }
}

#[test]
fn joins_copy_a_side_where_that_moves_less() {
    use rsql_planner::distribute::{ClusterShape, DistributeContext, distribute};
    let session = Session::new().unwrap();
    register(&session, super::tpch::data()).unwrap();
    let planned = |sql: &str, slots: usize, copied_bytes: f64| {
        let usual = ClusterShape::from_settings(&session.settings(), slots, slots).unwrap();
        let shape = ClusterShape {
            broadcast_bytes: 0.0,
            copied_bytes,
            ..usual
        };
        let cx = DistributeContext {
            shape: &shape,
            registry: session.registry(),
            ids: &Default::default(),
        };
        let local = session.plan(sql).unwrap().physical;
        rsql_planner::explain_physical(&distribute((*local).clone(), &cx).unwrap())
    };
    let few = "SELECT l_quantity, o_clerk FROM lineitem JOIN orders ON l_orderkey = o_orderkey WHERE o_custkey < 30";
    assert!(planned(few, 2, 1e9).contains("Exchange broadcast"));
    // Not above the limit, not where so many copies are dearer, and not where the sides are alike.
    assert!(!planned(few, 2, 10.0).contains("Exchange broadcast"));
    assert!(!planned(few, 100_000, 1e9).contains("Exchange broadcast"));
    let alike = "SELECT l_quantity, o_clerk FROM lineitem JOIN orders ON l_orderkey = o_orderkey";
    assert!(!planned(alike, 2, 1e9).contains("Exchange broadcast"));
}

/// Runs every statement locally and distributed and compares.
struct Both {
    local: Session,
    distributed: Session,
    mismatches: Vec<String>,
    /// Answers whose order was compared.
    ordered: usize,
}

/// Statements whose answers differ from run to run or name the session's folder.
const VARYING: [&str; 6] = ["rand", "uuid", "monotonically", "tablesample", "describe", "show"];

impl Both {
    fn run(&mut self, sql: &str) {
        let (local, other) = (self.local.sql(sql), self.distributed.sql(sql));
        let lower = sql.to_lowercase();
        if VARYING.iter().any(|v| lower.contains(v)) {
            return;
        }
        let text = match (&local, &other) {
            (Ok(a), Ok(b)) => {
                let names: Vec<&str> = a.schema.iter().map(|f| f.name.as_ref()).collect();
                let order = key_columns(sql, &names);
                let (mut a, mut b) = (cells(a), cells(b));
                let in_order = keys(&a, &order) == keys(&b, &order);
                self.ordered += usize::from(!order.is_empty() && a.len() > 1);
                if in_order {
                    a.sort();
                    b.sort();
                }
                (a != b).then(|| format!("{a:?}\ninstead of\n{b:?}"))
            }
            (Err(a), Err(b)) if a.condition() == b.condition() => None,
            (Err(a), Err(b)) => Some(format!("{a}\ninstead of\n{b}")),
            (Ok(_), Err(b)) => Some(format!("fails: {b}")),
            (Err(a), Ok(_)) => Some(format!("does not fail: {a}")),
        };
        if let Some(text) = text {
            self.mismatches.push(format!("{sql}\n{text}\n"));
        }
    }
}

fn cells(output: &StatementOutput) -> Vec<Vec<Option<String>>> {
    rsql_tests::text::cells(output, Notation::Hive, "UTC").unwrap()
}

/// Gives the rules of adaptive planning that changed something.
fn slt(slots: usize, conf: &[(&str, &str)]) -> BTreeSet<&'static str> {
    let mut rules = BTreeSet::new();
    let mut mismatches = BTreeSet::new();
    let (mut statements, mut ordered) = (0, 0);
    for file in super::slt::files() {
        let (distributed, runner, _dir) = distributed(slots, conf);
        let mut both = Both {
            local: Session::new().unwrap(),
            distributed,
            mismatches: Vec::new(),
            ordered: 0,
        };
        for record in sqllogictest::parse_file::<DefaultColumnType>(&file).unwrap() {
            if let Record::Statement { sql, .. } | Record::Query { sql, .. } = record {
                statements += 1;
                both.run(&sql);
            }
        }
        ordered += both.ordered;
        mismatches.extend(both.mismatches);
        rules.extend(runner.changes().into_keys());
    }
    assert!(statements > 100 && ordered > 20, "{statements}, {ordered} ordered");
    assert!(
        mismatches.is_empty(),
        "{} differ on {slots} slots:\n{}",
        mismatches.len(),
        mismatches.into_iter().collect::<String>()
    );
    rules
}

#[test]
fn slt_with_joins_reordered() {
    assert!(slt(3, &REORDERED).contains("ReorderJoin"));
}

#[test]
fn slt_coalesced() {
    let rules = slt(3, &COALESCED);
    assert!(rules.contains("CoalesceShufflePartitions") && rules.contains("PropagateEmptyRelation"));
}

#[test]
fn slt_split() {
    assert!(slt(7, &SPLIT).contains("OptimizeSkewedJoin"));
}

#[test]
fn slt_copied() {
    assert!(slt(3, &COPIED).contains("DynamicJoinSelection"));
}

#[test]
fn a_key_with_half_the_rows_goes_to_several_tasks() {
    let sql = "SELECT count(*), sum(a.v), max(b.w) \
               FROM (SELECT if(id % 2 = 0, 7, id) AS k, id AS v FROM range(60000)) a \
               {join} JOIN (SELECT id % 20000 AS k, id AS w FROM range(40000)) b ON a.k = b.k";
    let (session, runner, _dir) = distributed(
        4,
        &[
            SHUFFLED,
            ("spark.sql.shuffle.partitions", "16"),
            ("spark.sql.adaptive.enabled", "true"),
            ("spark.sql.adaptive.advisoryPartitionSizeInBytes", "32k"),
            ("spark.sql.adaptive.skewJoin.skewedPartitionThresholdInBytes", "64k"),
        ],
    );
    let local = Session::new().unwrap();
    let check = |sql: &str, cut: bool| {
        let before = runner.changes().get("OptimizeSkewedJoin").copied();
        let (mut got, mut wanted) = (cells(&session.sql(sql).unwrap()), cells(&local.sql(sql).unwrap()));
        got.sort();
        wanted.sort();
        assert_eq!(got, wanted, "{sql}");
        let after = runner.changes().get("OptimizeSkewedJoin").copied();
        assert_eq!(before != after, cut, "{sql}: {:?}", runner.changes());
    };
    // The large side may be cut where it is preserved itself, and where the other one is not.
    for (join, cut) in [("", true), ("LEFT", true), ("RIGHT", false), ("FULL", false)] {
        check(&sql.replace("{join}", join), cut);
    }
    // Both sides are, and so is one below an aggregate by the key; a window wants all rows of a key in one task.
    let side = |name: &str, rows: u32| {
        format!(
            "(SELECT if(id % 3 = 0, 7, id) AS k, id AS v, sha2(cast(id AS string), 512) AS x FROM range({rows})) {name}"
        )
    };
    let joined = format!("FROM {} JOIN {} ON a.k = b.k", side("a", 3000), side("b", 2400));
    check(
        &format!("SELECT count(*), sum(a.v), sum(b.v), max(a.x), max(b.x) {joined}"),
        true,
    );
    check(
        &format!("SELECT a.k, count(*), sum(a.v), max(a.x), max(b.x) {joined} GROUP BY a.k"),
        true,
    );
    check(
        &format!("SELECT a.k, count(DISTINCT a.x, b.v), max(b.x) {joined} GROUP BY a.k"),
        false,
    );
    let numbered = format!("SELECT a.k, a.x, row_number() OVER (PARTITION BY a.k ORDER BY a.v, b.v) n, b.x y {joined}");
    check(
        &format!("SELECT k, max(n), max(x), max(y) FROM ({numbered}) GROUP BY k"),
        false,
    );
}

#[test]
fn slt_on_one_slot() {
    slt(1, &[]);
}

#[test]
fn slt_on_three_slots() {
    slt(3, &[]);
}

#[test]
fn slt_on_seven_slots() {
    slt(7, &[SHUFFLED]);
}

#[test]
fn a_side_of_a_shuffled_join_tells_the_other_ones_scan_its_keys() {
    let orders = "SELECT count(*), sum(l_quantity) FROM lineitem JOIN orders ON l_orderkey = o_orderkey \
                  WHERE o_orderdate < DATE '1992-02-01'";
    let two_keys = "SELECT count(*), sum(l_quantity) FROM lineitem \
                    JOIN (SELECT * FROM partsupp WHERE ps_availqty < 100) \
                    ON l_partkey = ps_partkey AND l_suppkey = ps_suppkey";
    let passed = |sql: &str, rows: &str| {
        let (session, runner, _dir) = distributed(3, &[SHUFFLED, ("rsql.cluster.runtimeFilterRows", rows)]);
        register(&session, super::tpch::data()).unwrap();
        let answer = cells(&session.sql(sql).unwrap());
        (answer, runner.rows_passed())
    };
    for sql in [orders, two_keys] {
        let ((answer, all), (same, few)) = (passed(sql, "0"), passed(sql, "1000000"));
        assert_eq!(answer, same);
        assert!(few * 10 < all, "{few} instead of {all} rows were shuffled: {sql}");
    }
}

#[test]
fn tasks_do_not_repeat_each_others_random_values() {
    let (session, _runner, _dir) = distributed(3, &[]);
    for volatile in ["uuid()", "monotonically_increasing_id()"] {
        let sql = format!("SELECT count(DISTINCT v) FROM (SELECT {volatile} AS v FROM range(1000))");
        let output = session.sql(&sql).unwrap();
        assert_eq!(cells(&output), [[Some("1000".to_string())]], "{volatile}");
    }
}
