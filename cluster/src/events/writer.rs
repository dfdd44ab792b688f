//! A thread that writes the event log, so that a disk which stands still holds up nobody else.
//!
//! The scheduler hands events over and never waits: when the thread is behind by [`WAITING`] events, more are dropped and
//! counted, and the last line of the log says how many. When it has nothing left to write it flushes, so a finished query is
//! in the file soon; whoever closes the log waits until all of it is, but not for a disk that does not answer.

use std::io::{BufWriter, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TryRecvError, TrySendError, channel, sync_channel};
use std::time::Duration;

use rsql_common::{Error, Result};
use serde_json::{Value, json};

use crate::clock::wall_millis;

/// Events that may wait for the disk.
const WAITING: usize = 8 << 10;
/// How long closing the log may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// The scheduler's end.
pub(super) struct LogWriter {
    to: Option<SyncSender<Message>>,
    /// Hung up by the thread when it has ended.
    ended: Receiver<()>,
    dropped: u64,
}

enum Message {
    Event(Value),
    /// Whoever waits is told when all before it is in the file.
    #[cfg(test)]
    Flush(std::sync::mpsc::Sender<()>),
    /// So many events were dropped.
    Close(u64),
}

impl LogWriter {
    /// Starts the thread.
    pub fn start(to: impl Write + Send + 'static) -> Result<Self> {
        let (send, receive) = sync_channel(WAITING);
        let (alive, ended) = channel();
        let work = move || {
            let _alive = alive;
            Sink::new(to).run(&receive);
        };
        std::thread::Builder::new()
            .name("rsql-event-log".into())
            .spawn(work)
            .map_err(Error::from)?;
        Ok(Self {
            to: Some(send),
            ended,
            dropped: 0,
        })
    }

    /// Writes an event, or drops it if too many wait already.
    pub fn write(&mut self, event: Value) {
        let Some(to) = &self.to else { return };
        match to.try_send(Message::Event(event)) {
            Ok(()) => {}
            Err(TrySendError::Full(_)) => {
                if self.dropped == 0 {
                    tracing::error!("the event log's disk does not keep up: events are dropped");
                }
                self.dropped += 1;
            }
            // It said why it ended.
            Err(TrySendError::Disconnected(_)) => self.to = None,
        }
    }

    /// Waits until everything is in the file.
    #[cfg(test)]
    pub fn flush(&self) {
        let (done, wait) = channel();
        let sent = self.to.as_ref().map(|to| to.send(Message::Flush(done)));
        assert!(matches!(sent, Some(Ok(()))), "the log's thread runs");
        wait.recv().unwrap();
    }
}

impl Drop for LogWriter {
    fn drop(&mut self) {
        let Some(to) = self.to.take() else { return };
        let until = std::time::Instant::now() + PATIENCE;
        let mut last = Message::Close(self.dropped);
        // There may be no room for the last word yet.
        while let Err(TrySendError::Full(back)) = to.try_send(last) {
            if std::time::Instant::now() > until {
                tracing::error!("the event log's disk does not answer: its end is missing");
                return;
            }
            last = back;
            std::thread::sleep(Duration::from_millis(5));
        }
        drop(to);
        let left = until.saturating_duration_since(std::time::Instant::now());
        if self.ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
            tracing::error!("the event log's disk does not answer: its end may be missing");
        }
    }
}

/// The thread's end.
struct Sink<W: Write> {
    to: BufWriter<W>,
    /// The disk failed: said once, the queries go on.
    failed: bool,
}

impl<W: Write> Sink<W> {
    fn new(to: W) -> Self {
        Self {
            to: BufWriter::new(to),
            failed: false,
        }
    }

    fn run(mut self, from: &Receiver<Message>) {
        loop {
            let message = match from.try_recv() {
                Ok(message) => message,
                Err(TryRecvError::Empty) => {
                    self.flush();
                    let Ok(message) = from.recv() else { return };
                    message
                }
                Err(TryRecvError::Disconnected) => return self.flush(),
            };
            match message {
                Message::Event(event) => self.write(&event),
                #[cfg(test)]
                Message::Flush(done) => {
                    self.flush();
                    done.send(()).unwrap();
                }
                Message::Close(dropped) => {
                    if dropped > 0 {
                        self.write(&json!({
                            "Event": "rsql.EventsDropped",
                            "Timestamp": wall_millis(),
                            "Count": dropped,
                        }));
                    }
                    return self.flush();
                }
            }
        }
    }

    fn write(&mut self, event: &Value) {
        let done = writeln!(self.to, "{event}");
        self.outcome(done);
    }

    fn flush(&mut self) {
        let done = self.to.flush();
        self.outcome(done);
    }

    fn outcome(&mut self, done: std::io::Result<()>) {
        if let Err(e) = done
            && !self.failed
        {
            self.failed = true;
            tracing::error!(error = %e, "the event log cannot be written");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Instant;

    use parking_lot::Mutex;

    use super::*;

    /// A disk that stands still while its lock is held.
    #[derive(Clone, Default)]
    struct Disk {
        still: Arc<Mutex<()>>,
        bytes: Arc<Mutex<Vec<u8>>>,
    }

    impl Disk {
        fn lines(&self) -> Vec<Value> {
            let bytes = self.bytes.lock();
            let text = std::str::from_utf8(&bytes).unwrap();
            text.lines().map(|l| serde_json::from_str(l).unwrap()).collect()
        }
    }

    impl Write for Disk {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let _moves = self.still.lock();
            self.bytes.lock().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn all_events_are_written_in_order_when_the_log_is_closed() {
        let disk = Disk::default();
        let mut log = LogWriter::start(disk.clone()).unwrap();
        (0..1000).for_each(|n| log.write(json!({ "n": n })));
        drop(log);
        let lines = disk.lines();
        assert_eq!(lines.len(), 1000);
        assert!(lines.iter().zip(0..).all(|(l, n)| l["n"] == n));
    }

    #[test]
    fn a_disk_that_stands_still_holds_up_nobody() {
        let disk = Disk::default();
        let mut log = LogWriter::start(disk.clone()).unwrap();
        let still = disk.still.lock();
        let start = Instant::now();
        let sent = 3 * WAITING;
        (0..sent).for_each(|n| log.write(json!({ "n": n })));
        assert!(start.elapsed() < Duration::from_secs(5));
        drop(still);
        drop(log);
        let lines = disk.lines();
        let last = lines.last().unwrap();
        assert_eq!(last["Event"], "rsql.EventsDropped");
        let dropped = last["Count"].as_u64().unwrap() as usize;
        assert!(dropped > 0);
        assert_eq!(lines.len() - 1 + dropped, sent);
    }

    #[test]
    fn closing_does_not_wait_for_ever() {
        let disk = Disk::default();
        let mut log = LogWriter::start(disk.clone()).unwrap();
        let _still = disk.still.lock();
        log.write(json!({}));
        let start = Instant::now();
        drop(log);
        assert!(start.elapsed() < 2 * PATIENCE);
    }
}
