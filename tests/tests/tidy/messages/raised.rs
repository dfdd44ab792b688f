//! Which conditions the sources raise, where, and with what around.

use std::collections::BTreeMap;

use super::super::rust_files;
use super::source::{Source, identifier};

/// A place that raises a condition.
pub(super) struct Raise {
    /// The condition.
    pub condition: String,
    /// `path:line`.
    pub place: String,
    /// The texts in which its parameters may stand.
    pub context: String,
    /// It says its message itself.
    pub own_message: bool,
}

type Table = BTreeMap<String, String>;

/// All raises in the engine's sources; `states` and `messages` say what a condition looks like.
pub(super) fn raises(states: &Table, messages: &Table) -> Vec<Raise> {
    let files = rust_files();
    let tests = test_modules(&files);
    let sources: Vec<Source> = files
        .into_iter()
        .filter(|(path, _)| !path.starts_with("tests/") && !path.contains("/tests/"))
        .filter(|(path, _)| !tests.iter().any(|t| path.starts_with(t)))
        .map(|(path, text)| Source::new(path, &text))
        .collect();
    let search = Search { sources, messages };
    let mut out = Vec::new();
    for source in &search.sources {
        for (at, literal) in source.literals() {
            let main = literal.split('.').next().unwrap_or(literal);
            let known = states.contains_key(main) || messages.contains_key(literal);
            if let Some((family, part)) = literal.split_once(".{").filter(|_| known) {
                search.composed(source, at, family, part.trim_end_matches('}'), &mut out);
            } else if let Some(suffix) = literal.strip_prefix("{condition}") {
                search.suffixed(source, at, suffix, &mut out);
            } else if is_condition(literal) && !compared(source, at) && (known || constructs(source.callee(at))) {
                out.push(search.raise(source, at, literal.to_string()));
            }
        }
    }
    out
}

/// Where the modules are that only tests have: `folder/name.` and `folder/name/`.
fn test_modules(files: &[(String, String)]) -> Vec<String> {
    let mut out = Vec::new();
    for (path, text) in files {
        let (folder, file) = path.rsplit_once('/').unwrap_or(("", path));
        let stem = file.trim_end_matches(".rs");
        let below = match stem {
            "mod" | "lib" | "main" => folder.to_string(),
            _ => format!("{folder}/{stem}"),
        };
        for (_, behind) in text
            .match_indices("#[cfg(test)]")
            .map(|(i, m)| text.split_at(i + m.len()))
        {
            let item = behind.trim_start().trim_start_matches("pub(crate) ");
            if let Some(name) = item
                .strip_prefix("mod ")
                .map(identifier)
                .filter(|n| item[4 + n.len()..].starts_with(';'))
            {
                out.extend([format!("{below}/{name}."), format!("{below}/{name}/")]);
            }
        }
    }
    out
}

fn is_condition(text: &str) -> bool {
    text.contains(['_', '.'])
        && !text.ends_with('.')
        && text
            .chars()
            .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || matches!(c, '_' | '.'))
}

fn constructs(callee: Option<&str>) -> bool {
    callee.is_some_and(|c| c == "user" || c.ends_with("Error::user") || c.ends_with("Error::new"))
}

/// Stands where a condition is asked for, not given.
fn compared(source: &Source, at: usize) -> bool {
    let before = source.text[..at].trim_end();
    let behind = source.text[at + 1..]
        .split_once('"')
        .map_or("", |(_, b)| b.trim_start());
    ["==", "!=", "starts_with("].iter().any(|b| before.ends_with(b))
        || ["=>", "if ", "| \""].iter().any(|b| behind.starts_with(b))
}

struct Search<'a> {
    sources: Vec<Source>,
    messages: &'a Table,
}

impl Search<'_> {
    /// The condition `condition` in the literal at `at`.
    fn raise(&self, source: &Source, at: usize, condition: String) -> Raise {
        let mut context = source.function_at(at).1.to_string();
        // Parameters that a helper adds, which gets the condition.
        let helper = source.callee(at).and_then(|c| c.rsplit("::").next()).unwrap_or("");
        if !matches!(helper, "" | "user" | "new" | "param") {
            let near = self.sources.iter().filter(|s| s.package() == source.package());
            context.extend(near.flat_map(|s| s.functions_named(helper)));
        }
        Raise {
            own_message: source.chain(at).contains(".with_message("),
            place: source.place(at),
            condition,
            context,
        }
    }

    /// The conditions `family.{part}`, where `part` is a variable, or a parameter of the function or of a closure in it.
    fn composed(&self, source: &Source, at: usize, family: &str, part: &str, out: &mut Vec<Raise>) {
        let (start, function) = source.function_at(at);
        let head = &source.text[start..at];
        let own_message = source.chain(at).contains(".with_message(");
        let before = out.len();
        let mut add = |s: &Source, place: usize, sub: &str| {
            let mut raise = self.raise(s, place, format!("{family}.{sub}"));
            raise.own_message |= own_message;
            raise.context.push_str(function);
            out.push(raise);
        };
        if part.is_empty() {
            // Nothing tells which they are, so they are those that have messages.
            let prefix = format!("{family}.");
            for condition in self.messages.keys().filter_map(|c| c.strip_prefix(&prefix)) {
                add(source, at, condition);
            }
        } else if let Some(binding) = head.rfind(&format!("let {part} = ")) {
            let range = start + binding..at;
            for (i, sub) in source.literals() {
                if range.contains(&i) && sub.contains('_') && is_condition(sub) {
                    add(source, i, sub);
                }
            }
        } else {
            let closure = head.rfind(&format!("|{part}: &str|"));
            let name = match closure.and_then(|i| head[..i].rfind("let ")) {
                Some(binding) => identifier(&head[binding + 4..]),
                None => identifier(&function[3..]),
            };
            // Those who only pass it on.
            let passes = format!("{name}({part},");
            let mut names = vec![name];
            names.extend(source.functions().filter(|(_, t)| t.contains(&passes)).map(|(n, _)| n));
            let shared = closure.is_none() && source.text[..start].ends_with(") ");
            for s in &self.sources {
                if s.path != source.path && !(shared && s.package() == source.package()) {
                    continue;
                }
                for (i, sub) in s.literals() {
                    let called = s.callee(i).and_then(|c| c.rsplit("::").next());
                    let called = called.is_some_and(|c| names.contains(&c));
                    let first = s.text[..i].trim_end().ends_with('(');
                    let here = closure.is_none() || s.function_at(i).0 == start;
                    if called && first && here && sub.chars().all(|c| c.is_ascii_uppercase() || c == '_') {
                        add(s, i, sub);
                    }
                }
            }
        }
        assert!(out.len() > before, "{}: which {family} are raised?", source.place(at));
    }

    /// The conditions that the function gets and raises with a suffix.
    fn suffixed(&self, source: &Source, at: usize, suffix: &str, out: &mut Vec<Raise>) {
        let function = source.function_at(at).1;
        let with_suffix = self.messages.keys().filter(|c| c.ends_with(suffix));
        out.extend(with_suffix.map(|condition| Raise {
            condition: condition.clone(),
            place: source.place(at),
            context: function.to_string(),
            own_message: false,
        }));
    }
}
