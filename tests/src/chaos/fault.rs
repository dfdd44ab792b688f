//! What is done to a cluster while it works.

use std::fs::{File, OpenOptions};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rand::Rng;
use rand::rngs::StdRng;

use super::cluster::{Executor, TestCluster, signal};

/// A kind of fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// SIGKILL of an executor.
    Kill,
    /// SIGSTOP of an executor; SIGCONT after a while.
    Pause,
    /// A shuffle file loses its end.
    Truncate,
    /// A bit of a shuffle file changes.
    Flip,
    /// A shuffle file goes.
    Delete,
    /// An executor's disk is full for a while.
    DiskFull,
    /// An executor is cut off: its connections with the master and with other executors end both ways, and no new one comes
    /// up for a while.
    Cut,
}

/// All kinds.
pub const FAULTS: [Fault; 7] = [
    Fault::Kill,
    Fault::Pause,
    Fault::Truncate,
    Fault::Flip,
    Fault::Delete,
    Fault::DiskFull,
    Fault::Cut,
];

/// How long pauses, full disks and cuts last.
#[derive(Debug, Clone, Copy)]
pub struct Durations {
    /// Between SIGSTOP and SIGCONT.
    pub pause: Duration,
    /// Of a full disk.
    pub full: Duration,
    /// Of a cut.
    pub cut: Duration,
}

impl Fault {
    /// Name in tables and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kill => "kill",
            Self::Pause => "pause",
            Self::Truncate => "truncate",
            Self::Flip => "flip",
            Self::Delete => "delete",
            Self::DiskFull => "disk-full",
            Self::Cut => "cut",
        }
    }

    /// Reads a name.
    pub fn parse(name: &str) -> Option<Self> {
        FAULTS.into_iter().find(|f| f.name() == name)
    }

    /// It is aimed at a file of a query's shuffle, which has to be there first.
    pub fn needs_file(self) -> bool {
        matches!(self, Self::Truncate | Self::Flip | Self::Delete)
    }

    /// How much longer than without it a query may take before it counts as hung.
    pub fn patience(self, durations: &Durations) -> Duration {
        match self {
            Self::Pause => durations.pause,
            Self::DiskFull => durations.full,
            Self::Cut => durations.cut,
            _ => Duration::ZERO,
        }
    }

    /// Does it to one of the cluster's executors and undoes what passes; `over` says that the query has ended. Returns what was done,
    /// if anything was.
    pub fn inject(
        self,
        cluster: &TestCluster,
        durations: &Durations,
        rng: &mut StdRng,
        over: &dyn Fn() -> bool,
    ) -> Option<String> {
        let executors = cluster.executors();
        let target = rng.random_range(0..executors.len());
        let executor = &executors[target];
        match self {
            Self::Kill => {
                let pid = executor.signal("KILL")?;
                let in_time = !over();
                in_time.then(|| format!("killed executor {target} (process {pid})"))
            }
            Self::Pause => {
                let pid = executor.signal("STOP")?;
                let in_time = !over();
                std::thread::sleep(durations.pause);
                let there = signal(pid, "CONT");
                in_time.then(|| {
                    format!(
                        "paused executor {target} for {:?}, still there: {there}",
                        durations.pause
                    )
                })
            }
            Self::Truncate | Self::Flip | Self::Delete => {
                let file = await_file(executors, rng, over)?;
                let what = damage(self, &file, rng).ok()?;
                let in_time = !over();
                in_time.then(|| format!("{what} {}", short(&file)))
            }
            Self::DiskFull => {
                if !executor.has_own_disk() {
                    return None;
                }
                let filler = executor.folder.join("filler");
                let filled = fill(&filler);
                let in_time = !over();
                let until = Instant::now() + durations.full;
                while Instant::now() < until && !over() {
                    std::thread::sleep(Duration::from_millis(20));
                }
                std::fs::remove_file(&filler).ok()?;
                (filled? > 0 && in_time).then(|| format!("filled the disk of executor {target}"))
            }
            Self::Cut => {
                let cut = cluster.cut(target);
                let in_time = !over();
                std::thread::sleep(durations.cut);
                cluster.mend();
                (cut.control > 0 && in_time).then(|| {
                    format!(
                        "cut off executor {target} for {:?} ({} connections with the master, {} for data)",
                        durations.cut, cut.control, cut.data
                    )
                })
            }
        }
    }
}

/// A finished data file of any executor; waits for one as long as the query runs.
fn await_file(executors: &[Executor], rng: &mut StdRng, over: &dyn Fn() -> bool) -> Option<PathBuf> {
    loop {
        let mut files: Vec<PathBuf> = executors.iter().flat_map(|e| data_files(&e.folder)).collect();
        files.sort();
        if !files.is_empty() {
            return Some(files.swap_remove(rng.random_range(0..files.len())));
        }
        if over() {
            return None;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// Shuffle data files with bytes in them whose index is written.
pub fn data_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        // Folders come and go with their queries.
        let Ok(entries) = std::fs::read_dir(&folder) else {
            continue;
        };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "data")
                && path.with_extension("index").exists()
                && entry.metadata().is_ok_and(|m| m.len() > 64)
            {
                found.push(path);
            }
        }
    }
    found
}

fn damage(kind: Fault, path: &Path, rng: &mut StdRng) -> std::io::Result<String> {
    if kind == Fault::Delete {
        std::fs::remove_file(path)?;
        return Ok("deleted".into());
    }
    let mut file = OpenOptions::new().read(true).write(true).open(path)?;
    let length = file.metadata()?.len();
    if kind == Fault::Truncate {
        let left = rng.random_range(0..length);
        file.set_len(left)?;
        return Ok(format!("truncated from {length} to {left} bytes"));
    }
    let at = rng.random_range(0..length);
    let mut byte = [0];
    file.seek(SeekFrom::Start(at))?;
    file.read_exact(&mut byte)?;
    byte[0] ^= 1 << rng.random_range(0..8);
    file.seek(SeekFrom::Start(at))?;
    file.write_all(&byte)?;
    Ok(format!("flipped a bit of byte {at} of {length}"))
}

/// Writes until there is no room; bytes written.
pub(super) fn fill(path: &Path) -> Option<u64> {
    let mut file = File::create(path).ok()?;
    let mut written = 0;
    for size in [1 << 20, 4096] {
        let block = vec![0; size];
        while file.write_all(&block).is_ok() {
            written += size as u64;
        }
    }
    Some(written)
}

fn short(path: &Path) -> String {
    let mut parts: Vec<_> = path.iter().rev().take(3).map(|p| p.to_string_lossy()).collect();
    parts.reverse();
    parts.join("/")
}

#[cfg(test)]
mod tests {
    use rand::SeedableRng;

    use super::*;

    #[test]
    fn names_read_back() {
        for fault in FAULTS {
            assert_eq!(Fault::parse(fault.name()), Some(fault));
        }
    }

    #[test]
    fn files_are_damaged() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("0-1-0.data");
        let mut rng = StdRng::seed_from_u64(1);
        std::fs::write(&path, vec![7; 1000]).unwrap();
        assert!(data_files(dir.path()).is_empty(), "without an index it is not finished");
        std::fs::write(path.with_extension("index"), b"").unwrap();
        assert_eq!(data_files(dir.path()), std::slice::from_ref(&path));
        damage(Fault::Flip, &path, &mut rng).unwrap();
        let changed = std::fs::read(&path).unwrap();
        assert_eq!(changed.iter().filter(|b| **b != 7).count(), 1);
        damage(Fault::Truncate, &path, &mut rng).unwrap();
        assert!(std::fs::metadata(&path).unwrap().len() < 1000);
        damage(Fault::Delete, &path, &mut rng).unwrap();
        assert!(!path.exists());
    }
}
