//! The 22 queries at a small scale give the known answers, under every configuration that must not change them.

use std::path::Path;
use std::sync::OnceLock;

use rsql_engine::Session;
use rsql_tpch::queries::QUERIES;
use rsql_tpch::run::{Verdict, check, register};

pub(crate) const SF: f64 = 0.01;

pub(crate) fn data() -> &'static Path {
    static DATA: OnceLock<std::path::PathBuf> = OnceLock::new();
    DATA.get_or_init(|| {
        let target = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .unwrap()
            .join("target")
            .join("tpch");
        rsql_tpch::generate(&target, SF, &|_, _| {}).unwrap()
    })
}

fn run_all(conf: &[(&str, &str)]) {
    let session = conf
        .iter()
        .fold(Session::builder(), |b, (k, v)| b.set(k, v).unwrap())
        .build()
        .unwrap();
    let bad = wrong_answers(&session);
    assert!(bad.is_empty(), "{conf:?}: {bad:#?}");
}

/// What a session does not answer as known.
pub(crate) fn wrong_answers(session: &Session) -> Vec<String> {
    register(session, data()).unwrap();
    let mut bad = Vec::new();
    for query in &QUERIES {
        let verdict = match session.sql(query.sql) {
            Ok(output) => check(query, &output, SF),
            Err(e) => Verdict::Failed(e.to_string()),
        };
        if verdict != Verdict::Right {
            bad.push(format!("Q{}: {verdict}", query.number));
        }
    }
    bad
}

#[test]
fn tpch_default() {
    run_all(&[]);
}

#[test]
fn tpch_without_optimizer() {
    run_all(&[("rsql.optimizer.enabled", "false")]);
}

#[test]
fn tpch_chunks_of_one() {
    run_all(&[("rsql.exec.chunk_rows", "1")]);
}

#[test]
fn tpch_chunks_of_three() {
    run_all(&[("rsql.exec.chunk_rows", "3")]);
}

#[test]
fn tpch_chunks_of_8192() {
    run_all(&[("rsql.exec.chunk_rows", "8192")]);
}

#[test]
fn tpch_spilling() {
    run_all(&[("rsql.exec.force_spill", "true")]);
}

/// Not a tenth of what the queries would like to have.
#[test]
fn tpch_in_little_memory() {
    run_all(&[("rsql.memory.limit", "512k")]);
}

#[test]
fn tpch_each_rule_off() {
    let rules = rsql_optimizer::rule_names();
    assert!(rules.len() > 10, "{rules:?}");
    for rule in rules {
        run_all(&[("spark.sql.optimizer.excludedRules", rule)]);
    }
}

#[test]
fn tpch_one_thread() {
    run_all(&[("rsql.exec.threads", "1")]);
}

/// The plans that ARCHITECTURE.md follows a query through are those the engine makes.
#[test]
fn architecture_shows_real_plans() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
    let text = std::fs::read_to_string(root.join("ARCHITECTURE.md")).unwrap();
    let chapter = text.split("## The life of one query").nth(1).unwrap();
    let block = |of: &str| {
        let open = format!("```{of}\n");
        let rest = chapter.split(&*open).skip(1);
        rest.map(|b| b.split("```").next().unwrap().to_string())
            .collect::<Vec<_>>()
    };
    let session = Session::new().unwrap();
    register(&session, data()).unwrap();
    let rows = session.sql(&format!("EXPLAIN EXTENDED {}", block("sql")[0])).unwrap();
    let cells = rsql_tests::text::cells(&rows, rsql_expr::format::Notation::Cast, "UTC").unwrap();
    let shown = cells[0][0]
        .clone()
        .unwrap()
        .replace(&format!("{}/", data().display()), "");
    let real: Vec<&str> = shown.lines().collect();
    let mut plans = 0;
    // The first three text blocks of the chapter are the plans; `…` stands for columns left out.
    for plan in block("text").into_iter().take(3) {
        let lines: Vec<&str> = plan.lines().collect();
        let fits = |at: usize| {
            lines.iter().enumerate().all(|(i, line)| {
                let real = real.get(at + i).copied().unwrap_or("");
                match line.split_once('…') {
                    Some((start, _)) => real.starts_with(start),
                    None => real == *line,
                }
            })
        };
        assert!(
            (0..real.len()).any(fits),
            "ARCHITECTURE.md shows\n{plan}\nbut the plans are\n{shown}"
        );
        plans += 1;
    }
    assert_eq!(plans, 3);
}
