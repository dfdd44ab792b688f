//! Parquet part files in Spark's layout.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, RecordBatch};
use arrow::datatypes::{
    DataType, DurationMicrosecondType, Field, Int32Type, Int64Type, IntervalYearMonthType, Schema, SchemaRef, TimeUnit,
};
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_writer::ArrowWriterOptions;
use parquet::basic::Compression;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;
use rsql_catalog::SourceColumn;
use rsql_catalog::parquet_types::SPARK_SCHEMA_KEY;
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::SqlType;

use super::Part;
use super::schema_json::schema_json;

/// An open Parquet file.
pub(super) struct ParquetPart {
    writer: ArrowWriter<File>,
    schema: SchemaRef,
}

impl ParquetPart {
    /// Starts a file.
    pub(super) fn create(path: &Path, columns: &[SourceColumn]) -> Result<Self> {
        let fields = columns
            .iter()
            .map(|c| Ok(Field::new(c.name.as_ref(), stored_type(c)?, true)))
            .collect::<Result<Vec<_>>>()?;
        let schema = Arc::new(Schema::new(fields));
        let note = KeyValue::new(SPARK_SCHEMA_KEY.to_string(), schema_json(columns).to_string());
        let properties = WriterProperties::builder()
            .set_compression(Compression::SNAPPY)
            .set_key_value_metadata(Some(vec![note]))
            .set_coerce_types(true)
            .build();
        let options = ArrowWriterOptions::new()
            .with_properties(properties)
            .with_skip_arrow_metadata(true)
            .with_schema_root("spark_schema".to_string());
        let file = File::create(path).map_err(|e| Error::from(e).in_file(path.display().to_string()))?;
        let writer = ArrowWriter::try_new_with_options(file, Arc::clone(&schema), options)?;
        Ok(Self { writer, schema })
    }
}

impl Part for ParquetPart {
    fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let arrays = columns
            .iter()
            .zip(self.schema.fields())
            .map(|(a, f)| stored(a, f.data_type()))
            .collect::<Result<Vec<_>>>()?;
        self.writer
            .write(&RecordBatch::try_new(Arc::clone(&self.schema), arrays)?)?;
        Ok(())
    }

    fn memory(&self) -> usize {
        self.writer.memory_size()
    }

    fn flush(&mut self) -> Result<()> {
        Ok(self.writer.flush()?)
    }

    fn finish(self: Box<Self>) -> Result<()> {
        self.writer.close()?;
        Ok(())
    }
}

/// What a column's values are stored as: intervals as their counts, TIME in microseconds.
fn stored_type(column: &SourceColumn) -> Result<DataType> {
    match &column.ty {
        SqlType::YearMonthInterval(..) => Ok(DataType::Int32),
        SqlType::DayTimeInterval(..) => Ok(DataType::Int64),
        SqlType::Time(p) if *p <= 6 => Ok(DataType::Time64(TimeUnit::Microsecond)),
        ty if holds_interval(ty) => Err(Error::user("UNSUPPORTED_DATA_TYPE_FOR_DATASOURCE")
            .param("columnName", quoted_name([&column.name]))
            .param("columnType", ty.quoted())
            .param("format", "Parquet")),
        ty => Ok(ty.arrow()),
    }
}

fn holds_interval(ty: &SqlType) -> bool {
    match ty {
        SqlType::CalendarInterval | SqlType::YearMonthInterval(..) | SqlType::DayTimeInterval(..) => true,
        SqlType::Array(a) => holds_interval(&a.element),
        SqlType::Map(m) => holds_interval(&m.key) || holds_interval(&m.value),
        SqlType::Struct(fields) => fields.iter().any(|f| holds_interval(&f.ty)),
        _ => false,
    }
}

fn stored(array: &ArrayRef, to: &DataType) -> Result<ArrayRef> {
    Ok(match (array.data_type(), to) {
        (from, to) if from == to => Arc::clone(array),
        (DataType::Interval(_), DataType::Int32) => Arc::new(
            array
                .as_primitive::<IntervalYearMonthType>()
                .reinterpret_cast::<Int32Type>(),
        ),
        (DataType::Duration(_), DataType::Int64) => Arc::new(
            array
                .as_primitive::<DurationMicrosecondType>()
                .reinterpret_cast::<Int64Type>(),
        ),
        _ => arrow::compute::cast(array, to)?,
    })
}
