//! Tables of statements and their trees, in `cases/*.txt`: a text, then `=> ` and its tree, one line each. Query and
//! expression trees are S-expressions, other statements print as Rust shows them. `RSQL_UPDATE_CASES=1` rewrites the
//! trees; read the difference before keeping it.

use std::path::Path;

use rsql_ast::StatementKind;

use super::tree;
use crate::{ParseOptions, parse_expression, parse_statement, parse_type};

fn check(file: &str, tree_of: impl Fn(&str) -> String) -> usize {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/cases").join(file);
    let text = std::fs::read_to_string(&path).unwrap();
    let update = std::env::var_os("RSQL_UPDATE_CASES").is_some();
    let (mut out, mut failures, mut count) = (String::new(), Vec::new(), 0);
    let mut lines = text.lines().peekable();
    while let Some(line) = lines.next() {
        out.push_str(line);
        out.push('\n');
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        count += 1;
        let got = tree_of(&line.replace("\\n", "\n"));
        let want = lines.next_if(|l| l.starts_with("=> ")).map_or("", |l| &l[3..]);
        if got != want {
            failures.push(format!("{line}\n  got  {got}\n  want {want}"));
        }
        out.push_str(&format!("=> {got}\n"));
    }
    if update {
        std::fs::write(&path, out).unwrap();
    } else {
        assert!(
            failures.is_empty(),
            "{} of {count}:\n{}",
            failures.len(),
            failures.join("\n")
        );
    }
    count
}

fn error(e: &rsql_common::Error) -> String {
    let params: Vec<String> = e.params().map(|(k, v)| format!("{k}: {v}")).collect();
    format!("!{} {}", e.condition(), params.join(", "))
}

#[test]
fn expressions() {
    let options = ParseOptions::default();
    let count = check("expressions.txt", |text| match parse_expression(text, &options) {
        Ok(e) => tree::expr(&e),
        Err(e) => error(&e),
    });
    assert!(count >= 150, "{count}");
}

#[test]
fn types() {
    let options = ParseOptions::default();
    check("types.txt", |text| match parse_type(text, &options) {
        Ok(t) => tree::data_type(&t),
        Err(e) => error(&e),
    });
}

#[test]
fn queries() {
    let options = ParseOptions::default();
    let count = check("queries.txt", |text| match parse_statement(text, &options) {
        Ok(s) => match s.kind {
            StatementKind::Query(q) => tree::query(&q),
            other => format!("not a query: {other:?}"),
        },
        Err(e) => error(&e),
    });
    assert!(count >= 100, "{count}");
}

#[test]
fn statements() {
    let options = ParseOptions::default();
    check("statements.txt", |text| match parse_statement(text, &options) {
        Ok(s) => compact(&format!("{:?}", s.kind)),
        Err(e) => error(&e),
    });
}

/// Rust's debug text with places and empty fields left out.
fn compact(debug: &str) -> String {
    let mut text = debug.to_string();
    while let Some(start) = text.find(", span: Span {") {
        let end = text[start..].find('}').map_or(text.len(), |e| start + e + 1);
        text.replace_range(start..end, "");
    }
    const EMPTY: [&str; 4] = [": None", ": []", ": false", ": Simple"];
    let mut out = String::new();
    for (i, field) in text.split(", ").enumerate() {
        let name_only = |e: &str| field.ends_with(e) && !field.contains(['{', '(']);
        if EMPTY.iter().any(|e| name_only(e)) {
            continue;
        }
        if i > 0 {
            out.push_str(", ");
        }
        out.push_str(field);
    }
    out.replace(", quoted: false", "").replace("Ident { value: ", "Id{")
}
