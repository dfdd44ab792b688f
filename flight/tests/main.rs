//! The server from outside: through drivers of other languages.

mod adbc;
