//! Limits, sorts, columns, aggregates and hints.

use super::super::{check, plan_of};

/// Top-k, limits below projections, sorts nobody sees.
#[test]
fn limits_and_sorts() {
    check(
        "select a, b from t order by b limit 5",
        "
           Sort b ASC NULLS FIRST fetch 5
             Scan t [a, b]",
    );
    check(
        "select a + 1 from t limit 3",
        "
           Projection (a + 1) AS (a + 1)
             Limit 3 skip 0
               Scan t [a] limit: 3",
    );
    check(
        "select a from (select a, b from t order by b) group by a",
        "
           Aggregate [a] []
             Scan t [a]",
    );
}

/// EliminateLimits: not if there may be more rows, or some are skipped.
#[test]
fn eliminate_limits() {
    check(
        "select * from (select count(*) n from t) x, (select max(d) m from s) y limit 3",
        "
           Join Inner
             Projection n
               Aggregate [] [count(*) AS n]
                 Scan t []
             Projection m
               Aggregate [] [max(d) AS m]
                 Scan s [d]",
    );
    for sql in [
        "select count(*) from t limit 3 offset 1",
        "select a, count(*) from t group by a limit 3",
        "select x.n from (select count(*) n from t) x, s limit 3",
        "select x.n from (select count(*) n from t) x left join s on x.n = s.d limit 1",
    ] {
        let plan = plan_of(sql);
        assert!(plan.contains("Limit") || plan.contains("limit"), "{sql}\n{plan}");
    }
}

/// ColumnPruning: nothing is read for count(*).
#[test]
fn column_pruning() {
    check(
        "select count(*) from t",
        "
           Aggregate [] [count(*) AS count(1)]
             Scan t []",
    );
}

/// EliminateDistinct: not if a group is left out.
#[test]
fn eliminate_distinct() {
    check(
        "select distinct a, n from (select a, b, count(*) n from t group by a, b) where b = 1",
        "
        Aggregate [a, n] []
          Projection a, n
            Aggregate [a, b] [count(*) AS n]
              Scan t [a, b] filters: (b = 1)",
    );
    check(
        "select distinct a, max(distinct b) m from t group by a",
        "
        Projection a, m
          Aggregate [a] [max(b) AS m]
            Scan t [a, b]",
    );
}

/// RewriteDistinctAggregates: without groups and over the same arguments only.
#[test]
fn rewrite_distinct_aggregates() {
    check(
        "select count(distinct a), sum(distinct a) from t",
        "
           Aggregate [] [count(a) AS count(DISTINCT a), sum(a) AS sum(DISTINCT a)]
             Aggregate [a] []
               Scan t [a]",
    );
    for sql in [
        "select b, count(distinct a) from t group by b",
        "select count(distinct a), count(distinct b) from t",
        "select count(distinct a), count(*) from t",
        "select count(distinct a) filter (where b > 1) from t",
    ] {
        let plan = plan_of(sql);
        assert!(
            plan.contains("DISTINCT") && plan.matches("Aggregate").count() == 1,
            "{sql}\n{plan}"
        );
    }
}

#[test]
fn join_hints_stay_at_their_joins() {
    let cases = [
        (
            "/*+ broadcast(s) */ t.id from t, s where t.a = s.a",
            "Inner",
            "broadcast",
        ),
        // Outer joins that become inner.
        (
            "/*+ merge(s) */ t.id from t left join s on t.a = s.a where s.d > 1",
            "Inner",
            "merge",
        ),
        // Subqueries that become joins.
        (
            "id from t where a in (select /*+ broadcast */ a from s)",
            "LeftSemi",
            "right broadcast",
        ),
        (
            "id from t where not exists (select /*+ shuffle_hash(s) */ 1 from s where s.a = t.a)",
            "LeftAnti",
            "right shuffle_hash",
        ),
        (
            "(select /*+ broadcast */ max(d) from s where s.a = t.a) from t",
            "Left",
            "right broadcast",
        ),
    ];
    for (sql, kind, hint) in cases {
        let plan = plan_of(&format!("select {sql}"));
        let joins: Vec<&str> = plan.lines().map(str::trim).filter(|l| l.starts_with("Join ")).collect();
        assert!(
            matches!(joins.as_slice(), [j] if j.starts_with(&format!("Join {kind} on ")) && j.contains(" hint: ") && j.ends_with(hint)),
            "{sql}\n{plan}"
        );
    }
    // Joins are ordered nevertheless: no cross product, and the hint goes where its relation goes.
    let plan = plan_of("select /*+ broadcast(r) */ t.id from t, region r, s where t.a = s.a and s.d = r.r_regionkey");
    assert_eq!(plan.matches("Join Inner on ").count(), 2, "{plan}");
    let hinted = plan.lines().position(|l| l.contains(" hint: ")).unwrap();
    let side = usize::from(plan.lines().nth(hinted).unwrap().ends_with("right broadcast"));
    let depth = |l: &str| l.len() - l.trim_start().len();
    let at = depth(plan.lines().nth(hinted).unwrap()) + 2;
    let sides: Vec<&str> = plan
        .lines()
        .skip(hinted + 1)
        .filter(|l| depth(l) == at)
        .take(2)
        .collect();
    assert!(sides[side].contains("region"), "{plan}");
}

/// PartialAggregationBelowJoin: counts, extremes, sums and means of decimals.
#[test]
fn partial_aggregation_below_join() {
    check(
        "select c_custkey, sum(o_totalprice), avg(o_totalprice), count(o_comment), max(o_orderdate) \
         from customer left join orders on c_custkey = o_custkey group by c_custkey",
        "
           Projection c_custkey, merged AS sum(o_totalprice), (merged / cast(coalesce(merged, 0) AS decimal(20,0))) AS avg(o_totalprice), coalesce(merged, 0) AS count(o_comment), merged AS max(o_orderdate)
             Aggregate [c_custkey] [sum(partial) AS merged, sum(partial) AS merged, sum(partial) AS merged, sum(partial) AS merged, max(partial) AS merged]
               Join Left on (c_custkey = key)
                 Scan customer [c_custkey]
                 Aggregate [key] [sum(o_totalprice) AS partial, sum(o_totalprice) AS partial, count(o_totalprice) AS partial, count(o_comment) AS partial, max(o_orderdate) AS partial]
                   Scan orders [key, o_totalprice, o_orderdate, o_comment]",
    );
}

/// PartialAggregationBelowJoin leaves what does not fit.
#[test]
fn partial_aggregation_below_join_not() {
    for call in [
        // May overflow below the join, for rows that it drops.
        "sum(o_orderkey)",
        "sum(o_shippriority)",
        "sum(cast(o_totalprice as decimal(30, 2)))",
        // May fail for rows that the join drops.
        "max(10 / o_shippriority)",
        "count(cast(o_comment as int))",
        // The order of the rows matters.
        "sum(cast(o_totalprice as double))",
        "avg(o_shippriority)",
        // Duplicates.
        "sum(distinct o_totalprice)",
        "count(*)",
    ] {
        let plan = plan_of(&format!(
            "select c_custkey, {call} from customer join orders on c_custkey = o_custkey group by c_custkey"
        ));
        assert_eq!(plan.matches("Aggregate").count(), 1, "{call}\n{plan}");
    }
    // Few rows are left by the join, or the keys do not repeat.
    for sql in [
        "select c_custkey, sum(o_totalprice) from customer join orders on c_custkey = o_custkey where c_custkey < 9 \
         group by c_custkey",
        "select s_suppkey, sum(o_totalprice) from supplier join orders on s_suppkey = o_orderkey group by s_suppkey",
    ] {
        let plan = plan_of(sql);
        assert_eq!(plan.matches("Aggregate").count(), 1, "{sql}\n{plan}");
    }
}

/// PartialAggregationBelowExpand: arguments read the keys as they were, conditions stay with the rows.
#[test]
fn partial_aggregation_below_expand() {
    check(
        "select o_orderpriority, o_orderstatus, count(*), avg(o_shippriority), max(o_orderstatus), \
         sum(o_totalprice) filter (where o_shippriority > 1), grouping_id() \
         from orders group by rollup(o_orderpriority, o_orderstatus)",
        "
           Projection o_orderpriority, o_orderstatus, count(1), avg(o_shippriority), max(o_orderstatus), sum(o_totalprice) FILTER (WHERE (o_shippriority > 1)), grouping_id()
             Projection o_orderpriority, o_orderstatus, grouping_id(), coalesce(merged, 0) AS count(1), (merged / cast(coalesce(merged, 0) AS double)) AS avg(o_shippriority), merged AS max(o_orderstatus), merged AS sum(o_totalprice) FILTER (WHERE (o_shippriority > 1))
               Aggregate [o_orderpriority, o_orderstatus, grouping_id()] [sum(partial) AS merged, sum(partial) AS merged, sum(partial) AS merged, max(partial) AS merged, sum(partial) AS merged]
                 Expand [o_orderpriority, o_orderstatus, 0, partial, partial, partial, partial, partial], [o_orderpriority, NULL, 1, partial, partial, partial, partial, partial], [NULL, NULL, 3, partial, partial, partial, partial, partial] AS o_orderpriority, o_orderstatus, grouping_id(), partial, partial, partial, partial, partial
                   Aggregate [o_orderpriority, o_orderstatus] [count(*) AS partial, sum(cast(o_shippriority AS double)) AS partial, count(o_shippriority) AS partial, max(o_orderstatus) AS partial, sum(o_totalprice) FILTER (WHERE (o_shippriority > 1)) AS partial]
                     Scan orders [o_orderstatus, o_totalprice, o_orderpriority, o_shippriority]",
    );
    // A filter between, a key that is computed.
    check(
        "select year(o_orderdate) y, o_orderstatus from orders \
         group by grouping sets ((year(o_orderdate)), (o_orderstatus)) having y is not null",
        "
           Projection y, o_orderstatus
             Aggregate [y, o_orderstatus, grouping_id] []
               Filter (y IS NOT NULL)
                 Expand [year(o_orderdate), NULL, 1], [NULL, o_orderstatus, 2] AS y, o_orderstatus, grouping_id
                   Aggregate [year(o_orderdate) AS year(o_orderdate), o_orderstatus] []
                     Scan orders [o_orderstatus, o_orderdate]",
    );
}

/// PartialAggregationBelowExpand leaves what does not fit.
#[test]
fn partial_aggregation_below_expand_not() {
    let keys = "rollup(o_orderpriority, o_orderstatus)";
    for (call, keys) in [
        // The order of the rows matters, or digits may get lost.
        ("sum(cast(o_totalprice as double))", keys),
        ("sum(o_totalprice * o_totalprice)", keys),
        ("collect_list(o_clerk)", keys),
        ("first(o_clerk)", keys),
        // Sums may overflow, or be rounded.
        ("sum(o_orderkey * 1000000000)", keys),
        ("avg(o_orderkey * 1000)", keys),
        // Duplicates.
        ("count(distinct o_clerk)", keys),
        // Nearly each row is a group of its own; no key is left.
        ("count(*)", "rollup(o_orderpriority, o_orderkey)"),
        ("count(*)", "cube(o_custkey, o_clerk)"),
        ("count(*)", "grouping sets ((), ())"),
        // One set has nothing to share.
        ("count(*)", "grouping sets ((o_orderpriority))"),
    ] {
        let plan = plan_of(&format!("select {call} from orders group by {keys}"));
        assert_eq!(plan.matches("Aggregate").count(), 1, "{call} {keys}\n{plan}");
    }
    // Few rows.
    let plan = plan_of("select c, count(*) from t group by rollup(c, a)");
    assert_eq!(plan.matches("Aggregate").count(), 1, "{plan}");
}

/// Columns of one table have no more combinations than it has rows, whatever it is joined with.
#[test]
fn grouping_sets_over_a_joined_table() {
    let grouped = |keys: &str| {
        let plan = plan_of(&format!(
            "select count(*) from lineitem join supplier on l_suppkey = s_suppkey group by rollup({keys})"
        ));
        plan.matches("Aggregate").count() == 2
    };
    assert!(grouped("s_name, s_address, s_phone"));
    assert!(!grouped("s_name, l_partkey"));
}
