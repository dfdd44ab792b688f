//! How a source's columns are found in one file.

use std::ops::Range;
use std::sync::Arc;

use arrow::array::{ArrayRef, new_null_array};
use bytes::Bytes;
use parquet::basic::Repetition;
use parquet::file::metadata::ParquetMetaData;
use parquet::schema::types::Type;
use rsql_catalog::parquet_types::{is_element, parquet_columns};
use rsql_catalog::{FileSource, ScanSource, SourceColumn, SourceFile};
use rsql_common::{Error, Result};
use rsql_expr::eval::scalars_to_array;
use rsql_expr::{SqlType, cast};
use rsql_storage::{FooterCache, mapping};

use super::rebase::Rebase;

/// An open file.
pub(super) struct File {
    pub path: Arc<str>,
    pub bytes: Bytes,
    pub footer: Arc<ParquetMetaData>,
    /// By position among the read columns.
    pub columns: Vec<FileColumn>,
}

/// Where a read column's values come from.
pub(super) enum FileColumn {
    /// The same value in every row: partition columns, and NULL for columns that the file does not have.
    Constant(ArrayRef),
    /// A field of the file.
    Stored(StoredColumn),
}

/// A top-level field, or one within structs.
#[derive(Clone)]
pub(super) struct StoredColumn {
    /// Its leaves among the file's.
    pub leaves: Range<usize>,
    /// The only leaf, for a primitive field.
    pub leaf: Option<usize>,
    /// How many structs and arrays of structs it lies in.
    pub depth: usize,
    /// Type of the file's values.
    pub file_type: SqlType,
    /// Type the scan puts out.
    pub ty: SqlType,
    /// For legacy timestamps of an old writer.
    pub rebase: Option<Rebase>,
}

impl File {
    /// Opens a file for the read `columns` of a source.
    pub fn open(source: &ScanSource, files: &FileSource, file: &SourceFile, columns: &[usize]) -> Result<Self> {
        let footer = FooterCache::global().get(&file.key())?;
        let bytes = mapping::open(&file.key())?;
        let stored = parquet_columns(&footer).map_err(|e| e.in_file(&*file.path))?;
        let n_data = source.columns.len() - files.n_partition_columns;
        let zone = files.options.iter().find(|(k, _)| k == "timezone");
        let rebase = Rebase::of(&footer, zone.map_or("UTC", |(_, zone)| zone)).map_err(|e| e.in_file(&*file.path))?;
        let columns = columns
            .iter()
            .map(|c| {
                let nested = source.nested_at(*c);
                let (Some(column), Some(table)) =
                    (source.column(*c), source.columns.get(nested.map_or(*c, |n| n.root)))
                else {
                    return Err(Error::internal("a scan of a column that its source does not have"));
                };
                if (n_data..source.columns.len()).contains(c) {
                    let value = scalars_to_array(&file.partition_values[*c - n_data..=*c - n_data], &column.ty)?;
                    return Ok(FileColumn::Constant(value));
                }
                let root = named(stored.iter().map(|s| &*s.name), &table.name);
                let path = nested.map_or(&[][..], |n| &n.path);
                let check = |column: &SourceColumn, actual: &SqlType| match readable(actual, &column.ty) {
                    true => Ok(()),
                    false => Err(Error::user("FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH")
                        .param("path", &*file.path)
                        .param("column", &*column.name)
                        .param("expectedType", column.ty.to_string())
                        .param("actualType", actual.to_string())),
                };
                let Some(root) = root else {
                    return Ok(FileColumn::Constant(new_null_array(&column.ty.arrow(), 1)));
                };
                check(table, &stored[root].ty)?;
                let Some((leaves, file_type)) = descend(&footer, root, &stored[root].ty, path) else {
                    return Ok(FileColumn::Constant(new_null_array(&column.ty.arrow(), 1)));
                };
                check(column, &file_type)?;
                let leaf = footer.file_metadata().schema_descr().column(leaves.start);
                let primitive = leaves.len() == 1 && leaf.path().parts().len() == path.len() + 1;
                let leaf = primitive.then_some(leaves.start);
                let legacy = column.ty == SqlType::Timestamp && Rebase::concerns(&footer, leaf);
                Ok(FileColumn::Stored(StoredColumn {
                    leaf,
                    rebase: rebase.filter(|_| legacy),
                    leaves,
                    depth: path.len(),
                    file_type,
                    ty: column.ty.clone(),
                }))
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Self {
            path: Arc::clone(&file.path),
            bytes,
            footer,
            columns,
        })
    }
}

impl File {
    /// About how many bytes `rows` rows of a row group's column take: as stored, and decompressed.
    pub fn bytes_of(&self, row_group: usize, column: &StoredColumn, rows: usize) -> (u64, u64) {
        let group = self.footer.row_group(row_group);
        let part = rows as f64 / group.num_rows().max(1) as f64;
        column.leaves.clone().fold((0, 0), |(stored, full), leaf| {
            let chunk = group.column(leaf);
            let share = |bytes: i64| (bytes as f64 * part) as u64;
            (
                stored + share(chunk.compressed_size()),
                full + share(chunk.uncompressed_size()),
            )
        })
    }
}

/// The position of a name: the same, else ignoring case.
fn named<'a>(names: impl Iterator<Item = &'a str> + Clone, name: &str) -> Option<usize> {
    let exact = names.clone().position(|n| n == name);
    exact.or_else(|| names.clone().position(|n| n.eq_ignore_ascii_case(name)))
}

/// The leaves and the type of a field: the top-level one at `root`, or one within its structs. A field of an array's
/// structs is the array of their fields.
fn descend(footer: &ParquetMetaData, root: usize, ty: &SqlType, path: &[Arc<str>]) -> Option<(Range<usize>, SqlType)> {
    let schema = footer.file_metadata().schema_descr();
    let mut stored = schema.root_schema().get_fields().get(root)?.as_ref();
    let (mut ty, mut arrays) = (ty, 0);
    let first = (0..schema.num_columns()).find(|i| schema.get_column_root_idx(*i) == root)?;
    let mut leaves = first..first + leaf_count(stored);
    for name in path {
        if let SqlType::Array(a) = ty {
            (stored, ty, arrays) = (element_of(stored)?, &a.element, arrays + 1);
        }
        let SqlType::Struct(fields) = ty else { return None };
        let at = named(fields.iter().map(|f| &*f.name), name)?;
        let before: usize = stored.get_fields().iter().take(at).map(|f| leaf_count(f)).sum();
        stored = stored.get_fields().get(at)?.as_ref();
        ty = &fields.get(at)?.ty;
        let start = leaves.start + before;
        leaves = start..start + leaf_count(stored);
    }
    let ty = (0..arrays).fold(ty.clone(), |ty, _| SqlType::array(ty));
    Some((leaves, ty))
}

/// The group of an array's elements: the one inside the repeated group, or the repeated group itself where writers before
/// the three-level form left the former out.
fn element_of(stored: &Type) -> Option<&Type> {
    let info = stored.get_basic_info();
    if info.has_repetition() && info.repetition() == Repetition::REPEATED {
        return Some(stored);
    }
    let [repeated] = stored.get_fields() else { return None };
    match repeated.get_fields() {
        [element] if !is_element(stored, repeated) => Some(element.as_ref()),
        _ => Some(repeated.as_ref()),
    }
}

fn leaf_count(stored: &Type) -> usize {
    match stored.is_primitive() {
        true => 1,
        false => stored.get_fields().iter().map(|f| leaf_count(f)).sum(),
    }
}

/// Values of a file's type may be read as the table's type: the same, or widening.
fn readable(file: &SqlType, table: &SqlType) -> bool {
    use SqlType::*;
    file == table
        || file.same_type(table)
        || cast::can_up_cast(file, table)
        || file.is_string() && table.is_string()
        || matches!(
            (file, table),
            (Binary, String | Collated(..)) | (String, Binary) | (Time(_), Time(_))
        )
        || matches!(
            (file, table),
            (Int, Byte | Short) | (Date, TimestampNtz) | (Timestamp, TimestampNtz)
        )
        || matches!((file, table), (Decimal(p, s), Decimal(q, t)) if t >= s && i16::from(*q) - i16::from(*t) >= i16::from(*p) - i16::from(*s))
        || file.is_nested() && std::mem::discriminant(file) == std::mem::discriminant(table)
}
