//! Columns on the wire: Arrow types that all clients read, with Spark's type beside.
//!
//! Views of strings and short decimals become plain strings and `decimal128`. Each field says its SQL type by
//! `ARROW:FLIGHT:SQL:TYPE_NAME`, which catalogs and drivers show, and our own client gets it back exactly.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{RecordBatch, RecordBatchOptions};
use arrow::datatypes::{DataType, Field as ArrowField, FieldRef, Schema as ArrowSchema, SchemaRef};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use rsql_common::{ColumnId, Error, Result};
use rsql_expr::{Chunk, Field, Schema, SqlType};

/// Name of a column's type, as Flight SQL wants it.
const TYPE_NAME: &str = "ARROW:FLIGHT:SQL:TYPE_NAME";
/// The type itself, in postcard's format.
const SQL_TYPE: &str = "rsql:type";
/// Schema metadata: the statement was a query.
const IS_QUERY: &str = "rsql:query";
/// Schema metadata: the session's time zone, by which timestamps are shown.
const TIME_ZONE: &str = "rsql:time_zone";

/// What a result says of itself beside its columns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ResultTraits {
    /// The statement was a query: an empty result still has a header.
    pub is_query: bool,
    /// The session's time zone.
    pub time_zone: String,
}

/// The columns as they are sent.
pub(crate) fn to_wire(schema: &Schema, traits: Option<&ResultTraits>) -> Result<SchemaRef> {
    let fields = schema
        .iter()
        .map(|f| {
            let ty = postcard::to_stdvec(&f.ty).map_err(|e| Error::internal(e.to_string()))?;
            let metadata = HashMap::from([
                (TYPE_NAME.to_string(), f.ty.sql()),
                (SQL_TYPE.to_string(), BASE64_STANDARD.encode(ty)),
            ]);
            Ok(ArrowField::new(f.name.as_ref(), wire_type(&f.ty.arrow()), true).with_metadata(metadata))
        })
        .collect::<Result<Vec<_>>>()?;
    let metadata = traits.map_or_else(HashMap::new, |t| {
        HashMap::from([
            (IS_QUERY.to_string(), t.is_query.to_string()),
            (TIME_ZONE.to_string(), t.time_zone.clone()),
        ])
    });
    Ok(Arc::new(ArrowSchema::new_with_metadata(fields, metadata)))
}

/// The columns that were sent, and what the result says of itself.
pub(crate) fn from_wire(schema: &ArrowSchema) -> Result<(Schema, ResultTraits)> {
    let fields = schema
        .fields()
        .iter()
        .enumerate()
        .map(|(i, f)| {
            Ok(Field {
                id: ColumnId(u32::try_from(i).unwrap_or(u32::MAX)),
                name: f.name().as_str().into(),
                ty: sql_type(f)?,
                nullable: f.is_nullable(),
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let traits = ResultTraits {
        is_query: schema.metadata().get(IS_QUERY).is_none_or(|v| v == "true"),
        time_zone: schema
            .metadata()
            .get(TIME_ZONE)
            .cloned()
            .unwrap_or_else(|| "UTC".into()),
    };
    Ok((Schema::new(fields), traits))
}

/// The SQL type of a field: what it says, else what its Arrow type suggests.
pub(crate) fn sql_type(field: &ArrowField) -> Result<SqlType> {
    let said = field.metadata().get(SQL_TYPE).and_then(|text| {
        let bytes = BASE64_STANDARD.decode(text).ok()?;
        postcard::from_bytes(&bytes).ok()
    });
    said.or_else(|| SqlType::from_arrow(field.data_type()))
        .ok_or_else(|| Error::user("UNSUPPORTED_DATATYPE").param("typeName", format!("\"{}\"", field.data_type())))
}

/// A chunk as it is sent.
pub(crate) fn encode_chunk(chunk: &Chunk, schema: &Schema, wire: &SchemaRef) -> Result<RecordBatch> {
    cast_columns(&chunk.to_record_batch(schema)?, wire)
}

/// A batch that was sent, as the engine holds it.
pub(crate) fn decode_batch(batch: &RecordBatch, schema: &Schema) -> Result<Chunk> {
    Ok(Chunk::from_record_batch(&cast_columns(
        batch,
        &schema.all_nullable().arrow(),
    )?))
}

fn cast_columns(batch: &RecordBatch, to: &SchemaRef) -> Result<RecordBatch> {
    let columns = batch
        .columns()
        .iter()
        .zip(to.fields())
        .map(|(array, field)| {
            if array.data_type() == field.data_type() {
                return Ok(Arc::clone(array));
            }
            Ok(arrow::compute::cast(array, field.data_type())?)
        })
        .collect::<Result<Vec<_>>>()?;
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    Ok(RecordBatch::try_new_with_options(Arc::clone(to), columns, &options)?)
}

fn wire_type(ty: &DataType) -> DataType {
    match ty {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        DataType::Decimal64(p, s) => DataType::Decimal128(*p, *s),
        DataType::List(item) => DataType::List(wire_field(item)),
        DataType::Map(entries, sorted) => DataType::Map(wire_field(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(wire_field).collect()),
        other => other.clone(),
    }
}

fn wire_field(field: &FieldRef) -> FieldRef {
    Arc::new(field.as_ref().clone().with_data_type(wire_type(field.data_type())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsql_engine::Session;

    #[test]
    fn all_types_come_back() {
        let session = Session::new().unwrap();
        let sql = "SELECT 'a' s, cast('x' as binary) b, 1.50 d, cast(2 as decimal(38, 4)) dd, array('p', null) a,
            map('k', 1.0) m, named_struct('f', 'g', 'n', array(1)) st, date'2024-01-02' dt, timestamp'2024-01-02 03:04:05' ts,
            timestamp_ntz'2024-01-02 03:04:05' tn, interval '1' year y, interval '2' day i, null v, true t,
            make_interval(1, 2, 3) ci, cast(1 as tinyint) ti, 1.5f f, 2.5d db";
        let out = session.sql(sql).unwrap();
        let traits = ResultTraits {
            is_query: true,
            time_zone: "Asia/Tokyo".into(),
        };
        let wire = to_wire(&out.schema, Some(&traits)).unwrap();
        assert!(!format!("{wire:?}").contains("View"), "{wire:?}");
        let (schema, back_traits) = from_wire(&wire).unwrap();
        assert_eq!(back_traits, traits);
        assert_eq!(schema.simple_string(), out.schema.simple_string());
        let batch = encode_chunk(&out.chunks[0], &out.schema, &wire).unwrap();
        let chunk = decode_batch(&batch, &schema).unwrap();
        let back = chunk.to_record_batch(&schema).unwrap();
        for (ours, sent) in out.record_batches().unwrap()[0].columns().iter().zip(back.columns()) {
            let ours = arrow::compute::cast(ours, sent.data_type()).unwrap();
            assert_eq!(&ours, sent);
        }
    }

    #[test]
    fn rows_without_columns_keep_their_number() {
        let wire = to_wire(&Schema::default(), None).unwrap();
        let chunk = Chunk::new(Vec::new(), 3);
        assert_eq!(encode_chunk(&chunk, &Schema::default(), &wire).unwrap().num_rows(), 3);
    }
}
