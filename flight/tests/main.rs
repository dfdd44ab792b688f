//! The server from outside: through drivers of other languages.

#![allow(clippy::unwrap_used, reason = "a failed step fails the test")]

mod adbc;
