//! Golden statements: what Spark accepts we accept.

use std::collections::BTreeMap;
use std::path::Path;

use super::spark_files;
use crate::{ParseOptions, parse_statement};

/// How Spark answers a statement.
enum Answer {
    /// It parses.
    Parses,
    /// It parses and fails later with this condition.
    Fails(String),
    /// It does not parse.
    Refused(String),
}

/// Statements of a golden file with Spark's answers.
fn golden_statements(path: &Path) -> Vec<(String, Answer)> {
    let text = std::fs::read_to_string(path).unwrap();
    text.split("-- !query\n")
        .skip(1)
        .filter_map(|block| {
            let (query, answer) = block.split_once("\n-- !query schema\n")?;
            let key = if answer.contains("\"errorClass\"") {
                "\"errorClass\" : \""
            } else {
                "\"condition\" : \""
            };
            let condition = answer.split_once(key).and_then(|r| r.1.split('"').next());
            let answer = match condition.map(str::to_string) {
                Some(c) if answer.contains("catalyst.parser.ParseException") => Answer::Refused(c),
                Some(c) => Answer::Fails(c),
                None => Answer::Parses,
            };
            Some((query.to_string(), answer))
        })
        .collect()
}

fn golden_files(dir: &Path, out: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            golden_files(&path, out);
        } else {
            out.push(path);
        }
    }
}

#[test]
fn golden_statements_parse_as_in_spark() {
    let Some(root) = spark_files::find("spark-sql-tests/results") else {
        return;
    };
    let mut files = Vec::new();
    golden_files(&root, &mut files);
    files.sort();
    let (mut accepted_by_spark, mut refused, mut refused_by_spark, mut accepted, mut same) = (0, 0, 0, 0, 0);
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in files {
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        let options = ParseOptions {
            ansi: !name.starts_with("nonansi"),
            double_quoted_identifiers: name.starts_with("double-quoted-identifiers-enabled"),
            ..ParseOptions::default()
        };
        for (query, answer) in golden_statements(&file) {
            let ours = parse_statement(&query, &options);
            let mut note = |kind: &str, line: String| {
                wrong
                    .entry(format!("{name} {kind}"))
                    .or_default()
                    .push(format!("{query}\n    => {line}"));
            };
            match (&answer, &ours) {
                (Answer::Refused(c), Ok(_)) => {
                    refused_by_spark += 1;
                    accepted += 1;
                    note("accepted", c.clone());
                }
                (Answer::Refused(c), Err(e)) => {
                    refused_by_spark += 1;
                    if c == e.condition() {
                        same += 1;
                    } else {
                        note("condition", format!("{c} but {e}"));
                    }
                }
                (Answer::Fails(c), Err(e)) if c == e.condition() => accepted_by_spark += 1,
                (_, Err(e)) => {
                    accepted_by_spark += 1;
                    refused += 1;
                    note("refused", e.to_string());
                }
                (_, Ok(_)) => accepted_by_spark += 1,
            }
        }
    }
    for (name, queries) in &wrong {
        println!("## {name}\n{}", queries.join("\n"));
    }
    println!("Spark accepts {accepted_by_spark}, of these we refuse {refused}");
    println!("Spark's parser refuses {refused_by_spark}: same condition {same}, we accept {accepted}");
    assert!(
        refused * 100 < accepted_by_spark,
        "{refused} of {accepted_by_spark} refused"
    );
}

#[test]
fn function_examples_parse() {
    let Some(path) = spark_files::find("spark-functions/examples.jsonl") else {
        return;
    };
    let text = std::fs::read_to_string(path).unwrap();
    let mut refused = Vec::new();
    for line in text.lines() {
        let example: serde_json::Value = serde_json::from_str(line).unwrap();
        let sql = example["sql"].as_str().unwrap();
        if let Err(e) = parse_statement(sql, &ParseOptions::default()) {
            refused.push(format!("{sql}\n    => {e}"));
        }
    }
    println!("examples refused: {}\n{}", refused.len(), refused.join("\n"));
    assert!(refused.len() < 5, "{}", refused.join("\n"));
}
