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
}

/// The files of an output while they are written: each writer's own, whoever else writes the same output.
#[derive(Debug)]
pub(crate) struct TemporaryFiles {
    /// Blocks.
    pub data: PathBuf,
    /// Index.
    pub index: PathBuf,
}

impl OutputFiles {
    pub(crate) fn new(store: &Path, id: OutputId) -> Self {
        let dir = store.join(id.query.to_string());
        let name = format!("{}-{}-{}", id.stage.0, id.map, id.attempt);
        Self {
            data: dir.join(format!("{name}.data")),
            index: dir.join(format!("{name}.index")),
            dir,
        }
    }

    /// Names for one writer, drawn at random.
    pub(crate) fn temporary(&self) -> TemporaryFiles {
        let mark = format!("{:016x}.tmp", rand::random::<u64>());
        TemporaryFiles {
            data: self.data.with_added_extension(&mark),
            index: self.index.with_added_extension(&mark),
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
