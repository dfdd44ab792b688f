//! `stack`: the arguments laid out as rows.

use arrow::array::ArrayRef;
use rsql_common::{Error, Result};
use rsql_expr::function::{Family, GeneratorOutput, ResolveCx};
use rsql_expr::{Expr, GeneratorFn, Literal, SqlType};

use crate::collection::{Lists, bind};
use crate::definition::doc;
use crate::kernel::{constant, mismatch};

pub(super) static STACK: GeneratorFn = GeneratorFn {
    name: "stack",
    aliases: &[],
    doc: doc(
        Family::Generator,
        "stack(n, expr1, ..., exprk)",
        "The expressions as `n` rows (`col0`, `col1`, ...), filled up with NULLs.",
        "SELECT stack(2, 1, 2, 3)",
    ),
    resolve,
    eval: |args, _, _| eval(args),
};

/// Replaces the arguments by one array a column, so that computing it is unnesting arrays side by side.
fn resolve(args: Vec<Expr>, cx: &ResolveCx<'_>) -> Result<(Vec<Expr>, Vec<(String, SqlType, bool)>)> {
    bind::count(&args, 2, None, cx)?;
    if args[0].ty() != SqlType::Int {
        return Err(bind::unexpected(&args[0], 0, "\"INT\"", cx));
    }
    let n = match constant(&args[0], cx).map(|l| l.value.as_i64()) {
        Some(Some(n)) if n > 0 => n as usize,
        Some(Some(n)) => {
            return Err(mismatch("VALUE_OUT_OF_RANGE", &args, cx)
                .param("exprName", "`n`")
                .param("valueRange", "(0, 2147483647]")
                .param("currentValue", n.to_string()));
        }
        Some(None) => return Err(mismatch("UNEXPECTED_NULL", &args, cx).param("exprName", "`n`")),
        None => {
            return Err(mismatch("NON_FOLDABLE_INPUT", &args, cx)
                .param("inputName", "`n`")
                .param("inputType", "\"INT\"")
                .param("inputExpr", format!("\"{}\"", args[0])));
        }
    };
    let values = &args[1..];
    let width = values.len().div_ceil(n);
    let array = cx
        .registry
        .scalar("array")
        .ok_or_else(|| Error::internal("the function array is missing"))?;
    let (mut columns, mut outputs) = (Vec::with_capacity(width), Vec::with_capacity(width));
    for column in 0..width {
        let mut cells: Vec<Expr> = (0..n)
            .map(|row| values.get(row * width + column).cloned())
            .map(or_null)
            .collect();
        let ty = cells
            .iter()
            .map(Expr::ty)
            .find(|t| *t != SqlType::Void)
            .unwrap_or(SqlType::Void);
        if let Some((i, cell)) = cells
            .iter()
            .enumerate()
            .find(|(_, c)| c.ty() != SqlType::Void && !c.ty().same_type(&ty))
        {
            return Err(mismatch("STACK_COLUMN_DIFF_TYPES", &args, cx)
                .param("columnIndex", column.to_string())
                .param("leftParamIndex", (column + 1).to_string())
                .param("leftType", ty.quoted())
                .param("rightParamIndex", (i * width + column + 1).to_string())
                .param("rightType", cell.ty().quoted()));
        }
        cells = cells.into_iter().map(|c| bind::cast(c, &ty, cx)).collect();
        let nullable = bind::any_nullable(&cells);
        outputs.push((format!("col{column}"), ty.clone(), nullable));
        columns.push(array.call_typed(cells, SqlType::array_of(ty, nullable), cx));
    }
    Ok((columns, outputs))
}

fn or_null(cell: Option<Expr>) -> Expr {
    cell.unwrap_or_else(|| Expr::lit(Literal::null(SqlType::Void)))
}

fn eval(args: &[ArrayRef]) -> Result<GeneratorOutput> {
    let mut row_of = Vec::new();
    let mut columns = Vec::with_capacity(args.len());
    for array in args {
        let (rows, elements) = Lists::new(array)?.rows_and_elements()?;
        row_of = rows;
        columns.push(elements);
    }
    Ok(GeneratorOutput { row_of, columns })
}
