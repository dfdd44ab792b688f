//! Texts of the 22 queries, and the answers known at scale factors 0.01, 0.1 and 1.
//!
//! The texts are those of the specification with its validation parameters, as DuckDB ships them (see NOTICE). The answers
//! are what DuckDB gives on the very files that [`fn@crate::generate`] writes (`answers/make.py`).

/// A query with what is known about it.
#[derive(Debug, Clone, Copy)]
pub struct Query {
    /// 1 to 22.
    pub number: usize,
    /// Text.
    pub sql: &'static str,
    /// Positions of the ORDER BY columns in the result.
    pub order_by: &'static [usize],
    answers: [&'static str; 3],
}

/// Scale factors with known answers.
pub const KNOWN_SCALES: [f64; 3] = [0.01, 0.1, 1.0];

impl Query {
    /// The known answer at a scale factor: a header line, then `|`-separated rows.
    pub fn answer(&self, sf: f64) -> Option<&'static str> {
        KNOWN_SCALES.iter().position(|k| *k == sf).map(|i| self.answers[i])
    }
}

macro_rules! query {
    ($number:literal, $name:literal, $order_by:expr) => {
        Query {
            number: $number,
            sql: include_str!(concat!("../queries/", $name, ".sql")),
            order_by: &$order_by,
            answers: [
                include_str!(concat!("../answers/sf0.01/", $name, ".csv")),
                include_str!(concat!("../answers/sf0.1/", $name, ".csv")),
                include_str!(concat!("../answers/sf1/", $name, ".csv")),
            ],
        }
    };
}

/// All 22 queries.
pub static QUERIES: [Query; 22] = [
    query!(1, "q01", [0, 1]),
    query!(2, "q02", [0, 2, 1, 3]),
    query!(3, "q03", [1, 2]),
    query!(4, "q04", [0]),
    query!(5, "q05", [1]),
    query!(6, "q06", []),
    query!(7, "q07", [0, 1, 2]),
    query!(8, "q08", [0]),
    query!(9, "q09", [0, 1]),
    query!(10, "q10", [2]),
    query!(11, "q11", [1]),
    query!(12, "q12", [0]),
    query!(13, "q13", [1, 0]),
    query!(14, "q14", []),
    query!(15, "q15", [0]),
    query!(16, "q16", [3, 0, 1, 2]),
    query!(17, "q17", []),
    query!(18, "q18", [4, 3]),
    query!(19, "q19", []),
    query!(20, "q20", [0]),
    query!(21, "q21", [1, 0]),
    query!(22, "q22", [0]),
];
