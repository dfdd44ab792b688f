//! Columns get the names and types Spark gives them.

use super::analyze;
use super::catalog::Catalog;

#[test]
fn schemas_are_sparks() {
    let mut catalog = Catalog::default();
    catalog.table(
        "t",
        "a int, b string, s struct<x: int, y: int>, m map<string, int>, r array<int>, d date",
    );
    catalog.table("u", "a int, c bigint");
    let cases = [
        (
            "select A, t.a, a + 1, -a, a as z from t",
            "struct<A:int,a:int,(a + 1):int,(- a):int,z:int>",
        ),
        (
            "select s.x, s.x + 1, m['k'], m.k, r[0] from t",
            "struct<x:int,(s.x + 1):int,m[k]:int,k:int,r[0]:int>",
        ),
        (
            "select (null)[1], n['a'] from (select null as n)",
            "struct<NULL[1]:void,n[a]:void>",
        ),
        (
            "select a as k, k, k + 1, cast(k as string), struct(1 as x) as n, n.x, n.x + 1 from t",
            "struct<k:int,k:int,(lateralAliasReference(k) + 1):int,k:string,n:struct<x:int>,x:int,(lateralAliasReference(x) + 1):int>",
        ),
        (
            "select cast(array(1) as array<string>), size(try_cast(r as array<string>)), cast('a' as char(3)) from t",
            "struct<array(1):array<string>,size(r):int,CAST(a AS STRING):string>",
        ),
        (
            "select last_value(b) ignore nulls, string_agg(distinct b, ',') within group (order by b) from t",
            "struct<last(b):string,listagg(DISTINCT b, ,) WITHIN GROUP (ORDER BY b ASC NULLS FIRST):string>",
        ),
        (
            "select median(cast('1' as interval month)), timestamp'2020-01-01 00:00:00' - null",
            "struct<median(CAST(1 AS INTERVAL MONTH)):interval year to month,(TIMESTAMP '2020-01-01 00:00:00' - NULL):interval day to second>",
        ),
        (
            "select count(*), sum(a), avg(a) from t",
            "struct<count(1):bigint,sum(a):bigint,avg(a):double>",
        ),
        (
            "select count(distinct a) filter (where a > 1) from t",
            "struct<count(DISTINCT a) FILTER (WHERE (a > 1)):bigint>",
        ),
        (
            "select position('a', b), position('a' in b), substr(b from 2), substr(b, 2) from t",
            "struct<position(a, b, 1):int,locate(a, b, 1):int,substring(b, 2, 2147483647):string,substr(b, 2, 2147483647):string>",
        ),
        (
            "select aes_encrypt(b, b), try_aes_decrypt(b, b, 'GCM') from t where false",
            "struct<aes_encrypt(b, b, GCM, DEFAULT, , ):binary,try_aes_decrypt(b, b, GCM, DEFAULT, ):binary>",
        ),
        (
            "select hll_sketch_agg(a), theta_sketch_agg(a), tuple_sketch_agg_integer(a, a, mode => 'min') from t",
            "struct<hll_sketch_agg(a, 12):binary,theta_sketch_agg(a, 12):binary,tuple_sketch_agg_integer(a, a, 12, min):binary>",
        ),
        (
            "select 'x', 1.5, null, true, date '2024-1-2'",
            "struct<x:string,1.5:decimal(2,1),NULL:void,true:boolean,DATE '2024-01-02':date>",
        ),
        (
            "select a <> 1, not a = 1, a is null, a in (1, 2) from t",
            "struct<(NOT (a = 1)):boolean,(NOT (a = 1)):boolean,(a IS NULL):boolean,(a IN (1, 2)):boolean>",
        ),
        (
            "select a between 1 and 2, b like 'x%' from t",
            "struct<between(a, 1, 2):boolean,b LIKE x%:boolean>",
        ),
        (
            "select case when a > 1 then 1 else 2 end from t",
            "struct<CASE WHEN (a > 1) THEN 1 ELSE 2 END:int>",
        ),
        (
            "select cast(a as string), a::bigint, cast(a + 1 as string) from t",
            "struct<a:string,a:bigint,CAST((a + 1) AS STRING):string>",
        ),
        (
            "select (select max(c) from u), exists (select 1 from u where u.a = t.a) from t",
            "struct<scalarsubquery():bigint,exists(a):boolean>",
        ),
        (
            "select sum(a) over (partition by b order by d desc) from t",
            "struct<sum(a) OVER (PARTITION BY b ORDER BY d DESC NULLS LAST RANGE BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW):bigint>",
        ),
        (
            "select d + 1, d - interval '1' month, d - d from t",
            "struct<date_add(d, 1):date,d - INTERVAL '1' MONTH:date,(d - d):interval day>",
        ),
        (
            "select * from t join u using (a)",
            "struct<a:int,b:string,s:struct<x:int,y:int>,m:map<string,int>,r:array<int>,d:date,c:bigint>",
        ),
        (
            "select u.a, t.a, * from (select 1 a) t full join (select 2 a) u using (a)",
            "struct<a:int,a:int,a:int>",
        ),
        (
            "select * from u natural right join (select 1 c) v",
            "struct<c:int,a:int>",
        ),
        ("select s.*, r from t", "struct<x:int,y:int,r:array<int>>"),
        ("select * except (s, m, r, d) from t", "struct<a:int,b:string>"),
        ("select explode(r), a from t", "struct<col:int,a:int>"),
        ("select posexplode(r) as (i, x) from t", "struct<i:int,x:int>"),
        ("select x from t lateral view explode(r) v as x", "struct<x:int>"),
        (
            "select * from (values (1, 'a'), (2L, null))",
            "struct<col1:bigint,col2:string>",
        ),
        ("select 1 union all select 2.5", "struct<1:decimal(11,1)>"),
        (
            "select a, grouping(a), count(*) from u group by rollup(a)",
            "struct<a:int,grouping(a):tinyint,count(1):bigint>",
        ),
        (
            "select a x, x + 1 from u",
            "struct<x:int,(lateralAliasReference(x) + 1):int>",
        ),
        (
            "select * from u pivot (sum(c) for a in (1, 2 as two))",
            "struct<1:bigint,two:bigint>",
        ),
        (
            "select * from u unpivot (v for n in (a, c))",
            "struct<n:string,v:bigint>",
        ),
        (
            "from u |> where a > 1 |> extend c + 1 as d |> drop a",
            "struct<c:bigint,d:bigint>",
        ),
        ("from u |> aggregate sum(c) as s group by a", "struct<a:int,s:bigint>"),
        (
            "with recursive n(i) as (select 1 union all select i + 1 from n where i < 9) select * from n",
            "struct<i:int>",
        ),
        ("select * from range(3)", "struct<id:bigint>"),
        (
            "select transform(r, x -> x + 1) from t",
            "struct<transform(r, lambdafunction((namedlambdavariable() + 1), namedlambdavariable())):array<int>>",
        ),
        (
            "select struct(a, a + 1, b as z) from t",
            "struct<struct(a, (a + 1), b AS z):struct<a:int,col2:int,z:string>>",
        ),
        (
            "select extract(year from d), d || 'x' from t",
            "struct<extract(year FROM d):int,concat(d, x):string>",
        ),
        (
            "select u.c, l.y from u, lateral (select u.a + 1 as y) l",
            "struct<c:bigint,y:int>",
        ),
        ("select a from u order by c, a + 1", "struct<a:int>"),
        (
            "select 1L + 1, 2 div 2, 7 % 2, ~1, 1 << 2",
            "struct<(1 + 1):bigint,(2 div 2):bigint,(7 % 2):int,~1:int,(1 << 2):int>",
        ),
    ];
    let mut wrong = Vec::new();
    for (sql, want) in cases {
        let have = match analyze(sql, &catalog) {
            Ok(plan) => plan.schema().simple_string(),
            Err(e) => e.to_string(),
        };
        if have != want {
            wrong.push(format!("{sql}\n  want {want}\n  have {have}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
