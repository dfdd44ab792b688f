//! What rules do so that scans, windows and joins see fewer rows and columns.

use super::{check, optimized_with, physical, plan_of, without_ids};

/// InferWindowGroupLimit: each ranking function, each form of bound, with calls that look back only.
#[test]
fn infer_window_group_limit() {
    check(
        "select a, b, rn from (select a, b, row_number() over (partition by a order by b) rn from t) where rn <= 3",
        "
           Projection a, b, rn
             Filter (rn <= 3)
               Window [row_number() Rows Unbounded..CurrentRow AS rn] partition by [a] order by [b ASC NULLS FIRST] group limit: row_number() <= 3
                 Scan t [a, b]",
    );
    let limit = |filter: &str, call: &str| {
        let plan = plan_of(&format!(
            "select * from (select a, b, {call} r, count(b) over (partition by a order by b rows unbounded preceding) n
             from t window w as (partition by a order by b)) where {filter}"
        ));
        plan.split("group limit: ")
            .nth(1)
            .map(|s| s.lines().next().unwrap().to_string())
    };
    for (filter, call, wanted) in [
        ("r < 4", "rank() over w", "rank() <= 3"),
        ("2 >= r", "dense_rank() over w", "dense_rank() <= 2"),
        ("r = 5", "row_number() over w", "row_number() <= 5"),
        ("r in (1, 7, 2)", "row_number() over w", "row_number() <= 7"),
        (
            "b > 3 and r <= 9 and r <= 4",
            "row_number() over w",
            "row_number() <= 4",
        ),
        ("r <= 4 and 10 / b > 1", "row_number() over w", "row_number() <= 4"),
    ] {
        assert_eq!(limit(filter, call).as_deref(), Some(wanted), "{filter}");
    }
    for (filter, call) in [
        ("r > 4", "rank() over w"),
        ("r <= 4 or b = 1", "rank() over w"),
        ("r <= 0", "rank() over w"),
        ("r <= 5000", "rank() over w"),
        ("r <= b", "rank() over w"),
        // The error that the first conjunct may raise counts for all rows.
        ("10 / b > 1 and r <= 4", "row_number() over w"),
        // These look at the rows that come after, or at all of them.
        ("r <= 4", "ntile(3) over w"),
        ("r <= 4", "count(b) over w"),
    ] {
        assert_eq!(limit(filter, call), None, "{filter}");
    }
    let with = |other: &str| {
        plan_of(&format!(
            "select * from (select row_number() over w r, {other} x from t window w as (partition by a order by b))
             where r <= 2"
        ))
    };
    assert!(with("rank() over w").contains("group limit"));
    for other in [
        "lead(b) over w",
        "max(b) over w",
        "sum(b) over w",
        "percent_rank() over w",
    ] {
        assert!(!with(other).contains("group limit"), "{other}");
    }
}

/// The limit is an operator of its own below the window, and keys of the partition pass it.
#[test]
fn a_group_limit_stands_below_its_window() {
    let (_, text) = physical(
        "select a from (select a, row_number() over (partition by a order by b) rn from t) where rn = 1",
        &[],
    );
    let below = "WindowGroupLimit row_number() <= 1 partition by [a] order by [b ASC NULLS FIRST]";
    assert!(without_ids(&text).contains(below), "{text}");
    let off = [("spark.sql.optimizer.windowGroupLimitThreshold", "-1")];
    let (_, text) = physical(
        "select a from (select a, row_number() over (partition by a order by b) rn from t) where rn = 1",
        &off,
    );
    assert!(!text.contains("WindowGroupLimit"), "{text}");
}

/// NestedColumnAliasing: fields of fields, in filters and outputs, across joins; not where the struct is read as a whole.
#[test]
fn nested_column_aliasing() {
    check(
        "select z.u + 1 as u from k where z.v.x > 3",
        "
           Projection (z.u + 1) AS u
             Scan k [z.u] filters: (z.v.x > 3)",
    );
    check(
        "select k.z.v.w from t left join k on t.a = k.z.u",
        "
           Projection z.v.w AS w
             Join Left on (a = z.u)
               Scan t [a]
               Scan k [z.u, z.v.w]",
    );
    // The array of a field, not of whole structs; an element is a whole struct.
    check(
        "select r.u from k where r.v[0] > 3",
        "
           Projection r.u AS u
             Scan k [r.u] filters: (subscript(r.v, 0) > 3)",
    );
    assert!(plan_of("select r[0].u from k").contains("Scan k [r]"));
    // GeneratorNestedColumnAliasing: one field of exploded structs; not several, nor the struct itself.
    let plan = plan_of("select e.u + 1 as u from k lateral view outer explode(r) q as e where e.u > x");
    assert!(
        plan.contains("Generate outer explode(r.u)") && plan.contains("Scan k [x, r.u]"),
        "{plan}"
    );
    let plan = plan_of("select p, e.v from k lateral view posexplode(r) q as p, e");
    assert!(plan.contains("Scan k [r.v]"), "{plan}");
    for columns in ["e.u, e.v", "e", "e, e.u"] {
        let plan = plan_of(&format!("select {columns} from k lateral view explode(r) q as e"));
        assert!(plan.contains("Scan k [r]"), "{plan}");
    }
    // A struct within is read once.
    check(
        "select z.v, z.v.x + 1 as x from k",
        "
           Projection z.v AS v, (z.v.x + 1) AS x
             Scan k [z.v]",
    );
    check(
        "select z, z.u from k",
        "
           Projection z, z.u AS u
             Scan k [z]",
    );
    for whole in [
        "select z.u from k group by z, z.u",
        "select max(z.u) from k where z is not null",
        "select q.z.u from (select z from k union all select z from k) q",
    ] {
        let plan = plan_of(whole);
        assert!(plan.contains("Scan k [z]") || plan.contains("Scan k [x, z]"), "{plan}");
    }
}

/// OptimizeMetadataOnlyQuery: counts and exact bounds of a whole table; not of others.
#[test]
fn optimize_metadata_only_query() {
    let (optimized, _) = optimized_with("select count(*), count(x), min(x), max(x) from k", &[]);
    let rsql_planner::LogicalPlan::Values(values) = &optimized.plan else {
        panic!("{}", plan_of("select count(*), count(x), min(x), max(x) from k"));
    };
    let row: Vec<String> = values.rows[0].iter().map(ToString::to_string).collect();
    assert_eq!(row, ["500", "500", "3", "99"]);
    for query in [
        "select max(y) from k",
        "select max(x) from k where x > 5",
        "select max(x + 1) from k",
        "select x, count(*) from k group by x",
        "select count(distinct x) from k",
        "select count(x) filter (where x > 5) from k",
        "select sum(x) from k",
        "select count(*) from (select x from k limit 5)",
        // What is known of `t` is not exact.
        "select count(*), max(a) from t",
    ] {
        let plan = plan_of(query);
        assert!(plan.contains("Scan"), "{query}\n{plan}");
    }
}

/// Left joins of which nothing is read: where the right side's keys are unique, and where duplicates do not count.
#[test]
fn left_joins_that_change_nothing() {
    for query in [
        "select t.a from t left join (select distinct a from s) q on t.a = q.a",
        "select t.a from t left join (select a, max(d) m from s group by a having max(d) > 3) q on t.a = q.a and q.m > 1",
        "select distinct t.a from t left join s on t.b = s.d",
        "select t.a, max(t.b) from t left join s on t.b = s.d group by t.a",
    ] {
        let plan = plan_of(query);
        assert!(!plan.contains("Join"), "{query}\n{plan}");
    }
    for query in [
        "select t.a from t left join s on t.b = s.d",
        "select t.a from t left join (select a, d from s group by a, d) q on t.a = q.a",
        "select t.a, count(*) from t left join s on t.b = s.d group by t.a",
        "select distinct t.a, s.e from t left join s on t.b = s.d",
        "select distinct t.a from t join s on t.b = s.d",
    ] {
        let plan = plan_of(query);
        assert!(plan.contains("Join"), "{query}\n{plan}");
    }
}

/// A top-k tells the scan below what it may still want; where an error could be lost with a row it does not.
#[test]
fn top_k_filters() {
    let plan = |query: &str| without_ids(&physical(query, &[]).1);
    for query in [
        "select a, c from t order by a desc limit 5",
        "select a, c from t where b > 3 order by c, a limit 5",
        "select t.a, s.e from t join s on t.a = s.a order by t.b limit 5",
        "select a from (select a from t union all select d from s) order by a limit 5",
    ] {
        let text = plan(query);
        assert!(
            text.contains("publishes: rf") && text.contains("runtime filters: rf"),
            "{text}"
        );
    }
    for query in [
        "select a from t order by a",
        "select a, 10 / b as q from t order by a limit 5",
        "select a from t where 10 / b > 1 order by a limit 5",
        "select a + 1 as x from t order by x limit 5",
        "select a, count(*) from t group by a order by a limit 5",
    ] {
        let text = plan(query);
        assert!(!text.contains("publishes"), "{text}");
    }
}
