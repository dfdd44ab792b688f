//! Tables for tests: TPC-H's with what is known of them at scale factor 1, and the small `t`, `s` and `k`.

use std::sync::Arc;

use rsql_analyzer::{ResolvedRelation, Resolver, SqlFunction};
use rsql_catalog::{ColumnFacts, FileFormat, FileSource, ScanFacts, ScanSource, SourceColumn, SourceFile, SourceKind};
use rsql_common::Result;
use rsql_expr::{Literal, Scalar, SqlType};

pub(super) struct Tables;

/// Name, rows, columns: name, type, distinct values, smallest and largest value.
type Table = (&'static str, u64, &'static [(&'static str, char, u64, i64, i64)]);

/// Only what is known of `k` is exact.
///
/// Types: `A` ARRAY<STRUCT<u INT, v INT>>, `S` STRUCT<u INT, v STRUCT<w STRING, x INT>>, `l` BIGINT, `i` INT, `s` STRING, `d` DECIMAL(15, 2), `D` DATE, `I` INT NOT NULL.
const TABLES: &[Table] = &[
    (
        "t",
        1000,
        &[
            ("a", 'i', 100, 0, 99),
            ("b", 'i', 100, 0, 99),
            ("c", 's', 10, 0, 0),
            ("id", 'I', 1000, 0, 999),
        ],
    ),
    (
        "s",
        100,
        &[
            ("a", 'i', 100, 0, 99),
            ("d", 'i', 10, 0, 9),
            ("e", 's', 10, 0, 0),
            ("sid", 'I', 100, 0, 99),
        ],
    ),
    (
        "k",
        500,
        &[
            ("x", 'i', 100, 3, 99),
            ("y", 's', 10, 0, 0),
            ("z", 'S', 10, 0, 0),
            ("r", 'A', 10, 0, 0),
        ],
    ),
    (
        "region",
        5,
        &[
            ("r_regionkey", 'l', 5, 0, 4),
            ("r_name", 's', 5, 0, 0),
            ("r_comment", 's', 5, 0, 0),
        ],
    ),
    (
        "nation",
        25,
        &[
            ("n_nationkey", 'l', 25, 0, 24),
            ("n_name", 's', 25, 0, 0),
            ("n_regionkey", 'l', 5, 0, 4),
            ("n_comment", 's', 25, 0, 0),
        ],
    ),
    (
        "supplier",
        10_000,
        &[
            ("s_suppkey", 'l', 10_000, 1, 10_000),
            ("s_name", 's', 10_000, 0, 0),
            ("s_address", 's', 10_000, 0, 0),
            ("s_nationkey", 'l', 25, 0, 24),
            ("s_phone", 's', 10_000, 0, 0),
            ("s_acctbal", 'd', 9_955, -99_966, 999_972),
            ("s_comment", 's', 10_000, 0, 0),
        ],
    ),
    (
        "customer",
        150_000,
        &[
            ("c_custkey", 'l', 150_000, 1, 150_000),
            ("c_name", 's', 150_000, 0, 0),
            ("c_address", 's', 150_000, 0, 0),
            ("c_nationkey", 'l', 25, 0, 24),
            ("c_phone", 's', 150_000, 0, 0),
            ("c_acctbal", 'd', 140_187, -99_999, 999_999),
            ("c_mktsegment", 's', 5, 0, 0),
            ("c_comment", 's', 150_000, 0, 0),
        ],
    ),
    (
        "part",
        200_000,
        &[
            ("p_partkey", 'l', 200_000, 1, 200_000),
            ("p_name", 's', 200_000, 0, 0),
            ("p_mfgr", 's', 5, 0, 0),
            ("p_brand", 's', 25, 0, 0),
            ("p_type", 's', 150, 0, 0),
            ("p_size", 'i', 50, 1, 50),
            ("p_container", 's', 40, 0, 0),
            ("p_retailprice", 'd', 20_899, 90_100, 209_899),
            ("p_comment", 's', 130_000, 0, 0),
        ],
    ),
    (
        "partsupp",
        800_000,
        &[
            ("ps_partkey", 'l', 200_000, 1, 200_000),
            ("ps_suppkey", 'l', 10_000, 1, 10_000),
            ("ps_availqty", 'i', 9_999, 1, 9_999),
            ("ps_supplycost", 'd', 99_865, 100, 100_000),
            ("ps_comment", 's', 800_000, 0, 0),
        ],
    ),
    (
        "orders",
        1_500_000,
        &[
            ("o_orderkey", 'l', 1_500_000, 1, 6_000_000),
            ("o_custkey", 'l', 99_996, 1, 149_999),
            ("o_orderstatus", 's', 3, 0, 0),
            ("o_totalprice", 'd', 1_464_556, 85_771, 55_528_516),
            ("o_orderdate", 'D', 2_406, 8_035, 10_440),
            ("o_orderpriority", 's', 5, 0, 0),
            ("o_clerk", 's', 1_000, 0, 0),
            ("o_shippriority", 'i', 1, 0, 0),
            ("o_comment", 's', 1_400_000, 0, 0),
        ],
    ),
    (
        "lineitem",
        6_001_215,
        &[
            ("l_orderkey", 'l', 1_500_000, 1, 6_000_000),
            ("l_partkey", 'l', 200_000, 1, 200_000),
            ("l_suppkey", 'l', 10_000, 1, 10_000),
            ("l_linenumber", 'i', 7, 1, 7),
            ("l_quantity", 'd', 50, 100, 5_000),
            ("l_extendedprice", 'd', 933_900, 90_100, 10_494_950),
            ("l_discount", 'd', 11, 0, 10),
            ("l_tax", 'd', 9, 0, 8),
            ("l_returnflag", 's', 3, 0, 0),
            ("l_linestatus", 's', 2, 0, 0),
            ("l_shipdate", 'D', 2_526, 8_036, 10_561),
            ("l_commitdate", 'D', 2_466, 8_065, 10_530),
            ("l_receiptdate", 'D', 2_554, 8_037, 10_591),
            ("l_shipinstruct", 's', 4, 0, 0),
            ("l_shipmode", 's', 7, 0, 0),
            ("l_comment", 's', 4_500_000, 0, 0),
        ],
    ),
];

fn sql_type(code: char) -> SqlType {
    match code {
        'l' => SqlType::Long,
        'i' | 'I' => SqlType::Int,
        'd' => SqlType::Decimal(15, 2),
        'D' => SqlType::Date,
        'A' => SqlType::array(SqlType::structure([
            ("u", SqlType::Int, true),
            ("v", SqlType::Int, true),
        ])),
        'S' => {
            let inner = SqlType::structure([("w", SqlType::String, true), ("x", SqlType::Int, true)]);
            SqlType::structure([("u", SqlType::Int, true), ("v", inner, true)])
        }
        _ => SqlType::String,
    }
}

fn value(code: char, v: i64) -> Option<Scalar> {
    match code {
        'l' | 'd' => Some(Scalar::I64(v)),
        'i' | 'I' | 'D' => i32::try_from(v).ok().map(Scalar::I32),
        _ => None,
    }
}

impl Resolver for Tables {
    fn relation(&self, name: &[String]) -> Result<Option<ResolvedRelation>> {
        let Some(name) = name.last() else { return Ok(None) };
        let Some((name, rows, columns)) = TABLES.iter().find(|t| t.0.eq_ignore_ascii_case(name)) else {
            return Ok(None);
        };
        let source = ScanSource {
            name: (*name).into(),
            columns: columns
                .iter()
                .map(|(name, code, ..)| SourceColumn {
                    name: (*name).into(),
                    ty: sql_type(*code),
                    nullable: rows <= &1000 && *code != 'I' && !name.contains('_'),
                })
                .collect(),
            nested: Arc::default(),
            kind: SourceKind::Files(FileSource {
                format: FileFormat::Parquet,
                files: Arc::from([SourceFile {
                    path: format!("{name}.parquet").into(),
                    size: rows * 100,
                    modified: 0,
                    partition_values: Arc::from([]),
                }]),
                n_partition_columns: 0,
                buckets: None,
                options: Arc::from([]),
            }),
        };
        let facts = ScanFacts {
            rows: Some(*rows),
            bytes: rows * 100,
            exact: *name == "k",
            file_rows: None,
            columns: columns
                .iter()
                .map(|(_, code, distinct, min, max)| ColumnFacts {
                    min: value(*code, *min),
                    max: value(*code, *max),
                    exact_bounds: *code != 's',
                    null_count: Some(0),
                    distinct: Some(*distinct),
                    width: None,
                    unique: distinct == rows,
                })
                .collect(),
        };
        Ok(Some(ResolvedRelation::Table {
            name: vec!["spark_catalog".into(), "default".into(), (*name).into()],
            source: Arc::new(source),
            facts: Some(Arc::new(facts)),
        }))
    }

    fn path(&self, _: &str, _: &str) -> Result<Option<ResolvedRelation>> {
        Ok(None)
    }

    fn variable(&self, _: &[String]) -> Option<Literal> {
        None
    }

    fn function(&self, _: &[String]) -> Result<Option<Arc<SqlFunction>>> {
        Ok(None)
    }

    fn namespace(&self) -> (String, String) {
        ("spark_catalog".into(), "default".into())
    }
}
