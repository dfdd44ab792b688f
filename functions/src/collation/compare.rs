//! `contains`, `startswith`, `endswith`, `instr`, `locate`, `find_in_set` by a collation.

use arrow::array::ArrayRef;
use arrow::datatypes::{DataType, Int32Type};
use rsql_common::Result;
use rsql_expr::function::EvalArgs;

use super::rules::Rules;
use super::search::Search;
use crate::kernel::{StrCol, bool_rows, prim_rows, some};

/// Where a part must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Anywhere,
    Start,
    End,
}

/// Whether the first argument has the second at a place.
pub(crate) fn tested(args: &EvalArgs<'_>, rules: &Rules, place: Place) -> Result<ArrayRef> {
    let (texts, parts) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?);
    bool_rows(args.rows, |row| {
        let text = rules.counted(some!(texts.get(row)));
        let part = rules.counted(some!(parts.get(row)));
        if part.is_empty() {
            return Ok(Some(true));
        }
        let search = Search::new(rules, part);
        Ok(Some(match place {
            Place::Anywhere => search.find(text, 0).is_some(),
            Place::Start => search.at(text, 0).is_some(),
            Place::End => search.ends(text).is_some(),
        }))
    })
}

/// Position from 1 of the n-th occurrence at or after a position, or backwards from a negative one; 0 if there is none.
pub(crate) fn instr(rules: &Rules, text: &str, part: &str, position: i32, occurrence: i32) -> i32 {
    let part = rules.counted(part);
    let starts: Vec<usize> = text.char_indices().map(|(i, _)| i).chain([text.len()]).collect();
    let total = starts.len() as i64 - 1;
    let search = Search::new(rules, part);
    let hit = |i: &i64| part.is_empty() || search.at(text, starts[*i as usize]).is_some();
    let nth = (occurrence - 1) as usize;
    let found = match position {
        0 => None,
        1.. => (i64::from(position) - 1..=total).filter(hit).nth(nth),
        _ => (0..=total + i64::from(position)).rev().filter(hit).nth(nth),
    };
    found.map_or(0, |i| i as i32 + 1)
}

/// Position from 1 of the first occurrence at or after a position.
pub(crate) fn locate(rules: &Rules, part: &str, text: &str, position: i32) -> i32 {
    if position < 1 {
        return 0;
    }
    let part = rules.counted(part);
    if part.is_empty() {
        return 1;
    }
    instr(rules, text, part, position, 1)
}

/// Position of a text in a comma-separated list, from 1; 0 if it is not there or has a comma.
pub(crate) fn find_in_set(args: &EvalArgs<'_>, rules: &Rules) -> Result<ArrayRef> {
    let (texts, lists) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?);
    prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
        let (text, list) = (some!(texts.get(row)), some!(lists.get(row)));
        if text.contains(',') {
            return Ok(Some(0));
        }
        let at = list.split(',').position(|t| rules.equal(t, text));
        Ok(Some(at.map_or(0, |i| i as i32 + 1)))
    })
}
