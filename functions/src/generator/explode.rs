//! A row for each element of an array or entry of a map: `explode`, `posexplode`, `inline`.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, UInt32Array};
use rsql_common::{Error, Result};
use rsql_expr::function::{Family, GeneratorOutput, ResolveCx};
use rsql_expr::{Expr, GeneratorFn, SqlType};

use crate::collection::{Lists, Maps, bind};
use crate::definition::doc;

pub(super) static EXPLODE: GeneratorFn = GeneratorFn {
    name: "explode",
    aliases: &["explode_outer"],
    doc: doc(
        Family::Generator,
        "explode(collection)",
        "A row for each element (`col`) or entry (`key`, `value`).",
        "SELECT explode(array(10, 20))",
    ),
    resolve: |args, cx| resolve(args, false, cx),
    eval: |args, _, _| explode(args, false),
};

pub(super) static POSEXPLODE: GeneratorFn = GeneratorFn {
    name: "posexplode",
    aliases: &["posexplode_outer"],
    doc: doc(
        Family::Generator,
        "posexplode(collection)",
        "A row for each element or entry, with its position from 0 (`pos`).",
        "SELECT posexplode(array(10, 20))",
    ),
    resolve: |args, cx| resolve(args, true, cx),
    eval: |args, _, _| explode(args, true),
};

pub(super) static INLINE: GeneratorFn = GeneratorFn {
    name: "inline",
    aliases: &["inline_outer"],
    doc: doc(
        Family::Generator,
        "inline(input)",
        "A row for each struct, with its fields as columns.",
        "SELECT inline(array(struct(1, 'a'), struct(2, 'b')))",
    ),
    resolve: resolve_inline,
    eval: |args, _, _| inline(args),
};

type Resolved = (Vec<Expr>, Vec<(String, SqlType, bool)>);

fn resolve(args: Vec<Expr>, with_position: bool, cx: &ResolveCx<'_>) -> Result<Resolved> {
    bind::count(&args, 1, Some(1), cx)?;
    let mut columns = Vec::new();
    if with_position {
        columns.push(("pos".to_string(), SqlType::Int, false));
    }
    match args[0].ty() {
        SqlType::Array(a) => columns.push(("col".into(), a.element.clone(), a.contains_null)),
        SqlType::Map(m) => {
            columns.push(("key".into(), m.key.clone(), false));
            columns.push(("value".into(), m.value.clone(), m.value_contains_null));
        }
        _ => return Err(bind::unexpected(&args[0], 0, "(\"ARRAY\" or \"MAP\")", cx)),
    }
    Ok((args, columns))
}

fn input(args: &[ArrayRef]) -> Result<&ArrayRef> {
    args.first()
        .ok_or_else(|| Error::internal("a generator was called without its argument"))
}

fn explode(args: &[ArrayRef], with_position: bool) -> Result<GeneratorOutput> {
    let input = input(args)?;
    let (row_of, mut columns) = if input.as_map_opt().is_some() {
        let maps = Maps::new(input)?;
        let (rows, picks) = maps.rows_and_positions();
        let take = |a: &ArrayRef| arrow::compute::take(a, &picks, None);
        (rows, vec![take(&maps.keys)?, take(&maps.values)?])
    } else {
        let (rows, elements) = Lists::new(input)?.rows_and_elements()?;
        (rows, vec![elements])
    };
    if with_position {
        columns.insert(0, positions(&row_of));
    }
    Ok(GeneratorOutput { row_of, columns })
}

/// For ascending rows: the position of each within its row.
fn positions(row_of: &[u32]) -> ArrayRef {
    let mut next = 0;
    let mut last = None;
    Arc::new(Int32Array::from_iter_values(row_of.iter().map(|row| {
        next = if last == Some(*row) { next + 1 } else { 0 };
        last = Some(*row);
        next
    })))
}

fn resolve_inline(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<Resolved> {
    bind::count(&args, 1, Some(1), cx)?;
    if let SqlType::Array(a) = args[0].ty()
        && let SqlType::Struct(fields) = &a.element
    {
        let columns = fields
            .iter()
            .map(|f| (f.name.to_string(), f.ty.clone(), f.nullable || a.contains_null))
            .collect();
        return Ok((args, columns));
    }
    Err(bind::unexpected(&args[0], 0, "\"ARRAY<STRUCT>\"", cx))
}

fn inline(args: &[ArrayRef]) -> Result<GeneratorOutput> {
    let (row_of, elements) = Lists::new(input(args)?)?.rows_and_elements()?;
    let structs = elements.as_struct();
    let columns = match structs.nulls() {
        // A NULL struct gives a row of NULLs.
        Some(nulls) => {
            let picks: UInt32Array = (0..structs.len())
                .map(|i| nulls.is_valid(i).then_some(i as u32))
                .collect();
            structs
                .columns()
                .iter()
                .map(|c| Ok(arrow::compute::take(c, &picks, None)?))
                .collect::<Result<Vec<_>>>()?
        }
        None => structs.columns().to_vec(),
    };
    Ok(GeneratorOutput { row_of, columns })
}
