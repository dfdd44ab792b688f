//! Arrow batches as temporary views.

use std::sync::Arc;

use arrow::array::RecordBatch;
use rsql_catalog::session::{DEFAULT_DATABASE, Relation, ViewBody, ViewEntry, ViewScope};
use rsql_catalog::{ColumnFacts, ScanFacts, ScanSource, SourceColumn, SourceKind};
use rsql_common::{Error, Result};
use rsql_expr::SqlType;

use crate::eval_options;
use crate::session::Session;

impl Session {
    /// Makes batches of one schema known as the temporary view `name`, replacing one of that name.
    ///
    /// Columns are cast to the engine's Arrow types where they differ.
    pub fn register_batches(&self, name: &str, batches: Vec<RecordBatch>) -> Result<()> {
        let view = self.batches_view(name, batches)?;
        self.state.write().catalog.put_temporary_view(Arc::new(view));
        Ok(())
    }

    /// The same as a relation of the database `default`.
    pub fn register_table(&self, name: &str, batches: Vec<RecordBatch>) -> Result<()> {
        let mut view = self.batches_view(name, batches)?;
        view.scope = ViewScope::Permanent;
        view.database = Some(DEFAULT_DATABASE.into());
        self.state.write().catalog.put_relation(Relation::View(Arc::new(view)));
        Ok(())
    }

    fn batches_view(&self, name: &str, batches: Vec<RecordBatch>) -> Result<ViewEntry> {
        let Some(first) = batches.first() else {
            return Err(Error::user("UNABLE_TO_INFER_SCHEMA").param("format", "Arrow batches"));
        };
        let mut columns = Vec::new();
        for field in first.schema().fields() {
            let ty = SqlType::from_arrow(field.data_type()).ok_or_else(|| {
                Error::user("UNSUPPORTED_DATATYPE").param("typeName", format!("\"{}\"", field.data_type()))
            })?;
            columns.push(SourceColumn {
                name: field.name().as_str().into(),
                ty,
                nullable: true,
            });
        }
        let batches = batches
            .iter()
            .map(|b| to_engine_types(b, &columns))
            .collect::<Result<Vec<_>>>()?;
        let facts = ScanFacts {
            rows: Some(batches.iter().map(|b| b.num_rows() as u64).sum()),
            bytes: batches.iter().map(|b| b.get_array_memory_size() as u64).sum(),
            exact: true,
            file_rows: None,
            columns: vec![ColumnFacts::default(); columns.len()],
        };
        let state = self.snapshot();
        Ok(ViewEntry {
            database: None,
            name: name.to_string(),
            scope: ViewScope::Temporary,
            columns: columns
                .iter()
                .map(|c| (c.name.to_string(), c.ty.clone(), None))
                .collect(),
            body: ViewBody::Source(
                Arc::new(ScanSource {
                    name: name.into(),
                    columns: columns.into(),
                    nested: Arc::default(),
                    kind: SourceKind::Memory(Arc::new(batches)),
                }),
                Some(Arc::new(facts)),
            ),
            comment: None,
            properties: Vec::new(),
            options: eval_options::freeze(&state.settings, &state.catalog, &self.user, 0),
            settings: Arc::clone(&state.settings),
        })
    }
}

fn to_engine_types(batch: &RecordBatch, columns: &[SourceColumn]) -> Result<RecordBatch> {
    let arrays = batch
        .columns()
        .iter()
        .zip(columns)
        .map(|(a, c)| Ok(arrow::compute::cast(a, &c.ty.arrow())?))
        .collect::<Result<Vec<_>>>()?;
    let fields: Vec<_> = columns
        .iter()
        .map(|c| arrow::datatypes::Field::new(c.name.as_ref(), c.ty.arrow(), true))
        .collect();
    Ok(RecordBatch::try_new(
        Arc::new(arrow::datatypes::Schema::new(fields)),
        arrays,
    )?)
}
