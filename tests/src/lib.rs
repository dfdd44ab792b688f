//! Suites over the whole engine.
