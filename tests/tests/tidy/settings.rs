//! Settings: every key that the code names is registered, and every registered key is read or said to have no effect.

use std::collections::BTreeSet;

use rsql_common::settings::{NAME, REGISTRY};

use super::rust_files;

/// What looks like a key and is none: a property of jobs in Spark's event log.
const NO_SETTINGS: [&str; 1] = ["spark.job.description"];

/// Texts in code before a file's tests that are the whole of a key: `"spark.…"` or `"rsql.…"`.
fn keys(text: &str) -> impl Iterator<Item = &str> {
    let code = text.split("\n#[cfg(test)]\nmod tests {").next().unwrap_or(text);
    let lines = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    lines
        .flat_map(|l| l.split('"').skip(1).step_by(2))
        .filter(|t| is_key(t))
}

fn is_key(text: &str) -> bool {
    let parts: Vec<&str> = text.split('.').collect();
    // Services and messages have a capital after the first dot or two: `rsql.cluster.Control`.
    ["spark", "rsql"].contains(&parts[0])
        && parts.len() > 1
        && parts[1..].iter().all(|p| {
            (p.starts_with(|c: char| c.is_ascii_lowercase()) || *p == NAME)
                && p.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
        })
        && !text.ends_with(".rs")
}

fn named_in_code() -> BTreeSet<String> {
    let registry = "common/src/settings/registry/";
    rust_files()
        .iter()
        .filter(|(path, _)| !path.starts_with(registry) && !path.starts_with("tests/"))
        .filter(|(path, _)| {
            !["/tests/", "/tests.rs", "/examples/", "/build.rs", "/scripts/"]
                .iter()
                .any(|t| path.contains(t))
        })
        .flat_map(|(_, text)| keys(text).map(str::to_string).collect::<Vec<_>>())
        .filter(|key| !NO_SETTINGS.contains(&key.as_str()))
        .collect()
}

#[test]
fn every_key_in_the_code_is_registered() {
    let registered: BTreeSet<&str> = REGISTRY.iter().map(|s| s.key).collect();
    let named = named_in_code();
    let unknown: Vec<&String> = named.iter().filter(|k| !registered.contains(k.as_str())).collect();
    assert!(unknown.is_empty(), "keys that the registry does not have: {unknown:#?}");
}

#[test]
fn every_registered_key_is_read_or_said_to_have_no_effect() {
    let named = named_in_code();
    let wrong: Vec<&str> = REGISTRY
        .iter()
        .filter(|s| s.effect != named.contains(s.key))
        .map(|s| s.key)
        .collect();
    assert!(
        wrong.is_empty(),
        "registered with an effect and not read, or read and registered without: {wrong:#?}"
    );
}

#[test]
fn keys_are_told_from_other_texts() {
    let code = r#"
        // "spark.in.comment"
        get("spark.a.b") + "spark.apache.org/docs" + "rsql.cluster.Control" + "no.key" + "rsql.c_d"
#[cfg(test)]
mod tests { get("spark.in.test") }"#;
    assert_eq!(keys(code).collect::<Vec<_>>(), ["spark.a.b", "rsql.c_d"]);
}
