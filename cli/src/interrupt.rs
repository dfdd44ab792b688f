//! Ctrl-C: cancels the running query; in a batch the process then ends with 130.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rsql_common::{Error, Result};

use crate::session::Session;

/// Set once Ctrl-C was pressed; cleared by whoever handled it.
static PRESSED: AtomicBool = AtomicBool::new(false);

/// Cancels the session's running statement when Ctrl-C is pressed.
///
/// The handler lives as long as the process, the session must not: its warehouse, and the cluster it may have
/// started, go when it is dropped.
pub(crate) fn cancel_on_interrupt(session: &Arc<Session>) -> std::io::Result<()> {
    let session = Arc::downgrade(session);
    ctrlc::set_handler(move || {
        PRESSED.store(true, Ordering::Relaxed);
        if let Some(session) = session.upgrade() {
            session.cancel();
        }
    })
    .map_err(std::io::Error::other)
}

/// True once after each Ctrl-C.
pub(crate) fn take() -> bool {
    PRESSED.swap(false, Ordering::Relaxed)
}

/// Ends a script between statements: a Ctrl-C found none running, or one that was done before it noticed.
pub(crate) fn refuse_if_pressed() -> Result<()> {
    if PRESSED.load(Ordering::Relaxed) {
        return Err(Error::cancelled());
    }
    Ok(())
}

/// Waits for SIGINT or SIGTERM.
pub(crate) fn wait() -> Result<()> {
    let (tell, told) = std::sync::mpsc::channel();
    ctrlc::set_handler(move || {
        // A second signal finds nobody listening.
        _ = tell.send(());
    })
    .map_err(|e| Error::io(e.to_string()))?;
    told.recv().map_err(|_| Error::internal("the signal handler is gone"))
}
