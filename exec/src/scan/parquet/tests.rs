//! The page decoder against the Arrow reader, and whole scans against plain filtering.

use std::path::Path;
use std::sync::Arc;

use arrow::array::*;
use arrow::datatypes::{DataType, TimeUnit};
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::data_type::{Int96, Int96Type};
use parquet::file::metadata::KeyValue;
use parquet::file::properties::{EnabledStatistics, WriterProperties, WriterVersion};
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rsql_catalog::{NestedColumn, ScanSource, SourceColumn, SourceKind, open_files};
use rsql_common::{ColumnId, FilterId, MemoryPool, Settings};
use rsql_expr::{CompareOp, Expr, Field, FunctionRegistry, Literal, Scalar, Schema, Slot, SqlType, Vector};
use rsql_planner::physical::{PhysicalPlan, Scan};

use super::arrow_column;
use super::file::{File, FileColumn};
use super::native::{ChunkState, ColumnChunk, Scratch, kind_of};
use crate::pipeline::TaskContext;
use crate::runtime_filter::{RuntimeFilter, Threshold};

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

fn open(source: &ScanSource) -> File {
    let SourceKind::Files(files) = &source.kind else {
        unreachable!()
    };
    let columns: Vec<usize> = (0..source.columns.len()).collect();
    File::open(source, files, &files.files[0], &columns).unwrap()
}

#[test]
fn decodes_what_the_arrow_reader_decodes() {
    let dir = tempfile::tempdir().unwrap();
    let base = || {
        WriterProperties::builder()
            .set_data_page_row_count_limit(400)
            .set_max_row_group_row_count(Some(3_000))
            .set_compression(Compression::SNAPPY)
    };
    let variants = [
        base(),
        base().set_dictionary_enabled(false),
        base()
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .set_compression(Compression::ZSTD(Default::default())),
        base().set_dictionary_page_size_limit(2_000),
        base()
            .set_compression(Compression::UNCOMPRESSED)
            .set_offset_index_disabled(true)
            .set_statistics_enabled(EnabledStatistics::None),
        base()
            .set_compression(Compression::LZ4_RAW)
            .set_data_page_row_count_limit(33),
    ];
    let every: Vec<u32> = (0..1_000).filter(|i| i % 7 == 3 || (400..460).contains(i)).collect();
    let one = [777u32];
    for (v, properties) in variants.into_iter().enumerate() {
        let properties = properties.build();
        for nulls in [false, true] {
            let path = dir.path().join(format!("{v}{nulls}.parquet"));
            write(&path, &batch(nulls), properties.clone());
            let source = source(&path);
            let file = open(&source);
            let mut scratch = Scratch::default();
            for (c, column) in file.columns.iter().enumerate() {
                let FileColumn::Stored(column) = column else {
                    unreachable!()
                };
                let name = &source.columns[c].name;
                let state = ChunkState::default();
                let Some(kind) = kind_of(&file, 0, column) else {
                    // Version 2 writers use delta encodings, which are the Arrow reader's.
                    assert!(v == 2, "{name}");
                    continue;
                };
                for (start, rows) in [(0, 3_000), (350, 1_000), (1_999, 1_001), (0, 1), (2_000, 400)] {
                    for selected in [None, Some(every.as_slice()), Some(&one[..])] {
                        if selected.is_some() && rows < 1_000 {
                            continue;
                        }
                        for prefer_codes in [false, true] {
                            let chunk = ColumnChunk {
                                file: &file,
                                row_group: 0,
                                column,
                                leaf: column.leaf.unwrap(),
                                kind,
                                state: &state,
                                prefer_codes,
                            };
                            let ours = chunk.load(start, rows, selected, &mut scratch).unwrap();
                            let theirs = arrow_column::load(&file, 0, start, rows, column, selected).unwrap();
                            assert_eq!(
                                &ours.to_array().unwrap(),
                                &theirs.to_array().unwrap(),
                                "variant {v}, nulls {nulls}, {name}, {start}+{rows}"
                            );
                        }
                    }
                }
            }
        }
    }
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

#[test]
fn filters_and_keeps_the_order_of_the_file() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let properties = WriterProperties::builder()
        .set_data_page_row_count_limit(200)
        .set_max_row_group_row_count(Some(2_000))
        .set_compression(Compression::SNAPPY);
    let data = batch(true);
    write(&path, &data, properties.build());
    let slot = |index: usize, ty: SqlType| Expr::Slot(Slot { index, ty });
    let filters = vec![
        Expr::compare(CompareOp::Lt, slot(1, SqlType::Long), Expr::lit(Literal::long(900))),
        Expr::compare(CompareOp::GtEq, slot(0, SqlType::Long), Expr::lit(Literal::long(4))),
    ];
    let few = data.column(0).as_primitive::<arrow::datatypes::Int64Type>();
    let many = data.column(1).as_primitive::<arrow::datatypes::Int64Type>();
    let passes = |i: usize| few.is_valid(i) && many.value(i) < 900 && few.value(i) >= 4;
    let want: Vec<Option<i64>> = (0..ROWS).filter(|i| passes(*i)).map(|i| Some(many.value(i))).collect();
    for (threads, chunk_rows) in [("1", "4096"), ("2", "100"), ("3", "1")] {
        let plan = scan(source(&path), filters.clone(), vec![]);
        assert_eq!(longs(&plan, cx(threads, chunk_rows), 1), want);
    }
    let cx = cx("2", "512");
    cx.filters
        .publish(FilterId(1), RuntimeFilter::Range { min: 100, max: 120 });
    let plan = scan(source(&path), vec![], vec![(FilterId(1), 1)]);
    let want: Vec<Option<i64>> = (0..ROWS)
        .filter(|i| many.is_valid(*i) && (100..=120).contains(&many.value(*i)))
        .map(|i| Some(many.value(i)))
        .collect();
    assert_eq!(longs(&plan, cx, 1), want);
}

#[test]
fn thresholds_limits_and_strings_leave_rows_out() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let properties = WriterProperties::builder()
        .set_data_page_row_count_limit(200)
        .set_max_row_group_row_count(Some(2_000));
    let data = batch(true);
    write(&path, &data, properties.build());
    let many = data.column(1).as_primitive::<arrow::datatypes::Int64Type>();
    let of = |pass: &dyn Fn(usize) -> bool| -> Vec<Option<i64>> {
        let rows = (0..ROWS).filter(|i| pass(*i));
        rows.map(|i| many.is_valid(i).then(|| many.value(i))).collect()
    };
    let filtered = |filter: RuntimeFilter, column: usize| {
        let cx = cx("2", "512");
        cx.filters.publish(FilterId(1), filter);
        longs(&scan(source(&path), vec![], vec![(FilterId(1), column)]), cx, 1)
    };
    for descending in [false, true] {
        for nulls_first in [false, true] {
            for column in [0, 1] {
                let values = data.column(column).as_primitive::<arrow::datatypes::Int64Type>();
                let limit = 5;
                let threshold = Threshold {
                    value: Scalar::I64(limit),
                    descending,
                    nulls_first,
                };
                let pass = |i: usize| match values.is_valid(i) {
                    true if descending => values.value(i) >= limit,
                    true => values.value(i) <= limit,
                    false => nulls_first,
                };
                assert_eq!(filtered(RuntimeFilter::AtMost(threshold), column), of(&pass));
            }
        }
    }
    let nulls = Threshold {
        value: Scalar::Null,
        descending: false,
        nulls_first: true,
    };
    assert_eq!(filtered(RuntimeFilter::AtMost(nulls), 1), of(&|i| many.is_null(i)));
    // Strings, few of them in a dictionary and many not.
    let text = data.column(8).as_string::<i32>();
    let word = data.column(9).as_string::<i32>();
    let keys: ArrayRef = Arc::new(StringViewArray::from(vec!["RAIL", "é7", "a somewhat longer value"]));
    let filter = || crate::hash_join::bytes_filter(&keys);
    let among =
        |a: &StringArray, i: usize| a.is_valid(i) && ["RAIL", "é7", "a somewhat longer value"].contains(&a.value(i));
    assert_eq!(filtered(filter(), 9), of(&|i| among(word, i)));
    assert_eq!(filtered(filter(), 8), of(&|i| among(text, i)));
    let threshold = Threshold {
        value: Scalar::Str("RAIL".into()),
        descending: true,
        nulls_first: false,
    };
    let pass = |i: usize| word.is_valid(i) && word.value(i) >= "RAIL";
    assert_eq!(filtered(RuntimeFilter::AtMost(threshold), 9), of(&pass));
    // A bare limit reads no more than it says.
    let PhysicalPlan::Scan(mut limited) = scan(source(&path), vec![], vec![]) else {
        unreachable!()
    };
    limited.limit = Some(2_100);
    assert_eq!(
        longs(&PhysicalPlan::Scan(limited.clone()), cx("2", "512"), 1),
        of(&|i| i < 2_100)
    );
    // What is read first is numbered as it lies.
    limited.limit = None;
    limited.best_first = Some((1, true));
    assert_eq!(longs(&PhysicalPlan::Scan(limited), cx("1", "512"), 1).len(), ROWS);
}

#[test]
fn fields_of_structs_are_read_without_the_rest() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    let ints = |f: &dyn Fn(usize) -> Option<i64>| -> ArrayRef { Arc::new((0..ROWS).map(f).collect::<Int64Array>()) };
    let field = |name: &str, a: &ArrayRef| Arc::new(arrow::datatypes::Field::new(name, a.data_type().clone(), true));
    let nulls = |every: usize| {
        Some(
            (0..ROWS)
                .map(|i| !i.is_multiple_of(every))
                .collect::<Vec<bool>>()
                .into(),
        )
    };
    let (x, y) = (
        ints(&|i| (!i.is_multiple_of(3)).then_some(i as i64)),
        ints(&|i| Some(-(i as i64))),
    );
    let inner: ArrayRef = Arc::new(StructArray::new(
        vec![field("x", &x), field("y", &y)].into(),
        vec![x.clone(), y.clone()],
        nulls(5),
    ));
    let outer: ArrayRef = Arc::new(StructArray::new(
        vec![field("y", &y), field("Inner", &inner)].into(),
        vec![y.clone(), inner.clone()],
        nulls(7),
    ));
    let data = RecordBatch::try_from_iter_with_nullable([("a", y.clone(), true), ("s", outer, true)]).unwrap();
    let properties = WriterProperties::builder()
        .set_data_page_row_count_limit(200)
        .set_max_row_group_row_count(Some(2_000));
    write(&path, &data, properties.build());
    let nested = |path: &[&str], ty: SqlType| NestedColumn {
        root: 1,
        path: path.iter().map(|p| Arc::from(*p)).collect(),
        column: SourceColumn {
            name: path.join(".").into(),
            ty,
            nullable: true,
        },
    };
    let mut source = source(&path);
    source.nested = vec![
        nested(&["inner", "x"], SqlType::Long),
        nested(&["y"], SqlType::Long),
        nested(&["inner", "z"], SqlType::Long),
    ]
    .into();
    let slot = |index: usize| {
        Expr::Slot(Slot {
            index,
            ty: SqlType::Long,
        })
    };
    let fields = (0..3).map(|i| Field {
        id: ColumnId(i),
        name: "n".into(),
        ty: SqlType::Long,
        nullable: true,
    });
    let mut scan = Scan {
        schema: Schema::new(fields),
        columns: vec![2, 3, 4],
        projection: vec![0, 1, 2],
        source: Arc::new(source),
        filters: vec![],
        consumes: vec![],
        limit: None,
        best_first: None,
        estimate: 0.0,
    };
    let x = |i: usize| (!i.is_multiple_of(3) && !i.is_multiple_of(5) && !i.is_multiple_of(7)).then_some(i as i64);
    let y = |i: usize| (!i.is_multiple_of(7)).then_some(-(i as i64));
    let plan = PhysicalPlan::Scan(scan.clone());
    assert_eq!(longs(&plan, cx("2", "512"), 0), (0..ROWS).map(x).collect::<Vec<_>>());
    assert_eq!(longs(&plan, cx("1", "4096"), 1), (0..ROWS).map(y).collect::<Vec<_>>());
    // A field that the file does not have.
    assert_eq!(longs(&plan, cx("1", "4096"), 2), vec![None; ROWS]);
    // Their statistics prune like those of other columns.
    scan.filters = vec![Expr::compare(CompareOp::Gt, slot(0), Expr::lit(Literal::long(4_500)))];
    let mut cx = TaskContext::new(
        &Settings::default(),
        Arc::new(FunctionRegistry::default()),
        MemoryPool::unbounded(),
    )
    .unwrap();
    let metrics = Arc::new(crate::metrics::PlanMetrics::default());
    cx.metrics = Some(Arc::clone(&metrics));
    let got = longs(&PhysicalPlan::Scan(scan), Arc::new(cx), 0);
    assert_eq!(got, (4_501..ROWS).map(x).filter(Option::is_some).collect::<Vec<_>>());
    assert_eq!(metrics.node(0).scan.groups_pruned.get(), 2);
}

/// One INT96 column, as old versions of Spark wrote it.
fn write_legacy(path: &Path, version: &str, zone: Option<&str>, seconds: &[i64]) {
    let schema = parse_message_type("message spark_schema { optional int96 ts; }").unwrap();
    let pair = |key: &str, value: &str| KeyValue::new(format!("org.apache.spark.{key}"), value.to_string());
    let mut noted = vec![pair("version", version)];
    noted.extend(zone.map(|z| pair("timeZone", z)));
    let properties = WriterProperties::builder().set_key_value_metadata(Some(noted)).build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values: Vec<Int96> = seconds
        .iter()
        .map(|s| {
            let nanos = s.rem_euclid(86_400) as u64 * 1_000_000_000;
            let day = s.div_euclid(86_400) + 2_440_588;
            Int96::from(vec![nanos as u32, (nanos >> 32) as u32, day as u32])
        })
        .collect();
    let levels = vec![1; values.len()];
    column
        .typed::<Int96Type>()
        .write_batch(&values, Some(&levels), None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn timestamps_of_old_writers_show_the_same_clock() {
    let dir = tempfile::tempdir().unwrap();
    let read = |version: &str, zone: Option<&str>, session: &str| -> Vec<i64> {
        let path = dir
            .path()
            .join(format!("{version}{}{}.parquet", zone.is_some(), session.len()));
        write_legacy(&path, version, zone, &[-8_507_285_877, 1_590_994_800]);
        let paths = [path.to_string_lossy().into_owned()];
        let (source, _) = open_files(rsql_catalog::FileFormat::Parquet, &paths, None, &[], session).unwrap();
        let plan = PhysicalPlan::Scan(Scan {
            schema: Schema::new([Field {
                id: ColumnId(0),
                name: "ts".into(),
                ty: SqlType::Timestamp,
                nullable: true,
            }]),
            columns: vec![0],
            projection: vec![0],
            source: Arc::new(source),
            filters: vec![],
            consumes: vec![],
            limit: None,
            best_first: None,
            estimate: 0.0,
        });
        let chunks = crate::collect(&plan, cx("1", "4096")).unwrap();
        let array = chunks[0].dense_column(0).unwrap().to_array().unwrap();
        let micros = array.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
        micros.values().iter().map(|m| m / 1_000_000).collect()
    };
    assert_eq!(read("3.1.0", None, "Europe/Moscow"), [-8_507_285_877, 1_590_994_800]);
    // Moscow's clocks stood half an hour nearer to Greenwich.
    assert_eq!(read("3.0.1", None, "Europe/Moscow"), [-8_507_284_094, 1_590_994_800]);
    assert_eq!(
        read("2.4.8", Some("America/Los_Angeles"), "Europe/Moscow"),
        [-8_507_286_299, 1_590_994_800]
    );
}

#[test]
fn damaged_pages_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    write(
        &path,
        &batch(true),
        WriterProperties::builder().set_compression(Compression::SNAPPY).build(),
    );
    let good = std::fs::read(&path).unwrap();
    let columns = |source: &ScanSource| source.columns.len();
    // Damage that the footer does not show: bytes of pages are overwritten here and there.
    for step in [97usize, 1_009, 5_003] {
        let mut bad = good.clone();
        let end = bad.len() - 8_000;
        for i in (4..end).step_by(step) {
            bad[i] ^= 0x5a;
        }
        let path = dir.path().join(format!("{step}.parquet"));
        std::fs::write(&path, bad).unwrap();
        let source = source(&path);
        let file = open(&source);
        let mut scratch = Scratch::default();
        for c in 0..columns(&source) {
            let FileColumn::Stored(column) = &file.columns[c] else {
                unreachable!()
            };
            if let Some(kind) = kind_of(&file, 0, column) {
                let chunk = ColumnChunk {
                    file: &file,
                    row_group: 0,
                    column,
                    leaf: column.leaf.unwrap(),
                    kind,
                    state: &ChunkState::default(),
                    prefer_codes: true,
                };
                // Either an error or values; never a panic.
                _ = chunk
                    .load(0, ROWS, None, &mut scratch)
                    .map(|v: Vector| v.to_array().unwrap());
            }
        }
    }
}

#[test]
fn the_types_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    write(&path, &batch(false), WriterProperties::default());
    let types: Vec<DataType> = source(&path).columns.iter().map(|c| c.ty.arrow()).collect();
    assert_eq!(types[12], DataType::Decimal64(15, 2));
    assert_eq!(
        types[14],
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    );
}
