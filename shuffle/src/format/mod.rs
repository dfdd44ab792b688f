//! How shuffle outputs lie on disk.
//!
//! ```text
//!   <root>/process-<n>/<query>/<stage>-<map>-<attempt>.data    header, then partition after partition of framed blocks
//!                              <stage>-<map>-<attempt>.index   where each partition is, its rows and checksums
//!   block   [len u32][crc32c of the payload u32][payload]
//!   payload [block number u64, then AES-GCM ciphertext] if encrypted, of
//!           [rows u32], then each column: validity and values, see below
//! ```
//!
//! Columns are not laid out as Arrow has them: integers are stored as differences to the least of the block in as few bytes
//! as these need ([`ints`]), strings that take few values as codes ([`strings`]), and only what is left is compressed, where
//! that pays ([`compress`]). Nested types are Arrow IPC messages ([`nested`]).
//!
//! Files are written under a temporary name and renamed, the index last: an output whose index exists is complete. Both
//! carry the output's id and a tag drawn at random, so files of different attempts are not taken for one another.

mod block;
mod cipher;
mod column;
mod compress;
mod cursor;
mod frame;
mod header;
mod index;
mod ints;
mod names;
mod nested;
mod strings;

pub(crate) use block::{PayloadDecoder, PayloadEncoder, schema_hash};
pub(crate) use cipher::{NUMBER, OutputCipher};
pub use cipher::QueryKey;
pub(crate) use column::{ColumnWriter, Layout, layout};
pub use compress::Compression;
pub(crate) use frame::{FRAME_HEADER, FrameReader, open_frame, seal_frame};
pub(crate) use header::{DATA_HEADER, data_header, read_data_header};
pub(crate) use index::Index;
pub(crate) use names::{OutputFiles, parse_index_name, parse_query_dir};
pub(crate) use nested::{stored_type, to_stored};
pub(crate) use strings::Strings;
