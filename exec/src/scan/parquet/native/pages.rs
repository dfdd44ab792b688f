//! A column chunk's pages: where they are, and their bytes decompressed.

use bytes::Bytes;
use parquet::basic::Compression;
use parquet::compression::{Codec, CodecOptions, create_codec};
use parquet::file::metadata::ColumnChunkMetaData;
use rsql_common::{Error, Result};

use super::header::{PageHeader, PageKind};

/// Where a data page lies and which rows of the row group it holds.
#[derive(Debug, Clone, Copy)]
pub(super) struct PageRef {
    pub offset: usize,
    pub first_row: usize,
    pub rows: usize,
}

/// Pages of a column chunk.
#[derive(Debug, Default)]
pub(super) struct PageTable {
    pub dictionary: Option<usize>,
    pub pages: Vec<PageRef>,
}

/// A page's bytes behind its header.
pub(super) struct Page {
    pub header: PageHeader,
    /// Another worker has used it before.
    pub shared: bool,
    body: Body,
    /// Definition levels of a version 2 page, which are never compressed.
    def_levels: Option<Bytes>,
}

enum Body {
    Mapped(Bytes),
    Buffer(Vec<u8>, usize),
}

/// Buffers and decoders that a worker uses again and again.
#[derive(Default)]
pub(super) struct Inflater {
    buffers: Vec<Vec<u8>>,
    snappy: snap::raw::Decoder,
    other: Option<(Compression, Box<dyn Codec>)>,
    /// Bytes of pages read, as stored and decompressed.
    pub read: u64,
    pub decompressed: u64,
}

pub(super) fn damaged(what: impl Into<String>) -> Error {
    Error::user("FAILED_READ_FILE.NO_HINT").with_message(what)
}

fn at(offset: i64) -> Result<usize> {
    usize::try_from(offset).map_err(|_| damaged("a page lies outside the file"))
}

impl PageTable {
    /// From the offset index if there is one, else from the pages' headers.
    pub fn new(
        bytes: &Bytes,
        chunk: &ColumnChunkMetaData,
        locations: Option<&[parquet::file::page_index::offset_index::PageLocation]>,
        rows: usize,
    ) -> Result<Self> {
        let mut table = Self::default();
        let data = at(chunk.data_page_offset())?;
        if let Some(offset) = chunk.dictionary_page_offset().filter(|o| *o > 0) {
            table.dictionary = Some(at(offset)?);
        }
        if let Some(locations) = locations {
            for (i, location) in locations.iter().enumerate() {
                let first_row = at(location.first_row_index)?;
                let next = locations.get(i + 1).map_or(Ok(rows), |l| at(l.first_row_index))?;
                table.pages.push(PageRef {
                    offset: at(location.offset)?,
                    first_row,
                    rows: next
                        .checked_sub(first_row)
                        .ok_or_else(|| damaged("the offset index is not in order"))?,
                });
            }
            // Some writers leave the dictionary's offset out; it then starts the chunk.
            let first = table.pages.first().map_or(data, |p| p.offset);
            if table.dictionary.is_none() && data < first {
                table.dictionary = Some(data);
            }
            return Ok(table);
        }
        let (start, length) = chunk.byte_range();
        let end = (start + length) as usize;
        let mut offset = table.dictionary.unwrap_or(data).min(data);
        let mut first_row = 0;
        while first_row < rows {
            let rest = bytes
                .get(offset..end.max(offset))
                .ok_or_else(|| damaged("a page lies outside the file"))?;
            let header = PageHeader::parse(rest)?;
            match header.kind {
                PageKind::Dictionary => table.dictionary = Some(offset),
                PageKind::Other => {}
                PageKind::Data | PageKind::DataV2 { .. } => {
                    table.pages.push(PageRef {
                        offset,
                        first_row,
                        rows: header.values,
                    });
                    first_row += header.values;
                }
            }
            offset += header.length + header.compressed;
        }
        Ok(table)
    }
}

/// The header of the page at `offset`.
pub(super) fn header_at(bytes: &Bytes, offset: usize) -> Result<PageHeader> {
    PageHeader::parse(
        bytes
            .get(offset..)
            .ok_or_else(|| damaged("a page lies outside the file"))?,
    )
}

impl Inflater {
    /// Reads and decompresses the page at `offset`.
    pub fn page(&mut self, bytes: &Bytes, offset: usize, codec: Compression) -> Result<Page> {
        let header = header_at(bytes, offset)?;
        let start = offset + header.length;
        if start + header.compressed > bytes.len() {
            return Err(damaged("a page lies outside the file"));
        }
        self.read += header.compressed as u64;
        self.decompressed += header.uncompressed as u64;
        let mut body = bytes.slice(start..start + header.compressed);
        let mut uncompressed = header.uncompressed;
        let mut def_levels = None;
        let mut codec = codec;
        if let PageKind::DataV2 {
            def_bytes,
            rep_bytes,
            compressed,
        } = header.kind
        {
            let levels = def_bytes + rep_bytes;
            if levels > body.len() || levels > uncompressed {
                return Err(damaged("a page's levels are longer than the page"));
            }
            def_levels = Some(body.slice(rep_bytes..levels));
            body = body.slice(levels..);
            uncompressed -= levels;
            if !compressed {
                codec = Compression::UNCOMPRESSED;
            }
        }
        let body = match codec {
            Compression::UNCOMPRESSED => Body::Mapped(body),
            _ if uncompressed == 0 => Body::Mapped(Bytes::new()),
            codec => self.inflate(&body, codec, uncompressed)?,
        };
        Ok(Page {
            header,
            shared: false,
            body,
            def_levels,
        })
    }

    fn inflate(&mut self, body: &[u8], codec: Compression, size: usize) -> Result<Body> {
        let mut buffer = self.buffers.pop().unwrap_or_default();
        if let Compression::SNAPPY = codec {
            let says = snap::raw::decompress_len(body).map_err(|e| damaged(e.to_string()))?;
            if says != size {
                return Err(damaged("a page is not as long as its header says"));
            }
            if buffer.len() < size {
                buffer.resize(size, 0);
            }
            self.snappy
                .decompress(body, &mut buffer)
                .map_err(|e| damaged(e.to_string()))?;
            return Ok(Body::Buffer(buffer, size));
        }
        if !matches!(&self.other, Some((known, _)) if *known == codec) {
            let made = create_codec(codec, &CodecOptions::default())?;
            self.other = made.map(|m| (codec, m));
        }
        let Some((_, decoder)) = &mut self.other else {
            return Err(damaged(format!("codec {codec} is not supported")));
        };
        buffer.clear();
        let n = decoder.decompress(body, &mut buffer, Some(size))?;
        if n != size || buffer.len() != size {
            return Err(damaged("a page is not as long as its header says"));
        }
        Ok(Body::Buffer(buffer, size))
    }

    /// Takes a page's buffer back.
    pub fn recycle(&mut self, page: Page) {
        if let Body::Buffer(buffer, _) = page.body
            && self.buffers.len() < 4
        {
            self.buffers.push(buffer);
        }
    }
}

impl Page {
    /// Definition levels (if the column has any) and the values behind them.
    pub fn parts(&self, max_def: i16) -> Result<(&[u8], &[u8])> {
        let body = self.bytes();
        if max_def == 0 {
            return Ok((&[], body));
        }
        if let Some(levels) = &self.def_levels {
            return Ok((levels, body));
        }
        let length = body.first_chunk::<4>().map(|b| u32::from_le_bytes(*b) as usize);
        let split = length.and_then(|n| body[4..].split_at_checked(n));
        split.ok_or_else(|| damaged("a page's levels are longer than the page"))
    }

    fn bytes(&self) -> &[u8] {
        match &self.body {
            Body::Mapped(b) => b,
            Body::Buffer(b, n) => &b[..*n],
        }
    }

    /// The whole body as a buffer that lives on, and where the values begin in it.
    pub fn into_buffer(self, max_def: i16) -> Result<(arrow::buffer::Buffer, usize)> {
        let values = self.parts(max_def)?.1.len();
        Ok(match self.body {
            Body::Mapped(b) => (b.clone().into(), b.len() - values),
            Body::Buffer(mut b, n) => {
                b.truncate(n);
                (arrow::buffer::Buffer::from_vec(b), n - values)
            }
        })
    }
}
