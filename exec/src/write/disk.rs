//! The changes that a commit makes to a table's folder, one function each.
//!
//! What a commit promises has to hold wherever it is interrupted. So all that it changes goes through here, where tests
//! count the changes and let any of them fail, or the process die before it.

use std::fs;
use std::io::Result;
use std::path::Path;

pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    step(path)?;
    fs::write(path, bytes)
}

pub(super) fn rename(from: &Path, to: &Path) -> Result<()> {
    step(from)?;
    fs::rename(from, to)
}

pub(super) fn create_folders(path: &Path) -> Result<()> {
    step(path)?;
    fs::create_dir_all(path)
}

pub(super) fn remove_file(path: &Path) -> Result<()> {
    step(path)?;
    fs::remove_file(path)
}

/// Removes a folder that holds nothing.
pub(super) fn remove_folder(path: &Path) -> Result<()> {
    step(path)?;
    fs::remove_dir(path)
}

/// Removes a folder and all that it holds.
pub(super) fn remove_tree(path: &Path) -> Result<()> {
    step(path)?;
    fs::remove_dir_all(path)
}

/// Comes before each change.
#[cfg(not(test))]
#[inline]
pub(super) fn step(_: &Path) -> Result<()> {
    Ok(())
}

#[cfg(test)]
pub(super) use faults::step;

#[cfg(test)]
pub(super) mod faults {
    //! Which change is to fail, for the thread that makes them.

    use std::cell::{Cell, RefCell};
    use std::io::{Error, ErrorKind, Result};
    use std::path::{Path, PathBuf};

    /// What goes wrong.
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub(crate) enum Fault {
        /// The n-th change fails, those after it do not.
        Fail(usize),
        /// The n-th change and all after it are not made: the process is dead.
        Die(usize),
    }

    thread_local! {
        static FAULT: Cell<Option<Fault>> = const { Cell::new(None) };
        static STEPS: Cell<usize> = const { Cell::new(0) };
        static REFUSED: RefCell<Option<PathBuf>> = const { RefCell::new(None) };
    }

    /// Starts counting from 0.
    pub(crate) fn set(fault: Option<Fault>) {
        FAULT.set(fault);
        STEPS.set(0);
    }

    /// Changes since the last [`set`].
    pub(crate) fn steps() -> usize {
        STEPS.get()
    }

    /// Nothing can be done to this path, until it is another one.
    pub(crate) fn refuse(path: Option<PathBuf>) {
        REFUSED.set(path);
    }

    pub(crate) fn step(path: &Path) -> Result<()> {
        let at = STEPS.get();
        STEPS.set(at + 1);
        let refused = REFUSED.with_borrow(|refused| refused.as_deref() == Some(path));
        let fails = match FAULT.get() {
            Some(Fault::Fail(n)) => at == n,
            Some(Fault::Die(n)) => at >= n,
            None => false,
        };
        match refused || fails {
            true => Err(Error::new(ErrorKind::PermissionDenied, "refused by the test")),
            false => Ok(()),
        }
    }
}
