//! The `rsql` binary.
fn main() {}
