//! Catalogs, databases, tables and views, and what a scan reads.
//!
//! Reading order: [`source`] (what a scan reads), [`facts`] (what is known about it beforehand), [`session`] (what
//! names stand for).

pub mod facts;
pub mod session;
pub mod source;

pub use facts::{ColumnFacts, ScanFacts};
pub use source::{FileFormat, FileSource, ScanSource, SourceColumn, SourceFile, SourceKind};
