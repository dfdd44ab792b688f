//! Fetching over loopback: everything arrives, credits hold, and servers that die or lie are found out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rsql_common::{ErrorKind, FetchReason, MemoryPool, Result, StageId};
use rsql_exec::TaskContext;
use rsql_exec::stage_input::StageInputs;
use rsql_expr::{Chunk, SqlType};
use rsql_planner::physical::Partitioning;
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;

use super::*;
use crate::testing::*;
use crate::{MapOutput, OutputLocation, ShuffleInputs, ShuffleStore, StageRead};

struct Server {
    endpoint: String,
    stop: oneshot::Sender<()>,
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .unwrap()
}

fn start(runtime: &Runtime, store: &Arc<ShuffleStore>) -> Server {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let endpoint = listener.local_addr().unwrap().to_string();
    let (stop, stopped) = oneshot::channel::<()>();
    let store = Arc::clone(store);
    runtime.spawn(async move {
        let stop = async {
            stopped.await.ok();
        };
        serve(listener, None, store, stop).await.unwrap();
    });
    Server { endpoint, stop }
}

fn quick() -> FetchOptions {
    FetchOptions {
        attempts: 3,
        backoff: Duration::from_millis(20),
        connect: Duration::from_millis(300),
        idle: Duration::from_millis(300),
        ..Default::default()
    }
}

struct Case {
    store: Arc<ShuffleStore>,
    outputs: Vec<MapOutput>,
    types: Vec<SqlType>,
    rows: Vec<String>,
    cx: Arc<TaskContext>,
    _root: tempfile::TempDir,
}

fn case(maps: u32, rows_of_chunk: usize) -> Case {
    let types = vec![SqlType::Long, SqlType::String, SqlType::array_of(SqlType::String, true)];
    let cx = Arc::new(context());
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let mut all = Vec::new();
    let outputs = (0..maps)
        .map(|map| {
            let partitioning = Partitioning::Hash {
                keys: vec![slot(0, &SqlType::Long)],
                partitions: 3,
                function: Default::default(),
            };
            let mut spec = spec(&types, id(map, 0), partitioning);
            spec.options.block_bytes = 5000;
            spec.options.compression = crate::Compression::None;
            let input = chunks(&types, 4, rows_of_chunk, u64::from(map));
            all.extend(rows(&types, &input));
            write(&store, spec, &input, 1, &cx).unwrap()
        })
        .collect();
    Case {
        store,
        outputs,
        types,
        rows: sorted(all),
        cx,
        _root: root,
    }
}

impl Case {
    fn inputs(&self, runtime: &Runtime, endpoint: &str, options: FetchOptions) -> ShuffleInputs {
        let located: Vec<(MapOutput, OutputLocation)> = located(&self.store, self.outputs.clone())
            .into_iter()
            .map(|(o, mut l)| {
                l.local_dir = None;
                l.endpoint = endpoint.to_string();
                (o, l)
            })
            .collect();
        let client = Arc::new(FetchClient::new(runtime.handle().clone(), None, options));
        ShuffleInputs::new()
            .with(StageId(0), StageRead::everything(&located).unwrap())
            .with_client(client)
    }

    fn fetch(&self, runtime: &Runtime, endpoint: &str, options: FetchOptions) -> Result<Vec<Chunk>> {
        read(&self.inputs(runtime, endpoint, options), &self.types, &self.cx)
    }

    fn failure(&self, runtime: &Runtime, endpoint: &str) -> FetchReason {
        let error = self.fetch(runtime, endpoint, quick()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FetchFailed, "{error}");
        error.fetch_failure().unwrap().reason
    }
}

/// True once the pool is empty: a fetching task may hold its queue for a moment after the last block was taken.
fn all_is_given_back(cx: &TaskContext) -> bool {
    (0..1000).any(|_| {
        std::thread::sleep(Duration::from_millis(1));
        cx.memory.used() == 0
    })
}

#[test]
fn everything_arrives_whatever_the_credit() {
    let runtime = runtime();
    let case = case(3, 60);
    let server = start(&runtime, &case.store);
    for (credit, in_flight) in [(8 << 20, 48 << 20), (3000, 6000), (777, 1000), (501, 501)] {
        let options = FetchOptions {
            credit,
            in_flight,
            ..Default::default()
        };
        let got = case.fetch(&runtime, &server.endpoint, options).unwrap();
        assert_eq!(sorted(rows(&case.types, &got)), case.rows, "credit {credit}");
    }
    assert!(all_is_given_back(&case.cx));
}

#[test]
fn small_inputs_come_in_the_order_of_their_maps() {
    let runtime = runtime();
    let case = case(6, 60);
    let servers = [start(&runtime, &case.store), start(&runtime, &case.store)];
    let client = Arc::new(FetchClient::new(
        runtime.handle().clone(),
        None,
        FetchOptions::default(),
    ));
    // From two peers, and some from files.
    for near in [0, 6, 2] {
        let mut located = located(&case.store, case.outputs.clone());
        for (map, (_, location)) in located
            .iter_mut()
            .enumerate()
            .filter(|(map, _)| near == 0 || map % near != 0)
        {
            location.local_dir = None;
            location.endpoint = servers[map / 3].endpoint.clone();
        }
        for _ in 0..10 {
            let inputs = ShuffleInputs::new()
                .with(StageId(0), StageRead::everything(&located).unwrap())
                .with_client(Arc::clone(&client));
            let source = inputs.source(StageId(0), &schema(&case.types), &case.cx).unwrap();
            let got = drain(source.as_ref(), &case.cx).unwrap();
            assert!(got.is_sorted_by_key(|c| c.sequence));
            assert_eq!(sorted(rows(&case.types, &got)), case.rows);
        }
    }
}

#[test]
fn a_response_holds_what_was_asked_for_and_no_more() {
    let runtime = runtime();
    let case = case(2, 500);
    let server = start(&runtime, &case.store);
    let client = FetchClient::new(runtime.handle().clone(), None, quick());
    let item = |map: usize, offset| FetchItem {
        output: case.outputs[map].id,
        tag: case.outputs[map].tag,
        partition: 1,
        offset,
    };
    let size = case.outputs[0].partitions[1].bytes;
    for credit in [1, 1000, size, size + 5, u64::MAX] {
        let request = FetchRequest {
            items: vec![item(0, 10), item(1, 0)],
            credit,
        };
        let bytes = runtime.block_on(async {
            let mut stream = client
                .connection(&server.endpoint, 0)
                .unwrap()
                .fetch(request)
                .await
                .unwrap()
                .into_inner();
            let mut bytes = 0;
            while let Some(message) = stream.message().await.unwrap() {
                let bodies = message.chunks.into_iter().map(|chunk| chunk.body.unwrap().len());
                let n: usize = bodies.sum();
                assert!(n <= CHUNK_BYTES);
                bytes += n as u64;
            }
            bytes
        });
        let all = size - 10 + case.outputs[1].partitions[1].bytes;
        assert_eq!(bytes, credit.min(all));
    }
}

#[test]
fn small_partitions_travel_together_and_a_bad_one_leaves_the_others() {
    let runtime = runtime();
    let case = case(3, 20);
    let server = start(&runtime, &case.store);
    let client = FetchClient::new(runtime.handle().clone(), None, quick());
    case.store.delete_output(case.outputs[1].id).unwrap();
    let each = case
        .outputs
        .iter()
        .flat_map(|o| (0..3).map(move |p| (o, p)))
        .collect::<Vec<_>>();
    let items = each.iter().map(|(output, partition)| FetchItem {
        output: output.id,
        tag: output.tag,
        partition: *partition,
        offset: 0,
    });
    let request = FetchRequest {
        items: items.collect(),
        credit: 1 << 20,
    };
    let messages = runtime.block_on(async {
        let mut connection = client.connection(&server.endpoint, 0).unwrap();
        let mut stream = connection.fetch(request).await.unwrap().into_inner();
        let mut messages = Vec::new();
        while let Some(message) = stream.message().await.unwrap() {
            messages.push(message.chunks);
        }
        messages
    });
    // More than one only if the disk was slow.
    assert!(messages.len() < each.len());
    let chunks: Vec<_> = messages.into_iter().flatten().collect();
    assert_eq!(chunks.len(), each.len());
    for (i, (chunk, (output, partition))) in (0..).zip(chunks.into_iter().zip(each)) {
        assert_eq!((chunk.item, chunk.offset), (i, 0));
        match chunk.body {
            Ok(bytes) => assert_eq!(bytes.len() as u64, output.partitions[partition as usize].bytes),
            Err((reason, _)) => assert_eq!((reason, output.id.map), (FetchReason::NotFound, 1)),
        }
    }
}

#[test]
fn a_dead_server_is_unreachable_soon() {
    let runtime = runtime();
    let case = case(1, 100);
    let server = start(&runtime, &case.store);
    case.fetch(&runtime, &server.endpoint, quick()).unwrap();
    server.stop.send(()).unwrap();
    std::thread::sleep(Duration::from_millis(50));
    let begin = Instant::now();
    assert_eq!(case.failure(&runtime, &server.endpoint), FetchReason::Unreachable);
    assert!(begin.elapsed() < Duration::from_secs(5));
}

#[test]
fn a_server_that_never_answers_is_unreachable() {
    let runtime = runtime();
    let case = case(1, 100);
    // Accepts at the kernel's door, but nobody reads.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = silent.local_addr().unwrap().to_string();
    assert_eq!(case.failure(&runtime, &endpoint), FetchReason::Unreachable);
}

#[test]
fn a_server_killed_on_the_way_is_asked_again_and_then_given_up() {
    let runtime = runtime();
    let case = case(3, 2000);
    // The server's own runtime: dropping it cuts the connections.
    let servers = super::tests::runtime();
    let server = start(&servers, &case.store);
    let options = FetchOptions {
        credit: 4000,
        in_flight: 8000,
        ..quick()
    };
    let inputs = case.inputs(&runtime, &server.endpoint, options);
    let source = inputs.source(StageId(0), &schema(&case.types), &case.cx).unwrap();
    let mut local = source.open(&case.cx).unwrap();
    let mut killed = Some(servers);
    let error = loop {
        match local.next() {
            Ok(rsql_exec::pipeline::SourceStatus::Chunk(_)) => {
                if let Some(servers) = killed.take() {
                    servers.shutdown_background();
                }
            }
            Ok(rsql_exec::pipeline::SourceStatus::Finished) => panic!("more came than the budget allows"),
            Ok(_) => std::thread::sleep(Duration::from_millis(1)),
            Err(e) => break e,
        }
    };
    assert_eq!(error.fetch_failure().unwrap().reason, FetchReason::Unreachable);
}

#[test]
fn what_the_server_finds_out_is_told() {
    let runtime = runtime();
    let case = case(1, 200);
    let server = start(&runtime, &case.store);
    let files = case.store.files(case.outputs[0].id);
    let good = std::fs::read(&files.data).unwrap();
    for at in [3, 60, good.len() / 2, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 1;
        std::fs::write(&files.data, bad).unwrap();
        assert_eq!(
            case.failure(&runtime, &server.endpoint),
            FetchReason::Corrupt,
            "byte {at}"
        );
    }
    std::fs::write(&files.data, &good[..good.len() - 3]).unwrap();
    assert_eq!(case.failure(&runtime, &server.endpoint), FetchReason::Corrupt);
    case.store.delete_output(case.outputs[0].id).unwrap();
    assert_eq!(case.failure(&runtime, &server.endpoint), FetchReason::NotFound);
}

#[test]
fn fetching_stays_within_memory_and_gives_it_back() {
    let runtime = runtime();
    let mut case = case(2, 300);
    let mut cx = context();
    cx.memory = MemoryPool::new(1000);
    case.cx = Arc::new(cx);
    let server = start(&runtime, &case.store);
    let error = case.fetch(&runtime, &server.endpoint, quick()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::ResourceExhausted);
    let options = FetchOptions {
        credit: 400,
        in_flight: 1 << 20,
        ..quick()
    };
    let got = case.fetch(&runtime, &server.endpoint, options).unwrap();
    assert_eq!(got.iter().map(Chunk::rows).sum::<usize>(), case.rows.len());
    assert!(all_is_given_back(&case.cx));
}

/// The branches of a UNION ALL are read one after another: a task whose memory holds one at a time can read them all.
#[test]
fn inputs_read_one_after_another_need_memory_one_after_another() {
    let runtime = runtime();
    let mut case = case(2, 300);
    let bytes: u64 = case.outputs.iter().map(MapOutput::bytes).sum();
    let mut cx = context();
    cx.memory = MemoryPool::new(bytes as usize * 5 / 2);
    case.cx = Arc::new(cx);
    let server = start(&runtime, &case.store);
    let inputs = case.inputs(&runtime, &server.endpoint, quick());
    let source = || inputs.source(StageId(0), &schema(&case.types), &case.cx).unwrap();
    let sources: Vec<_> = (0..6).map(|_| source()).collect();
    for source in &sources {
        let mut local = source.open(&case.cx).unwrap();
        let mut got = 0;
        loop {
            match local.next().unwrap() {
                rsql_exec::pipeline::SourceStatus::Chunk(c) => got += c.rows(),
                rsql_exec::pipeline::SourceStatus::Finished => break,
                _ => std::thread::sleep(Duration::from_millis(1)),
            }
        }
        assert_eq!(got, case.rows.len());
    }
    drop(sources);
    assert!(all_is_given_back(&case.cx));
}

#[test]
fn plaintext_is_for_loopback_only() {
    let runtime = runtime();
    let client = FetchClient::new(runtime.handle().clone(), None, quick());
    for host in ["127.0.0.1:1", "localhost:1", "[::1]:1"] {
        client.connection(host, 0).unwrap();
    }
    for host in ["10.0.0.1:1", "example.org:1", "[2001:db8::1]:1"] {
        assert!(client.connection(host, 0).unwrap_err().to_string().contains("TLS"));
    }
    let case = case(1, 1);
    let listener = runtime.block_on(TcpListener::bind("0.0.0.0:0")).unwrap();
    let refused = runtime.block_on(serve(listener, None, Arc::clone(&case.store), std::future::pending()));
    assert!(refused.unwrap_err().to_string().contains("no TLS"));
}

#[test]
fn pipelines_that_wait_for_remote_rows_are_woken() {
    let runtime = runtime();
    let case = case(3, 1000);
    let server = start(&runtime, &case.store);
    let mut cx = context();
    cx.threads = 2;
    let options = FetchOptions {
        credit: 10_000,
        in_flight: 30_000,
        ..Default::default()
    };
    cx.site = Some(rsql_exec::stage_input::TaskSite {
        index: 0,
        tasks: 1,
        inputs: Arc::new(case.inputs(&runtime, &server.endpoint, options)),
    });
    let plan = rsql_planner::physical::PhysicalPlan::StageInput(rsql_planner::physical::StageInput {
        stage: StageId(0),
        schema: schema(&case.types),
        estimate: 0.0,
    });
    let got = rsql_exec::collect(&plan, Arc::new(cx)).unwrap();
    assert_eq!(sorted(rows(&case.types, &got)), case.rows);
    // In the order of maps and blocks, as a reader of the files alone sees them.
    let local = located(&case.store, case.outputs.clone());
    let files = ShuffleInputs::new().with(StageId(0), StageRead::everything(&local).unwrap());
    let ordered = read(&files, &case.types, &case.cx).unwrap();
    assert_eq!(rows(&case.types, &got), rows(&case.types, &ordered));
}
