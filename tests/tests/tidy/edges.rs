//! Crates depend on each other only as the architecture says.

use std::collections::{BTreeMap, BTreeSet};

use super::root;

/// Allowed normal dependencies between the workspace's crates: all of them, each with a row.
pub(super) const EDGES: &[(&str, &[&str])] = &[
    ("features", &[]),
    ("common", &["features"]),
    ("ast", &["common"]),
    ("expr", &["common"]),
    ("functions", &["common", "expr"]),
    ("storage", &["common"]),
    ("catalog", &["common", "expr", "storage"]),
    ("planner", &["common", "expr", "catalog"]),
    ("sql", &["common", "ast"]),
    ("analyzer", &["common", "ast", "expr", "catalog", "planner"]),
    ("optimizer", &["common", "expr", "catalog", "planner"]),
    ("exec", &["common", "expr", "catalog", "planner", "storage"]),
    ("shuffle", &["common", "expr", "planner", "exec"]),
    (
        "engine",
        &[
            "common",
            "ast",
            "expr",
            "functions",
            "storage",
            "catalog",
            "planner",
            "sql",
            "analyzer",
            "optimizer",
            "exec",
        ],
    ),
    ("cluster", &["common", "expr", "planner", "exec", "shuffle", "engine"]),
    ("flight", &["common", "expr", "engine"]),
    ("tpch", &["common", "expr", "engine"]),
    ("cli", &["common", "expr", "engine", "cluster", "flight", "tpch"]),
    (
        "tests",
        &[
            "common",
            "ast",
            "expr",
            "functions",
            "catalog",
            "planner",
            "sql",
            "optimizer",
            "exec",
            "shuffle",
            "engine",
            "cluster",
            "tpch",
        ],
    ),
];

#[test]
fn every_crate_has_a_row() {
    let manifest = std::fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let members = manifest.split("members = [").nth(1).unwrap().split(']').next().unwrap();
    let members: BTreeSet<&str> = members.split('"').skip(1).step_by(2).collect();
    let rows: BTreeSet<&str> = EDGES.iter().map(|(name, _)| *name).collect();
    assert_eq!(members, rows);
}

#[test]
fn crate_edges_are_the_architecture() {
    let allowed: BTreeMap<&str, BTreeSet<&str>> = EDGES
        .iter()
        .map(|(name, to)| (*name, to.iter().copied().collect()))
        .collect();
    let mut bad = Vec::new();
    for (name, allowed) in &allowed {
        for dependency in dependencies(name) {
            if !allowed.contains(dependency.as_str()) {
                bad.push(format!("{name} -> {dependency}"));
            }
        }
    }
    assert!(bad.is_empty(), "edges that the architecture does not have: {bad:#?}");
}

/// Workspace crates in the `[dependencies]` of a crate's manifest.
fn dependencies(name: &str) -> Vec<String> {
    let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
    let section = manifest.split("\n[dependencies]\n").nth(1).unwrap_or("");
    let section = section.split("\n[").next().unwrap_or("");
    section
        .lines()
        .filter_map(|l| l.split(['.', ' ', '=']).next())
        .filter_map(|n| n.strip_prefix("rsql-"))
        .map(str::to_string)
        .collect()
}

/// What runs queries, and all it is built upon, names neither; `features` only says which of tokio's features are on
/// where another package brings it along.
#[test]
fn execution_knows_no_async_runtime() {
    let mut pending = vec!["exec", "functions", "optimizer"];
    let mut seen = BTreeSet::from(["features"]);
    while let Some(name) = pending.pop() {
        if !seen.insert(name) {
            continue;
        }
        let manifest = std::fs::read_to_string(root().join(name).join("Cargo.toml")).unwrap();
        for banned in ["tokio", "tonic"] {
            assert!(!manifest.contains(&format!("\n{banned}")), "{name} depends on {banned}");
        }
        pending.extend(EDGES.iter().filter(|(row, _)| *row == name).flat_map(|(_, to)| *to));
    }
}
