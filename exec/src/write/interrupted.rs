//! Commits that fail, or whose process dies, at every change that they make to the folder.

use std::path::{Path, PathBuf};

use rsql_common::Result;

use super::disk::faults::{Fault, refuse, set, steps};
use super::tests::{begin, entries, folders, stage};
use super::{Committer, FolderCommitter, Overwrite, truncate, visible_files};

/// The partitions of the old rows, and of the new ones.
const OLD: [&str; 2] = ["k=x", "k=y"];
const NEW: [&str; 2] = ["k=w", "k=z"];

/// A table with old rows, and an overwrite that is ready to commit.
fn table(dir: &Path) -> (FolderCommitter, Vec<super::WrittenFile>) {
    let first = begin(dir, true, Overwrite::Nothing);
    first.commit(&stage(&first, 0, 0, &[(1, "x"), (2, "y")])).unwrap();
    let write = begin(dir, true, Overwrite::Below(PathBuf::new()));
    let files = stage(&write, 0, 0, &[(3, "w"), (4, "z")]);
    (write, files)
}

/// Commits with a fault, then ends as a failed statement does.
fn commit_with(fault: Option<Fault>, write: FolderCommitter, files: &[super::WrittenFile]) -> Result<()> {
    set(fault);
    let outcome = write.commit(files);
    drop(write);
    outcome
}

/// What the next write finds, after which only the table's folders are there.
fn found_by_next(dir: &Path) -> Vec<String> {
    set(None);
    drop(begin(dir, true, Overwrite::Nothing));
    let found = folders(dir);
    assert_eq!(entries(dir), found.len(), "nothing else is left");
    found
}

fn n_steps() -> usize {
    let dir = tempfile::tempdir().unwrap();
    let (write, files) = table(dir.path());
    commit_with(None, write, &files).unwrap();
    let n = steps();
    assert!(n > 10, "{n}");
    n
}

#[test]
fn a_change_that_fails_leaves_the_old_rows_or_the_new_ones() {
    let (mut undone, mut unfinished) = (0, 0);
    for at in 0..n_steps() {
        let dir = tempfile::tempdir().unwrap();
        let (write, files) = table(dir.path());
        match commit_with(Some(Fault::Fail(at)), write, &files) {
            Ok(()) => assert_eq!(folders(dir.path()), NEW, "step {at}"),
            Err(e) if e.is_committed() => {
                unfinished += 1;
                assert!(NEW.iter().all(|f| folders(dir.path()).iter().any(|g| f == g)));
                assert_eq!(found_by_next(dir.path()), NEW, "step {at}");
            }
            Err(_) => {
                undone += 1;
                assert_eq!(folders(dir.path()), OLD, "step {at}: undone at once");
            }
        }
        let found = found_by_next(dir.path());
        assert!(found == OLD || found == NEW, "step {at}: {found:?}");
    }
    assert!(undone > 3 && unfinished == 2, "{undone} {unfinished}");
}

#[test]
fn a_process_that_dies_leaves_the_old_rows_or_the_new_ones() {
    let mut outcomes = Vec::new();
    for at in 0..n_steps() {
        let dir = tempfile::tempdir().unwrap();
        let (write, files) = table(dir.path());
        // What it returns nobody hears.
        _ = commit_with(Some(Fault::Die(at)), write, &files);
        let found = found_by_next(dir.path());
        assert!(found == OLD || found == NEW, "step {at}: {found:?}");
        outcomes.push(found == NEW);
        // And it can be written to again.
        let next = begin(dir.path(), true, Overwrite::Nothing);
        next.commit(&stage(&next, 0, 0, &[(5, "v")])).unwrap();
    }
    assert!(outcomes.is_sorted(), "there is one commit point: {outcomes:?}");
    assert!(!outcomes[0] && outcomes[outcomes.len() - 1]);
}

/// The second file has no place to go, and the process dies at each step of taking the first one back.
#[test]
fn a_process_that_dies_while_it_undoes_a_commit_is_carried_on() {
    for at in 0..40 {
        let dir = tempfile::tempdir().unwrap();
        let (write, files) = table(dir.path());
        let blocked = dir.path().join(NEW[1]);
        refuse(Some(blocked));
        _ = commit_with(Some(Fault::Die(at)), write, &files);
        refuse(None);
        let found = found_by_next(dir.path());
        assert!(found == OLD || found == NEW, "step {at}: {found:?}");
    }
}

#[test]
fn a_recovery_that_dies_is_carried_on_by_the_next() {
    for died in (0..n_steps()).step_by(3) {
        for at in (0..30).step_by(2) {
            let dir = tempfile::tempdir().unwrap();
            let (write, files) = table(dir.path());
            _ = commit_with(Some(Fault::Die(died)), write, &files);
            set(Some(Fault::Die(at)));
            _ = super::settle(dir.path());
            let found = found_by_next(dir.path());
            assert!(found == OLD || found == NEW, "steps {died}, {at}: {found:?}");
        }
    }
}

#[test]
fn what_cannot_be_removed_is_told_and_removed_later() {
    let dir = tempfile::tempdir().unwrap();
    let (write, files) = table(dir.path());
    let old = visible_files(&dir.path().join("k=x")).unwrap().remove(0);
    refuse(Some(old.clone()));
    let e = commit_with(None, write, &files).unwrap_err();
    assert_eq!(e.condition(), "WRITE_UNFINISHED.CLEANUP");
    assert!(e.is_committed() && e.to_string().contains("refused by the test"), "{e}");
    assert_eq!(folders(dir.path()), ["k=w", "k=x", "k=z"], "all that can go has gone");
    // Nobody writes to a table with rows that are not its own.
    let cx = super::tests::context(&rsql_common::MemoryPool::unbounded());
    let spec = super::tests::spec(dir.path(), true);
    let blocked = FolderCommitter::begin(spec, Overwrite::Nothing, cx).unwrap_err();
    assert_eq!(blocked.condition(), "WRITE_BLOCKED");
    assert!(blocked.to_string().contains(&*old.to_string_lossy()), "{blocked}");
    // New files that somebody has removed meanwhile are not looked for.
    std::fs::remove_dir_all(dir.path().join("k=w")).unwrap();
    refuse(None);
    assert_eq!(found_by_next(dir.path()), ["k=z"]);
}

#[test]
fn truncating_ends_a_dead_write_before() {
    let dir = tempfile::tempdir().unwrap();
    let (write, files) = table(dir.path());
    let old = visible_files(&dir.path().join("k=x")).unwrap().remove(0);
    refuse(Some(old));
    commit_with(None, write, &files).unwrap_err();
    refuse(None);
    truncate(dir.path(), Path::new("")).unwrap();
    assert!(visible_files(dir.path()).unwrap().is_empty());
    drop(begin(dir.path(), true, Overwrite::Nothing));
    assert!(visible_files(dir.path()).unwrap().is_empty());
}
