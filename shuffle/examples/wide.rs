//! Measures wide shuffles: so many map outputs of so many partitions, all of them read, with the same rows whatever the width.
//!
//! `cargo run --release -p rsql-shuffle --example wide -- [rows] [MAPSxPARTITIONS ...]` prints CPU seconds of the whole process
//! (both ends of the connections are in them) for each step: writing, telling the readers (figures of one partition of each
//! output, to bytes and back), reading from files, fetching. One thread writes and reads.

use std::error::Error;
use std::io::Write as _;
use std::sync::Arc;

use arrow::array::{ArrayRef, Int64Array, StringViewArray};
use rsql_common::{ColumnId, ExecutorId, MemoryPool, OutputId, QueryId, Settings, StageId};
use rsql_exec::TaskContext;
use rsql_exec::pipeline::{Sink, SourceStatus};
use rsql_exec::stage_input::StageInputs;
use rsql_expr::{Chunk, Expr, Field, FunctionRegistry, Schema, Slot, SqlType, Vector};
use rsql_planner::physical::Partitioning;
use rsql_shuffle::service::serve;
use rsql_shuffle::{
    FetchClient, FetchOptions, MapOutput, OutputLocation, PartialOutput, ShuffleInputs, ShuffleSink, ShuffleStore,
    Slice, StageRead, WriteOptions, WriteSpec,
};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

type Outcome<T> = Result<T, Box<dyn Error>>;

const TYPES: [SqlType; 3] = [SqlType::Long, SqlType::Long, SqlType::String];
const CHUNK: usize = 4096;

fn schema() -> Schema {
    Schema::new(TYPES.iter().enumerate().map(|(i, ty)| Field {
        id: ColumnId(i as u32),
        name: format!("c{i}").into(),
        ty: ty.clone(),
        nullable: true,
    }))
}

/// Rows from `first` on, whose keys are spread over all partitions.
fn chunk(first: usize, rows: usize) -> Chunk {
    let each = first as i64..(first + rows) as i64;
    let keys: ArrayRef = Arc::new(Int64Array::from_iter_values(each.clone()));
    let amounts: ArrayRef = Arc::new(Int64Array::from_iter_values(each.clone().map(|n| n * 7919 % 10_007)));
    let names: ArrayRef = Arc::new(StringViewArray::from_iter_values(
        each.map(|n| format!("name {}", n % 1000)),
    ));
    let columns = [keys, amounts, names].map(Vector::Flat);
    Chunk::new(columns.to_vec(), rows).with_sequence((first / CHUNK) as u64)
}

/// So many rows from `first` on.
fn chunks(first: usize, rows: usize) -> Vec<Chunk> {
    (0..rows)
        .step_by(CHUNK)
        .map(|done| chunk(first + done, CHUNK.min(rows - done)))
        .collect()
}

/// CPU seconds of the process so far, of all threads: in user mode and in the kernel.
fn cpu() -> Outcome<[f64; 2]> {
    let stat = std::fs::read_to_string("/proc/self/stat")?;
    let after = stat.rsplit_once(')').ok_or("stat")?.1;
    let mut ticks = after.split_whitespace().skip(11);
    let mut next = || -> Outcome<f64> { Ok(ticks.next().ok_or("stat")?.parse::<f64>()? / 100.0) };
    Ok([next()?, next()?])
}

/// Prints what a step took.
fn timed<T>(what: &str, step: impl FnOnce() -> Outcome<T>) -> Outcome<T> {
    let [user, kernel] = cpu()?;
    let result = step()?;
    let [user, kernel] = {
        let now = cpu()?;
        [now[0] - user, now[1] - kernel]
    };
    writeln!(
        std::io::stdout(),
        "  {what:<14} {:>7.2} s  ({user:.2} user, {kernel:.2} kernel)",
        user + kernel
    )?;
    Ok(result)
}

fn write(
    store: &Arc<ShuffleStore>,
    map: u32,
    input: &[Chunk],
    partitions: usize,
    cx: &Arc<TaskContext>,
) -> Outcome<MapOutput> {
    let spec = WriteSpec {
        output: OutputId {
            query: QueryId(1),
            stage: StageId(0),
            map,
            attempt: 0,
        },
        schema: schema(),
        partitioning: Partitioning::Hash {
            keys: vec![Expr::Slot(Slot {
                index: 0,
                ty: SqlType::Long,
            })],
            partitions,
            function: Default::default(),
        },
        bounds: None,
        sample: None,
        sample_only: false,
        options: WriteOptions::default(),
    };
    let sink = ShuffleSink::new(Arc::clone(store), spec, cx)?;
    let mut local = sink.open(cx)?;
    for chunk in input {
        local.sink(chunk.clone())?;
    }
    local.combine()?;
    sink.finalize(cx)?;
    Ok(sink.output()?)
}

/// What the reader of a partition is told, after it travelled.
fn tell(outputs: &[MapOutput], partition: u32) -> Outcome<Vec<PartialOutput>> {
    let parts: Vec<PartialOutput> = outputs.iter().map(|o| o.part(&[partition])).collect::<Result<_, _>>()?;
    Ok(postcard::from_bytes(&postcard::to_allocvec(&parts)?)?)
}

fn read(stage: StageRead, store: &ShuffleStore, client: &Arc<FetchClient>, cx: &Arc<TaskContext>) -> Outcome<u64> {
    let inputs = ShuffleInputs::new()
        .with(StageId(0), stage)
        .with_client(Arc::clone(client))
        .with_opened(Arc::clone(store.opened()));
    let source = inputs.source(StageId(0), &schema(), cx)?;
    let mut local = source.open(cx)?;
    let mut rows = 0;
    loop {
        match local.next()? {
            SourceStatus::Chunk(c) => rows += c.rows() as u64,
            SourceStatus::MorselDone => {}
            SourceStatus::Blocked => std::thread::sleep(std::time::Duration::from_micros(100)),
            SourceStatus::Finished => return Ok(rows),
        }
    }
}

fn main() -> Outcome<()> {
    let mut args = std::env::args().skip(1);
    let rows: usize = args.next().map_or(Ok(4_000_000), |a| a.parse())?;
    let mut widths: Vec<(u32, u32)> = Vec::new();
    for width in args {
        let (maps, partitions) = width.split_once('x').ok_or("a width is such as 400x400")?;
        widths.push((maps.parse()?, partitions.parse()?));
    }
    if widths.is_empty() {
        widths.extend([(20, 20), (100, 100), (400, 400)]);
    }
    let mut cx = TaskContext::new(
        &Settings::default(),
        Arc::new(FunctionRegistry::default()),
        MemoryPool::new(4 << 30),
    )?;
    cx.threads = 1;
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
    for (maps, partitions) in widths {
        writeln!(std::io::stdout(), "{maps} maps x {partitions} partitions")?;
        let share = rows.div_ceil(maps as usize);
        let shares: Vec<Vec<Chunk>> = (0..rows)
            .step_by(share)
            .map(|first| chunks(first, share.min(rows - first)))
            .collect();
        let outputs = timed("write", || {
            (0..maps)
                .map(|map| {
                    write(
                        &store,
                        map,
                        shares.get(map as usize).map_or(&[], Vec::as_slice),
                        partitions as usize,
                        &cx,
                    )
                })
                .collect::<Outcome<Vec<_>>>()
        })?;
        let told = timed("tell", || {
            (0..partitions).map(|p| tell(&outputs, p)).collect::<Outcome<Vec<_>>>()
        })?;
        for local in [true, false] {
            let read_rows = timed(if local { "read" } else { "fetch" }, || {
                let mut rows = 0;
                for (partition, parts) in (0..partitions).zip(&told) {
                    let located: Vec<_> = parts
                        .iter()
                        .map(|part| {
                            let location = OutputLocation {
                                output: part.id,
                                executor: ExecutorId(0),
                                endpoint: endpoint.clone(),
                                local_dir: local.then(|| store.dir().to_path_buf()),
                            };
                            (part.clone(), location)
                        })
                        .collect();
                    let stage = StageRead::new(
                        &located,
                        &[Slice {
                            partition,
                            maps: 0..maps,
                        }],
                    )?;
                    rows += read(stage, &store, &client, &cx)?;
                }
                Ok(rows)
            })?;
            if read_rows != rows as u64 {
                return Err("rows were lost".into());
            }
        }
        let bytes: u64 = outputs.iter().map(MapOutput::bytes).sum();
        writeln!(std::io::stdout(), "  {:<14} {:>7.1} MB", "size", bytes as f64 / 1e6)?;
        timed("delete", || Ok(store.delete_query(QueryId(1))?))?;
    }
    Ok(())
}
