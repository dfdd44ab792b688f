//! The scene Spark's runner sets: settings by folder and preloaded relations. They stand in the database `default`, so that SHOW in other
//! databases does not list them.

use std::path::Path;
use std::sync::Arc;

use arrow::array::{ArrayRef, Float32Array, Int32Array, RecordBatch, StringViewArray};
use arrow::datatypes::{DataType, Field, Schema};
use rsql_common::Result;
use rsql_engine::Session;
use rsql_exec::Runner;

use super::GoldenFile;

/// Time zone of the suite.
pub const ZONE: &str = "America/Los_Angeles";

/// Tables that every session gets.
pub struct Scene {
    tables: Vec<(&'static str, RecordBatch)>,
    runner: Option<Arc<dyn Runner>>,
    settings: Vec<(String, String)>,
}

const TENK_COLUMNS: [&str; 16] = [
    "unique1",
    "unique2",
    "two",
    "four",
    "ten",
    "twenty",
    "hundred",
    "thousand",
    "twothousand",
    "fivethous",
    "tenthous",
    "odd",
    "even",
    "stringu1",
    "stringu2",
    "string4",
];

impl Scene {
    /// Loads the data files of `dir/data`.
    pub fn load(dir: &Path) -> Result<Self> {
        let data = dir.join("data");
        let agg = read_rows(&data.join("agg.data"))?;
        let a: ArrayRef = Arc::new(Int32Array::from_iter(
            agg.iter().map(|r| r.first().and_then(|v| v.parse().ok())),
        ));
        let b: ArrayRef = Arc::new(Float32Array::from_iter(
            agg.iter().map(|r| r.get(1).and_then(|v| v.parse().ok())),
        ));
        let key: ArrayRef = Arc::new(Int32Array::from_iter_values(1..=100));
        let value: ArrayRef = Arc::new(StringViewArray::from_iter_values((1..=100).map(|i| i.to_string())));
        Ok(Self {
            tables: vec![
                ("testdata", batch(vec![("key", key), ("value", value)])?),
                ("aggtest", batch(vec![("a", a), ("b", b)])?),
                ("onek", tenk(&read_rows(&data.join("onek.data"))?)?),
                ("tenk1", tenk(&read_rows(&data.join("tenk.data"))?)?),
            ],
            runner: None,
            settings: Vec::new(),
        })
    }

    /// The same, its sessions' plans run by `runner`.
    #[must_use]
    pub fn on(mut self, runner: Arc<dyn Runner>) -> Self {
        self.runner = Some(runner);
        self
    }

    /// The same with settings of every session; those of a file go before them.
    #[must_use]
    pub fn with_settings(mut self, settings: Vec<(String, String)>) -> Self {
        self.settings = settings;
        self
    }

    /// A session for one file.
    pub fn session(&self, file: &GoldenFile) -> Result<Session> {
        let mut builder = Session::builder()
            .set("spark.sql.session.timeZone", ZONE)?
            .set("spark.sql.timeType.enabled", "true")?
            .set("spark.sql.timestampNanosTypes.enabled", "true")?
            .set("rsql.sql.strict", "true")?;
        if file.name.starts_with("nonansi/") {
            builder = builder.set("spark.sql.ansi.enabled", "false")?;
        }
        if file.name.starts_with("timestampNTZ/") {
            builder = builder.set("spark.sql.timestampType", "TIMESTAMP_NTZ")?;
        }
        for (key, value) in self.settings.iter().chain(&file.settings) {
            builder = builder.set(key, value)?;
        }
        if let Some(runner) = &self.runner {
            builder = builder.runner(Arc::clone(runner));
        }
        let session = builder.build()?;
        for (name, batch) in &self.tables {
            session.register_table(name, vec![batch.clone()])?;
        }
        for view in NESTED_VIEWS {
            session.sql(view)?;
        }
        Ok(session)
    }
}

const NESTED_VIEWS: [&str; 2] = [
    "CREATE VIEW arraydata AS SELECT * FROM VALUES \
     (array(1, 2, 3), array(array(1, 2, 3))), (array(2, 3, 4), array(array(2, 3, 4))) AS t(arraycol, nestedarraycol)",
    "CREATE VIEW mapdata AS SELECT * FROM VALUES \
     (map(1, 'a1', 2, 'b1', 3, 'c1', 4, 'd1', 5, 'e1')), (map(1, 'a2', 2, 'b2', 3, 'c2', 4, 'd2')), \
     (map(1, 'a3', 2, 'b3', 3, 'c3')), (map(1, 'a4', 2, 'b4')), (map(1, 'a5')) AS t(mapcol)",
];

fn read_rows(path: &Path) -> Result<Vec<Vec<String>>> {
    let text = std::fs::read_to_string(path)?;
    Ok(text
        .lines()
        .map(|l| l.split('\t').map(str::to_string).collect())
        .collect())
}

fn tenk(rows: &[Vec<String>]) -> Result<RecordBatch> {
    let columns = TENK_COLUMNS.iter().enumerate().map(|(i, name)| {
        let cells = rows.iter().map(move |r| r.get(i).map(String::as_str));
        let array: ArrayRef = if i < 13 {
            Arc::new(Int32Array::from_iter(
                cells.map(|c| c.and_then(|c| c.trim().parse::<i32>().ok())),
            ))
        } else {
            Arc::new(StringViewArray::from_iter(cells))
        };
        (*name, array)
    });
    batch(columns.collect())
}

fn batch(columns: Vec<(&str, ArrayRef)>) -> Result<RecordBatch> {
    let fields: Vec<Field> = columns
        .iter()
        .map(|(n, a)| Field::new(*n, DataType::clone(a.data_type()), true))
        .collect();
    Ok(RecordBatch::try_new(
        Arc::new(Schema::new(fields)),
        columns.into_iter().map(|(_, a)| a).collect(),
    )?)
}
