//! Values that a client sends for parameters: rows of an Arrow stream as literals.

use arrow::array::RecordBatch;
use arrow_flight::decode::FlightRecordBatchStream;
use arrow_flight::error::FlightError;
use arrow_flight::sql::server::PeekableFlightDataStream;
use futures::TryStreamExt;
use rsql_common::Result;
use rsql_expr::{Literal, scalar_at};
use tonic::Request;

use crate::error::from_flight;
use crate::types::sql_type;

/// All batches of a DoPut.
pub(crate) async fn read_batches(request: Request<PeekableFlightDataStream>) -> Result<Vec<RecordBatch>> {
    let data = request.into_inner().map_err(|s| FlightError::Tonic(Box::new(s)));
    FlightRecordBatchStream::new_from_flight_data(data)
        .try_collect()
        .await
        .map_err(|e| from_flight(&e))
}

/// Each row as a list of literals.
pub(crate) fn literals(batches: &[RecordBatch]) -> Result<Vec<Vec<Literal>>> {
    let mut rows = Vec::new();
    for batch in batches {
        let schema = batch.schema();
        let mut columns = Vec::new();
        for (field, array) in schema.fields().iter().zip(batch.columns()) {
            let ty = sql_type(field)?;
            columns.push((arrow::compute::cast(array, &ty.arrow())?, ty));
        }
        for row in 0..batch.num_rows() {
            let values = columns
                .iter()
                .map(|(array, ty)| Ok(Literal::new(scalar_at(array, row, ty)?, ty.clone())));
            rows.push(values.collect::<Result<_>>()?);
        }
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow::array::{ArrayRef, Int64Array, StringArray};
    use std::sync::Arc;

    #[test]
    fn rows_become_literals() {
        let batch = RecordBatch::try_from_iter([
            ("a", Arc::new(Int64Array::from(vec![Some(1), None])) as ArrayRef),
            ("b", Arc::new(StringArray::from(vec!["x", "y"]))),
        ])
        .unwrap();
        let rows = literals(&[batch]).unwrap();
        assert_eq!(rows[0], [Literal::long(1), Literal::string("x")]);
        assert!(rows[1][0].value.is_null());
    }
}
