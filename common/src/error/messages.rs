//! What each condition says to the user, from `messages.tsv`.
//!
//! `<name>` in a template stands for a parameter. `{…}` is left out as a whole where a parameter in it is missing or
//! empty: several places raise one condition, and not all of them know as much. That every condition has a template and
//! is raised with the parameters it names is checked over all sources by the tidy tests.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::OnceLock;

/// Sorted lines `CONDITION<TAB>text`.
const TEMPLATES: &str = include_str!("messages.tsv");

type Params = [(Cow<'static, str>, String)];

/// The message of `condition` with `params` filled in.
pub(super) fn compose(condition: &str, params: &Params) -> String {
    match templates().get(condition) {
        Some(template) => fill(template, params),
        None => unknown(condition, params),
    }
}

fn templates() -> &'static HashMap<&'static str, &'static str> {
    static MAP: OnceLock<HashMap<&'static str, &'static str>> = OnceLock::new();
    MAP.get_or_init(|| TEMPLATES.lines().filter_map(|l| l.split_once('\t')).collect())
}

/// Fills a template in one pass, so that a value which looks like a parameter stays as it is.
fn fill(template: &str, params: &Params) -> String {
    let mut out = String::new();
    let mut rest = template;
    while let Some(at) = rest.find('{') {
        let (before, section) = (&rest[..at], &rest[at + 1..]);
        let (section, after) = section.split_once('}').unwrap_or((section, ""));
        push_filled(&mut out, before, params);
        let start = out.len();
        if !push_filled(&mut out, section, params) {
            out.truncate(start);
        }
        rest = after;
    }
    push_filled(&mut out, rest, params);
    out
}

/// Appends a part of a template; false if a parameter of it is missing or empty.
fn push_filled(out: &mut String, part: &str, params: &Params) -> bool {
    let mut complete = true;
    let mut rest = part;
    while let Some((before, tail)) = rest.split_once('<') {
        out.push_str(before);
        let (name, after) = tail.split_once('>').unwrap_or((tail, ""));
        match params.iter().find(|(k, _)| k == name) {
            Some((_, value)) => {
                complete &= !value.is_empty();
                out.push_str(value);
            }
            // No parameter, as in the text ARRAY<INT>, unless it lacks.
            None => {
                complete = false;
                out.push_str(&format!("<{name}>"));
            }
        }
        rest = after;
    }
    out.push_str(rest);
    complete
}

/// A condition that is not the engine's own: one that a user raised by name, or that a newer server sent.
fn unknown(condition: &str, params: &Params) -> String {
    let listed: Vec<String> = params.iter().map(|(k, v)| format!("{k} = {v}")).collect();
    match listed.is_empty() {
        true => format!("The condition {condition} was raised."),
        false => format!("The condition {condition} was raised with {}.", listed.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn composed(condition: &str, params: &[(&'static str, &str)]) -> String {
        let params: Vec<_> = params.iter().map(|(k, v)| (Cow::from(*k), (*v).to_string())).collect();
        compose(condition, &params)
    }

    #[test]
    fn fills_parameters() {
        let text = composed("DIVIDE_BY_ZERO", &[("config", "\"spark.sql.ansi.enabled\"")]);
        assert!(
            text.contains("zero") && text.contains("spark.sql.ansi.enabled"),
            "{text}"
        );
    }

    #[test]
    fn a_value_is_not_filled_again() {
        let params = [("a", "<b>"), ("b", "x")].map(|(k, v)| (Cow::from(k), v.to_string()));
        assert_eq!(fill("<a> <b>, ARRAY<INT>", &params), "<b> x, ARRAY<INT>");
    }

    #[test]
    fn sections_need_their_parameters() {
        let params = [("a", "1"), ("b", "")].map(|(k, v)| (Cow::from(k), v.to_string()));
        assert_eq!(fill("x{, in <a>}{, near <b>}{, at <c>}.", &params), "x, in 1.");
    }

    #[test]
    fn optional_parts_of_real_messages() {
        assert_eq!(
            composed(
                "COLUMN_NOT_FOUND",
                &[("colName", "`a`"), ("caseSensitiveConfig", "\"c\"")]
            ),
            "There is no column `a`. Check how it is written; whether case counts says \"c\"."
        );
    }

    #[test]
    fn unknown_conditions_list_their_parameters() {
        assert_eq!(
            composed("SOMETHING_ELSE", &[("a", "1")]),
            "The condition SOMETHING_ELSE was raised with a = 1."
        );
        assert_eq!(
            composed("SOMETHING_ELSE", &[]),
            "The condition SOMETHING_ELSE was raised."
        );
    }

    #[test]
    fn templates_are_sorted_and_single() {
        let names: Vec<&str> = TEMPLATES
            .lines()
            .filter_map(|l| l.split_once('\t'))
            .map(|l| l.0)
            .collect();
        assert_eq!(names.len(), TEMPLATES.lines().count(), "a line lacks its tab");
        assert!(names.is_sorted(), "messages.tsv is sorted by condition");
        let mut single = names.clone();
        single.dedup();
        assert_eq!(single, names);
    }
}
