//! What is computed once: shared definitions, repeated subplans, scalar subqueries over one scan.

use super::super::{check, plan_of};

/// InlineCTE: shared when read twice, in place when read once.
#[test]
fn shared_definitions() {
    check(
        "with x as (select a, count(*) as n from t group by a) select x.a from x, x as y where x.n = y.n",
        "
           With cte5
             Projection a, n
               Aggregate [a] [count(*) AS n]
                 Scan t [a]
             Projection a
               Join Inner on (n = n)
                 CteRef cte5 [a, n]
                 CteRef cte5 [a, n]",
    );
    check(
        "with x as (select a, count(*) as n from t group by a) select a from x where n > 2",
        "
           Projection a AS a
             Filter (count(1) > 2)
               Aggregate [a] [count(*) AS count(1)]
                 Scan t [a]",
    );
}

/// ReuseSubplans: a large join that gives few rows is computed once, a small one each time.
#[test]
fn reuse_subplans() {
    let repeated = |table: &str, rest: &str| {
        plan_of(&format!(
            "with x as (select 1) select * from (select max(l_tax) a from lineitem, {table} {rest} group by l_linenumber) p, \
             (select min(l_tax) b from lineitem, {table} {rest} group by l_returnflag) q"
        ))
    };
    let shared = repeated("part", "where l_partkey = p_partkey and p_type = 'x'");
    assert_eq!(shared.matches("Scan lineitem").count(), 1, "{shared}");
    let large = repeated("orders", "where l_orderkey = o_orderkey");
    assert_eq!(large.matches("Scan lineitem").count(), 2, "{large}");
}

/// MergeScalarSubqueries: one pass for aggregates over the same scan; not over few rows, nor if that could raise errors.
#[test]
fn merge_scalar_subqueries() {
    for (sql, calls, scan) in [
        // Equal predicates: shared as they are.
        (
            "select (select count(*) from t where b > 5) as n, (select max(a) from t where b > 5) as m",
            ["count(*) AS", "max(a) AS"],
            "Scan t [a] filters: (b > 5)",
        ),
        // Different ones that keep much: FILTER, and the scan reads what any of them keeps.
        (
            "select x.n, y.m from (select count(*) as n from t where b > 50 and a < 90) x, \
             (select max(a) as m from t where a < 90 and b < 30) y",
            [
                "count(*) FILTER (WHERE (b > 50)) AS",
                "max(a) FILTER (WHERE (b < 30)) AS",
            ],
            "Scan t [a, b] filters: (a < 90), ((b > 50) OR (b < 30))",
        ),
        // One reads all rows.
        (
            "select (select sum(b) from t) as s, (select min(b) from t where b > 30) as m",
            ["sum(b) AS", "min(b) FILTER (WHERE (b > 30)) AS"],
            "Scan t [b]",
        ),
        // FILTERs of their own, and something above one of them.
        (
            "select * from (select count(*) + 1 as n from t where b > 5) x, \
             (select count(*) filter (where a > 1) as m from t where b > 5) y",
            ["count(*) AS", "count(*) FILTER (WHERE (a > 1)) AS"],
            "Scan t [a] filters: (b > 5)",
        ),
    ] {
        let plan = plan_of(sql);
        assert!(calls.iter().all(|c| plan.contains(c)), "{sql}\n{plan}");
        assert!(plan.lines().any(|l| l.trim() == scan), "{sql}\n{plan}");
        assert_eq!(plan.matches("Scan").count(), 1, "{sql}\n{plan}");
        assert!(!plan.contains("Join"), "{sql}\n{plan}");
    }
}

/// MergeScalarSubqueries over joins: what differs is the condition on a small table.
#[test]
fn merge_scalar_subqueries_over_joins() {
    let one = |name: &str, rest: &str| {
        format!(
            "(select count(*) c, sum(l_tax) x from lineitem, part, supplier where l_partkey = p_partkey \
             and l_suppkey = s_suppkey and s_nationkey = 3 {rest}) {name}"
        )
    };
    let plan = plan_of(&format!(
        "select * from {}, {} limit 9",
        one("a", "and p_size < 5 and p_type = 'x'"),
        one("b", "and p_size > 40")
    ));
    for text in [
        "count(*) FILTER (WHERE ((p_size < 5) AND (p_type = 'x')))",
        "sum(l_tax) FILTER (WHERE (p_size > 40))",
        "Scan part [p_partkey, p_type, p_size] filters: (((p_size < 5) AND (p_type = 'x')) OR (p_size > 40))",
        "filters: (s_nationkey = 3)",
    ] {
        assert!(plan.contains(text), "{text}\n{plan}");
    }
    assert_eq!(plan.matches("Scan lineitem").count(), 1, "{plan}");
    assert_eq!(plan.matches("Join Inner on").count(), 2, "{plan}");
    // Conditions on two tables: each reads what any of them keeps, and the rest is said above.
    let plan = plan_of(&format!(
        "select * from {}, {}",
        one("a", "and p_size < 5 and s_acctbal > 7"),
        one("b", "and p_size > 40 and s_acctbal < 1")
    ));
    for text in [
        "filters: ((p_size < 5) OR (p_size > 40))",
        "((s_acctbal > 7.00) OR (s_acctbal < 1.00))",
        "(((p_size < 5) AND (s_acctbal > 7.00)) OR ((p_size > 40) AND (s_acctbal < 1.00)))",
    ] {
        assert!(plan.contains(text), "{text}\n{plan}");
    }
    // What differs is on the largest table; it may fail; the tables differ; the user says how to join.
    for (first, second) in [
        ("and l_tax > 3", "and l_tax < 1"),
        ("and 10 / p_size > 1", "and p_size > 4"),
        ("", "and exists (select 1 from region where r_regionkey = p_size)"),
    ] {
        let plan = plan_of(&format!("select * from {}, {}", one("a", first), one("b", second)));
        assert_eq!(plan.matches("Aggregate").count(), 2, "{first} {second}\n{plan}");
    }
    let hinted = one("b", "and p_size > 4").replace("count(*)", "/*+ broadcast(part) */ count(*)");
    let plan = plan_of(&format!("select * from {}, {hinted}", one("a", "and p_size < 2")));
    assert_eq!(plan.matches("Aggregate").count(), 2, "{plan}");
}

/// MergeScalarSubqueries leaves what does not fit.
#[test]
fn merge_scalar_subqueries_not() {
    for sql in [
        // Few rows of many.
        "select (select count(*) from t where b = 5) as n, (select max(a) from t where b = 6) as m",
        // May fail on rows the other keeps.
        "select (select count(*) from t where b > 20) as n, (select max(10 / a) from t where b < 60) as m",
        // Volatile.
        "select (select count(*) from t where rand() > 0.2) as n, (select max(a) from t where rand() > 0.2) as m",
        // Other tables; groups; limits.
        "select (select count(*) from t) as n, (select max(a) from s) as m",
        "select (select max(a) from t) as n, (select count(*) from t group by id > 5000) as m",
        "select (select max(a) from t) as n, (select sum(a) from (select a from t limit 5)) as m",
    ] {
        let plan = plan_of(sql);
        assert!(plan.contains("Join"), "{sql}\n{plan}");
    }
}

/// PushdownPredicatesForCTEDef: a definition keeps what some reader keeps, down to its scans.
#[test]
fn readers_filters_reach_definitions() {
    let years = "with y as (select a, b, sum(c) as n from t group by a, b)";
    check(
        &format!("{years} select p.a from y p, y q where p.a = q.a and p.b = 1 and q.b = 2 and q.n > 5"),
        "
           With cte5
             Projection a, b, n
               Filter ((b = 1) OR ((b = 2) AND (n > 5.0)))
                 Aggregate [a, b] [sum(cast(c AS double)) AS n]
                   Scan t [a, b, c] filters: ((b = 1) OR (b = 2))
             Projection a
               Join Inner on (a = a)
                 Projection a
                   Filter (b = 1)
                     CteRef cte5 [a, b, n]
                 Projection a
                   Filter ((b = 2) AND (n > 5.0))
                     CteRef cte5 [a, b, n]",
    );
    // One reader takes all rows; the other one's filter may raise an error.
    for other in ["", "and 1 / p.b = 1"] {
        let plan = plan_of(&format!(
            "{years} select p.a from y p, y q where p.a = q.a and q.b = 2 {other}"
        ));
        assert!(plan.contains("Scan t [a, b]\n"), "{plan}");
    }
}
