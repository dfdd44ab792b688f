//! Rows of every type through every partitioning and back.

use arrow::array::{Array, ArrayRef, Int64Array, StringViewArray};
use arrow::compute::SortOptions;
use rsql_common::{ErrorKind, MemoryPool, StageId};
use rsql_expr::{Chunk, SqlType, Vector};

use super::*;
use crate::testing::*;
use crate::{RangeBounds, ShuffleInputs, StageRead};

fn hash(types: &[SqlType], partitions: usize) -> Partitioning {
    Partitioning::Hash {
        keys: types.iter().enumerate().map(|(i, t)| slot(i, t)).collect(),
        partitions,
        function: Default::default(),
    }
}

/// Writes as an attempt at map 0 and reads all of it back.
fn there_and_back(
    store: &Arc<ShuffleStore>,
    spec: WriteSpec,
    types: &[SqlType],
    input: &[Chunk],
    workers: usize,
    cx: &Arc<TaskContext>,
) -> (MapOutput, Vec<Chunk>) {
    let output = write(store, spec, input, workers, cx).unwrap();
    let stage = StageRead::everything(&located(store, vec![output.clone()])).unwrap();
    let got = read(&ShuffleInputs::new().with(StageId(0), stage), types, cx).unwrap();
    (output, got)
}

#[test]
fn all_types_through_all_partitionings() {
    let types = all_types();
    let cx = Arc::new(context());
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let input = chunks(&types, 4, 80, 3);
    let expected = sorted(rows(&types, &input));
    let partitionings = [
        hash(&types, 7),
        hash(&types[..1], 3),
        Partitioning::RoundRobin { partitions: 5 },
        Partitioning::Single,
        Partitioning::Broadcast,
        Partitioning::AsProduced,
    ];
    let mut attempt = 0;
    for partitioning in partitionings {
        for compression in [Compression::Lz4, Compression::Zstd, Compression::None] {
            let mut spec = spec(&types, id(0, attempt), partitioning.clone());
            attempt += 1;
            spec.options.compression = compression;
            let (output, got) = there_and_back(&store, spec, &types, &input, 2, &cx);
            assert_eq!(output.partitions.len(), partitioning.partitions_written());
            assert_eq!(output.rows(), expected.len() as u64);
            assert_eq!(sorted(rows(&types, &got)), expected, "{partitioning:?} {compression:?}");
        }
    }
}

#[test]
fn ranges_follow_the_sort() {
    let mut settings = context();
    settings.chunk_rows = 50;
    let cx = Arc::new(settings);
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let mut attempt = 0;
    for ty in [
        SqlType::Long,
        SqlType::String,
        SqlType::Double,
        SqlType::Decimal(38, 6),
        SqlType::Boolean,
    ] {
        let types = [ty.clone()];
        let input = chunks(&types, 8, 200, 11);
        for (descending, nulls_first) in [(false, true), (false, false), (true, true), (true, false)] {
            let keys = vec![SortKey {
                expr: slot(0, &ty),
                descending,
                nulls_first,
            }];
            let mut sampled = spec(&types, id(0, attempt), Partitioning::AsProduced);
            sampled.sample = Some(keys.clone());
            let sample = write(&store, sampled, &input, 2, &cx).unwrap().sample.unwrap();
            let all = rows(&types, &input).len();
            assert_eq!((sample.rows(), sample.keys()), (all as u64, all));
            let bounds = RangeBounds::from_samples([&sample], 6);
            let bounds: RangeBounds = postcard::from_bytes(&postcard::to_allocvec(&bounds).unwrap()).unwrap();
            let mut ranged = spec(&types, id(0, attempt + 1), Partitioning::Range { keys, partitions: 6 });
            ranged.bounds = Some(Arc::new(bounds));
            attempt += 2;
            let output = write(&store, ranged, &input, 2, &cx).unwrap();
            if ty == SqlType::Long {
                let sizes: Vec<u64> = output.partitions.iter().map(|p| p.rows).collect();
                // NULLs, a fifth of the rows, are one key.
                assert!(sizes.iter().all(|s| (60..=260).contains(s)), "{sizes:?}");
            }
            let outputs = located(&store, vec![output]);
            let options = Some(SortOptions {
                descending,
                nulls_first,
            });
            let column = |chunks: &[Chunk]| {
                let arrays: Vec<ArrayRef> = chunks
                    .iter()
                    .map(|c| c.dense_column(0).unwrap().to_array().unwrap())
                    .collect();
                let arrays: Vec<&dyn Array> = arrays.iter().map(AsRef::as_ref).collect();
                let all = arrow::compute::concat(&arrays).unwrap();
                // The sort takes both zeros for one, and every NaN too.
                arrow::compute::sort(&canonical(&all), options).unwrap()
            };
            let mut parts: Vec<ArrayRef> = Vec::new();
            for partition in 0..6 {
                let slice = crate::Slice { partition, maps: 0..1 };
                let stage = StageRead::new(&outputs, &[slice]).unwrap();
                let got = read(&ShuffleInputs::new().with(StageId(0), stage), &types, &cx).unwrap();
                if !got.is_empty() {
                    parts.push(column(&got));
                }
            }
            let parts: Vec<&dyn Array> = parts.iter().map(AsRef::as_ref).collect();
            assert_eq!(
                &arrow::compute::concat(&parts).unwrap(),
                &column(&input),
                "{ty} {options:?}"
            );
        }
    }
}

fn canonical(array: &ArrayRef) -> ArrayRef {
    use arrow::array::AsArray;
    match array.as_primitive_opt::<arrow::datatypes::Float64Type>() {
        Some(a) => {
            Arc::new(a.unary::<_, arrow::datatypes::Float64Type>(|v| if v.is_nan() { f64::NAN } else { v + 0.0 }))
        }
        None => Arc::clone(array),
    }
}

#[test]
fn one_partition_keeps_the_order() {
    let types = [SqlType::Long, SqlType::String];
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let input = chunks(&types, 60, 40, 5);
    let expected = rows(&types, &input);
    for (attempt, force_spill) in [false, true].into_iter().enumerate() {
        let mut cx = context();
        cx.force_spill = force_spill;
        let spec = spec(&types, id(0, attempt as u32), Partitioning::AsProduced);
        let (_, got) = there_and_back(&store, spec, &types, &input, 3, &Arc::new(cx));
        assert_eq!(rows(&types, &got), expected, "force_spill {force_spill}");
    }
}

/// Keys that differ beyond what a sample keeps of them stay together, and partitions stay in order.
#[test]
fn long_keys_are_sampled_by_their_prefix() {
    let types = [SqlType::String];
    let cx = Arc::new(context());
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let text = |i: usize| format!("{}{}{i:04}", ["a", "b", "c", "d"][i % 4], "x".repeat(1000));
    let values = StringViewArray::from_iter_values((0..400).map(text));
    let input = [Chunk::new(vec![Vector::Flat(Arc::new(values))], 400)];
    let keys = vec![SortKey {
        expr: slot(0, &types[0]),
        descending: false,
        nulls_first: true,
    }];
    let mut sampled = spec(&types, id(0, 0), Partitioning::AsProduced);
    sampled.sample = Some(keys.clone());
    let sample = write(&store, sampled, &input, 1, &cx).unwrap().sample.unwrap();
    assert_eq!(sample.keys(), 400);
    assert!(postcard::to_allocvec(&sample).unwrap().len() < 400 * 300);
    let mut ranged = spec(&types, id(0, 1), Partitioning::Range { keys, partitions: 4 });
    ranged.bounds = Some(Arc::new(RangeBounds::from_samples([&sample], 4)));
    let outputs = located(&store, vec![write(&store, ranged, &input, 1, &cx).unwrap()]);
    for (partition, letter) in (0..).zip(["a", "b", "c", "d"]) {
        let slices = [crate::Slice { partition, maps: 0..1 }];
        let stage = StageRead::new(&outputs, &slices).unwrap();
        let got = read(&ShuffleInputs::new().with(StageId(0), stage), &types, &cx).unwrap();
        let got = rows(&types, &got);
        assert_eq!(got.len(), 100);
        assert!(got.iter().all(|row| row.contains(&format!("{letter}xxx"))), "{letter}");
    }
}

/// Workers that take turns all the time leave a chain of blocks each of which overlaps with the next.
#[test]
fn a_chain_of_overlapping_blocks_is_merged_in_little_memory() {
    let types = [SqlType::Long];
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let input: Vec<Chunk> = (0..4_000i64)
        .map(|i| {
            let values = Int64Array::from_iter_values((0..50).map(|j| i * 50 + j));
            Chunk::new(vec![Vector::Flat(Arc::new(values))], 50).with_sequence(i as u64)
        })
        .collect();
    let mut cx = context();
    cx.force_spill = true;
    // The rows are 1.6 MB.
    cx.memory = MemoryPool::new(256 << 10);
    let cx = Arc::new(cx);
    let mut spec = spec(&types, id(0, 0), Partitioning::AsProduced);
    spec.options.block_bytes = 4 << 10;
    let output = write(&store, spec, &input, 3, &cx).unwrap();
    assert_eq!(cx.memory.used(), 0);
    let stage = StageRead::everything(&located(&store, vec![output])).unwrap();
    let got = read(
        &ShuffleInputs::new().with(StageId(0), stage),
        &types,
        &Arc::new(context()),
    )
    .unwrap();
    assert_eq!(rows(&types, &got), rows(&types, &input));
}

#[test]
fn spilled_and_kept_blocks_hold_the_same_rows() {
    let types = all_types();
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let input = chunks(&types, 6, 40, 9);
    let plain = write(
        &store,
        spec(&types, id(0, 0), hash(&types, 4)),
        &input,
        2,
        &Arc::new(context()),
    )
    .unwrap();
    let mut forced = context();
    forced.force_spill = true;
    let mut tight = context();
    tight.memory = MemoryPool::new(1000);
    for (attempt, cx) in [(1, forced), (2, tight)] {
        let cx = Arc::new(cx);
        let spec = spec(&types, id(0, attempt), hash(&types, 4));
        let (output, got) = there_and_back(&store, spec, &types, &input, 3, &cx);
        assert_eq!(sorted(rows(&types, &got)), sorted(rows(&types, &input)));
        assert!(
            output.same_rows(&plain),
            "attempts route alike, whatever the number of workers"
        );
        assert_eq!(cx.memory.used(), 0);
    }
    let other = write(
        &store,
        spec(&types, id(0, 3), hash(&types, 4)),
        &input[1..],
        1,
        &Arc::new(context()),
    )
    .unwrap();
    assert!(!other.same_rows(&plain));
}

#[test]
fn long_rows_make_blocks_of_bounded_length() {
    let types = [SqlType::String];
    let cx = Arc::new(context());
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let noise: String = (0..500_000u64).map(|i| char::from(33 + (i * i % 89) as u8)).collect();
    let values = StringViewArray::from_iter_values((0..24).map(|i| format!("{i}{noise}")));
    let input = [Chunk::new(vec![Vector::Flat(Arc::new(values))], 24)];
    let mut spec = spec(&types, id(0, 0), Partitioning::Single);
    spec.options.compression = Compression::None;
    let (output, got) = there_and_back(&store, spec, &types, &input, 1, &cx);
    assert_eq!(rows(&types, &got), rows(&types, &input));
    let longest = output.bytes() / got.iter().map(|c| c.sequence).max().map_or(1, |n| n + 1);
    assert!(longest <= local::BLOCK_CAP as u64, "{longest}");
    assert!(got.len() >= 4);
}

#[test]
fn ten_thousand_small_chunks() {
    let types = [SqlType::Long];
    let cx = Arc::new(context());
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let input: Vec<Chunk> = (0..10_000i64)
        .map(|i| {
            let n = (i * 7919 % 5) as usize;
            let values = Int64Array::from_iter_values((0..n as i64).map(|j| i * 10 + j));
            Chunk::new(vec![Vector::Flat(Arc::new(values))], n).with_sequence(i as u64)
        })
        .collect();
    let (output, got) = there_and_back(&store, spec(&types, id(0, 0), hash(&types, 16)), &types, &input, 4, &cx);
    assert_eq!(output.rows(), 20_000);
    assert_eq!(sorted(rows(&types, &got)), sorted(rows(&types, &input)));
}

#[test]
fn no_rows_and_no_columns() {
    let cx = Arc::new(context());
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let types = [SqlType::Long];
    let (output, got) = there_and_back(&store, spec(&types, id(0, 0), hash(&types, 3)), &types, &[], 1, &cx);
    assert_eq!((output.rows(), got.len()), (0, 0));
    let rows_only = [Chunk::new(Vec::new(), 17)];
    let spec = spec(&[], id(0, 1), Partitioning::Single);
    let (output, got) = there_and_back(&store, spec, &[], &rows_only, 1, &cx);
    assert_eq!((output.rows(), got[0].len), (17, 17));
}

#[test]
fn hashes_of_zero_meet_in_one_partition() {
    let types = [SqlType::Long];
    let mut cx = context();
    cx.hash_zero = true;
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let input = chunks(&types, 2, 100, 1);
    let output = write(
        &store,
        spec(&types, id(0, 0), hash(&types, 3)),
        &input,
        1,
        &Arc::new(cx),
    )
    .unwrap();
    assert_eq!(output.rows(), output.partitions[0].rows);
}

#[test]
fn a_full_disk_is_a_resource_that_ran_out() {
    let root = tempfile::tempdir().unwrap();
    let mounted = std::process::Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=256k", "tmpfs"])
        .arg(root.path())
        .status();
    if !mounted.is_ok_and(|s| s.success()) {
        println!("skipped: a tmpfs of limited size cannot be mounted here");
        return;
    }
    let types = [SqlType::String];
    let noise: String = (0..9_000u64).map(|i| char::from(33 + (i * i * i % 89) as u8)).collect();
    let values = StringViewArray::from_iter_values((0..100).map(|i| format!("{i}{noise}")));
    let input = [Chunk::new(vec![Vector::Flat(Arc::new(values))], 100)];
    let store = ShuffleStore::open(root.path()).unwrap();
    for (attempt, force_spill) in [false, true].into_iter().enumerate() {
        let mut cx = context();
        cx.force_spill = force_spill;
        let mut spec = spec(&types, id(0, attempt as u32), hash(&types, 2));
        spec.options.compression = Compression::None;
        let error = write(&store, spec, &input, 1, &Arc::new(cx)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ResourceExhausted, "{error}");
        let dir = store.files(id(0, 0)).dir;
        assert_eq!(
            std::fs::read_dir(dir).unwrap().count(),
            0,
            "nothing half-written is left"
        );
    }
    drop(store);
    assert!(
        std::process::Command::new("umount")
            .arg(root.path())
            .status()
            .unwrap()
            .success()
    );
}

#[test]
fn an_output_is_never_written_over() {
    let types = [SqlType::Long];
    let cx = Arc::new(context());
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let input = chunks(&types, 1, 10, 1);
    let write_it = || write(&store, spec(&types, id(0, 0), Partitioning::Single), &input, 1, &cx);
    let output = write_it().unwrap();
    assert_eq!(write_it().unwrap_err().kind(), ErrorKind::Internal);
    let stage = StageRead::everything(&located(&store, vec![output])).unwrap();
    read(&ShuffleInputs::new().with(StageId(0), stage), &types, &cx).unwrap();
    assert_eq!(store.outputs().unwrap(), [id(0, 0)]);
}

#[test]
fn a_dropped_sink_leaves_nothing() {
    let types = [SqlType::Long];
    let mut cx = context();
    cx.force_spill = true;
    let cx = Arc::new(cx);
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let sink = ShuffleSink::new(Arc::clone(&store), spec(&types, id(0, 0), Partitioning::Single), &cx).unwrap();
    let mut local: Box<dyn LocalSink> = sink.open(&cx).unwrap();
    local.sink(chunks(&types, 1, 10, 1).remove(0)).unwrap();
    drop((local, sink));
    assert_eq!(std::fs::read_dir(store.files(id(0, 0)).dir).unwrap().count(), 0);
    assert_eq!(cx.memory.used(), 0);
}
