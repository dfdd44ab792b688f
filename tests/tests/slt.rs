//! The `.slt` files, each in sessions of its own, under every configuration that must not change an answer.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsql_common::Error;
use rsql_engine::Session;
use rsql_exec::Runner as PlanRunner;
use rsql_expr::format::Notation;
use sqllogictest::{DB, DBOutput, DefaultColumnType, Runner};

/// Settings under which every file runs.
const CONFIGURATIONS: [(&str, &[(&str, &str)]); 6] = [
    ("default", &[("rsql.optimizer.verify", "true")]),
    ("optimizer_off", &[("rsql.optimizer.enabled", "false")]),
    ("chunks_of_1", &[("rsql.exec.chunk_rows", "1")]),
    (
        "chunks_of_3",
        &[("rsql.exec.chunk_rows", "3"), ("rsql.exec.share_scans_from", "0")],
    ),
    ("hash_zero", &[("rsql.exec.hash_zero", "true")]),
    (
        "spill",
        &[("rsql.exec.force_spill", "true"), ("rsql.exec.share_scans_from", "0")],
    ),
];

struct Connection(Session);

impl DB for Connection {
    type Error = Error;
    type ColumnType = DefaultColumnType;

    fn run(&mut self, sql: &str) -> Result<DBOutput<DefaultColumnType>, Error> {
        let output = self.0.sql(sql)?;
        if output.schema.is_empty() {
            return Ok(DBOutput::StatementComplete(0));
        }
        let types = output
            .schema
            .iter()
            .map(|f| match &f.ty {
                t if t.is_integral() => DefaultColumnType::Integer,
                t if t.is_numeric() => DefaultColumnType::FloatingPoint,
                _ => DefaultColumnType::Text,
            })
            .collect();
        let rows = rsql_tests::text::cells(&output, Notation::Hive, "UTC")?;
        let cell = |c: Option<String>| match c {
            None => "NULL".to_string(),
            Some(c) if c.is_empty() => "(empty)".to_string(),
            Some(c) => c,
        };
        Ok(DBOutput::Rows {
            types,
            rows: rows.into_iter().map(|r| r.into_iter().map(cell).collect()).collect(),
        })
    }

    fn error_sql_state(error: &Error) -> Option<String> {
        Some(error.sqlstate().to_string())
    }
}

pub(super) fn files() -> Vec<PathBuf> {
    let mut out = Vec::new();
    let mut pending = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("slt")];
    while let Some(dir) = pending.pop() {
        for entry in std::fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                pending.push(path);
            } else if path.extension().is_some_and(|e| e == "slt") {
                out.push(path);
            }
        }
    }
    out.sort();
    out
}

/// What fails of the files under `settings`, their plans run by `plans` if it is given.
pub(crate) fn failures(name: &str, settings: &[(&str, &str)], plans: Option<&Arc<dyn PlanRunner>>) -> Vec<String> {
    let mut failures = Vec::new();
    for file in files() {
        let mut runner = Runner::new(|| async {
            let mut builder = settings
                .iter()
                .fold(Session::builder(), |b, (k, v)| b.set(k, v).unwrap());
            if let Some(plans) = plans {
                builder = builder.runner(Arc::clone(plans));
            }
            Ok(Connection(builder.build()?))
        });
        runner.add_label(name);
        if let Err(e) = runner.run_file(&file) {
            failures.push(format!("{}: {e}", file.display()));
        }
    }
    failures
}

fn run(name: &str) {
    let (_, settings) = CONFIGURATIONS.iter().find(|(n, _)| *n == name).unwrap();
    let failures = failures(name, settings, None);
    assert!(failures.is_empty(), "{name}:\n{}", failures.join("\n"));
}

#[test]
fn slt_default() {
    run("default");
}

#[test]
fn slt_optimizer_off() {
    run("optimizer_off");
}

#[test]
fn slt_chunks_of_1() {
    run("chunks_of_1");
}

#[test]
fn slt_chunks_of_3() {
    run("chunks_of_3");
}

#[test]
fn slt_hash_zero() {
    run("hash_zero");
}

#[test]
fn slt_spill() {
    run("spill");
}
