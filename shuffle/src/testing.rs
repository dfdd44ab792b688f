//! What tests share: rows of every type in every vector form, and outputs written and read without a plan.

use std::sync::Arc;

use arrow::array::*;
use arrow::buffer::{NullBuffer, OffsetBuffer};
use arrow::datatypes::{DataType, IntervalMonthDayNano};
use arrow::util::display::{ArrayFormatter, FormatOptions};
use rand::rngs::SmallRng;
use rand::{Rng, SeedableRng};
use rsql_common::{ColumnId, ExecutorId, MemoryPool, OutputId, QueryId, Result, Settings, StageId};
use rsql_exec::TaskContext;
use rsql_exec::pipeline::{Sink, Source, SourceStatus};
use rsql_exec::stage_input::StageInputs;
use rsql_expr::vector::{Dict, DictVector};
use rsql_expr::{Chunk, Codes, Expr, Field, FunctionRegistry, Schema, Slot, SqlType, Vector};
use rsql_planner::physical::Partitioning;

use crate::*;

pub(crate) fn context() -> TaskContext {
    TaskContext::new(
        &Settings::default(),
        Arc::new(FunctionRegistry::default()),
        MemoryPool::unbounded(),
    )
    .unwrap()
}

pub(crate) fn id(map: u32, attempt: u32) -> OutputId {
    OutputId {
        query: QueryId(1),
        stage: StageId(0),
        map,
        attempt,
    }
}

pub(crate) fn schema(types: &[SqlType]) -> Schema {
    Schema::new(types.iter().enumerate().map(|(i, ty)| Field {
        id: ColumnId(i as u32),
        name: format!("c{i}").into(),
        ty: ty.clone(),
        nullable: true,
    }))
}

pub(crate) fn slot(index: usize, ty: &SqlType) -> Expr {
    Expr::Slot(Slot { index, ty: ty.clone() })
}

/// Every kind of type.
pub(crate) fn all_types() -> Vec<SqlType> {
    vec![
        SqlType::Boolean,
        SqlType::Byte,
        SqlType::Short,
        SqlType::Int,
        SqlType::Long,
        SqlType::Float,
        SqlType::Double,
        SqlType::Decimal(10, 2),
        SqlType::Decimal(38, 6),
        SqlType::String,
        SqlType::Binary,
        SqlType::Date,
        SqlType::Time(6),
        SqlType::Timestamp,
        SqlType::TimestampNtz,
        SqlType::YEAR_MONTH,
        SqlType::DAY_TIME,
        SqlType::CalendarInterval,
        SqlType::Void,
        SqlType::array_of(SqlType::String, true),
        SqlType::map(SqlType::String, SqlType::Decimal(38, 2), true),
        SqlType::structure([
            ("a", SqlType::Binary, true),
            ("b", SqlType::array_of(SqlType::Double, true), true),
        ]),
    ]
}

fn text(rng: &mut SmallRng) -> String {
    let n = [0, 1, 3, 4, 7, 8, 12, 13, 16, 17, 40][rng.random_range(0..11)];
    (0..n).map(|_| ["a", "b", "ä"][rng.random_range(0..3)]).collect()
}

/// Random values of a type, a fifth of them NULL.
pub(crate) fn values(ty: &SqlType, rows: usize, rng: &mut SmallRng) -> ArrayRef {
    let valid: Vec<bool> = (0..rows).map(|_| rng.random_range(0..5) > 0).collect();
    nullable(ty, &valid, rng)
}

fn nullable(ty: &SqlType, valid: &[bool], rng: &mut SmallRng) -> ArrayRef {
    macro_rules! of {
        ($array:ty, $value:expr) => {{
            let values: Vec<_> = valid.iter().map(|v| v.then(|| $value)).collect();
            Arc::new(values.into_iter().collect::<$array>()) as ArrayRef
        }};
    }
    let arrow = ty.arrow();
    let small = |rng: &mut SmallRng| rng.random_range(-300i64..300);
    match &arrow {
        DataType::Null => Arc::new(NullArray::new(valid.len())),
        DataType::Boolean => of!(BooleanArray, rng.random::<bool>()),
        DataType::Int8 => of!(Int8Array, rng.random::<i8>()),
        DataType::Int16 => of!(Int16Array, rng.random::<i16>()),
        DataType::Int32 => of!(Int32Array, rng.random::<i32>()),
        DataType::Int64 => of!(Int64Array, small(rng)),
        DataType::Float32 => of!(Float32Array, [f32::NAN, -0.0, 0.0, 1.5][rng.random_range(0..4)]),
        DataType::Float64 => of!(Float64Array, [f64::NAN, -0.0, 0.0, -2.5e300][rng.random_range(0..4)]),
        DataType::Decimal64(p, s) => {
            let values: Vec<Option<i64>> = valid.iter().map(|v| v.then(|| small(rng))).collect();
            Arc::new(Decimal64Array::from(values).with_precision_and_scale(*p, *s).unwrap())
        }
        DataType::Decimal128(p, s) => {
            let wide = |rng: &mut SmallRng| i128::from(small(rng)) << rng.random_range(0..90);
            let values: Vec<Option<i128>> = valid.iter().map(|v| v.then(|| wide(rng))).collect();
            Arc::new(Decimal128Array::from(values).with_precision_and_scale(*p, *s).unwrap())
        }
        DataType::Utf8View => of!(StringViewArray, text(rng)),
        DataType::BinaryView => of!(BinaryViewArray, text(rng).into_bytes()),
        DataType::Date32 => of!(Date32Array, rng.random_range(-9000..9000)),
        DataType::Time64(_) => of!(Time64NanosecondArray, small(rng).abs()),
        DataType::Timestamp(_, zone) => {
            let values: Vec<Option<i64>> = valid.iter().map(|v| v.then(|| small(rng))).collect();
            Arc::new(TimestampMicrosecondArray::from(values).with_timezone_opt(zone.clone()))
        }
        DataType::Interval(arrow::datatypes::IntervalUnit::YearMonth) => {
            of!(IntervalYearMonthArray, rng.random_range(-50..50))
        }
        DataType::Interval(_) => {
            of!(
                IntervalMonthDayNanoArray,
                IntervalMonthDayNano::new(rng.random_range(0..3), 4, small(rng))
            )
        }
        DataType::Duration(_) => of!(DurationMicrosecondArray, small(rng)),
        DataType::List(field) => {
            let lengths: Vec<usize> = valid.iter().map(|_| rng.random_range(0..4)).collect();
            let SqlType::Array(a) = ty else { unreachable!() };
            let items = values(&a.element, lengths.iter().sum(), rng);
            let offsets = OffsetBuffer::from_lengths(lengths);
            let nulls = NullBuffer::from(valid.to_vec());
            Arc::new(ListArray::new(Arc::clone(field), offsets, items, Some(nulls)))
        }
        DataType::Map(field, sorted) => {
            let lengths: Vec<usize> = valid.iter().map(|_| rng.random_range(0..3)).collect();
            let SqlType::Map(m) = ty else { unreachable!() };
            let n = lengths.iter().sum();
            let keys = nullable(&m.key, &vec![true; n], rng);
            let items = values(&m.value, n, rng);
            let DataType::Struct(kv) = field.data_type() else {
                unreachable!()
            };
            let entries = StructArray::new(kv.clone(), vec![keys, items], None);
            let offsets = OffsetBuffer::from_lengths(lengths);
            let nulls = NullBuffer::from(valid.to_vec());
            Arc::new(MapArray::new(Arc::clone(field), offsets, entries, Some(nulls), *sorted))
        }
        DataType::Struct(fields) => {
            let SqlType::Struct(inner) = ty else { unreachable!() };
            let columns = inner.iter().map(|f| values(&f.ty, valid.len(), rng)).collect();
            Arc::new(StructArray::new(
                fields.clone(),
                columns,
                Some(NullBuffer::from(valid.to_vec())),
            ))
        }
        other => unreachable!("{other}"),
    }
}

/// The same values behind codes; some rows may share an entry.
pub(crate) fn as_dictionary(array: &ArrayRef) -> Vector {
    let nulls = array.logical_nulls();
    let valid: Vec<u32> = (0..array.len() as u32)
        .filter(|r| nulls.as_ref().is_none_or(|n| n.is_valid(*r as usize)))
        .collect();
    let entries = arrow::compute::take(array, &UInt32Array::from(valid.clone()), None).unwrap();
    let mut codes = vec![u32::MAX; array.len()];
    valid
        .iter()
        .zip(0..)
        .for_each(|(row, code)| codes[*row as usize] = code);
    // Codes of NULL rows are arbitrary, but in range if there is a range.
    let last = valid.len().saturating_sub(1) as u32;
    codes.iter_mut().for_each(|c| *c = (*c).min(last));
    let codes = match valid.len() {
        0..=256 => Codes::from(codes.iter().map(|c| *c as u8).collect::<Vec<_>>()),
        257..=65_536 => Codes::from(codes.iter().map(|c| *c as u16).collect::<Vec<_>>()),
        _ => Codes::from(codes),
    };
    Vector::Dictionary(DictVector {
        codes,
        validity: nulls,
        dict: Dict::new(entries, false),
    })
}

/// Random chunks of all types, with and without a selection, of dictionaries, constants and plain arrays.
pub(crate) fn chunks(types: &[SqlType], count: usize, rows: usize, seed: u64) -> Vec<Chunk> {
    let mut rng = SmallRng::seed_from_u64(seed);
    (0..count)
        .map(|i| {
            let columns = types
                .iter()
                .map(|ty| {
                    let array = values(ty, rows, &mut rng);
                    match rng.random_range(0..3) {
                        0 if rows > 0 => Vector::constant(array.slice(0, 1), rows),
                        1 => as_dictionary(&array),
                        _ => Vector::Flat(array),
                    }
                })
                .collect();
            let mut chunk = Chunk::new(columns, rows).with_sequence(i as u64);
            if rng.random::<bool>() {
                chunk.select((0..rows as u32).filter(|_| rng.random::<bool>()).collect());
            }
            chunk
        })
        .collect()
}

/// A partitioning over the first column.
pub(crate) fn spec(types: &[SqlType], output: OutputId, partitioning: Partitioning) -> WriteSpec {
    WriteSpec {
        output,
        schema: schema(types),
        partitioning,
        bounds: None,
        sample: None,
        sample_only: false,
        options: WriteOptions::default(),
    }
}

/// Writes chunks, taking turns over so many workers.
pub(crate) fn write(
    store: &Arc<ShuffleStore>,
    spec: WriteSpec,
    chunks: &[Chunk],
    workers: usize,
    cx: &Arc<TaskContext>,
) -> Result<MapOutput> {
    let sink = ShuffleSink::new(Arc::clone(store), spec, cx)?;
    let mut locals = (0..workers).map(|_| sink.open(cx)).collect::<Result<Vec<_>>>()?;
    for (i, chunk) in chunks.iter().enumerate() {
        locals[i % workers].sink(chunk.clone())?;
    }
    locals.iter_mut().try_for_each(|l| l.combine())?;
    sink.finalize(cx)?;
    sink.output()
}

/// The outputs, said to lie in the store's folder.
pub(crate) fn located(store: &ShuffleStore, outputs: Vec<MapOutput>) -> Vec<(MapOutput, OutputLocation)> {
    outputs
        .into_iter()
        .map(|o| {
            let location = OutputLocation {
                output: o.id,
                executor: ExecutorId(7),
                endpoint: String::new(),
                local_dir: Some(store.dir().to_path_buf()),
            };
            (o, location)
        })
        .collect()
}

/// All chunks of a stage, by one worker, in the order of their sequence numbers.
pub(crate) fn read(inputs: &ShuffleInputs, types: &[SqlType], cx: &Arc<TaskContext>) -> Result<Vec<Chunk>> {
    let source = inputs.source(StageId(0), &schema(types), cx)?;
    let mut chunks = drain(source.as_ref(), cx)?;
    chunks.sort_by_key(|c| c.sequence);
    Ok(chunks)
}

pub(crate) fn drain(source: &dyn Source, cx: &Arc<TaskContext>) -> Result<Vec<Chunk>> {
    let mut local = source.open(cx)?;
    let mut chunks = Vec::new();
    loop {
        match local.next()? {
            SourceStatus::Chunk(c) => chunks.push(c),
            SourceStatus::MorselDone => {}
            SourceStatus::Blocked => std::thread::sleep(std::time::Duration::from_millis(1)),
            SourceStatus::Finished => return Ok(chunks),
        }
    }
}

/// The rows of chunks as text, in order.
pub(crate) fn rows(types: &[SqlType], chunks: &[Chunk]) -> Vec<String> {
    let schema = schema(types);
    let mut out = Vec::new();
    for chunk in chunks {
        let batch = chunk.to_record_batch(&schema).unwrap();
        let options = FormatOptions::new().with_null("NULL");
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|c| ArrayFormatter::try_new(c.as_ref(), &options).unwrap())
            .collect();
        for row in 0..batch.num_rows() {
            let values: Vec<String> = columns.iter().map(|c| c.value(row).to_string()).collect();
            out.push(values.join("|"));
        }
    }
    out
}

pub(crate) fn sorted(mut rows: Vec<String>) -> Vec<String> {
    rows.sort_unstable();
    rows
}
