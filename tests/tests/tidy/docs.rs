//! Generated documents are fresh. `RSQL_BLESS=1 cargo test -p rsql-tests generated` writes them anew.

use super::root;

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
