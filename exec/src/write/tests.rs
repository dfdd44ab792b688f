//! Writes as the committer and its tasks make them: what is visible when, and what is left.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arrow::array::{ArrayRef, AsArray, Int32Array, StringViewArray};
use arrow::datatypes::Int64Type;
use rsql_catalog::{FileFormat, SourceColumn};
use rsql_common::{ColumnId, MemoryPool, Settings};
use rsql_expr::{Chunk, EvalOptions, Field, FunctionRegistry, Literal, Schema, SqlType, Vector};
use rsql_planner::physical::{PhysicalPlan, Range};

use super::task::TaskWriter;
use super::{Cell, Committer, FolderCommitter, Overwrite, WriteSpec, WrittenFile, recover, visible_files};
use crate::pipeline::TaskContext;

pub(super) fn context(memory: &Arc<MemoryPool>) -> Arc<TaskContext> {
    let registry = Arc::new(FunctionRegistry::default());
    TaskContext::from_settings(&Settings::default(), registry, Arc::clone(memory)).unwrap()
}

fn column(name: &str, ty: SqlType) -> SourceColumn {
    SourceColumn {
        name: name.into(),
        ty,
        nullable: true,
    }
}

/// Writes of `(a INT, k STRING)`, partitioned by `k` if asked for.
pub(super) fn spec(folder: &Path, partitioned: bool) -> WriteSpec {
    WriteSpec {
        folder: folder.to_path_buf(),
        staging: PathBuf::new(),
        stem: String::new(),
        format: FileFormat::Parquet,
        columns: vec![column("a", SqlType::Int), column("k", SqlType::String)],
        n_partition_columns: usize::from(partitioned),
        buckets: None,
        cells: vec![Cell::Column(0), Cell::Column(1)],
        options: Vec::new(),
        eval: Arc::new(EvalOptions::default()),
        sync: true,
    }
}

pub(super) fn begin(folder: &Path, partitioned: bool, overwrite: Overwrite) -> FolderCommitter {
    FolderCommitter::begin(spec(folder, partitioned), overwrite, context(&MemoryPool::unbounded())).unwrap()
}

fn chunk(rows: &[(i32, &str)]) -> Chunk {
    let a: ArrayRef = Arc::new(Int32Array::from_iter_values(rows.iter().map(|r| r.0)));
    let k: ArrayRef = Arc::new(StringViewArray::from_iter_values(rows.iter().map(|r| r.1)));
    Chunk::new(vec![Vector::Flat(a), Vector::Flat(k)], rows.len())
}

pub(super) fn stage(committer: &FolderCommitter, task: u32, attempt: u32, rows: &[(i32, &str)]) -> Vec<WrittenFile> {
    let cx = context(&MemoryPool::unbounded());
    let mut writer = TaskWriter::new(committer.spec(), task, attempt, &cx).unwrap();
    writer.write(&chunk(rows)).unwrap();
    writer.finish().unwrap()
}

/// Partition folders of the visible files, and that nothing else is there.
pub(super) fn folders(table: &Path) -> Vec<String> {
    let mut found: Vec<String> = visible_files(table)
        .unwrap()
        .iter()
        .map(|f| f.parent().unwrap().strip_prefix(table).unwrap().display().to_string())
        .collect();
    found.sort();
    found
}

pub(super) fn entries(table: &Path) -> usize {
    std::fs::read_dir(table).unwrap().count()
}

#[test]
fn only_winners_become_visible() {
    let dir = tempfile::tempdir().unwrap();
    let committer = begin(dir.path(), true, Overwrite::Nothing);
    let loser = stage(&committer, 0, 0, &[(1, "x"), (2, "y")]);
    let mut winners = stage(&committer, 0, 1, &[(1, "x"), (2, "y")]);
    winners.extend(stage(&committer, 1, 0, &[(3, "y")]));
    assert_eq!(loser.len(), 2);
    assert_eq!(winners.iter().map(|f| f.rows).collect::<Vec<_>>(), [1, 1, 1]);
    assert!(folders(dir.path()).is_empty(), "nothing is visible before the commit");
    committer.commit(&winners).unwrap();
    committer.commit(&winners).unwrap();
    assert_eq!(folders(dir.path()), ["k=x", "k=y", "k=y"]);
    assert_eq!(entries(dir.path()), 2, "the staging folder goes");
    committer.abort();
    drop(committer);
    assert_eq!(folders(dir.path()).len(), 3, "what is committed stays");
}

#[test]
fn after_an_abort_nothing_can_be_staged_or_committed() {
    let dir = tempfile::tempdir().unwrap();
    let committer = begin(dir.path(), true, Overwrite::Nothing);
    let files = stage(&committer, 0, 0, &[(1, "x")]);
    let cx = context(&MemoryPool::unbounded());
    let mut late = TaskWriter::new(committer.spec(), 1, 0, &cx).unwrap();
    committer.abort();
    assert!(late.write(&chunk(&[(2, "y")])).is_err());
    drop(late);
    assert!(TaskWriter::new(committer.spec(), 2, 0, &cx).is_err());
    assert_eq!(committer.commit(&files).unwrap_err().condition(), "OPERATION_CANCELED");
    assert_eq!(entries(dir.path()), 0);
}

#[test]
fn an_attempt_that_fails_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let committer = begin(dir.path(), false, Overwrite::Nothing);
    let cx = context(&MemoryPool::unbounded());
    let mut writer = TaskWriter::new(committer.spec(), 0, 0, &cx).unwrap();
    writer.write(&chunk(&[(1, "x")])).unwrap();
    drop(writer);
    assert!(!committer.spec().staging.join("0-0").exists());
}

#[test]
fn overwriting_replaces_the_partitions_that_are_written() {
    let dir = tempfile::tempdir().unwrap();
    let first = begin(dir.path(), true, Overwrite::Nothing);
    first.commit(&stage(&first, 0, 0, &[(1, "x"), (2, "y")])).unwrap();
    let before = visible_files(&dir.path().join("k=x")).unwrap();
    let second = begin(dir.path(), true, Overwrite::Written);
    second.commit(&stage(&second, 0, 0, &[(3, "x")])).unwrap();
    assert_eq!(folders(dir.path()), ["k=x", "k=y"]);
    assert_ne!(visible_files(&dir.path().join("k=x")).unwrap(), before);
    let third = begin(dir.path(), true, Overwrite::Below(PathBuf::new()));
    third.commit(&stage(&third, 0, 0, &[(4, "z")])).unwrap();
    assert_eq!(folders(dir.path()), ["k=z"]);
    assert_eq!(entries(dir.path()), 1, "emptied folders go");
}

#[test]
fn a_table_without_rows_has_a_file_with_its_schema() {
    let dir = tempfile::tempdir().unwrap();
    let committer = begin(dir.path(), false, Overwrite::Nothing);
    committer.commit(&[]).unwrap();
    assert_eq!(folders(dir.path()), [""]);
    let partitioned = tempfile::tempdir().unwrap();
    begin(partitioned.path(), true, Overwrite::Nothing).commit(&[]).unwrap();
    assert_eq!(entries(partitioned.path()), 0);
}

#[test]
fn a_commit_that_cannot_be_carried_out_is_taken_back() {
    let dir = tempfile::tempdir().unwrap();
    let first = begin(dir.path(), true, Overwrite::Nothing);
    first.commit(&stage(&first, 0, 0, &[(1, "x")])).unwrap();
    // A file where a partition's folder should be.
    std::fs::write(dir.path().join("k=y"), "").unwrap();
    let committer = begin(dir.path(), true, Overwrite::Below(PathBuf::from("k=x")));
    let files = stage(&committer, 0, 0, &[(2, "w"), (3, "y")]);
    committer.commit(&files).unwrap_err();
    drop(committer);
    std::fs::remove_file(dir.path().join("k=y")).unwrap();
    assert_eq!(folders(dir.path()), ["k=x"], "the old rows are there and no new ones");
    assert_eq!(entries(dir.path()), 1);
}

#[test]
fn writes_of_dead_processes_are_carried_on_or_swept() {
    let dir = tempfile::tempdir().unwrap();
    let first = begin(dir.path(), true, Overwrite::Nothing);
    first.commit(&stage(&first, 0, 0, &[(1, "x")])).unwrap();
    let old = visible_files(dir.path()).unwrap();
    // One died after its manifest, one before, one lives.
    let (decided, undecided) = (
        dir.path().join("_temporary-decided"),
        dir.path().join("_temporary-undecided"),
    );
    for staging in [&decided, &undecided] {
        std::fs::create_dir_all(staging.join("0-0/k=z")).unwrap();
        std::fs::write(staging.join("lease"), "").unwrap();
        std::fs::write(staging.join("0-0/k=z/part-1.parquet"), "new").unwrap();
    }
    let manifest = recover::Manifest {
        files: vec![("0-0/k=z/part-1.parquet".into(), "k=z".into())],
        replaced: old
            .iter()
            .map(|f| f.strip_prefix(dir.path()).unwrap().to_path_buf())
            .collect(),
        pruned: Some(PathBuf::new()),
    };
    manifest.save(dir.path(), &decided, true).unwrap();
    let living = begin(dir.path(), true, Overwrite::Nothing);
    assert!(!decided.exists() && !undecided.exists());
    assert_eq!(folders(dir.path()), ["k=z"]);
    let other = begin(dir.path(), true, Overwrite::Nothing);
    assert!(living.spec().staging.exists());
    drop((living, other));
    assert_eq!(entries(dir.path()), 1);
}

#[test]
fn open_files_are_accounted_for_and_written_out_when_memory_is_short() {
    let dir = tempfile::tempdir().unwrap();
    let committer = begin(dir.path(), false, Overwrite::Nothing);
    let pool = MemoryPool::new(1 << 20);
    let cx = context(&pool);
    let mut writer = TaskWriter::new(committer.spec(), 0, 0, &cx).unwrap();
    let text = "some text that no dictionary makes small ".repeat(8);
    for i in 0..200 {
        let rows: Vec<String> = (0..50).map(|r| format!("{text}{i}.{r}")).collect();
        let rows: Vec<(i32, &str)> = rows.iter().map(|r| (i, r.as_str())).collect();
        writer.write(&chunk(&rows)).unwrap();
    }
    assert!(pool.peak() > 0);
    let files = writer.finish().unwrap();
    assert_eq!(files[0].rows, 10_000);
    assert_eq!(pool.used(), 0);
}

#[test]
fn constants_fill_columns_that_the_plan_does_not_give() {
    let dir = tempfile::tempdir().unwrap();
    let mut spec = spec(dir.path(), true);
    spec.cells = vec![Cell::Column(0), Cell::Constant(Literal::string("fixed"))];
    let cx = context(&MemoryPool::unbounded());
    let committer = FolderCommitter::begin(spec, Overwrite::Nothing, cx).unwrap();
    committer.commit(&stage(&committer, 0, 0, &[(1, "x")])).unwrap();
    assert_eq!(folders(dir.path()), ["k=fixed"]);
}

#[test]
fn rows_that_wait_for_their_turn_spill() {
    let dir = tempfile::tempdir().unwrap();
    let rows = 400_000u64;
    let mut spec = spec(dir.path(), false);
    spec.columns = vec![column("id", SqlType::Long)];
    spec.cells = vec![Cell::Column(0)];
    // A tenth of the rows' bytes, and more workers than one: rows have to wait, and there is no room for them.
    let pool = MemoryPool::new(rows as usize * 8 / 10);
    let mut cx = TaskContext::new(
        &Settings::default(),
        Arc::new(FunctionRegistry::default()),
        Arc::clone(&pool),
    )
    .unwrap();
    cx.threads = 4;
    let cx = Arc::new(cx);
    let committer = FolderCommitter::begin(spec, Overwrite::Nothing, Arc::clone(&cx)).unwrap();
    let plan = PhysicalPlan::Range(Range {
        start: 0,
        end: rows as i64,
        step: 1,
        schema: Schema::new([Field {
            id: ColumnId(0),
            name: "id".into(),
            ty: SqlType::Long,
            nullable: false,
        }]),
    });
    let files = super::write_task(&plan, committer.spec(), 0, 0, &cx).unwrap();
    committer.commit(&files).unwrap();
    assert_eq!(files[0].rows, rows);
    assert!(pool.peak() <= pool.limit());
    let file = std::fs::File::open(visible_files(dir.path()).unwrap().remove(0)).unwrap();
    let read = parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(file)
        .unwrap()
        .build()
        .unwrap();
    let mut next = 0;
    for batch in read {
        for id in batch.unwrap().column(0).as_primitive::<Int64Type>().values() {
            assert_eq!(*id, next, "rows are in order");
            next += 1;
        }
    }
}
