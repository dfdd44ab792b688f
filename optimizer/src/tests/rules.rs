//! What rules do to whole queries.

use super::plan_of;

#[test]
fn show() {
    for sql in [
        "select t.a from t, s where t.a = s.a and t.b > 5 and s.d < t.b",
        "select * from (select a, b + 1 as x from t) where a > 3 and x > 5",
        "select a from t where rand(7) < 0.5 and b > 3",
        "select t.a, s.d from t left join s on t.a = s.a where s.d > 3",
        "select t.a, s.d from t left join s on t.a = s.a where s.d is null",
        "select t.a, s.d from t left join s on t.a = s.a and t.b > 1 and s.d > 2",
        "select a from t where a in (select d from s)",
        "select a from t where a not in (select d from s)",
        "select id from t where id not in (select sid from s)",
        "select a from t where exists (select 1 from s where s.a = t.a and s.d > t.b)",
        "select a, (select count(*) from s where s.a = t.a) from t",
        "select a, (select max(d) from s where s.a > t.a) from t",
        "select a, (select d from s where s.a = t.a order by e limit 1) from t",
        "select t.a, x.d from t, lateral (select d from s where s.a = t.a and s.d > 1) x",
        "select t.a, y from t, lateral (select t.a + 1 as y)",
        "select a from t intersect select d from s",
        "select id from t except all select sid from s",
        "select a from t where c like 'ab%' and c like '%b%' and c like 'x'",
        "select a from t where (a = 1 and b = 2) or (a = 1 and b = 3)",
        "select a from t where not (a < 3 or b > 4)",
        "select a from t where cast(a as bigint) > 5L and 1 = 1",
        "select a from t where a > 3 and 1 = 0",
        "select if(1 = 1, a, 1 div 0) from t where 1 div 0 = 1",
        "select a, b from t order by b limit 5",
        "select a + 1 from t limit 3",
        "select a from (select a, b from t order by b) group by a",
        "with x as (select a, count(*) as n from t group by a) select x.a from x, x as y where x.n = y.n",
        "with x as (select a, count(*) as n from t group by a) select a from x where n > 2",
        "select t.b from t join s on t.a = s.a where t.a > 90",
        "select a from t where a > 3 union all select d from s",
        "select u.a from (select a from t union all select d from s) u where u.a > 7",
        "select a, rn from (select a, b, row_number() over (partition by a order by b) rn from t) where a = 3 and rn = 1",
        "select a from t where 10 / b > 2 and a > 1",
        "select t.a from t, s where t.a = s.a and 10 / t.b > 2",
        "select count(*) from t",
        "select t.a from t left semi join s on t.a = s.a",
    ] {
        println!("== {sql}\n{}", plan_of(sql));
    }
}
