//! EXPLAIN: plans as indented trees; columns print as `name#id`.

mod logical;
mod physical;
mod stages;

pub use logical::explain_logical;
pub use physical::{explain_physical, explain_physical_with};
pub use stages::{StageNotes, explain_stages, explain_stages_with};

use std::fmt::Display;

/// Texts joined by `, `.
fn list(items: impl IntoIterator<Item = impl Display>) -> String {
    let texts: Vec<String> = items.into_iter().map(|i| i.to_string()).collect();
    texts.join(", ")
}

/// Replaces each `marker` followed by digits with what `f` gives for the number.
fn replace_numbers(text: &str, marker: char, f: &dyn Fn(usize) -> Option<String>) -> String {
    let mut out = String::with_capacity(text.len() * 2);
    let mut rest = text;
    while let Some(at) = rest.find(marker) {
        let (before, after) = rest.split_at(at);
        let digits: String = after[marker.len_utf8()..]
            .chars()
            .take_while(char::is_ascii_digit)
            .collect();
        let end = marker.len_utf8() + digits.len();
        let named = before
            .chars()
            .next_back()
            .is_some_and(|c| c.is_alphanumeric() || c == '_');
        out.push_str(before);
        match digits.parse().ok().filter(|_| !named).and_then(f) {
            Some(replacement) => out.push_str(&replacement),
            None => out.push_str(&after[..end]),
        }
        rest = &after[end..];
    }
    out.push_str(rest);
    out
}

/// Rows for display: `1500`, `1.5e9`.
fn rows(n: f64) -> String {
    if n < 1e9 { format!("{n:.0}") } else { format!("{n:.1e}") }
}
