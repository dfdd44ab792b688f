//! How a source's columns are found in one file.

use std::sync::Arc;

use arrow::array::{ArrayRef, new_null_array};
use bytes::Bytes;
use parquet::file::metadata::ParquetMetaData;
use rsql_catalog::parquet_types::parquet_columns;
use rsql_catalog::{FileSource, ScanSource, SourceFile};
use rsql_common::{Error, Result};
use rsql_expr::eval::scalars_to_array;
use rsql_expr::{SqlType, cast};
use rsql_storage::{FooterCache, mapping};

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
    /// A top-level field of the file.
    Stored(StoredColumn),
}

/// A top-level field.
#[derive(Clone)]
pub(super) struct StoredColumn {
    /// Position among the file's top-level fields.
    pub root: usize,
    /// Position among the file's leaves, for a primitive field.
    pub leaf: Option<usize>,
    /// Type of the file's values.
    pub file_type: SqlType,
    /// Type the scan puts out.
    pub ty: SqlType,
}

impl File {
    /// Opens a file for the read `columns` of a source.
    pub fn open(source: &ScanSource, files: &FileSource, file: &SourceFile, columns: &[usize]) -> Result<Self> {
        let footer = FooterCache::global().get(&file.key())?;
        let bytes = mapping::open(&file.key())?;
        let stored = parquet_columns(&footer).map_err(|e| e.in_file(&*file.path))?;
        let n_data = source.columns.len() - files.n_partition_columns;
        let schema = footer.file_metadata().schema_descr();
        let columns = columns
            .iter()
            .map(|c| {
                let column = &source.columns[*c];
                if *c >= n_data {
                    let value = scalars_to_array(&file.partition_values[*c - n_data..=*c - n_data], &column.ty)?;
                    return Ok(FileColumn::Constant(value));
                }
                let exact = stored.iter().position(|s| s.name == column.name);
                let root = exact.or_else(|| stored.iter().position(|s| s.name.eq_ignore_ascii_case(&column.name)));
                let Some(root) = root else {
                    return Ok(FileColumn::Constant(new_null_array(&column.ty.arrow(), 1)));
                };
                let file_type = stored[root].ty.clone();
                if !readable(&file_type, &column.ty) {
                    return Err(Error::user("FAILED_READ_FILE.PARQUET_COLUMN_DATA_TYPE_MISMATCH")
                        .param("path", &*file.path)
                        .param("column", &*column.name)
                        .param("expectedType", column.ty.to_string())
                        .param("actualType", file_type.to_string()));
                }
                let leaf = (0..schema.num_columns())
                    .find(|i| schema.get_column_root_idx(*i) == root)
                    .filter(|i| schema.column(*i).path().parts().len() == 1);
                Ok(FileColumn::Stored(StoredColumn {
                    root,
                    leaf,
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
        let schema = self.footer.file_metadata().schema_descr();
        let group = self.footer.row_group(row_group);
        let part = rows as f64 / group.num_rows().max(1) as f64;
        let leaves = (0..schema.num_columns()).filter(|i| schema.get_column_root_idx(*i) == column.root);
        leaves.fold((0, 0), |(stored, full), leaf| {
            let chunk = group.column(leaf);
            let share = |bytes: i64| (bytes as f64 * part) as u64;
            (
                stored + share(chunk.compressed_size()),
                full + share(chunk.uncompressed_size()),
            )
        })
    }
}

/// Values of a file's type may be read as the table's type: the same, or widening.
fn readable(file: &SqlType, table: &SqlType) -> bool {
    use SqlType::*;
    file == table
        || file.same_type(table)
        || cast::can_up_cast(file, table)
        || matches!(
            (file, table),
            (String | Char(_) | Varchar(_), String | Char(_) | Varchar(_))
        )
        || matches!((file, table), (Binary, String) | (String, Binary) | (Time(_), Time(_)))
        || matches!(
            (file, table),
            (Int, Byte | Short) | (Date, TimestampNtz) | (Timestamp, TimestampNtz)
        )
        || matches!((file, table), (Decimal(p, s), Decimal(q, t)) if t >= s && i16::from(*q) - i16::from(*t) >= i16::from(*p) - i16::from(*s))
        || file.is_nested() && std::mem::discriminant(file) == std::mem::discriminant(table)
}
