//! Every error condition that the sources raise has a message, an SQLSTATE, and the parameters its message names.
//!
//! The check reads the sources as text: a string literal that looks like a condition counts as raised where it stands,
//! and has the parameters whose names stand in the same function or in the functions it is handed to. Conditions that
//! are put together (`format!("INVALID_FORMAT.{sub}")`) count with each literal that the part in braces may be.

mod raised;
mod source;

use std::collections::{BTreeMap, BTreeSet};

use super::root;
use raised::{Raise, raises};

/// A parameter that errors may get on their way, and which do: the analyzer adds the call's text.
const ADDED: (&str, &str) = ("DATATYPE_MISMATCH.", "sqlExpr");

fn table(name: &str) -> BTreeMap<String, String> {
    let text = std::fs::read_to_string(root().join("common/src/error").join(name)).unwrap();
    text.lines()
        .filter_map(|l| l.split_once('\t'))
        .map(|(k, v)| (k.to_string(), v.to_string()))
        .collect()
}

/// The parameters of a template: those it always has, then those of its optional sections.
fn parameters(template: &str) -> (BTreeSet<&str>, BTreeSet<&str>) {
    let (mut always, mut optional) = (BTreeSet::new(), BTreeSet::new());
    let mut depth = 0;
    for (at, c) in template.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            '<' => {
                let Some((name, _)) = template[at + 1..].split_once('>') else {
                    continue;
                };
                let plain = name.starts_with(|c: char| c.is_ascii_lowercase());
                if plain && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
                    if depth == 0 { &mut always } else { &mut optional }.insert(name);
                }
            }
            _ => {}
        }
    }
    (always, optional)
}

#[test]
fn every_raised_condition_has_a_message() {
    let (messages, states) = (table("messages.tsv"), table("conditions.tsv"));
    let mut bad = BTreeSet::new();
    for r in raises(&states, &messages) {
        if !r.own_message && !messages.contains_key(&r.condition) {
            bad.insert(format!("{}: {} has no line in messages.tsv", r.place, r.condition));
        }
        let known = states.contains_key(&r.condition)
            || r.condition
                .split_once('.')
                .is_some_and(|(main, _)| states.contains_key(main));
        // Spark gives its unnamed conditions no state either.
        if !known && !r.condition.starts_with("_LEGACY_ERROR_TEMP_") {
            bad.insert(format!("{}: {} has no line in conditions.tsv", r.place, r.condition));
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn messages_name_parameters_that_are_passed() {
    let messages = table("messages.tsv");
    let mut by_condition: BTreeMap<String, Vec<Raise>> = BTreeMap::new();
    for r in raises(&table("conditions.tsv"), &messages) {
        by_condition.entry(r.condition.clone()).or_default().push(r);
    }
    let mut bad = BTreeSet::new();
    for (condition, template) in &messages {
        let Some(raises) = by_condition.get(condition) else {
            bad.insert(format!("nothing raises {condition}"));
            continue;
        };
        let passed = |r: &Raise, name: &str| {
            // An error that becomes another one keeps its parameters.
            let forwarded = r.context.contains(".params()");
            forwarded || r.context.contains(&format!("\"{name}\""))
        };
        let (always, optional) = parameters(template);
        for r in raises.iter().filter(|r| !r.own_message) {
            for name in always.iter().filter(|n| !passed(r, n)) {
                bad.insert(format!("{}: {condition} lacks <{name}>", r.place));
            }
        }
        for name in optional {
            let added = condition.starts_with(ADDED.0) && name == ADDED.1;
            if !added && !raises.iter().any(|r| passed(r, name)) {
                bad.insert(format!("{condition} never has <{name}>"));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}
