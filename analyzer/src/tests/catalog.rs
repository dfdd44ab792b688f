//! An in-memory catalog for tests: tables without rows, views, and the tables Spark's own tests read.

use std::collections::HashMap;
use std::sync::Arc;

use rsql_catalog::source::{ScanSource, SourceColumn, SourceKind};
use rsql_common::{Result, Settings};
use rsql_expr::{Literal, SqlType};

use super::context;
use crate::{ResolvedRelation, Resolver, SqlFunction, ViewDefinition};

/// Names to relations and functions, lower case, by their last part.
#[derive(Default)]
pub(super) struct Catalog {
    pub tables: HashMap<String, Vec<(String, SqlType)>>,
    pub views: HashMap<String, Arc<ViewDefinition>>,
    pub functions: HashMap<String, Arc<SqlFunction>>,
    pub variables: HashMap<String, Literal>,
    /// What all tables hold; shared, so that scans of one table are equal.
    rows: Arc<Vec<arrow::array::RecordBatch>>,
}

impl Resolver for Catalog {
    fn relation(&self, name: &[String]) -> Result<Option<ResolvedRelation>> {
        let key = name.last().unwrap().to_lowercase();
        if let Some(view) = self.views.get(&key) {
            return Ok(Some(ResolvedRelation::View(Arc::clone(view))));
        }
        Ok(self.tables.get(&key).map(|columns| ResolvedRelation::Table {
            name: vec!["spark_catalog".into(), "default".into(), key.clone()],
            source: Arc::new(ScanSource {
                name: key.as_str().into(),
                columns: columns
                    .iter()
                    .map(|(n, t)| SourceColumn {
                        name: n.as_str().into(),
                        ty: t.clone(),
                        nullable: true,
                    })
                    .collect(),
                nested: Arc::default(),
                kind: SourceKind::Memory(Arc::clone(&self.rows)),
            }),
            facts: None,
        }))
    }

    fn path(&self, _format: &str, _path: &str) -> Result<Option<ResolvedRelation>> {
        Ok(None)
    }

    fn variable(&self, name: &[String]) -> Option<Literal> {
        self.variables.get(&name.last()?.to_lowercase()).cloned()
    }

    fn function(&self, name: &[String]) -> Result<Option<Arc<SqlFunction>>> {
        Ok(self.functions.get(&name.last().unwrap().to_lowercase()).cloned())
    }

    fn namespace(&self) -> (String, String) {
        ("spark_catalog".into(), "default".into())
    }
}

impl Catalog {
    /// Adds a table from a DDL list of columns.
    pub fn table(&mut self, name: &str, columns: &str) {
        let empty = Catalog::default();
        let settings = Settings::default();
        let cx = context(&empty, &settings);
        let columns = rsql_sql::parse_columns(columns, &rsql_sql::ParseOptions::default()).unwrap();
        let columns = columns
            .into_iter()
            .map(|c| (c.name.value, crate::resolve_type(&c.ty.unwrap(), &cx).unwrap()))
            .collect();
        self.tables.insert(name.to_string(), columns);
    }

    /// The eight tables of TPC-H.
    pub fn tpch() -> Self {
        let mut c = Self::default();
        c.table("region", "r_regionkey bigint, r_name string, r_comment string");
        c.table(
            "nation",
            "n_nationkey bigint, n_name string, n_regionkey bigint, n_comment string",
        );
        c.table(
            "supplier",
            "s_suppkey bigint, s_name string, s_address string, s_nationkey bigint, s_phone string, s_acctbal decimal(15,2), s_comment string",
        );
        c.table(
            "customer",
            "c_custkey bigint, c_name string, c_address string, c_nationkey bigint, c_phone string, c_acctbal decimal(15,2), c_mktsegment string, c_comment string",
        );
        c.table(
            "part",
            "p_partkey bigint, p_name string, p_mfgr string, p_brand string, p_type string, p_size int, p_container string, p_retailprice decimal(15,2), p_comment string",
        );
        c.table(
            "partsupp",
            "ps_partkey bigint, ps_suppkey bigint, ps_availqty int, ps_supplycost decimal(15,2), ps_comment string",
        );
        c.table(
            "orders",
            "o_orderkey bigint, o_custkey bigint, o_orderstatus string, o_totalprice decimal(15,2), o_orderdate date, o_orderpriority string, o_clerk string, o_shippriority int, o_comment string",
        );
        c.table(
            "lineitem",
            "l_orderkey bigint, l_partkey bigint, l_suppkey bigint, l_linenumber int, l_quantity decimal(15,2), l_extendedprice decimal(15,2), l_discount decimal(15,2), l_tax decimal(15,2), l_returnflag string, l_linestatus string, l_shipdate date, l_commitdate date, l_receiptdate date, l_shipinstruct string, l_shipmode string, l_comment string",
        );
        c
    }

    /// The tables that Spark's golden files take for granted.
    pub fn spark() -> Self {
        let mut c = Self::default();
        c.table("testdata", "key int, value string");
        c.table("arraydata", "arraycol array<int>, nestedarraycol array<array<int>>");
        c.table("mapdata", "mapcol map<int, string>");
        c.table("aggtest", "a int, b float");
        let wide = "unique1 int, unique2 int, two int, four int, ten int, twenty int, hundred int, thousand int, \
                    twothousand int, fivethous int, tenthous int, odd int, even int, stringu1 string, stringu2 string, string4 string";
        c.table("onek", wide);
        c.table("tenk1", wide);
        c
    }
}
