//! Files: paths and URLs, listing with partition folders, kept mappings, footers.
//!
//! Reading order: [`path`] (what a user's path means), [`glob`], [`listing`] (which files a path stands for), [`mapping`]
//! (bytes of a file, mapped once and kept), [`footer`] (parsed Parquet footers), [`delimited`] (records of CSV files).

pub mod delimited;
pub mod footer;
pub mod glob;
pub mod listing;
pub mod mapping;
pub mod path;

pub use footer::FooterCache;
pub use listing::{ListedFile, Listing, list_files};
pub use path::local_path;

/// Identity of a file's content, as far as one can tell without reading it.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileKey {
    /// Local path.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// Last change, nanoseconds since the epoch.
    pub modified: i128,
}
