//! Output chunks of a join, and the residual condition over candidate pairs.

use arrow::array::new_null_array;
use arrow::datatypes::DataType;
use rsql_common::Result;
use rsql_expr::eval::{EvalCx, Program};
use rsql_expr::{Chunk, Expr, Selection, Vector};

use super::spec::JoinSpec;
use super::table::{JoinTable, RowIndex, gather};
use crate::hashing::NONE;
use crate::pipeline::TaskContext;

/// The condition that remains beside the keys.
pub(super) struct Residual {
    program: Program,
    /// Which probe and build columns it reads.
    probe_used: Vec<bool>,
    build_used: Vec<bool>,
    eval: EvalCx,
}

impl Residual {
    pub(super) fn new(filter: &Expr, spec: &JoinSpec, cx: &TaskContext) -> Result<Self> {
        let (left, right) = match spec.build_is_left {
            true => (spec.build_types.len(), spec.probe_types.len()),
            false => (spec.probe_types.len(), spec.build_types.len()),
        };
        let mut used = vec![false; left + right];
        mark_slots(filter, &mut used);
        let right_used = used.split_off(left);
        let (probe_used, build_used) = if spec.build_is_left {
            (right_used, used)
        } else {
            (used, right_used)
        };
        Ok(Self {
            program: cx.compile(filter)?,
            probe_used,
            build_used,
            eval: cx.eval(),
        })
    }

    /// Which of the candidate pairs pass; `None`: all.
    pub(super) fn passing(
        &self,
        spec: &JoinSpec,
        table: &JoinTable,
        input: &Chunk,
        probe: &[u32],
        build: &[u32],
    ) -> Result<Option<Vec<u32>>> {
        let rows = RowIndex::new(&physical_rows(input, probe), false);
        let index = RowIndex::new(build, false);
        let len = build.len();
        let probe_columns = input
            .columns
            .iter()
            .zip(&self.probe_used)
            .zip(&spec.probe_types)
            .map(|((v, used), ty)| {
                if *used {
                    gather(v, rows.array())
                } else {
                    Ok(unused(ty, len))
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let build_columns = table.gather_some(&index, &self.build_used, &spec.build_types)?;
        let pairs = Chunk::new(side_by_side(spec, probe_columns, build_columns), len);
        self.program.filter(&pairs, &self.eval)
    }
}

/// Marks the slots an expression reads.
pub(crate) fn mark_slots(expr: &Expr, used: &mut [bool]) {
    if let Expr::Slot(s) = expr
        && let Some(u) = used.get_mut(s.index)
    {
        *u = true;
    }
    expr.children().into_iter().for_each(|e| mark_slots(e, used));
}

fn unused(ty: &DataType, len: usize) -> Vector {
    Vector::constant(new_null_array(ty, 1), len)
}

/// Left columns, then right columns.
pub(super) fn side_by_side(spec: &JoinSpec, mut probe: Vec<Vector>, mut build: Vec<Vector>) -> Vec<Vector> {
    if spec.build_is_left {
        build.append(&mut probe);
        build
    } else {
        probe.append(&mut build);
        probe
    }
}

/// Physical rows of positions among the selected ones.
fn physical_rows(input: &Chunk, positions: &[u32]) -> Vec<u32> {
    match &input.selection {
        Some(s) => positions.iter().map(|p| s.rows()[*p as usize]).collect(),
        None => positions.to_vec(),
    }
}

/// Pairs of probe positions (among the selected rows) and build rows ([`NONE`] for NULLs) as a chunk.
pub(super) fn pairs(
    spec: &JoinSpec,
    table: &JoinTable,
    input: &Chunk,
    probe: &[u32],
    build: &[u32],
    nullable: bool,
) -> Result<Chunk> {
    let rows = physical_rows(input, probe);
    let probe_columns = input
        .columns
        .iter()
        .map(|v| v.take(&rows))
        .collect::<Result<Vec<_>>>()?;
    let build_columns = table.gather(&RowIndex::new(build, nullable), &spec.build_types)?;
    Ok(Chunk::new(side_by_side(spec, probe_columns, build_columns), build.len()).with_sequence(input.sequence))
}

/// As [`pairs`], for at most one build row a probe row: `build` has one entry a selected row. Rows without partner are
/// dropped unless `nullable`. Probe columns stay where they are if most rows remain.
pub(super) fn at_most_one(
    spec: &JoinSpec,
    table: &JoinTable,
    mut input: Chunk,
    build: &[u32],
    nullable: bool,
) -> Result<Chunk> {
    let found = build.iter().filter(|b| **b != NONE).count();
    let out_rows = if nullable { build.len() } else { found };
    if out_rows * 2 < input.len {
        let probe: Vec<u32> = match nullable {
            true => (0..build.len() as u32).collect(),
            false => (0..build.len() as u32).filter(|p| build[*p as usize] != NONE).collect(),
        };
        let build: Vec<u32> = probe.iter().map(|p| build[*p as usize]).collect();
        return pairs(spec, table, &input, &probe, &build, nullable && found < build.len());
    }
    // Build columns get a value for every physical row; what stands in rows that are not selected does not count.
    let at_physical = input.selection.as_ref().map(|s| {
        let mut rows = vec![0u32; input.len];
        for (row, b) in s.rows().iter().zip(build) {
            rows[*row as usize] = *b;
        }
        rows
    });
    let rows = at_physical.as_deref().unwrap_or(build);
    let index = if found == build.len() {
        RowIndex::new(rows, false)
    } else if nullable {
        RowIndex::new(rows, true)
    } else {
        let rows: Vec<u32> = rows.iter().map(|r| if *r == NONE { 0 } else { *r }).collect();
        RowIndex::new(&rows, false)
    };
    let build_columns = table.gather(&index, &spec.build_types)?;
    if out_rows < build.len() {
        let kept = (0..build.len() as u32).filter(|p| build[*p as usize] != NONE).collect();
        input.select(kept);
    }
    Ok(Chunk {
        columns: side_by_side(spec, std::mem::take(&mut input.columns), build_columns),
        selection: input.selection.filter(|s: &Selection| s.len() < input.len),
        len: input.len,
        sequence: input.sequence,
    })
}

impl JoinTable {
    /// Payload columns at rows; those not used are NULL.
    fn gather_some(&self, index: &RowIndex, used: &[bool], types: &[DataType]) -> Result<Vec<Vector>> {
        used.iter()
            .zip(types)
            .enumerate()
            .map(|(i, (used, ty))| {
                if *used {
                    gather(&self.payload[i], index.array())
                } else {
                    Ok(unused(ty, index.array().len()))
                }
            })
            .collect()
    }
}
