//! Damage of every kind is found and says whose output it is.

use std::fs;

use rsql_common::{ErrorKind, ExecutorId, FetchReason};
use rsql_expr::{Chunk, SqlType};
use rsql_planner::physical::Partitioning;

use super::*;
use crate::testing::*;
use crate::{MapOutput, ShuffleStore, Slice};

struct Case {
    store: Arc<ShuffleStore>,
    output: MapOutput,
    cx: Arc<TaskContext>,
    types: Vec<SqlType>,
    _root: tempfile::TempDir,
}

fn case(key: Option<QueryKey>) -> Case {
    let types = vec![SqlType::Long, SqlType::String];
    let cx = Arc::new(context());
    let root = tempfile::tempdir().unwrap();
    let store = ShuffleStore::open(root.path()).unwrap();
    let mut spec = spec(
        &types,
        id(0, 0),
        Partitioning::Hash {
            keys: vec![slot(0, &SqlType::Long)],
            partitions: 3,
            function: Default::default(),
        },
    );
    spec.options.key = key;
    spec.options.block_bytes = 2000;
    let output = write(&store, spec, &chunks(&types, 5, 200, 4), 2, &cx).unwrap();
    Case {
        store,
        output,
        cx,
        types,
        _root: root,
    }
}

impl Case {
    fn read_with(&self, key: Option<QueryKey>) -> Result<Vec<Chunk>> {
        let stage = StageRead::everything(&located(&self.store, vec![self.output.clone()]))?;
        read(
            &ShuffleInputs::new().with(StageId(0), stage).with_key(key),
            &self.types,
            &self.cx,
        )
    }

    fn reason(&self) -> FetchReason {
        let error = self.read_with(None).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::FetchFailed, "{error}");
        let failure = error.fetch_failure().unwrap();
        assert_eq!((failure.output, failure.executor), (id(0, 0), ExecutorId(7)));
        failure.reason
    }
}

#[test]
fn flipped_bits() {
    let case = case(None);
    let files = case.store.files(id(0, 0));
    for path in [&files.data, &files.index] {
        let good = fs::read(path).unwrap();
        for at in (0..good.len()).step_by(1 + good.len() / 40).chain([good.len() - 1]) {
            let mut bad = good.clone();
            bad[at] ^= 4;
            fs::write(path, &bad).unwrap();
            assert_eq!(case.reason(), FetchReason::Corrupt, "byte {at} of {}", path.display());
        }
        fs::write(path, &good).unwrap();
    }
    case.read_with(None).unwrap();
}

#[test]
fn truncated_files() {
    let case = case(None);
    let files = case.store.files(id(0, 0));
    for path in [&files.data, &files.index] {
        let good = fs::read(path).unwrap();
        for len in [0, 5, good.len() / 2, good.len() - 1] {
            fs::write(path, &good[..len]).unwrap();
            assert_eq!(case.reason(), FetchReason::Corrupt, "{len} bytes of {}", path.display());
        }
        fs::write(path, &good).unwrap();
    }
}

#[test]
fn deleted_files() {
    for which in 0..3 {
        let case = case(None);
        let files = case.store.files(id(0, 0));
        match which {
            0 => fs::remove_file(files.data).unwrap(),
            1 => fs::remove_file(files.index).unwrap(),
            _ => case.store.delete_query(id(0, 0).query).unwrap(),
        }
        assert_eq!(case.reason(), FetchReason::NotFound);
    }
}

#[test]
fn files_of_another_attempt() {
    let case = case(None);
    let other = spec(&case.types, id(0, 1), Partitioning::Single);
    write(&case.store, other, &chunks(&case.types, 1, 50, 4), 1, &case.cx).unwrap();
    let (files, others) = (case.store.files(id(0, 0)), case.store.files(id(0, 1)));
    for (path, from) in [(&files.index, &others.index), (&files.data, &others.data)] {
        let good = fs::read(path).unwrap();
        fs::copy(from, path).unwrap();
        assert_eq!(case.reason(), FetchReason::Corrupt);
        fs::write(path, good).unwrap();
    }
    case.read_with(None).unwrap();
}

#[test]
fn figures_that_do_not_agree() {
    let mut case = case(None);
    case.output.partitions[0].rows += 1;
    let error = case.read_with(None).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Io, "the figures have a checksum: {error}");
    let sealed = case.output.clone();
    case.output = MapOutput::seal(sealed.id, sealed.tag, sealed.partitions, None, false).unwrap();
    assert_eq!(case.reason(), FetchReason::Corrupt);
}

#[test]
fn encrypted_outputs_hold_no_plaintext() {
    let key = QueryKey::random();
    let case = case(Some(key.clone()));
    let plain = super::tests::case(None);
    let rows_of = |chunks: &[Chunk]| sorted(rows(&case.types, chunks));
    assert_eq!(
        rows_of(&case.read_with(Some(key)).unwrap()),
        rows_of(&plain.read_with(None).unwrap())
    );
    assert!(case.read_with(None).is_err());
    let error = case.read_with(Some(QueryKey::random())).unwrap_err();
    assert_eq!(error.fetch_failure().unwrap().reason, FetchReason::Corrupt);
    let bytes = fs::read(case.store.files(id(0, 0)).data).unwrap();
    let types = [SqlType::String];
    let mut open = spec(&types, id(1, 0), Partitioning::Single);
    open.options.key = Some(QueryKey::random());
    open.options.compression = crate::Compression::None;
    let text = "not to be seen on any disk";
    let values: arrow::array::ArrayRef = Arc::new(arrow::array::StringViewArray::from(vec![text; 100]));
    let chunk = Chunk::new(vec![rsql_expr::Vector::Flat(values)], 100);
    for force_spill in [false, true] {
        let mut cx = context();
        cx.force_spill = force_spill;
        open.output.attempt += 1;
        write(
            &case.store,
            open.clone(),
            std::slice::from_ref(&chunk),
            1,
            &Arc::new(cx),
        )
        .unwrap();
        let stored = fs::read(case.store.files(open.output).data).unwrap();
        assert!(!stored.windows(8).any(|w| w == &text.as_bytes()[..8]));
    }
    assert!(!bytes.windows(6).any(|w| w == b"aaaaaa"));
}

#[test]
fn workers_share_the_blocks() {
    let case = case(None);
    let expected = sorted(rows(&case.types, &case.read_with(None).unwrap()));
    let stage = StageRead::everything(&located(&case.store, vec![case.output.clone()])).unwrap();
    let inputs = ShuffleInputs::new().with(StageId(0), stage);
    let source = inputs.source(StageId(0), &schema(&case.types), &case.cx).unwrap();
    let parts: Vec<Vec<Chunk>> = std::thread::scope(|s| {
        let workers: Vec<_> = (0..4)
            .map(|_| {
                let (source, cx) = (Arc::clone(&source), Arc::clone(&case.cx));
                s.spawn(move || drain(source.as_ref(), &cx).unwrap())
            })
            .collect();
        workers.into_iter().map(|w| w.join().unwrap()).collect()
    });
    let mut got = parts.concat();
    got.sort_by_key(|c| c.sequence);
    assert_eq!(sorted(rows(&case.types, &got)), expected);
    let ordered = rows(&case.types, &case.read_with(None).unwrap());
    assert_eq!(rows(&case.types, &got), ordered, "the sequence numbers give one order");
}

#[test]
fn some_maps_alone_can_be_read() {
    let case = case(None);
    let mut all = Vec::new();
    let outputs = [9, 5].map(|map| {
        let input = chunks(&case.types, 1, 50, u64::from(map));
        all.insert(0, rows(&case.types, &input));
        let spec = spec(&case.types, id(map, 0), Partitioning::AsProduced);
        write(&case.store, spec, &input, 1, &case.cx).unwrap()
    });
    let outputs = located(&case.store, outputs.to_vec());
    let inputs = ShuffleInputs::new().with(StageId(0), StageRead::everything(&outputs).unwrap());
    let got = read(&inputs, &case.types, &case.cx).unwrap();
    assert_eq!(rows(&case.types, &got), all.concat(), "in the order of the maps");
    let gap = Slice {
        partition: 0,
        maps: 5..7,
    };
    assert_eq!(
        StageRead::new(&outputs, &[gap]).unwrap_err().kind(),
        ErrorKind::Internal
    );
}
