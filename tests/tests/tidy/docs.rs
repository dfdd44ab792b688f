//! Generated documents are fresh. `RSQL_BLESS=1 cargo test -p rsql-tests generated` writes them anew.

use super::{root, rust_files};

fn check(path: &str, text: &str) {
    let file = root().join(path);
    if std::env::var_os("RSQL_BLESS").is_some() {
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(&file, text).unwrap();
        return;
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == text,
        "{path} is stale: run RSQL_BLESS=1 cargo test -p rsql-tests generated"
    );
}

#[test]
fn generated_functions_are_fresh() {
    check(
        "docs/functions.md",
        &rsql_tests::docs::functions(&rsql_functions::registry()),
    );
}

#[test]
fn generated_settings_are_fresh() {
    check("docs/settings.md", &rsql_tests::docs::settings());
}

fn rule_files() -> Vec<(String, String)> {
    rust_files()
        .into_iter()
        .filter(|(p, _)| p.starts_with("optimizer/src/rules/"))
        .collect()
}

#[test]
fn generated_rules_are_fresh() {
    check(
        "docs/optimizer-rules.md",
        &rsql_tests::docs::optimizer_rules(&rule_files()),
    );
}

#[test]
fn every_rule_shows_before_and_after() {
    let bad: Vec<String> = rule_files()
        .into_iter()
        .filter(|(_, text)| rsql_tests::docs::is_rule(text))
        .filter(|(_, text)| {
            let header: String = text.lines().take_while(|l| l.starts_with("//!")).collect();
            !header.contains("```text") && !header.contains("→") && !header.contains("=>")
        })
        .map(|(path, _)| path)
        .collect();
    assert!(bad.is_empty(), "rules without a plan before and after: {bad:#?}");
}
