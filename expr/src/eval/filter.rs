//! Predicates to positions.

use arrow::array::{Array, AsArray};
use rsql_common::Result;

use super::dictionary;
use super::frame::Frame;
use super::node::{Node, Op};
use crate::Vector;
use crate::kernel::{select_compare, select_where};
use crate::vector::true_positions;

impl Node {
    /// Positions among the frame's rows where the predicate is TRUE; `None` if it is for all.
    pub fn filter(&self, f: &Frame<'_>) -> Result<Option<Vec<u32>>> {
        let rows = f.rows();
        if rows == 0 {
            return Ok(None);
        }
        let all = |p: Vec<u32>| Ok((p.len() < rows).then_some(p));
        match &self.op {
            Op::And(parts) => return conjunction(parts, f),
            Op::Or(parts) => return disjunction(parts, f),
            Op::Constant(a) => {
                let holds = a.as_boolean_opt().is_some_and(|b| b.is_valid(0) && b.value(0));
                return Ok((!holds).then(Vec::new));
            }
            Op::NullTest(e, null) => {
                let Op::Slot(slot) = e.op else {
                    return self.filter_values(f);
                };
                let nulls = f.physical(slot)?.nulls();
                let Some(nulls) = nulls.filter(|n| n.null_count() > 0) else {
                    return Ok(null.then(Vec::new));
                };
                return all(select_where(rows, f.selection(), None, |i| nulls.is_valid(i) != *null));
            }
            _ => {}
        }
        if self.deterministic
            && let [slot] = self.slots[..]
            && let Vector::Dictionary(d) = f.physical(slot)?
            && let Some(positions) = dictionary::filter(self, slot, d, f)?
        {
            return all(positions);
        }
        match &self.op {
            Op::Compare(op, sides) => {
                let [left, right] = sides.as_ref();
                let Op::Constant(value) = &right.op else {
                    return self.filter_values(f);
                };
                if *op == crate::CompareOp::NullSafeEq {
                    return self.filter_values(f);
                }
                if value.logical_null_count() > 0 {
                    return Ok(Some(Vec::new()));
                }
                let fast = match &left.op {
                    Op::Slot(slot) => match f.physical(*slot)? {
                        Vector::Flat(a) => select_compare(*op, a, value, f.selection(), rows),
                        _ => None,
                    },
                    _ => match left.eval(f)? {
                        Vector::Flat(a) => select_compare(*op, &a, value, None, rows),
                        _ => None,
                    },
                };
                match fast {
                    Some(positions) => all(positions),
                    None => self.filter_values(f),
                }
            }
            Op::Member(e, set) => match &e.op {
                Op::Slot(slot) => match f.physical(*slot)? {
                    Vector::Flat(a) => all(set.select(a, f.selection(), rows)?),
                    _ => self.filter_values(f),
                },
                _ => match e.eval(f)? {
                    Vector::Flat(a) => all(set.select(&a, None, rows)?),
                    _ => self.filter_values(f),
                },
            },
            _ => self.filter_values(f),
        }
    }

    fn filter_values(&self, f: &Frame<'_>) -> Result<Option<Vec<u32>>> {
        let rows = f.rows();
        if let Vector::Constant { value, .. } = self.eval(f)? {
            let holds = value.as_boolean_opt().is_some_and(|b| b.is_valid(0) && b.value(0));
            return Ok((!holds).then(Vec::new));
        }
        let positions = true_positions(&self.eval_boolean(f)?);
        Ok((positions.len() < rows).then_some(positions))
    }
}

/// Each member sees only the rows the earlier ones left.
fn conjunction(parts: &[Node], f: &Frame<'_>) -> Result<Option<Vec<u32>>> {
    let mut left: Option<Vec<u32>> = None;
    for part in parts {
        left = match left {
            None => part.filter(f)?,
            Some(rows) if rows.is_empty() => return Ok(Some(rows)),
            Some(rows) => match part.filter(&f.narrow(rows.clone()))? {
                None => Some(rows),
                Some(kept) => Some(kept.into_iter().map(|k| rows[k as usize]).collect()),
            },
        };
    }
    Ok(left)
}

/// Each member sees only the rows the earlier ones did not take.
fn disjunction(parts: &[Node], f: &Frame<'_>) -> Result<Option<Vec<u32>>> {
    let rows = f.rows();
    let mut taken = vec![false; rows];
    let mut open: Vec<u32> = (0..rows as u32).collect();
    for part in parts {
        if open.is_empty() {
            break;
        }
        let narrowed;
        let frame = if open.len() == rows {
            f
        } else {
            narrowed = f.narrow(open.clone());
            &narrowed
        };
        match part.filter(frame)? {
            None => return_all(&mut taken, &mut open),
            Some(hits) => {
                hits.iter().for_each(|h| taken[open[*h as usize] as usize] = true);
                open.retain(|row| !taken[*row as usize]);
            }
        }
    }
    if open.is_empty() {
        return Ok(None);
    }
    Ok(Some(select_where(rows, None, None, |i| taken[i])))
}

fn return_all(taken: &mut [bool], open: &mut Vec<u32>) {
    open.drain(..).for_each(|row| taken[row as usize] = true);
}
