//! Generated documents: `docs/functions.md`, `docs/settings.md`, `docs/optimizer-rules.md`. A test keeps them fresh.

use std::collections::BTreeMap;
use std::fmt::Write;

use rsql_common::settings::REGISTRY;
use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, FunctionKind};

/// Operators that the grammar knows; listed with the functions, as Spark lists them.
const OPERATORS: [&str; 33] = [
    "!", "!=", "%", "&", "*", "+", "-", "/", "<", "<<", "<=", "<=>", "<>", "=", "==", ">", ">=", ">>", ">>>", "^", "|",
    "||", "~", "and", "between", "case", "div", "in", "not", "or", "when", "cast", "rlike",
];

/// True when a name is an operator of the grammar or a function of the registry.
pub fn is_documented(registry: &FunctionRegistry, name: &str) -> bool {
    OPERATORS.contains(&name) || registry.contains(name)
}

fn doc(kind: &FunctionKind) -> &'static Doc {
    match kind {
        FunctionKind::Scalar(f) => &f.doc,
        FunctionKind::Aggregate(f) => &f.doc,
        FunctionKind::Window(f) => &f.doc,
        FunctionKind::Generator(f) => &f.doc,
    }
}

fn canonical(kind: &FunctionKind) -> &'static str {
    match kind {
        FunctionKind::Scalar(f) => f.name,
        FunctionKind::Aggregate(f) => f.name,
        FunctionKind::Window(f) => f.name,
        FunctionKind::Generator(f) => f.name,
    }
}

/// `docs/functions.md`.
pub fn functions(registry: &FunctionRegistry) -> String {
    let mut families: BTreeMap<String, BTreeMap<&str, (&Doc, Vec<&str>)>> = BTreeMap::new();
    for (name, kind) in registry.all() {
        let doc = doc(&kind);
        if doc.usage.is_empty() {
            continue;
        }
        let family = families.entry(format!("{:?}", doc.family)).or_default();
        let (_, aliases) = family.entry(canonical(&kind)).or_insert((doc, Vec::new()));
        if name != canonical(&kind) {
            aliases.push(name);
        }
    }
    let mut out = String::from("# Functions\n\nGenerated from the definitions in `functions/`; do not edit.\n");
    let _ = writeln!(out, "\nOperators: {}", OPERATORS.map(|o| format!("`{o}`")).join(" "));
    for (family, functions) in families {
        let _ = writeln!(out, "\n## {family}\n");
        for (name, (doc, aliases)) in functions {
            let aliases: Vec<String> = aliases.iter().map(|a| format!("`{a}`")).collect();
            let also = if aliases.is_empty() {
                String::new()
            } else {
                format!(" Also {}.", aliases.join(", "))
            };
            let _ = writeln!(out, "- **{name}** `{}`: {}{also}", doc.usage, doc.text);
        }
    }
    out
}

/// `docs/optimizer-rules.md`: the headers of the rule files below `optimizer/src/rules`, given as path and text.
pub fn optimizer_rules(files: &[(String, String)]) -> String {
    let mut out =
        String::from("# Optimizer rules\n\nGenerated from the headers in `optimizer/src/rules/`; do not edit.\n");
    for (path, text) in files {
        let names: Vec<&str> = text
            .lines()
            .filter_map(|l| l.strip_prefix("pub struct "))
            .map(|l| l.split([';', ' ', '<', '(']).next().unwrap_or(l))
            .collect();
        let Some(name) = names.first().filter(|_| is_rule(text)) else {
            continue;
        };
        let _ = writeln!(out, "\n## {name}\n\n`{path}`\n");
        for line in text.lines().take_while(|l| l.starts_with("//!")) {
            let line = line.trim_start_matches("//!");
            let _ = writeln!(out, "{}", line.strip_prefix(' ').unwrap_or(line).trim_end());
        }
    }
    out
}

/// True for a file that defines a rule rather than a part of one.
pub fn is_rule(text: &str) -> bool {
    ["OptimizerRule for ", "PlanPass for ", "ExpressionRule for "]
        .iter()
        .any(|t| text.contains(t))
}

/// `docs/settings.md`.
pub fn settings() -> String {
    let mut out = String::from("# Settings\n\nGenerated from the registry in `common/`; do not edit.\n\n");
    out.push_str("| setting | default | meaning |\n|---|---|---|\n");
    for s in REGISTRY {
        let _ = writeln!(out, "| `{}` | `{}` | {} |", s.key, s.default, s.doc);
    }
    out
}
