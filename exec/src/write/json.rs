//! JSON part files: one object a line, without the fields that are NULL.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use rsql_catalog::SourceColumn;
use rsql_common::ids::IdGen;
use rsql_common::{Error, Result, Settings};
use rsql_expr::eval::{EvalCx, Program, struct_array};
use rsql_expr::function::ResolveCx;
use rsql_expr::tree::{Origin, Slot};
use rsql_expr::{Chunk, EvalMode, EvalOptions, Expr, FunctionRegistry, SqlType, Vector};

use super::Part;

/// An open JSON file.
pub(super) struct JsonPart {
    out: BufWriter<File>,
    row: SqlType,
    /// `to_json` over the row as a struct.
    text: Program,
}

impl JsonPart {
    /// Starts a file.
    pub(super) fn create(
        path: &Path,
        columns: &[SourceColumn],
        eval: &Arc<EvalOptions>,
        registry: &Arc<FunctionRegistry>,
    ) -> Result<Self> {
        let row = SqlType::structure(columns.iter().map(|c| (Arc::clone(&c.name), c.ty.clone(), true)));
        let to_json = registry
            .scalar("to_json")
            .ok_or_else(|| Error::unsupported("writing JSON files"))?;
        let slot = Expr::Slot(Slot {
            index: 0,
            ty: row.clone(),
        });
        let (settings, ids) = (Settings::default(), IdGen::default());
        let call = to_json.resolve(
            vec![slot],
            &ResolveCx {
                called_as: "to_json",
                options: eval,
                mode: EvalMode::Ansi,
                settings: &settings,
                registry,
                ids: &ids,
                origin: Origin::default(),
            },
        )?;
        let file = File::create(path).map_err(|e| Error::from(e).in_file(path.display().to_string()))?;
        Ok(Self {
            out: BufWriter::new(file),
            row,
            text: Program::compile(&call, registry)?,
        })
    }
}

impl Part for JsonPart {
    fn write(&mut self, columns: &[ArrayRef]) -> Result<()> {
        let rows = columns.first().map_or(0, |c| c.len());
        let row = struct_array(&self.row, columns.to_vec(), None, rows)?;
        let chunk = Chunk::new(vec![Vector::Flat(row)], rows);
        let lines = self.text.eval(&chunk, &EvalCx::detached())?.to_array()?;
        for line in lines.as_string_view().iter().flatten() {
            self.out.write_all(line.as_bytes())?;
            self.out.write_all(b"\n")?;
        }
        Ok(())
    }

    fn finish(mut self: Box<Self>) -> Result<()> {
        self.out.flush()?;
        Ok(())
    }
}
