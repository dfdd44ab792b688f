//! Random tables: few rows, few distinct values, many NULLs, so that joins and groups meet.

use rand::Rng;
use rsql_common::Result;
use rsql_engine::Session;

use super::{Gen, Type};

/// Columns of every table.
pub(crate) const COLUMNS: [(&str, Type); 8] = [
    ("i", Type::Int),
    ("j", Type::Int),
    ("l", Type::Long),
    ("d", Type::Decimal),
    ("s", Type::Text),
    ("t", Type::Date),
    ("f", Type::Flag),
    ("x", Type::Double),
];

/// Table names.
pub(crate) const TABLES: [&str; 4] = ["t0", "t1", "t2", "t3"];

/// Statements that make the tables.
#[derive(Debug, Clone)]
pub struct Tables(pub Vec<String>);

impl Tables {
    /// Tables of a seed. One is empty now and then.
    pub fn generate(seed: u64) -> Self {
        let mut g = Gen::new(seed);
        let mut statements = Vec::new();
        for table in TABLES {
            let rows = if g.one_in(12) { 0 } else { g.rng.random_range(1..14) };
            let casts: Vec<String> = COLUMNS
                .iter()
                .map(|(name, ty)| format!("CAST({name} AS {}) AS {name}", sql_type(*ty)))
                .collect();
            let names: Vec<&str> = COLUMNS.iter().map(|(n, _)| *n).collect();
            let mut values: Vec<String> = Vec::new();
            for _ in 0..rows.max(1) {
                let cells: Vec<String> = COLUMNS.iter().map(|(_, ty)| value(&mut g, *ty)).collect();
                values.push(format!("({})", cells.join(", ")));
            }
            let filter = if rows == 0 { " WHERE false" } else { "" };
            statements.push(format!(
                "CREATE OR REPLACE TEMPORARY VIEW {table} AS SELECT {} FROM VALUES {} AS v({}){filter}",
                casts.join(", "),
                values.join(", "),
                names.join(", ")
            ));
        }
        Self(statements)
    }

    /// Makes the tables in a session.
    pub fn create(&self, session: &Session) -> Result<()> {
        self.0.iter().try_for_each(|s| session.sql(s).map(drop))
    }
}

/// SQL name of a type.
pub(crate) fn sql_type(ty: Type) -> &'static str {
    match ty {
        Type::Int => "INT",
        Type::Long => "BIGINT",
        Type::Decimal => "DECIMAL(9,2)",
        Type::Text => "STRING",
        Type::Date => "DATE",
        Type::Flag => "BOOLEAN",
        Type::Double => "DOUBLE",
    }
}

fn value(g: &mut Gen, ty: Type) -> String {
    if g.one_in(5) { "NULL".into() } else { literal(g, ty) }
}

/// A literal of a type, never NULL.
pub(crate) fn literal(g: &mut Gen, ty: Type) -> String {
    match ty {
        Type::Int => g.rng.random_range(-3..7).to_string(),
        Type::Long => format!("{}L", g.rng.random_range(-3..7)),
        Type::Decimal => {
            g.features.decimal = true;
            format!("{}.{}", g.rng.random_range(-2..5), g.pick(&["00", "50", "25"]))
        }
        Type::Text => format!("'{}'", g.pick(&["", "a", "b", "ab", "abc", "B", "b%", "x_y"])),
        Type::Date => format!(
            "DATE '{}'",
            g.pick(&["2020-01-01", "2020-02-29", "1999-12-31", "2024-06-15"])
        ),
        Type::Flag => (*g.pick(&["true", "false"])).into(),
        Type::Double => (*g.pick(&[
            "0.0D",
            "-0.0D",
            "1.5D",
            "-2.25D",
            "3.0D",
            "CAST('NaN' AS DOUBLE)",
            "CAST('-Infinity' AS DOUBLE)",
        ]))
        .into(),
    }
}
