//! The aggregates over sketches of frequent items.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, Int64Array, ListArray, StringViewArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Int32Type};
use rsql_common::{Error, Result};
use rsql_expr::{AggregateCall, Expr, Origin, SqlType, Vector};

use super::checks::{DEFAULT_MAX_ITEMS, MAX_ITEMS_LIMIT, broken, ddl_to_type, top_type, type_to_ddl};
use super::columns::{for_each_item, item_column};
use super::item::{Item, Kind};
use super::sketch::{FrequentItems, lg_for};
use crate::sketch::accumulator::{Family, Groups, binaries};
use crate::sketch::bind::bound_int;

/// Counting a column's values.
pub(super) struct Counted {
    ty: SqlType,
    kind: Kind,
    max_items: i64,
}

impl Counted {
    /// Of argument 0, with the number of items to track in argument `i`.
    pub(super) fn of(call: &AggregateCall, i: usize) -> Result<Self> {
        let ty = call.args.first().map_or(SqlType::Void, Expr::ty);
        let kind = Kind::of(&ty).ok_or_else(|| Error::internal(format!("{ty} is no item of a sketch")))?;
        let max_items = bound_int(&call.args, i).unwrap_or(DEFAULT_MAX_ITEMS.into());
        Ok(Self { ty, kind, max_items })
    }
}

/// What becomes of counted values.
pub(super) enum Outcome {
    /// `approx_top_k`: so many of the most frequent.
    Top(usize),
    /// `approx_top_k_accumulate`: the sketch.
    Sketch,
}

/// `approx_top_k`, `approx_top_k_accumulate`
pub(super) struct Frequent {
    pub(super) counted: Counted,
    pub(super) outcome: Outcome,
}

impl Family for Frequent {
    type Sketch = FrequentItems;

    fn fresh(&self) -> Result<FrequentItems> {
        Ok(FrequentItems::new(self.counted.kind, lg_for(self.counted.max_items)))
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let Some(values) = args.first() else { return Ok(()) };
        for_each_item(&values.to_array()?, &self.counted.ty, |row, item| {
            let sketch = groups.get(group_of[row])?;
            match item {
                Some(item) => sketch.add(item, 1),
                None => sketch.add_null(),
            }
            Ok(())
        })
    }

    fn merge(&self, sketch: &mut FrequentItems, state: &[u8]) -> Result<()> {
        let other = FrequentItems::read(self.counted.kind, state)
            .ok_or_else(|| Error::internal("a broken state of a sketch of frequent items"))?;
        sketch.merge(&other);
        Ok(())
    }

    fn state(&self, sketch: &mut FrequentItems) -> Result<Vec<u8>> {
        Ok(sketch.write())
    }

    fn finish(&self, sketches: &mut [FrequentItems]) -> Result<ArrayRef> {
        let (n, ty) = (sketches.len(), &self.counted.ty);
        match self.outcome {
            Outcome::Top(k) => top_lists(sketches.iter().map(|s| s.top(k)).collect(), ty),
            Outcome::Sketch => states(
                sketches.iter().map(FrequentItems::write).collect(),
                vec![self.counted.max_items as i32; n],
                vec![type_to_ddl(ty); n],
                ty,
            ),
        }
    }

    fn size(&self, sketch: &FrequentItems) -> usize {
        sketch.size()
    }
}

/// Lists of items and counts.
pub(super) fn top_lists(rows: Vec<Vec<(Option<&Item>, i64)>>, ty: &SqlType) -> Result<ArrayRef> {
    let offsets = OffsetBuffer::from_lengths(rows.iter().map(Vec::len));
    let items: Vec<Option<&Item>> = rows.iter().flatten().map(|(item, _)| *item).collect();
    let counts: Int64Array = rows.iter().flatten().map(|(_, count)| *count).collect();
    let (DataType::List(field), item) = (top_type(ty).arrow(), item_column(&items, ty)?) else {
        return Err(Error::internal("the most frequent items are an array"));
    };
    let DataType::Struct(fields) = field.data_type() else {
        return Err(Error::internal("a frequent item is a struct"));
    };
    let entries = StructArray::try_new(fields.clone(), vec![item, Arc::new(counts)], None)?;
    Ok(Arc::new(ListArray::try_new(field, offsets, Arc::new(entries), None)?))
}

/// Sketches in the struct they are handed on in: bytes, tracked items, and the items' type.
fn states(bytes: Vec<Vec<u8>>, tracked: Vec<i32>, ddls: Vec<String>, item: &SqlType) -> Result<ArrayRef> {
    let DataType::Struct(fields) = super::checks::state_type(item.clone()).arrow() else {
        return Err(Error::internal("a sketch is handed on as a struct"));
    };
    let nothing = arrow::array::new_null_array(&item.arrow(), bytes.len());
    let columns: Vec<ArrayRef> = vec![
        binaries(bytes.into_iter().map(Ok))?,
        Arc::new(Int32Array::from(tracked)),
        nothing,
        Arc::new(StringViewArray::from_iter_values(ddls)),
    ];
    Ok(Arc::new(StructArray::try_new(fields, columns, None)?))
}

/// `approx_top_k_combine`
pub(super) struct Combine {
    /// The type the struct says; that of the first sketch counts.
    item: SqlType,
    /// Absent: what the sketches track, which must agree.
    max_items: Option<i64>,
    origin: Origin,
}

/// Sketches of one group combined.
pub(super) struct Combined {
    sketch: FrequentItems,
    ty: SqlType,
    tracked: i64,
}

impl Combine {
    pub(super) fn of(call: &AggregateCall) -> Result<Self> {
        let state = call.args.first().map_or(SqlType::Void, Expr::ty);
        Ok(Self {
            item: super::item_type(&state),
            max_items: bound_int(&call.args, 1),
            origin: call.origin,
        })
    }

    fn add(&self, all: &mut Option<Combined>, bytes: &[u8], tracked: i64, ty: SqlType) -> Result<()> {
        let refused = || broken("approx_top_k_combine");
        let kind = Kind::of(&ty).ok_or_else(refused)?;
        let other = FrequentItems::read(kind, bytes).ok_or_else(refused)?;
        let all = all.get_or_insert_with(|| Combined {
            sketch: FrequentItems::new(kind, lg_for(self.max_items.unwrap_or(MAX_ITEMS_LIMIT))),
            ty: ty.clone(),
            tracked: self.max_items.unwrap_or(tracked),
        });
        if self.max_items.is_none() && all.tracked != tracked {
            return Err(Error::user("APPROX_TOP_K_SKETCH_SIZE_NOT_MATCH")
                .param("size1", all.tracked.to_string())
                .param("size2", tracked.to_string()));
        }
        if all.ty != ty {
            return Err(Error::user("APPROX_TOP_K_SKETCH_TYPE_NOT_MATCH")
                .param("type1", all.ty.quoted())
                .param("type2", ty.quoted()));
        }
        all.sketch.merge(&other);
        Ok(())
    }
}

/// The columns of sketches' structs: bytes, tracked items, type.
pub(super) type StateColumns<'a> = (&'a arrow::array::BinaryViewArray, &'a Int32Array, &'a StringViewArray);

/// The columns of a column of sketches.
pub(super) fn state_columns(states: &StructArray) -> Result<StateColumns<'_>> {
    let column = |i: usize| {
        states
            .columns()
            .get(i)
            .ok_or_else(|| Error::internal("a sketch's struct has four fields"))
    };
    match (
        column(0)?.as_binary_view_opt(),
        column(1)?.as_primitive_opt::<Int32Type>(),
        column(3)?.as_string_view_opt(),
    ) {
        (Some(bytes), Some(tracked), Some(ddl)) => Ok((bytes, tracked, ddl)),
        _ => Err(Error::internal("a sketch's struct has other types")),
    }
}

impl Family for Combine {
    /// Nothing until the first sketch gives type and size.
    type Sketch = Option<Combined>;

    fn fresh(&self) -> Result<Self::Sketch> {
        Ok(None)
    }

    fn update(&self, groups: &mut Groups<'_, Self>, args: &[Vector], group_of: &[u32]) -> Result<()> {
        let Some(states) = args.first() else { return Ok(()) };
        let array = states.to_array()?;
        let states = array
            .as_struct_opt()
            .ok_or_else(|| Error::internal("a sketch is handed on as a struct"))?;
        let (bytes, tracked, ddls) = state_columns(states)?;
        for (row, group) in group_of.iter().enumerate().filter(|(row, _)| states.is_valid(*row)) {
            let at = |e: Error| e.at(self.origin.0);
            if bytes.is_null(row) || tracked.is_null(row) || ddls.is_null(row) {
                return Err(at(broken("approx_top_k_combine")));
            }
            let ty = ddl_to_type(ddls.value(row)).map_err(at)?;
            self.add(groups.get(*group)?, bytes.value(row), tracked.value(row).into(), ty)
                .map_err(at)?;
        }
        Ok(())
    }

    fn merge(&self, all: &mut Self::Sketch, state: &[u8]) -> Result<()> {
        let broken = || Error::internal("a broken state of combined sketches");
        let (tracked, rest) = state.split_first_chunk::<8>().ok_or_else(broken)?;
        let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(broken)?;
        let (ddl, bytes) = rest
            .split_at_checked(u32::from_le_bytes(*length) as usize)
            .ok_or_else(broken)?;
        let ty = ddl_to_type(std::str::from_utf8(ddl).map_err(|_| broken())?)?;
        self.add(all, bytes, i64::from_le_bytes(*tracked), ty)
            .map_err(|e| e.at(self.origin.0))
    }

    /// Tracked items, the length of the type's text, that text, the sketch.
    fn state(&self, all: &mut Self::Sketch) -> Result<Vec<u8>> {
        let Some(all) = all else {
            return Err(Error::internal("a state of no sketches"));
        };
        let ddl = type_to_ddl(&all.ty);
        let mut out = all.tracked.to_le_bytes().to_vec();
        out.extend((ddl.len() as u32).to_le_bytes());
        out.extend(ddl.as_bytes());
        out.extend(all.sketch.write());
        Ok(out)
    }

    fn finish(&self, groups: &mut [Self::Sketch]) -> Result<ArrayRef> {
        let (mut bytes, mut tracked, mut ddls) = (Vec::new(), Vec::new(), Vec::new());
        for group in groups.iter() {
            match group {
                Some(all) => {
                    bytes.push(all.sketch.write());
                    tracked.push(all.tracked as i32);
                    ddls.push(type_to_ddl(&all.ty));
                }
                None => {
                    let kind = Kind::of(&self.item).unwrap_or(Kind::Long);
                    let lg = lg_for(self.max_items.unwrap_or(MAX_ITEMS_LIMIT));
                    bytes.push(FrequentItems::new(kind, lg).write());
                    tracked.push(self.max_items.map_or(DEFAULT_MAX_ITEMS, |m| m as i32));
                    ddls.push(type_to_ddl(&self.item));
                }
            }
        }
        states(bytes, tracked, ddls, &self.item)
    }

    fn size(&self, all: &Self::Sketch) -> usize {
        all.as_ref().map_or(0, |a| a.sketch.size())
    }
}
