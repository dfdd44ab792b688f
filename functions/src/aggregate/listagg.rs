//! `listagg`: texts (or binaries) joined by a delimiter, in an order if one is given.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, BinaryViewBuilder, StringViewBuilder, StructArray, cast::AsArray};
use arrow::compute::SortOptions;
use arrow::datatypes::{DataType, Fields};
use arrow::row::{RowConverter, SortField};
use rsql_common::{Error, Result, quoted_name};
use rsql_expr::function::{Accumulator, AggregateFn, FunctionRegistry, ResolveCx};
use rsql_expr::{AggregateCall, Expr, Literal, Scalar, SortKey, SqlType, Vector};

use super::define::{add, aggregate, arg, arg_type, call, doc, field};
use super::store::Collected;
use crate::kernel::{cast, check_count, constant, mismatch, non_foldable, unexpected_input};

pub(super) fn register(r: &mut FunctionRegistry) {
    add(r, &[&LISTAGG]);
}

/// `listagg(expr[, delimiter]) [WITHIN GROUP (ORDER BY key[, ...])]`
static LISTAGG: AggregateFn = AggregateFn {
    order_sensitive: true,
    ..aggregate(
        "listagg",
        &["string_agg"],
        doc(
            "listagg(expr[, delimiter]) [WITHIN GROUP (ORDER BY key[, ...])]",
            "Values that are not NULL, joined by the delimiter.",
            "SELECT listagg(a, ', ') FROM VALUES ('a'), ('b') AS t(a)",
        ),
        resolve,
        |call| match entry_fields(call) {
            Ok((ty, _)) => vec![field("entries", SqlType::array_of(ty, false))],
            Err(_) => vec![],
        },
        |call| {
            let (_, fields) = entry_fields(call)?;
            let sort = call.order_by.iter().map(|k| {
                let options = SortOptions {
                    descending: k.descending,
                    nulls_first: k.nulls_first,
                };
                SortField::new_with_options(k.expr.ty().arrow(), options)
            });
            let delimiter = match call.args.get(1).and_then(Expr::as_literal).map(|l| &l.value) {
                Some(Scalar::Str(s)) => s.as_bytes().to_vec(),
                Some(Scalar::Bin(b)) => b.to_vec(),
                _ => vec![],
            };
            Ok(Box::new(Joined {
                entries: Collected::new(DataType::Struct(fields.clone())),
                fields,
                order: RowConverter::new(sort.collect())?,
                delimiter,
                text: call.ty != SqlType::Binary,
            }))
        },
    )
};

/// What is kept of a row: the value, then the sort keys.
fn entry_fields(call: &AggregateCall) -> Result<(SqlType, Fields)> {
    let keys = call
        .order_by
        .iter()
        .enumerate()
        .map(|(i, k)| (format!("key{i}"), k.expr.ty(), true));
    let ty = SqlType::structure(std::iter::once(("value".to_string(), arg_type(call, 0), false)).chain(keys));
    match ty.arrow() {
        DataType::Struct(fields) => Ok((ty, fields)),
        other => Err(Error::internal(format!("{other} is no struct"))),
    }
}

fn resolve(args: Vec<Expr>, order: Vec<SortKey>, ignore_nulls: bool, cx: &ResolveCx<'_>) -> Result<AggregateCall> {
    check_count(&args, 1, Some(2), cx)?;
    let value = arg(&args, 0)?.clone();
    let ty = match value.ty() {
        SqlType::Binary => SqlType::Binary,
        text if text.is_string() => text,
        _ => SqlType::String,
    };
    if value.ty().is_nested() {
        return Err(unexpected_input(&args, 0, "(\"STRING\" or \"BINARY\")", cx));
    }
    if args.get(1).is_some_and(|d| d.ty().is_nested()) {
        return Err(unexpected_input(&args, 1, "(\"STRING\" or \"BINARY\")", cx));
    }
    let delimiter = match args.get(1) {
        None => Literal::null(ty.clone()),
        Some(d)
            if d.ty() != SqlType::Void
                && ((d.ty() == SqlType::Binary) != (ty == SqlType::Binary)
                    || d.ty().is_string() && d.ty().collation() != ty.collation()) =>
        {
            return Err(mismatch("DATA_DIFF_TYPES", &args, cx)
                .param("functionName", quoted_name([&cx.called_as]))
                .param("dataType", format!("({} or {})", value.ty().quoted(), d.ty().quoted())));
        }
        Some(d) => match constant(&cast(d.clone(), &ty, cx), cx) {
            Some(l) => l,
            None => return Err(non_foldable(&args, 1, "delimiter", cx)),
        },
    };
    let mut bound = vec![cast(value, &ty, cx), Expr::lit(delimiter)];
    bound.extend(order.iter().map(|k| k.expr.clone()));
    Ok(AggregateCall {
        order_by: order,
        ..call("listagg", bound, ty, ignore_nulls, cx)
    })
}

struct Joined {
    entries: Collected,
    fields: Fields,
    order: RowConverter,
    delimiter: Vec<u8>,
    text: bool,
}

impl Joined {
    /// Each group's joined bytes; `None` without values.
    fn joined(&self) -> Result<Vec<Option<Vec<u8>>>> {
        let (starts, entries) = self.entries.grouped()?;
        let entries = entries.as_struct();
        let values = arrow::compute::cast(entries.column(0), &DataType::BinaryView)?;
        let values = values.as_binary_view();
        let keys: &[ArrayRef] = entries.columns().get(1..).unwrap_or_default();
        let rows = if keys.is_empty() {
            None
        } else {
            Some(self.order.convert_columns(keys)?)
        };
        let mut out = Vec::with_capacity(starts.len().saturating_sub(1));
        for w in starts.windows(2) {
            let mut order: Vec<usize> = (w[0]..w[1]).collect();
            if let Some(rows) = &rows {
                order.sort_by(|a, b| rows.row(*a).cmp(&rows.row(*b)));
            }
            out.push((!order.is_empty()).then(|| {
                let mut bytes = Vec::new();
                for (i, row) in order.into_iter().enumerate() {
                    if i > 0 {
                        bytes.extend_from_slice(&self.delimiter);
                    }
                    bytes.extend_from_slice(values.value(row));
                }
                bytes
            }));
        }
        Ok(out)
    }
}

impl Accumulator for Joined {
    fn resize(&mut self, groups: usize) {
        self.entries.resize(groups);
    }

    fn update(&mut self, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let value = arg(args, 0)?.to_array()?;
        let nulls = value.logical_nulls();
        let mut columns = vec![value];
        for key in args.iter().skip(2) {
            columns.push(key.to_array()?);
        }
        // NULL values are masked below; the struct itself holds them.
        let fields: Fields = self
            .fields
            .iter()
            .map(|f| f.as_ref().clone().with_nullable(true))
            .collect::<Vec<_>>()
            .into();
        let entries: ArrayRef = Arc::new(StructArray::try_new(fields, columns, None)?);
        self.entries
            .push(&entries, group_of, |i| nulls.as_ref().is_none_or(|n| n.is_valid(i)));
        Ok(())
    }

    fn merge(&mut self, states: &[ArrayRef], group_of: &[u32]) -> Result<()> {
        self.entries.push_lists(arg(states, 0)?, group_of)
    }

    fn state(&mut self) -> Result<Vec<ArrayRef>> {
        Ok(vec![self.entries.lists()?])
    }

    fn finish(&mut self) -> Result<ArrayRef> {
        let joined = self.joined()?;
        if !self.text {
            let mut builder = BinaryViewBuilder::with_capacity(joined.len());
            joined.iter().for_each(|b| builder.append_option(b.as_deref()));
            return Ok(Arc::new(builder.finish()));
        }
        let mut builder = StringViewBuilder::with_capacity(joined.len());
        for bytes in &joined {
            builder.append_option(bytes.as_deref().map(String::from_utf8_lossy));
        }
        Ok(Arc::new(builder.finish()))
    }

    fn size(&self) -> usize {
        self.entries.size()
    }
}
