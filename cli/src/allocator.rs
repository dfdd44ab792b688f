//! The allocator, and how long it keeps what queries give back.
//!
//! One query after another takes and gives back hundreds of megabytes. A page that went back to the system in between has to
//! be cleared by it when it is touched again, which costs more than most of what operators do with it. So memory that is free
//! is kept for some seconds; `MIMALLOC_PURGE_DELAY` says otherwise, in milliseconds.
#![allow(unsafe_code, reason = "the allocator takes its options through C")]

use std::ffi::{c_int, c_long};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// `mi_option_purge_delay` of the allocator's interface.
const PURGE_DELAY: c_int = 15;
/// How long free memory is kept, in milliseconds.
const KEPT: c_long = 10_000;

unsafe extern "C" {
    fn mi_option_set(option: c_int, value: c_long);
}

/// Keeps free memory for a while, unless the environment says for how long.
pub(crate) fn keep_free_memory() {
    if std::env::var_os("MIMALLOC_PURGE_DELAY").is_none() {
        // SAFETY: the allocator is linked in; the function stores a number where the option is.
        unsafe { mi_option_set(PURGE_DELAY, KEPT) };
    }
}

#[cfg(test)]
mod tests {
    use super::{PURGE_DELAY, c_int, c_long};

    unsafe extern "C" {
        fn mi_option_get(option: c_int) -> c_long;
    }

    /// The number means what it meant: its default is a second.
    #[test]
    fn the_option_is_the_right_one() {
        // SAFETY: the allocator is linked in; the function gives the option's number.
        assert_eq!(unsafe { mi_option_get(PURGE_DELAY) }, 1000);
    }
}
