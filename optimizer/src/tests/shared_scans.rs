//! Which scans are read together.

use rsql_planner::{explain_physical, share_scans};

use super::{physical, without_ids};

/// For each scan of a query, its table and whether it is read together with others.
fn scans(sql: &str) -> Vec<(String, bool)> {
    let (mut plan, _) = physical(sql, &[]);
    share_scans(&mut plan, 10_000, &rsql_common::ids::IdGen::default());
    let text = without_ids(&explain_physical(&plan));
    let lines = text.lines().filter_map(|l| l.trim().strip_prefix("Scan "));
    lines
        .map(|l| (l.split(' ').next().unwrap().to_string(), l.contains(" with scan")))
        .collect()
}

#[track_caller]
fn check(sql: &str, together: usize) {
    let scans = scans(sql);
    let n = scans.iter().filter(|(_, shared)| *shared).count();
    assert_eq!(n, together, "{sql}\n{scans:?}");
}

#[test]
fn aggregates_sorts_and_builds_are_read_together() {
    // Aggregates by different keys, with filters of their own.
    check(
        "select a, count(*) from t group by a union all select b, max(a) from t where b > 3 group by b",
        2,
    );
    check(
        "select * from (select max(a) x from t group by b) p, (select b y from t group by b having min(a) > 1) q",
        2,
    );
    // Three of them, and one of another table.
    check(
        "select a, count(*) from t group by a union all select b, max(a) from t group by b \
         union all select a, count(*) from s group by a union all select a % 7, min(id) from t group by a % 7",
        3,
    );
    // Two tables, two ids.
    check(
        "select a, count(*) from t group by a union all select b, max(a) from t group by b \
         union all select d, count(*) from s group by d union all select e, min(d) from s group by e",
        4,
    );
}

#[test]
fn what_waits_for_each_other_is_not() {
    for sql in [
        // The probe waits for the table.
        "select count(*) from t x join t y on x.id = y.a",
        // So does what is compared with a mean.
        "select count(*) from t where b > (select avg(b) from t where a > 0)",
        // A filter that one scan's join publishes is applied by the other.
        "select * from (select a, max(b) m from t group by a) x join (select a from t where b = 7) y on x.a = y.a",
    ] {
        check(sql, 0);
    }
}

#[test]
fn rows_wanted_in_order_are_not() {
    for sql in [
        "select a from t union all select b from t",
        "(select a from t limit 3) union all (select b from t limit 4)",
        "(select a from t order by a limit 3) union all (select a from t order by b limit 4)",
        "select count(*) from (select a from t union all select b from t)",
        // No column in common; another table; a small one.
        "select a, count(*) from t group by a union all select length(c), count(*) from t group by c",
        "select a, count(*) from t group by a union all select a, count(*) from s group by a",
        "select r_name, count(*) from region group by r_name union all select r_name, max(r_regionkey) from region group by r_name",
    ] {
        check(sql, 0);
    }
}
