//! File names, built from integers alone.

use std::path::{Path, PathBuf};

use rsql_common::{OutputId, QueryId, StageId};

/// The files of one output.
#[derive(Debug, Clone)]
pub(crate) struct OutputFiles {
    /// Folder of the query.
    pub dir: PathBuf,
    /// Blocks.
    pub data: PathBuf,
    /// Index.
    pub index: PathBuf,
    /// Blocks while they are written.
    pub data_tmp: PathBuf,
    /// Index while it is written.
    pub index_tmp: PathBuf,
}

impl OutputFiles {
    pub(crate) fn new(store: &Path, id: OutputId) -> Self {
        let dir = store.join(id.query.to_string());
        let name = format!("{}-{}-{}", id.stage.0, id.map, id.attempt);
        Self {
            data: dir.join(format!("{name}.data")),
            index: dir.join(format!("{name}.index")),
            data_tmp: dir.join(format!("{name}.data.tmp")),
            index_tmp: dir.join(format!("{name}.index.tmp")),
            dir,
        }
    }
}

/// The query whose folder has this name.
pub(crate) fn parse_query_dir(name: &str) -> Option<QueryId> {
    u64::from_str_radix(name.strip_prefix('q')?, 16).ok().map(QueryId)
}

/// The output whose index has this name.
pub(crate) fn parse_index_name(query: QueryId, name: &str) -> Option<OutputId> {
    let mut parts = name.strip_suffix(".index")?.split('-');
    let mut number = || parts.next()?.parse::<u32>().ok();
    let id = OutputId {
        query,
        stage: StageId(number()?),
        map: number()?,
        attempt: number()?,
    };
    parts.next().is_none().then_some(id)
}
