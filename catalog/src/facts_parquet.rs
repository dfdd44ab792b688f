//! Facts of Parquet sources, from footers alone.

use std::cmp::Ordering;
use std::sync::Arc;

use bytes::Bytes;
use parquet::basic::{Encoding, PageType, Type as Physical};
use parquet::file::metadata::{ColumnChunkMetaData, ParquetMetaData};
use parquet::file::statistics::Statistics;
use rsql_common::Result;
use rsql_expr::types::Repr;
use rsql_expr::{Scalar, SqlType};
use rsql_storage::FooterCache;

use crate::dictionary_page::dictionary_values;
use crate::parquet_stats::{Bounds, chunk_bounds, compare};
use crate::parquet_types::primitive_type;
use crate::{ColumnFacts, ScanFacts, SourceColumn, SourceFile};

/// Files up to which dictionary pages are looked at.
const MOST_MAPPED: usize = 64;

/// Facts of `files` read as `columns` (partition columns last).
pub fn parquet_facts(files: &[SourceFile], columns: &[SourceColumn]) -> Result<ScanFacts> {
    let footers = files
        .iter()
        .map(|f| FooterCache::global().get(&f.key()))
        .collect::<Result<Vec<Arc<ParquetMetaData>>>>()?;
    // Many files: their headers would cost more to read than the estimate is worth.
    let mapped: Vec<Option<Bytes>> = files
        .iter()
        .map(|f| {
            (files.len() <= MOST_MAPPED)
                .then(|| rsql_storage::mapping::open(&f.key()).ok())
                .flatten()
        })
        .collect();
    let n_partition = files.first().map_or(0, |f| f.partition_values.len());
    let n_data = columns.len().saturating_sub(n_partition);
    let file_rows: Arc<[u64]> = footers
        .iter()
        .map(|f| f.file_metadata().num_rows().max(0) as u64)
        .collect();
    let rows = file_rows.iter().sum();
    let facts = columns.iter().enumerate().map(|(i, column)| {
        if i < n_data {
            column_facts(&footers, &mapped, column, rows)
        } else {
            let all_have_rows = footers.iter().all(|f| f.file_metadata().num_rows() > 0);
            partition_facts(files, i - n_data, all_have_rows)
        }
    });
    Ok(ScanFacts {
        rows: Some(rows),
        bytes: files.iter().map(|f| f.size).sum(),
        exact: true,
        file_rows: Some(file_rows),
        columns: facts.collect(),
    })
}

/// A column chunk, its bounds, and the entries of its dictionary if all its pages use it.
type Chunk<'a> = (&'a ColumnChunkMetaData, Bounds, Option<u64>);

fn column_facts(
    footers: &[Arc<ParquetMetaData>],
    mapped: &[Option<Bytes>],
    column: &SourceColumn,
    rows: u64,
) -> ColumnFacts {
    let mut chunks: Vec<Chunk<'_>> = Vec::new();
    let mut exact_bounds = true;
    for (footer, file) in footers.iter().zip(mapped) {
        let schema = footer.file_metadata().schema_descr();
        let leaf = schema
            .columns()
            .iter()
            .position(|c| c.path().parts().len() == 1 && c.name().eq_ignore_ascii_case(&column.name));
        let Some(leaf) = leaf else {
            return ColumnFacts::default();
        };
        for group in footer.row_groups() {
            let chunk = group.column(leaf);
            let bounds = chunk
                .statistics()
                .map(|s| chunk_bounds(s, chunk.column_descr(), &column.ty))
                .unwrap_or_default();
            exact_bounds &= has_exact_bounds(chunk, &column.ty);
            let entries = dictionary_size(chunk, file.as_ref());
            chunks.push((chunk, bounds, entries));
        }
    }
    let min = extreme(chunks.iter().map(|(_, b, _)| &b.min), Ordering::Less);
    let max = extreme(chunks.iter().map(|(_, b, _)| &b.max), Ordering::Greater);
    let null_count = chunks
        .iter()
        .map(|(c, b, _)| {
            if c.column_descr().max_def_level() == 0 {
                Some(0)
            } else {
                b.nulls
            }
        })
        .sum::<Option<u64>>();
    let values = rows.saturating_sub(null_count.unwrap_or(0));
    let span = span(&min, &max);
    let distinct = distinct(&chunks, span, values);
    // Values that fill their whole range in row groups that do not overlap can hardly repeat.
    let unique = values > 1
        && null_count == Some(0)
        && matches!(column.ty.repr(), Repr::I32 | Repr::I64)
        && distinct.is_some_and(|d| d >= values)
        && span.is_some_and(|s| s >= values && s <= values.saturating_mul(2))
        && disjoint(&chunks);
    let uncompressed: i64 = chunks.iter().map(|(c, ..)| c.uncompressed_size()).sum();
    ColumnFacts {
        min,
        max,
        exact_bounds,
        null_count,
        distinct,
        width: Some(width(&column.ty, uncompressed, rows)),
        unique,
    }
}

fn extreme<'a>(values: impl Iterator<Item = &'a Option<Scalar>>, want: Ordering) -> Option<Scalar> {
    let mut best: Option<&Scalar> = None;
    for value in values {
        let value = value.as_ref()?;
        best = match best {
            Some(b) if compare(value, b)? != want => Some(b),
            _ => Some(value),
        };
    }
    best.cloned()
}

/// How many integers lie between the bounds.
fn span(min: &Option<Scalar>, max: &Option<Scalar>) -> Option<u64> {
    let (min, max) = (min.as_ref()?.as_i128()?, max.as_ref()?.as_i128()?);
    u64::try_from(max - min + 1).ok()
}

/// Distinct values: what dictionaries hold where a chunk is wholly dictionary-encoded; for integers at most the span.
fn distinct(chunks: &[Chunk<'_>], span: Option<u64>, values: u64) -> Option<u64> {
    let mut largest = 0;
    let mut total = 0;
    let mut all_dictionary = !chunks.is_empty();
    for (_, _, entries) in chunks {
        match *entries {
            Some(n) => {
                largest = largest.max(n);
                total += n;
            }
            None => all_dictionary = false,
        }
    }
    let by_span = span.map(|s| s.min(values));
    if !all_dictionary {
        return by_span;
    }
    // Chunks mostly share their values unless their ranges are apart or values hardly repeat within one.
    let largest_chunk = chunks
        .iter()
        .map(|(c, ..)| c.num_values().max(0) as u64)
        .max()
        .unwrap_or(0);
    let estimate = if chunks.len() > 1 && (disjoint(chunks) || largest * 2 > largest_chunk) {
        total
    } else {
        largest
    };
    let estimate = estimate.min(values);
    Some(by_span.map_or(estimate, |s| s.min(estimate.max(1))))
}

/// Entries of a chunk's dictionary if all its pages use it: from the page's header, else estimated from its bytes.
fn dictionary_size(chunk: &ColumnChunkMetaData, file: Option<&Bytes>) -> Option<u64> {
    // The reader keeps either the pages' encodings as a mask or their full statistics.
    let is_dictionary = |e: Encoding| matches!(e, Encoding::RLE_DICTIONARY | Encoding::PLAIN_DICTIONARY);
    let plain_data = match (chunk.page_encoding_stats_mask(), chunk.page_encoding_stats()) {
        (Some(mask), _) => !mask.encodings().all(is_dictionary),
        (None, Some(stats)) => stats
            .iter()
            .any(|s| s.page_type != PageType::DICTIONARY_PAGE && !is_dictionary(s.encoding)),
        (None, None) => return None,
    };
    let start = chunk.dictionary_page_offset()?;
    if plain_data {
        return None;
    }
    let header = file.and_then(|f| f.get(usize::try_from(start).ok()?..));
    if let Some(n) = header.and_then(dictionary_values) {
        return Some(n.max(1));
    }
    let bytes = u64::try_from(chunk.data_page_offset() - start).ok()?;
    let per_value = match chunk.column_descr().physical_type() {
        parquet::basic::Type::INT32 | parquet::basic::Type::FLOAT => 4,
        parquet::basic::Type::INT64 | parquet::basic::Type::DOUBLE => 8,
        parquet::basic::Type::FIXED_LEN_BYTE_ARRAY => chunk.column_descr().type_length().max(1) as u64,
        _ => {
            // Bytes of a string and its length; statistics show a typical one.
            let sample = chunk
                .statistics()
                .and_then(|s| s.max_bytes_opt())
                .map_or(8, <[u8]>::len);
            4 + sample as u64
        }
    };
    // The page's header takes some twenty bytes.
    Some((bytes.saturating_sub(20) / per_value).max(1))
}

/// Row groups' ranges do not overlap.
fn disjoint(chunks: &[Chunk<'_>]) -> bool {
    chunks.windows(2).all(|pair| match (&pair[0].1.max, &pair[1].1.min) {
        (Some(a), Some(b)) => compare(a, b).is_some_and(Ordering::is_lt),
        _ => false,
    })
}

fn width(ty: &SqlType, uncompressed: i64, rows: u64) -> f64 {
    match ty.repr() {
        Repr::Null => 0.0,
        Repr::Bool | Repr::I8 => 1.0,
        Repr::I16 => 2.0,
        Repr::I32 | Repr::F32 => 4.0,
        Repr::I64 | Repr::F64 => 8.0,
        Repr::I128 | Repr::Interval => 16.0,
        Repr::Str | Repr::Bin => 16.0 + uncompressed.max(0) as f64 / rows.max(1) as f64,
        Repr::Nested => 16.0 + 2.0 * uncompressed.max(0) as f64 / rows.max(1) as f64,
    }
}

/// Whether a chunk's bounds are values of it: strings may be cut, floating bounds know neither NaN nor -0.0, and a value
/// that is read as another type may be another value.
fn has_exact_bounds(chunk: &ColumnChunkMetaData, ty: &SqlType) -> bool {
    let stored = primitive_type(chunk.column_descr().self_type());
    let exact = |s: &Statistics| match chunk.column_descr().physical_type() {
        Physical::BOOLEAN | Physical::INT32 | Physical::INT64 => true,
        Physical::BYTE_ARRAY | Physical::FIXED_LEN_BYTE_ARRAY => s.min_is_exact() && s.max_is_exact(),
        Physical::FLOAT | Physical::DOUBLE | Physical::INT96 => false,
    };
    stored.is_ok_and(|stored| stored == *ty) && chunk.statistics().is_some_and(exact)
}

/// Facts of a partition column: its values stand in the files' paths.
pub(crate) fn partition_facts(files: &[SourceFile], index: usize, all_have_rows: bool) -> ColumnFacts {
    let values: std::collections::HashSet<&Scalar> = files.iter().map(|f| &f.partition_values[index]).collect();
    let known: Vec<Option<Scalar>> = values
        .iter()
        .filter(|v| !v.is_null())
        .map(|v| Some((*v).clone()))
        .collect();
    ColumnFacts {
        min: extreme(known.iter(), Ordering::Less),
        max: extreme(known.iter(), Ordering::Greater),
        exact_bounds: all_have_rows,
        null_count: (known.len() == values.len()).then_some(0),
        distinct: Some(known.len() as u64),
        width: None,
        unique: false,
    }
}
