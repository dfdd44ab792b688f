//! Subqueries, lateral joins and set operations as joins.

use super::super::check;

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
