//! Nothing but a list of dependencies: one feature set for every crate.
//!
//! Cargo turns on a package's features by what the crates being built ask for, so building one crate of a workspace may
//! compile Arrow another time, with fewer features. Every crate reaches this one through `rsql-common`; its
//! `Cargo.toml` says which features some crate needs.
