//! Remembers what a table said for each combination of dictionary codes.
//!
//! Where all keys are dictionary codes and the dictionaries together have few combinations, the table is asked once a
//! combination; all other rows cost an array lookup. The cache holds for as long as the dictionaries stay the same.

use arrow::array::ArrayRef;
use rsql_common::{DictId, Result};
use rsql_expr::{Vector, with_codes};

use super::NONE;

/// Most combinations remembered.
const COMBINATIONS: usize = 1 << 16;
/// A fresh cache must be worth it: at most this many combinations a row of the first chunk.
const COMBINATIONS_A_ROW: usize = 4;
const UNKNOWN: u32 = u32::MAX - 1;

/// What makes a key column's codes comparable to an earlier chunk's.
#[derive(Debug, Clone)]
enum Domain {
    Dictionary(DictId),
    Constant(ArrayRef),
}

impl Domain {
    fn same(&self, other: &Domain) -> bool {
        match (self, other) {
            (Domain::Dictionary(a), Domain::Dictionary(b)) => a == b,
            (Domain::Constant(a), Domain::Constant(b)) => std::sync::Arc::ptr_eq(a, b),
            _ => false,
        }
    }
}

/// Table answers by combined code.
#[derive(Debug, Default)]
pub(crate) struct CodeCache {
    domains: Vec<Domain>,
    answers: Vec<u32>,
    codes: Vec<u32>,
    unknown: Vec<u32>,
}

impl CodeCache {
    /// Answers for the rows of `keys` into `out`; `ask` is called with the rows that must be asked for, one for each
    /// combination not seen before, and gives their answers. False: not applicable, `out` is untouched.
    pub(crate) fn resolve(
        &mut self,
        keys: &[Vector],
        rows: usize,
        out: &mut Vec<u32>,
        ask: impl FnOnce(&[u32]) -> Result<Vec<u32>>,
    ) -> Result<bool> {
        if !self.combine(keys, rows) {
            return Ok(false);
        }
        self.unknown.clear();
        for (row, code) in self.codes.iter().enumerate() {
            let answer = &mut self.answers[*code as usize];
            if *answer == UNKNOWN {
                *answer = NONE;
                self.unknown.push(row as u32);
            }
        }
        if !self.unknown.is_empty() {
            let answers = match ask(&self.unknown) {
                Ok(answers) => answers,
                Err(e) => {
                    self.forget();
                    return Err(e);
                }
            };
            for (row, answer) in self.unknown.iter().zip(answers) {
                self.answers[self.codes[*row as usize] as usize] = answer;
            }
        }
        out.clear();
        out.extend(self.codes.iter().map(|c| self.answers[*c as usize]));
        Ok(true)
    }

    /// Drops all answers; for when the table starts anew.
    pub(crate) fn forget(&mut self) {
        self.domains.clear();
        self.answers.clear();
    }

    /// Computes the combined code of each row.
    #[allow(clippy::useless_conversion, reason = "codes have three widths")]
    fn combine(&mut self, keys: &[Vector], rows: usize) -> bool {
        let mut combinations = 1usize;
        let mut any_dictionary = false;
        for key in keys {
            combinations = match key {
                Vector::Dictionary(d) => {
                    any_dictionary = true;
                    combinations.saturating_mul(d.dict.values.len() + 1)
                }
                Vector::Constant { .. } => combinations,
                Vector::Flat(_) => return false,
            };
        }
        if !any_dictionary || combinations > COMBINATIONS {
            return false;
        }
        let same = self.domains.len() == keys.len()
            && keys
                .iter()
                .zip(&self.domains)
                .all(|(k, d)| domain(k).is_some_and(|k| k.same(d)));
        if !same {
            if combinations > rows * COMBINATIONS_A_ROW {
                return false;
            }
            self.domains = keys.iter().filter_map(domain).collect();
            self.answers.clear();
            self.answers.resize(combinations, UNKNOWN);
        }
        self.codes.clear();
        self.codes.resize(rows, 0);
        for key in keys {
            if let Vector::Dictionary(d) = key {
                let (size, null) = (d.dict.values.len() as u32 + 1, d.dict.values.len() as u32);
                match &d.validity {
                    None => with_codes!(&d.codes, c => self.codes.iter_mut().zip(c)
                        .for_each(|(o, c)| *o = *o * size + u32::from(*c))),
                    Some(valid) => with_codes!(&d.codes, c => self.codes.iter_mut().zip(c).zip(valid.iter())
                        .for_each(|((o, c), ok)| *o = *o * size + if ok { u32::from(*c) } else { null })),
                }
            }
        }
        true
    }
}

fn domain(key: &Vector) -> Option<Domain> {
    match key {
        Vector::Dictionary(d) => Some(Domain::Dictionary(d.dict.id)),
        Vector::Constant { value, .. } => Some(Domain::Constant(value.clone())),
        Vector::Flat(_) => None,
    }
}
