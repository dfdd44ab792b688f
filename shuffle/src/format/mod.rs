//! How shuffle outputs lie on disk.
//!
//! ```text
//!   <root>/process-<n>/<query>/<stage>-<map>-<attempt>.data    header, then partition after partition of framed blocks
//!                              <stage>-<map>-<attempt>.index   head, then an entry for each partition: where it is, its rows and checksums
//!   block   [len u32][crc32c of the payload u32][payload]
//!   payload [block number u64, then AES-GCM ciphertext] if encrypted, of
//!           encoded rows
//! ```
//!
//! What rows look like in a payload is [`rsql_exec::encoding`].
//!
//! Files are written under a temporary name and renamed, the index last: an output whose index exists is complete. Both
//! carry the output's id and a tag drawn at random, so files of different attempts are not taken for one another.

mod cipher;
mod frame;
mod header;
mod index;
mod names;

use arrow::datatypes::DataType;
use rsql_exec::encoding::stored_type;

use crate::hash::hash_bytes;

pub use cipher::QueryKey;
pub(crate) use cipher::{NUMBER, OutputCipher, TAG};
pub(crate) use frame::{FRAME_HEADER, FrameReader, open_frame, seal_frame};
pub(crate) use header::{DATA_HEADER, data_header, read_data_header};
pub(crate) use index::{INDEX_ENTRY, INDEX_HEAD, Index, IndexHead};
pub(crate) use names::{OutputFiles, TemporaryFiles, parse_index_name, parse_query_dir};

/// Identifies the columns' types.
pub(crate) fn schema_hash(types: &[DataType]) -> u64 {
    let text: Vec<String> = types.iter().map(|t| stored_type(t).to_string()).collect();
    hash_bytes(text.join(";").as_bytes())
}
