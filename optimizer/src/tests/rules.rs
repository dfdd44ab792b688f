//! What rules do to whole queries.

use super::{check, plan_of};

/// PushDownPredicates: sides of a join, through projections; not computed or volatile.
#[test]
fn push_down_predicates() {
    check(
        "select t.a from t, s where t.a = s.a and t.b > 5 and s.d < t.b",
        "
           Projection a
             Join Inner on (a = a) filter (d < b)
               Scan t [a, b] filters: (b > 5)
               Scan s [a, d]",
    );
    check(
        "select * from (select a, b + 1 as x from t) where a > 3 and x > 5",
        "
           Filter (x > 5)
             Projection a, (b + 1) AS x
               Scan t [a, b] filters: (a > 3)",
    );
    // The second argument numbers the calls of the process.
    let plan = plan_of("select a from t where rand(7) < 0.5 and b > 3");
    assert!(
        plan.starts_with("Projection a\n  Filter ((rand(7, ")
            && plan.ends_with(") < 0.5) AND (b > 3))\n    Scan t [a, b]\n"),
        "{plan}"
    );
    check(
        "select a from t where a > 3 union all select d from s",
        "
           Union [a]
             Scan t [a] filters: (a > 3)
             Scan s [d]",
    );
    check(
        "select u.a from (select a from t union all select d from s) u where u.a > 7",
        "
           Union [a]
             Scan t [a] filters: (a > 7)
             Scan s [d] filters: (d > 7)",
    );
    check(
        "select a, rn from (select a, b, row_number() over (partition by a order by b) rn from t) where a = 3 and rn = 1",
        "
           Projection a, rn
             Filter (rn = 1)
               Window [row_number() Rows Unbounded..CurrentRow AS rn] partition by [a] order by [b ASC NULLS FIRST] group limit: row_number() <= 1
                 Scan t [a, b] filters: (a = 3)",
    );
}

/// Predicates that may fail do not pass joins; on a scan they keep their place.
#[test]
fn fallible_predicates_stay() {
    check(
        "select a from t where 10 / b > 2 and a > 1",
        "
           Scan t [a] filters: ((10.0 / cast(b AS double)) > 2.0), (a > 1)",
    );
    check(
        "select t.a from t, s where t.a = s.a and 10 / t.b > 2",
        "
           Projection a
             Filter ((10.0 / cast(b AS double)) > 2.0)
               Join Inner on (a = a)
                 Scan t [a, b]
                 Scan s [a]",
    );
}

/// EliminateOuterJoin, and where it does not apply; ON predicates of the right side go down.
#[test]
fn eliminate_outer_join() {
    check(
        "select t.a, s.d from t left join s on t.a = s.a where s.d > 3",
        "
           Projection a, d
             Join Inner on (a = a)
               Scan t [a]
               Scan s [a, d] filters: (d > 3)",
    );
    check(
        "select t.a, s.d from t left join s on t.a = s.a where s.d is null",
        "
           Projection a, d
             Filter (d IS NULL)
               Join Left on (a = a)
                 Scan t [a]
                 Scan s [a, d]",
    );
    check(
        "select t.a, s.d from t left join s on t.a = s.a and t.b > 1 and s.d > 2",
        "
           Projection a, d
             Join Left on (a = a) filter (b > 1)
               Scan t [a, b]
               Scan s [a, d] filters: (d > 2)",
    );
}

/// IN, NOT IN with and without NULLs, EXISTS.
#[test]
fn subqueries_as_filters() {
    check(
        "select a from t where a in (select d from s)",
        "
           Join LeftSemi on (a = d)
             Scan t [a]
             Scan s [d]",
    );
    check(
        "select a from t where a not in (select d from s)",
        "
           Join LeftAnti null-aware on (a = d)
             Scan t [a]
             Scan s [d]",
    );
    check(
        "select id from t where id not in (select sid from s)",
        "
           Join LeftAnti on (id = sid)
             Scan t [id]
             Scan s [sid]",
    );
    check(
        "select a from t where exists (select 1 from s where s.a = t.a and s.d > t.b)",
        "
           Projection a
             Join LeftSemi on (a = a) filter (d > b)
               Scan t [a, b]
               Scan s [a, d]",
    );
}

/// The count bug, a correlation that is no equality, a limit for each row.
#[test]
fn subqueries_as_values() {
    check(
        "select a, (select count(*) from s where s.a = t.a) from t",
        "
           Projection a, coalesce(count(1), 0) AS scalarsubquery(a)
             Join Left on (a = key)
               Scan t [a]
               Projection scalarsubquery(a) AS count(1), key
                 Aggregate [key] [count(*) AS scalarsubquery(a)]
                   Scan s [key]",
    );
    check(
        "select a, (select max(d) from s where s.a > t.a) from t",
        "
           Projection a, scalarsubquery(a)
             With cte10
               Aggregate [a] []
                 Projection a AS a
                   Scan t [a]
               Join Left filter (a <=> a)
                 Projection a AS a
                   Scan t [a]
                 Projection max(d) AS scalarsubquery(a), a
                   Join Left filter (a <=> a)
                     CteRef cte10 [a]
                     Aggregate [a] [max(d) AS max(d)]
                       Join Inner filter (a > a)
                         CteRef cte10 [a]
                         Scan s [a, d]",
    );
    check(
        "select a, (select d from s where s.a = t.a order by e limit 1) from t",
        "
           Projection a, scalarsubquery(a)
             Join Left on (a = a)
               Scan t [a]
               Projection scalarsubquery(a), a
                 Filter (row_number <= 1)
                   Window [row_number() Rows Unbounded..CurrentRow AS row_number] partition by [a] order by [sort key ASC NULLS FIRST] group limit: row_number() <= 1
                     Projection scalarsubquery(a), sort key, a
                       Scan s [a, scalarsubquery(a), sort key]",
    );
}

/// Lateral joins by predicates, and computed on the row.
#[test]
fn lateral() {
    check(
        "select t.a, x.d from t, lateral (select d from s where s.a = t.a and s.d > 1) x",
        "
           Projection a, d
             Join Inner on (a = a)
               Scan t [a]
               Projection d, a
                 Scan s [a, d] filters: (d > 1)",
    );
    check(
        "select t.a, y from t, lateral (select t.a + 1 as y)",
        "
           Projection a, (a + 1) AS y
             Scan t [a]",
    );
}

/// ReplaceSetOps: NULLs are equal; ALL numbers copies.
#[test]
fn set_operations() {
    check(
        "select a from t intersect select d from s",
        "
           Aggregate [a] []
             Projection a AS a
               Join LeftSemi filter (a <=> d)
                 Scan t [a]
                 Scan s [d]",
    );
    check(
        "select id from t except all select sid from s",
        "
           Projection id AS id
             Join LeftAnti on (id = sid), (row_number = row_number)
               Window [row_number() Rows Unbounded..CurrentRow AS row_number] partition by [id] order by []
                 Scan t [id]
               Window [row_number() Rows Unbounded..CurrentRow AS row_number] partition by [sid] order by []
                 Scan s [sid]",
    );
}

/// LikeSimplification, common factors, De Morgan, unwrapped casts, constants.
#[test]
fn expressions() {
    check(
        "select a from t where c like 'ab%' and c like '%b%' and c like 'x'",
        "
           Scan t [a] filters: startswith(c, 'ab'), contains(c, 'b'), (c = 'x')",
    );
    check(
        "select a from t where (a = 1 and b = 2) or (a = 1 and b = 3)",
        "
           Scan t [a] filters: (a = 1), ((b = 2) OR (b = 3))",
    );
    check(
        "select a from t where not (a < 3 or b > 4)",
        "
           Scan t [a] filters: (a >= 3), (b <= 4)",
    );
    check(
        "select a from t where cast(a as bigint) > 5L and 1 = 1",
        "
           Scan t [a] filters: (a > 5)",
    );
    check(
        "select a from t where a > 3 and 1 = 0",
        "
           Values 0 rows [a]",
    );
}

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

/// InferFiltersFromConstraints.
#[test]
fn infer_filters() {
    check(
        "select t.b from t join s on t.a = s.a where t.a > 90",
        "
           Projection b
             Join Inner on (a = a)
               Scan t [a, b] filters: (a > 90)
               Scan s [a] filters: (a > 90)",
    );
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

/// ReuseSubplans: a large join that gives few rows is computed once, a small one each time.
#[test]
fn reuse_subplans() {
    let repeated = |table: &str, rest: &str| {
        super::plan_of(&format!(
            "with x as (select 1) select * from (select max(l_tax) a from lineitem, {table} {rest}) p, \
             (select min(l_tax) b from lineitem, {table} {rest}) q"
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
        let plan = super::plan_of(sql);
        assert!(calls.iter().all(|c| plan.contains(c)), "{sql}\n{plan}");
        assert!(plan.lines().any(|l| l.trim() == scan), "{sql}\n{plan}");
        assert_eq!(plan.matches("Scan").count(), 1, "{sql}\n{plan}");
        assert!(!plan.contains("Join"), "{sql}\n{plan}");
    }
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
        let plan = super::plan_of(sql);
        assert!(plan.contains("Join"), "{sql}\n{plan}");
    }
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
        let plan = super::plan_of(sql);
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
        let plan = super::plan_of(&format!("select {sql}"));
        let joins: Vec<&str> = plan.lines().map(str::trim).filter(|l| l.starts_with("Join ")).collect();
        assert!(
            matches!(joins.as_slice(), [j] if j.starts_with(&format!("Join {kind} on ")) && j.contains(" hint: ") && j.ends_with(hint)),
            "{sql}\n{plan}"
        );
    }
    // Joins are ordered nevertheless: no cross product, and the hint goes where its relation goes.
    let plan =
        super::plan_of("select /*+ broadcast(r) */ t.id from t, region r, s where t.a = s.a and s.d = r.r_regionkey");
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
