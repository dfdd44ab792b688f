//! A terminal of our own with `rsql` in it: types, and waits for what comes out.

#![allow(
    unsafe_code,
    reason = "opening a terminal and making it a process's own are system calls"
)]

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::{FromRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

/// Longest wait for an output.
const PATIENCE: Duration = Duration::from_secs(30);

pub(crate) const CTRL_C: &str = "\x03";
pub(crate) const CTRL_D: &str = "\x04";
pub(crate) const UP: &str = "\x1b[A";

/// `rsql` on a terminal.
pub(crate) struct Terminal {
    child: Child,
    keys: File,
    output: Receiver<Vec<u8>>,
    /// What came out and was not waited for yet.
    seen: String,
}

impl Terminal {
    /// Starts `rsql` with its history below `home`; `None`, with the reason printed, where no terminal can be had.
    pub(crate) fn start(home: &Path, args: &[&str]) -> Option<Self> {
        let Some((ours, theirs)) = open() else {
            println!(
                "skipped: no terminal can be opened: {}",
                std::io::Error::last_os_error()
            );
            return None;
        };
        let side = || Stdio::from(theirs.try_clone().unwrap());
        let mut command = Command::new(env!("CARGO_BIN_EXE_rsql"));
        command
            .args(args)
            .env("XDG_STATE_HOME", home)
            .env("TERM", "xterm")
            .stdin(side())
            .stdout(side())
            .stderr(side());
        // SAFETY: between fork and exec only two async-signal-safe calls are made, and no memory is touched.
        unsafe {
            command.pre_exec(|| {
                if libc::setsid() < 0 || libc::ioctl(0, libc::TIOCSCTTY as _, 0) < 0 {
                    return Err(std::io::Error::last_os_error());
                }
                Ok(())
            });
        }
        let child = command.spawn().unwrap();
        drop(command);
        drop(theirs);
        let keys = File::from(ours);
        let mut screen = keys.try_clone().unwrap();
        let (sender, output) = channel();
        std::thread::spawn(move || {
            let mut bytes = [0u8; 4096];
            while let Ok(n @ 1..) = screen.read(&mut bytes) {
                if sender.send(bytes[..n].to_vec()).is_err() {
                    break;
                }
            }
        });
        Some(Self {
            child,
            keys,
            output,
            seen: String::new(),
        })
    }

    /// Presses keys.
    pub(crate) fn press(&mut self, keys: &str) {
        self.keys.write_all(keys.as_bytes()).unwrap();
    }

    /// Types a line.
    pub(crate) fn line(&mut self, text: &str) {
        self.press(text);
        self.press("\r");
    }

    /// Waits until `text` came out, and gives what came before it.
    pub(crate) fn wait_for(&mut self, text: &str) -> String {
        let start = Instant::now();
        loop {
            if let Some(at) = self.seen.find(text) {
                let before = self.seen[..at].to_string();
                self.seen.drain(..at + text.len());
                return before;
            }
            let left = PATIENCE.saturating_sub(start.elapsed());
            match self.output.recv_timeout(left) {
                Ok(bytes) => self.seen.push_str(&without_escapes(&String::from_utf8_lossy(&bytes))),
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => {
                    panic!("{text:?} did not come out; this did: {:?}", self.seen)
                }
            }
        }
    }

    /// Waits for the process to end and gives its exit code.
    pub(crate) fn exit_code(mut self) -> Option<i32> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("the shell did not end; last output: {:?}", self.seen)
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Both ends of a new terminal, ours first.
fn open() -> Option<(OwnedFd, OwnedFd)> {
    let (mut ours, mut theirs) = (0, 0);
    let size = libc::winsize {
        ws_row: 40,
        ws_col: 200,
        ws_xpixel: 0,
        ws_ypixel: 0,
    };
    // SAFETY: the pointers are to live values of the types asked for, or null where the call allows it.
    let done = unsafe {
        libc::openpty(
            &raw mut ours,
            &raw mut theirs,
            std::ptr::null_mut(),
            std::ptr::null_mut(),
            &raw const size as *mut _,
        )
    };
    // SAFETY: the call succeeded, so both are open and belong to nobody else.
    (done == 0).then(|| unsafe { (OwnedFd::from_raw_fd(ours), OwnedFd::from_raw_fd(theirs)) })
}

/// Text without the sequences that move the cursor. A sequence that two reads cut in half is rare and shows as text.
fn without_escapes(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\x1b' && chars.next_if_eq(&'[').is_some() {
            while chars.next_if(|c| !c.is_ascii_alphabetic()).is_some() {}
            chars.next();
        } else {
            out.push(c);
        }
    }
    out
}
