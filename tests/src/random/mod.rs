//! Random queries with four oracles that need no second engine.
//!
//! TLP (Rigger and Su, OOPSLA 2020): the rows of a query are those for which a predicate is TRUE, FALSE and NULL, together.
//! NoREC (Rigger and Su, ESEC/FSE 2020): as many rows pass `WHERE p` as rows for which `p` evaluates to TRUE in the select
//! list, where no rule can use it. Plain: a query gives the same with the optimizer off and chunks of 3 rows. Equivalent: what
//! can be said in two ways has one answer (after Jiang and Su, OSDI 2024). Everything follows from the seed, so a failing case
//! replays.
//!
//! This is generator [`GENERATOR`]. `tests/slips` measures what it finds; it is frozen while slips are judged: whoever widens it
//! raises the number and chooses other slips, so that neither is fitted to the other.

mod data;
mod derived;
mod equivalent;
mod from;
mod oracle;
mod predicate;
mod scalar;

pub use data::Tables;
pub use oracle::{Outcome, Report, run, run_against_plain};

use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};

/// Number of the generator that the slips were judged by. 1 drew neither LIMIT nor frames and had TLP and NoREC only.
pub const GENERATOR: u32 = 2;

/// Types the generator draws columns of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Type {
    Int,
    Long,
    Decimal,
    Text,
    Date,
    Flag,
    Double,
}

/// A column in scope: what to write, and its type.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub name: String,
    pub ty: Type,
}

/// What a query contained; the suite demands a share of each.
#[derive(Debug, Clone, Copy, Default)]
pub struct Features {
    /// LEFT, RIGHT or FULL JOIN.
    pub outer_join: bool,
    /// IN, EXISTS or scalar subquery.
    pub subquery: bool,
    /// A DECIMAL column or literal.
    pub decimal: bool,
    /// NULL written or IS \[NOT\] NULL.
    pub null: bool,
    /// A window function.
    pub window: bool,
}

/// Generator state.
pub(crate) struct Gen {
    pub rng: StdRng,
    pub features: Features,
    aliases: usize,
}

impl Gen {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            rng: StdRng::seed_from_u64(seed),
            features: Features::default(),
            aliases: 0,
        }
    }

    /// True once in `n`.
    pub(crate) fn one_in(&mut self, n: u32) -> bool {
        self.rng.random_range(0..n) == 0
    }

    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.rng.random_range(0..items.len())]
    }

    /// A name not used before in this query.
    pub(crate) fn alias(&mut self) -> String {
        self.aliases += 1;
        format!("r{}", self.aliases)
    }
}
