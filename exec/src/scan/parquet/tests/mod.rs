//! The page decoder against the Arrow reader, and whole scans against plain filtering.

mod decoding;
mod filters;
mod nested;
mod rebase;
mod shared;

use std::path::Path;
use std::sync::Arc;

use arrow::array::*;
use parquet::arrow::ArrowWriter;
use parquet::file::properties::WriterProperties;
use rsql_catalog::{ScanSource, open_files};
use rsql_common::{ColumnId, FilterId, MemoryPool, Settings};
use rsql_expr::{Expr, Field, FunctionRegistry, Schema};
use rsql_planner::physical::{PhysicalPlan, Scan};

use crate::pipeline::TaskContext;

const ROWS: usize = 5_000;

/// Columns of every flat kind; `nulls` in every third row or in long stretches.
fn batch(nulls: bool) -> RecordBatch {
    let valid = |i: usize| !nulls || (!i.is_multiple_of(3) && !(1_000..2_500).contains(&i));
    let opt = |i: usize, v: i64| valid(i).then_some(v);
    let range = || 0..ROWS;
    let few = |i: usize| (i * 7 % 13) as i64;
    let many = |i: usize| (i * 7_919 % 4_999) as i64 - 2_000;
    let text = |i: usize| valid(i).then(|| format!("{}{}", "é".repeat(i % 9), i * 31 % 700));
    let word = |i: usize| valid(i).then(|| ["A", "RAIL", "a somewhat longer value", ""][i / 11 % 4]);
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("few", Arc::new(range().map(|i| opt(i, few(i))).collect::<Int64Array>())),
        (
            "many",
            Arc::new(range().map(|i| opt(i, many(i))).collect::<Int64Array>()),
        ),
        (
            "int",
            Arc::new(
                range()
                    .map(|i| opt(i, many(i)).map(|v| v as i32))
                    .collect::<Int32Array>(),
            ),
        ),
        (
            "byte",
            Arc::new(range().map(|i| opt(i, few(i)).map(|v| v as i8)).collect::<Int8Array>()),
        ),
        (
            "short",
            Arc::new(
                range()
                    .map(|i| opt(i, many(i)).map(|v| v as i16))
                    .collect::<Int16Array>(),
            ),
        ),
        (
            "flag",
            Arc::new(
                range()
                    .map(|i| valid(i).then_some(i % 5 == 0))
                    .collect::<BooleanArray>(),
            ),
        ),
        (
            "float",
            Arc::new(
                range()
                    .map(|i| opt(i, many(i)).map(|v| v as f32 / 4.0))
                    .collect::<Float32Array>(),
            ),
        ),
        (
            "double",
            Arc::new(
                range()
                    .map(|i| opt(i, many(i)).map(|v| v as f64 / 4.0))
                    .collect::<Float64Array>(),
            ),
        ),
        ("text", Arc::new(range().map(text).collect::<StringArray>())),
        ("word", Arc::new(range().map(word).collect::<StringArray>())),
        (
            "bin",
            Arc::new(
                range()
                    .map(|i| text(i).map(String::into_bytes))
                    .collect::<BinaryArray>(),
            ),
        ),
        (
            "day",
            Arc::new(
                range()
                    .map(|i| opt(i, few(i)).map(|v| v as i32))
                    .collect::<Date32Array>(),
            ),
        ),
        (
            "money",
            Arc::new(
                range()
                    .map(|i| opt(i, many(i)).map(i128::from))
                    .collect::<Decimal128Array>()
                    .with_precision_and_scale(15, 2)
                    .unwrap(),
            ),
        ),
        (
            "wide",
            Arc::new(
                range()
                    .map(|i| opt(i, many(i)).map(|v| i128::from(v) << 70))
                    .collect::<Decimal128Array>()
                    .with_precision_and_scale(38, 4)
                    .unwrap(),
            ),
        ),
        (
            "at",
            Arc::new(
                range()
                    .map(|i| opt(i, many(i)))
                    .collect::<TimestampMicrosecondArray>()
                    .with_timezone("UTC"),
            ),
        ),
        (
            "millis",
            Arc::new(range().map(|i| opt(i, many(i))).collect::<TimestampMillisecondArray>()),
        ),
        (
            "nanos",
            Arc::new(
                range()
                    .map(|i| opt(i, many(i) * 1_000))
                    .collect::<TimestampNanosecondArray>(),
            ),
        ),
    ];
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(n, a)| (n, a, nulls))).unwrap()
}

fn write(path: &Path, batch: &RecordBatch, properties: WriterProperties) {
    let mut writer =
        ArrowWriter::try_new(std::fs::File::create(path).unwrap(), batch.schema(), Some(properties)).unwrap();
    for i in (0..batch.num_rows()).step_by(100) {
        writer.write(&batch.slice(i, 100.min(batch.num_rows() - i))).unwrap();
    }
    writer.close().unwrap();
}

fn source(path: &Path) -> ScanSource {
    let paths = [path.to_string_lossy().into_owned()];
    open_files(rsql_catalog::FileFormat::Parquet, &paths, None, &[], "UTC")
        .unwrap()
        .0
}

fn cx(threads: &str, chunk_rows: &str) -> Arc<TaskContext> {
    let settings = Settings::default()
        .with("rsql.exec.threads", threads)
        .and_then(|s| s.with("rsql.exec.chunk_rows", chunk_rows))
        .unwrap();
    TaskContext::from_settings(
        &settings,
        Arc::new(FunctionRegistry::default()),
        MemoryPool::unbounded(),
    )
    .unwrap()
}

/// A scan of all columns that puts out the first two.
fn scan(source: ScanSource, filters: Vec<Expr>, consumes: Vec<(FilterId, usize)>) -> PhysicalPlan {
    let fields = source.columns[..2].iter().enumerate().map(|(i, c)| Field {
        id: ColumnId(i as u32),
        name: Arc::clone(&c.name),
        ty: c.ty.clone(),
        nullable: true,
    });
    PhysicalPlan::Scan(Scan {
        schema: Schema::new(fields),
        columns: (0..source.columns.len()).collect(),
        projection: vec![0, 1],
        source: Arc::new(source),
        filters,
        consumes,
        limit: None,
        best_first: None,
        shared: None,
        by_bucket: false,
        estimate: 0.0,
    })
}

fn longs(plan: &PhysicalPlan, cx: Arc<TaskContext>, column: usize) -> Vec<Option<i64>> {
    let mut out = Vec::new();
    for chunk in crate::collect(plan, cx).unwrap() {
        let array = chunk.dense_column(column).unwrap().to_array().unwrap();
        out.extend(array.as_primitive::<arrow::datatypes::Int64Type>().iter());
    }
    out
}
