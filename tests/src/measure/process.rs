//! What a process holds: memory, threads, open files, and files below a folder. Linux tells it under `/proc`.

use std::fs;
use std::path::Path;

/// What some processes hold together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Held {
    /// Resident memory, bytes.
    pub memory: u64,
    /// The most it ever was, bytes.
    pub peak: u64,
    /// Threads.
    pub threads: u64,
    /// File descriptors.
    pub descriptors: u64,
    /// Files on disk.
    pub files: u64,
}

impl Held {
    /// Of processes, and of the files below a folder.
    pub fn by(pids: &[u32], folder: &Path) -> Self {
        let mut held = Self {
            files: files_below(folder),
            ..Self::default()
        };
        for pid in pids {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
            held.memory += figure(&status, "VmRSS:") << 10;
            held.peak = held.peak.max(figure(&status, "VmHWM:") << 10);
            held.threads += figure(&status, "Threads:");
            held.descriptors += fs::read_dir(format!("/proc/{pid}/fd")).map_or(0, |d| d.count() as u64);
        }
        held
    }
}

fn figure(status: &str, name: &str) -> u64 {
    let line = status.lines().find_map(|l| l.strip_prefix(name));
    let number = line.and_then(|l| l.split_whitespace().next());
    number.and_then(|n| n.parse().ok()).unwrap_or(0)
}

fn files_below(folder: &Path) -> u64 {
    // What disappears while one looks is not there.
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let count = |e: fs::DirEntry| match e.file_type() {
        Ok(ty) if ty.is_dir() => files_below(&e.path()),
        Ok(_) => 1,
        Err(_) => 0,
    };
    entries.flatten().map(count).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_holds_something() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a")).unwrap();
        fs::write(dir.path().join("a/b"), "x").unwrap();
        let held = Held::by(&[std::process::id()], dir.path());
        assert_eq!(held.files, 1);
        assert!(held.memory > 0 && held.peak >= held.memory && held.threads > 0 && held.descriptors > 0);
    }
}
