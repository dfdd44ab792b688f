//! Rules that move predicates, expressions among them.

use super::super::{check, plan_of};

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
    // Equalities are keys of a join, whatever stands before them.
    check(
        "select t.b from t, s where 10 / t.b > 2 and t.a = s.a + 1",
        "
           Projection b
             Filter ((10.0 / cast(b AS double)) > 2.0)
               Join Inner on (a = (a + 1))
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
    // Below other names.
    check(
        "select * from (select a as k, count(*) as n from t group by a) p \
         left join (select a as m, max(b) as o from t group by a) q on k = m where k = 3",
        "
           Join Left on (k = m)
             Projection k, n
               Aggregate [k] [count(*) AS n]
                 Scan t [k] filters: (k = 3)
             Projection m, o
               Aggregate [m] [max(b) AS o]
                 Scan t [m, b] filters: (m = 3)",
    );
    // The left side keeps its rows, whatever holds for the right one.
    check(
        "select * from (select a as k, b from t) p left join (select a as m, b from t where a = 3) q on k = m",
        "
           Join Left on (k = m)
             Projection k, b
               Scan t [k, b]
             Projection m, b
               Scan t [m, b] filters: (m = 3)",
    );
}

/// Below a grouping goes what a disjunction over groups and aggregates says of the groups.
#[test]
fn disjunctions_over_groups() {
    check(
        "select a from t group by a, b having a = 1 and sum(c) > 1 or b = 2 and a = 5",
        "
           Projection a
             Filter (((a = 1) AND (sum(c) > 1.0)) OR ((b = 2) AND (a = 5)))
               Aggregate [a, b] [sum(cast(c AS double)) AS sum(c)]
                 Scan t [a, b, c] filters: ((a = 1) OR ((b = 2) AND (a = 5)))",
    );
    let plan = plan_of("select a from t group by a, b having a = 1 or sum(c) > 1");
    assert!(plan.contains("Scan t [a, b, c]\n"), "{plan}");
}
