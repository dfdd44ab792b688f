//! What a process holds: memory, threads, open files, ports, and files and folders below a folder. Linux tells it under
//! `/proc`.

use std::collections::HashSet;
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
    /// Folders on disk.
    pub folders: u64,
}

impl Held {
    /// Of processes, and of the files below a folder.
    pub fn by(pids: &[u32], folder: &Path) -> Self {
        let (files, folders) = below(folder);
        let mut held = Self {
            files,
            folders,
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

/// Files and folders below a folder.
fn below(folder: &Path) -> (u64, u64) {
    // What disappears while one looks is not there.
    let Ok(entries) = fs::read_dir(folder) else {
        return (0, 0);
    };
    let count = |e: fs::DirEntry| match e.file_type() {
        Ok(ty) if ty.is_dir() => {
            let (files, folders) = below(&e.path());
            (files, folders + 1)
        }
        Ok(_) => (1, 0),
        Err(_) => (0, 0),
    };
    let counts = entries.flatten().map(count);
    counts.fold((0, 0), |a, b| (a.0 + b.0, a.1 + b.1))
}

/// The local ports of a process's TCP sockets.
pub fn local_ports(pid: u32) -> HashSet<u16> {
    let links = fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    let sockets: HashSet<String> = links
        .filter_map(|e| {
            let to = fs::read_link(e.path()).ok()?;
            let inode = to.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?;
            Some(inode.to_string())
        })
        .collect();
    let table = fs::read_to_string(format!("/proc/{pid}/net/tcp")).unwrap_or_default();
    let of_line = |line: &str| {
        let mut fields = line.split_whitespace();
        let (_, port) = fields.nth(1)?.rsplit_once(':')?;
        sockets
            .contains(fields.nth(7)?)
            .then(|| u16::from_str_radix(port, 16).ok())?
    };
    table.lines().skip(1).filter_map(of_line).collect()
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
        assert_eq!((held.files, held.folders), (1, 1));
        assert!(held.memory > 0 && held.peak >= held.memory && held.threads > 0 && held.descriptors > 0);
    }

    #[test]
    fn this_process_listens() {
        let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let port = listener.local_addr().unwrap().port();
        assert!(local_ports(std::process::id()).contains(&port));
        assert!(!local_ports(1).contains(&port));
    }
}
