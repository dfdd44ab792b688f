//! Catalogs, databases, tables and views, and what a scan reads.
//!
//! Reading order: [`source`] (what a scan reads), [`facts`] (what is known about it beforehand), [`session`] (what
//! names stand for).

mod batches;
pub mod buckets;
mod collation_notes;
mod dictionary_page;
pub mod facts;
pub mod facts_parquet;
pub mod files;
pub mod parquet_stats;
pub mod parquet_types;
pub mod partitions;
pub mod session;
pub mod source;
mod text_schema;

pub use buckets::Buckets;
pub use collation_notes::note_collations;
pub use facts::{ColumnFacts, ScanFacts};
pub use files::open_files;
pub use source::{FileFormat, FileSource, NestedColumn, ScanSource, SourceColumn, SourceFile, SourceKind};
