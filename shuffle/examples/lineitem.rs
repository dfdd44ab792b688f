//! Measures the shuffle of lineitem by `l_partkey`: write, fetch over loopback (or read from the file), decode.
//!
//! `cargo run --release -p rsql-shuffle --example lineitem -- [scale factor] [partitions] [threads] [codec]` prints megabytes
//! of Arrow data a second of wall time and a second of CPU time of the whole process (both ends of the connections are in it),
//! all 16 columns. Without a codec (`lz4`, `none`, `zstd`) all three are measured. Rows lie in memory as chunks of plain arrays before; above scale factor 1 they are made and shuffled in parts of
//! that size, and making them is not measured.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;
use std::time::Instant;

use arrow::array::{Array, AsArray, RecordBatch};
use arrow::compute::cast;
use arrow::datatypes::DataType;
use rsql_common::{ColumnId, ExecutorId, MemoryPool, OutputId, QueryId, Settings, StageId};
use rsql_exec::TaskContext;
use rsql_exec::pipeline::{Sink, Source, SourceStatus};
use rsql_exec::stage_input::StageInputs;
use rsql_expr::{Chunk, Expr, Field, FunctionRegistry, Schema, Slot, SqlType, Vector};
use rsql_planner::physical::Partitioning;
use rsql_shuffle::service::serve;
use rsql_shuffle::{
    Compression, FetchClient, FetchOptions, MapOutput, OutputLocation, ShuffleInputs, ShuffleSink, ShuffleStore, Slice,
    StageRead, WriteOptions, WriteSpec,
};
use tpchgen::generators::LineItemGenerator;
use tpchgen_arrow::LineItemArrow;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

struct Input {
    schema: Schema,
    chunks: Vec<Chunk>,
    bytes: usize,
}

fn lineitem(scale: f64, part: i32, parts: i32) -> Outcome<Input> {
    let mut chunks = Vec::new();
    let mut bytes = 0;
    let mut schema = Schema::default();
    for (i, batch) in LineItemArrow::new(LineItemGenerator::new(scale, part, parts))
        .with_batch_size(4096)
        .enumerate()
    {
        let columns = batch.columns().iter().map(|c| {
            let ty = SqlType::from_arrow(c.data_type()).ok_or("a type")?;
            Ok(cast(c, &ty.arrow())?)
        });
        let columns = columns.collect::<Outcome<Vec<_>>>()?;
        if i == 0 {
            schema = schema_of(&batch, &columns)?;
        }
        bytes += columns.iter().map(|c| arrow_bytes(c.as_ref())).sum::<usize>();
        let columns = columns.into_iter().map(Vector::Flat).collect();
        chunks.push(Chunk::new(columns, batch.num_rows()).with_sequence(i as u64));
    }
    Ok(Input { schema, chunks, bytes })
}

fn schema_of(batch: &RecordBatch, columns: &[Arc<dyn Array>]) -> Outcome<Schema> {
    let names = batch.schema();
    let fields = columns.iter().enumerate().map(|(i, c)| {
        Ok(Field {
            id: ColumnId(i as u32),
            name: names.field(i).name().as_str().into(),
            ty: SqlType::from_arrow(c.data_type()).ok_or("a type")?,
            nullable: true,
        })
    });
    Ok(Schema::new(fields.collect::<Outcome<Vec<_>>>()?))
}

/// Bytes of a column's values: a view has 16, and its bytes where they do not fit into it.
fn arrow_bytes(array: &dyn Array) -> usize {
    match array.data_type() {
        DataType::Utf8View => {
            let lengths = array.as_string_view().lengths();
            lengths.map(|n| 16 + if n > 12 { n as usize } else { 0 }).sum()
        }
        ty => ty.primitive_width().unwrap_or(1) * array.len(),
    }
}

/// CPU seconds of the process so far, of all threads.
fn cpu() -> Outcome<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit_once(')').ok_or("stat")?.1;
    let ticks: f64 = after
        .split_whitespace()
        .skip(11)
        .take(2)
        .filter_map(|n| n.parse::<f64>().ok())
        .sum();
    Ok(ticks / 100.0)
}

struct Clock(Instant, f64);

impl Clock {
    fn start() -> Outcome<Self> {
        Ok(Self(Instant::now(), cpu()?))
    }

    fn stop(&self, bytes: usize) -> Outcome<Spent> {
        Ok(Spent {
            wall: self.0.elapsed().as_secs_f64(),
            cpu: cpu()? - self.1,
            bytes: bytes as f64,
        })
    }
}

#[derive(Clone, Copy, Default)]
struct Spent {
    wall: f64,
    cpu: f64,
    bytes: f64,
}

/// What each step took, over all parts.
#[derive(Default)]
struct Report(Vec<(String, Spent)>);

impl Report {
    fn add(&mut self, what: String, spent: Spent) {
        let known = self.0.iter().position(|(w, _)| *w == what);
        let at = known.unwrap_or_else(|| {
            self.0.push((what, Spent::default()));
            self.0.len() - 1
        });
        let all = &mut self.0[at].1;
        all.wall += spent.wall;
        all.cpu += spent.cpu;
        all.bytes += spent.bytes;
    }

    fn print(&self) -> Outcome<()> {
        for (what, Spent { wall, cpu, bytes }) in &self.0 {
            let mb = bytes / 1e6;
            let line = match *wall > 0.0 {
                true => format!(
                    "{what:<24} {wall:>7.2} s  {:>7.0} MB/s wall  {:>7.0} MB/s a core",
                    mb / wall,
                    mb / cpu
                ),
                false => format!("{what:<24} {mb:>7.0} MB"),
            };
            writeln!(std::io::stdout(), "{line}")?;
        }
        Ok(())
    }
}

fn write(
    input: &Input,
    store: &Arc<ShuffleStore>,
    attempt: u32,
    partitions: usize,
    compression: Compression,
    cx: &Arc<TaskContext>,
) -> Outcome<MapOutput> {
    let spec = WriteSpec {
        output: OutputId {
            query: QueryId(1),
            stage: StageId(0),
            map: 0,
            attempt,
        },
        schema: input.schema.clone(),
        partitioning: Partitioning::Hash {
            keys: vec![Expr::Slot(Slot {
                index: 1,
                ty: SqlType::Long,
            })],
            partitions,
            function: Default::default(),
        },
        bounds: None,
        sample: None,
        sample_only: false,
        options: WriteOptions {
            compression,
            ..Default::default()
        },
    };
    let sink = ShuffleSink::new(Arc::clone(store), spec, cx)?;
    std::thread::scope(|s| {
        let workers: Vec<_> = (0..cx.threads)
            .map(|w| {
                let sink = &sink;
                s.spawn(move || -> rsql_common::Result<()> {
                    let mut local = sink.open(cx)?;
                    for chunk in input.chunks.iter().skip(w).step_by(cx.threads) {
                        local.sink(chunk.clone())?;
                    }
                    local.combine()
                })
            })
            .collect();
        workers.into_iter().try_for_each(|w| {
            w.join()
                .map_err(|_| "a worker panicked")?
                .map_err(Box::<dyn Error>::from)
        })
    })?;
    sink.finalize(cx)?;
    Ok(sink.output()?)
}

fn read(source: &Arc<dyn Source>, cx: &Arc<TaskContext>) -> Outcome<usize> {
    let rows = std::thread::scope(|s| {
        let workers: Vec<_> = (0..cx.threads)
            .map(|_| {
                s.spawn(|| -> rsql_common::Result<usize> {
                    let mut local = source.open(cx)?;
                    let mut rows = 0;
                    loop {
                        match local.next()? {
                            SourceStatus::Chunk(c) => rows += c.rows(),
                            SourceStatus::MorselDone => {}
                            SourceStatus::Blocked => std::thread::sleep(std::time::Duration::from_micros(100)),
                            SourceStatus::Finished => return Ok(rows),
                        }
                    }
                })
            })
            .collect();
        workers
            .into_iter()
            .map(|w| {
                w.join()
                    .map_err(|_| "a worker panicked")?
                    .map_err(Box::<dyn Error>::from)
            })
            .sum::<Outcome<usize>>()
    })?;
    Ok(rows)
}

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let codecs = match std::env::args().nth(4).as_deref() {
        None => vec![Compression::Lz4, Compression::None, Compression::Zstd],
        Some("lz4") => vec![Compression::Lz4],
        Some("none") => vec![Compression::None],
        Some("zstd") => vec![Compression::Zstd],
        Some(other) => return Err(format!("{other} is none of lz4, none, zstd").into()),
    };
    let mut number = |or: f64| args.next().map_or(Ok(or), |a| a.parse::<f64>());
    let (scale, partitions, threads) = (number(0.2)?, number(32.0)? as usize, number(1.0)? as usize);
    let mut cx = TaskContext::new(
        &Settings::default(),
        Arc::new(FunctionRegistry::default()),
        MemoryPool::new(4 << 30),
    )?;
    cx.threads = threads;
    let cx = Arc::new(cx);
    let root = tempfile::tempdir()?;
    let store = ShuffleStore::open(root.path())?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0"))?;
    let endpoint = listener.local_addr()?.to_string();
    let _server = runtime.spawn(serve(listener, None, Arc::clone(&store), std::future::pending()));
    let client = Arc::new(FetchClient::new(
        runtime.handle().clone(),
        None,
        FetchOptions::default(),
    ));
    let parts = scale.ceil().max(1.0) as i32;
    let mut report = Report::default();
    for part in 1..=parts {
        let input = lineitem(scale, part, parts)?;
        let size = |bytes: usize| Spent {
            bytes: bytes as f64,
            ..Spent::default()
        };
        report.add("Arrow data".into(), size(input.bytes));
        for (round, &compression) in codecs.iter().enumerate() {
            let all = Clock::start()?;
            let attempt = part as u32 * 10 + round as u32;
            let output = write(&input, &store, attempt, partitions, compression, &cx)?;
            report.add(format!("{compression:?} size"), size(output.bytes() as usize));
            report.add(format!("{compression:?} write"), all.stop(input.bytes)?);
            for local in [false, true] {
                let begin = Clock::start()?;
                let mut rows = 0;
                for partition in 0..partitions as u32 {
                    let location = OutputLocation {
                        output: output.id,
                        executor: ExecutorId(0),
                        endpoint: endpoint.clone(),
                        local_dir: local.then(|| store.dir().to_path_buf()),
                    };
                    let stage = StageRead::new(&[(output.clone(), location)], &[Slice { partition, maps: 0..1 }])?;
                    let inputs = ShuffleInputs::new()
                        .with(StageId(0), stage)
                        .with_client(Arc::clone(&client));
                    rows += read(&inputs.source(StageId(0), &input.schema, &cx)?, &cx)?;
                }
                if rows as u64 != output.rows() {
                    return Err("rows were lost".into());
                }
                let how = if local { "read" } else { "fetch" };
                report.add(format!("{compression:?} {how}"), begin.stop(input.bytes)?);
                if !local {
                    report.add(format!("{compression:?} write and fetch"), all.stop(input.bytes)?);
                }
            }
            store.delete_output(output.id)?;
        }
    }
    report.print()
}
