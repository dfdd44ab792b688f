//! How shuffle outputs lie on disk.
//!
//! ```text
//!   <root>/process-<n>/<query>/<stage>-<map>-<attempt>.data    header, then partition after partition of framed blocks
//!                              <stage>-<map>-<attempt>.index   where each partition is, its rows and checksums
//!   block   [len u32][crc32c of the payload u32][payload]
//!   payload [block number u64, then AES-GCM ciphertext] if encrypted, of
//!           [rows u32][length of the message u32][Arrow IPC record batch message][its body]
//! ```
//!
//! Files are written under a temporary name and renamed, the index last: an output whose index exists is complete. Both
//! carry the output's id and a tag drawn at random, so files of different attempts are not taken for one another.

mod batch;
mod cipher;
mod frame;
mod header;
mod index;
mod names;

pub use batch::Compression;
pub(crate) use batch::{BatchDecoder, BatchEncoder, schema_hash, stored_type, to_stored};
pub(crate) use cipher::OutputCipher;
pub use cipher::QueryKey;
pub(crate) use frame::{FRAME_HEADER, FrameReader, open_frame, seal_frame};
pub(crate) use header::{DATA_HEADER, data_header, read_data_header};
pub(crate) use index::Index;
pub(crate) use names::{OutputFiles, parse_index_name, parse_query_dir};
