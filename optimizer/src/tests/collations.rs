//! What RewriteCollations does to whole queries, and where it leaves them alone.

use super::check;

/// Groups and extremes go by keys; a group shows the first of its texts.
#[test]
fn groups() {
    check(
        "select e collate utf8_lcase as c, max(e collate unicode) as m from s group by 1",
        "
           Projection c AS c, m
             Aggregate [collation_key(collate(e, UTF8_LCASE)) AS c] [collated_max(collate(e, UNICODE), collation_key(collate(e, UNICODE))) AS m, first(collate(e, UTF8_LCASE)) AS c]
               Scan s [e]",
    );
    check(
        "select count(distinct e collate utf8_lcase) as n from s",
        "
           Projection n
             Aggregate [] [count(distinct) AS n]
               Aggregate [collation_key(collate(e, UTF8_LCASE)) AS distinct] []
                 Scan s [e]",
    );
}

/// Sorts, joins and windows go by keys.
#[test]
fn orders_and_joins() {
    check(
        "select e from s order by e collate unicode limit 3",
        "
           Sort collation_key(collate(e, UNICODE)) ASC NULLS FIRST fetch 3
             Scan s [e]",
    );
    check(
        "select s.d from s, t where s.e collate utf8_lcase = t.c",
        "
           Projection d
             Join Inner on (collation_key(cast(c AS string collate UTF8_LCASE)) = collation_key(collate(e, UTF8_LCASE)))
               Scan t [c]
               Scan s [d, e]",
    );
    check(
        "select sum(d) over (partition by e collate utf8_lcase) as x from s",
        "
           Projection x
             Window [sum(d) Rows Unbounded..Unbounded AS x] partition by [collation_key(collate(e, UTF8_LCASE))] order by []
               Scan s [d, e]",
    );
}

/// Keys of constants are constants.
#[test]
fn constants_fold() {
    check(
        "select d from s where 'a' collate utf8_lcase = 'A'",
        "
           Scan s [d]",
    );
}

/// Does not apply where texts compare by bytes, whether that is said or not.
#[test]
fn bytes_stay() {
    for e in ["e", "e collate utf8_binary"] {
        let plan = super::plan_of(&format!("select max({e}) as m from s group by {e} order by {e}"));
        assert!(!plan.contains("collation_key") && plan.contains("[max("), "{plan}");
    }
}
