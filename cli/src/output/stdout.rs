//! Standard output for results: buffered, and calm when the reader has gone (`rsql … | head`).

use std::fmt::Display;
use std::io::{BufWriter, Result, StdoutLock, Write};
use std::sync::atomic::{AtomicBool, Ordering};

/// Set once a write met a closed pipe.
static CLOSED: AtomicBool = AtomicBool::new(false);

/// Standard output in large writes; flush it before it goes.
pub(crate) struct Stdout(BufWriter<StdoutLock<'static>>);

impl Stdout {
    pub(crate) fn lock() -> Self {
        Self(BufWriter::with_capacity(1 << 16, std::io::stdout().lock()))
    }
}

/// Nobody reads what is written: the errors that this gave are not worth reporting.
pub(crate) fn is_closed() -> bool {
    CLOSED.load(Ordering::Relaxed)
}

fn noted<T>(result: Result<T>) -> Result<T> {
    if let Err(e) = &result
        && e.kind() == std::io::ErrorKind::BrokenPipe
    {
        CLOSED.store(true, Ordering::Relaxed);
    }
    result
}

impl Write for Stdout {
    fn write(&mut self, bytes: &[u8]) -> Result<usize> {
        noted(self.0.write(bytes))
    }

    fn flush(&mut self) -> Result<()> {
        noted(self.0.flush())
    }
}

/// Writes a line at once.
pub(crate) fn line(text: impl Display) -> Result<()> {
    let mut out = Stdout::lock();
    writeln!(out, "{text}")?;
    out.flush()
}

/// Writes a line of a server, which goes on when nobody reads it.
pub(crate) fn announce(text: impl Display) {
    // Not through `line`: that the pipe is closed counts for results only.
    if let Err(e) = writeln!(std::io::stdout(), "{text}") {
        tracing::debug!(error = %e, "nobody reads standard output");
    }
}
