//! Paths of `get_json_object`: `$.a[0]['b c'][*]`.

use super::value::Json;

/// A step of a path.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Step {
    Name(String),
    Index(usize),
    /// `[*]`
    Every,
    /// `.*`, which matches nothing.
    Wildcard,
}

/// The steps after `$`.
pub(super) fn parse_path(path: &str) -> Option<Vec<Step>> {
    let mut rest = path.trim().strip_prefix('$')?;
    let mut steps = Vec::new();
    while !rest.is_empty() {
        if let Some(after) = rest.strip_prefix("['") {
            let (name, after) = after.split_once("']")?;
            steps.push(if name == "*" {
                Step::Wildcard
            } else {
                Step::Name(name.to_string())
            });
            rest = after;
        } else if let Some(after) = rest.strip_prefix('[') {
            let (index, after) = after.split_once(']')?;
            steps.push(match index.trim() {
                "*" => Step::Every,
                digits => Step::Index(digits.parse().ok()?),
            });
            rest = after;
        } else {
            let after = rest.strip_prefix('.')?;
            let end = after.find(['.', '[']).unwrap_or(after.len());
            if end == 0 {
                return None;
            }
            steps.push(if &after[..end] == "*" {
                Step::Wildcard
            } else {
                Step::Name(after[..end].to_string())
            });
            rest = &after[end..];
        }
    }
    Some(steps)
}

/// How a found value is written.
#[derive(Clone, Copy, PartialEq)]
enum Style {
    /// Text without quotes.
    Raw,
    Quoted,
    /// Elements of arrays instead of the arrays.
    Flatten,
}

/// Writes elements with commas between them.
struct Sink {
    out: String,
    fresh: bool,
}

impl Sink {
    fn new() -> Self {
        Self {
            out: String::new(),
            fresh: true,
        }
    }

    fn separate(&mut self) {
        if !std::mem::take(&mut self.fresh) {
            self.out.push(',');
        }
    }

    fn json(&mut self, value: &Json) {
        self.separate();
        value.push(&mut self.out);
    }

    fn raw(&mut self, text: &str) {
        self.separate();
        self.out.push_str(text);
    }
}

/// What a path finds in a value, as `get_json_object` writes it.
pub(super) fn find(value: &Json, steps: &[Step]) -> Option<String> {
    let mut sink = Sink::new();
    let found = evaluate(value, steps, Style::Raw, &mut sink);
    found.then_some(sink.out)
}

/// Writes what the steps find; true if there was something.
fn evaluate(value: &Json, steps: &[Step], style: Style, sink: &mut Sink) -> bool {
    match (value, steps) {
        (Json::Text(t), []) if style == Style::Raw => {
            sink.raw(t);
            true
        }
        (Json::Array(items), []) if style == Style::Flatten => {
            // Every element is visited, whatever the others give.
            items.iter().filter(|item| evaluate(item, &[], style, sink)).count() > 0
        }
        (value, []) => {
            sink.json(value);
            true
        }
        (Json::Object(_), [Step::Name(name), rest @ ..]) => match value.member(name) {
            None | Some(Json::Null) => false,
            Some(member) => evaluate(member, rest, style, sink),
        },
        (Json::Array(items), [Step::Every, Step::Every, rest @ ..]) => {
            let mut inner = Sink::new();
            let found = items
                .iter()
                .filter(|item| evaluate(item, rest, Style::Flatten, &mut inner))
                .count()
                > 0;
            sink.raw(&format!("[{}]", inner.out));
            found
        }
        (Json::Array(items), [Step::Every, rest @ ..]) if style != Style::Quoted => {
            let next = if style == Style::Raw { Style::Quoted } else { style };
            let mut inner = Sink::new();
            let found = items
                .iter()
                .filter(|item| evaluate(item, rest, next, &mut inner))
                .count();
            match found {
                0 => {}
                1 => sink.raw(&inner.out),
                _ => sink.raw(&format!("[{}]", inner.out)),
            }
            found > 0
        }
        (Json::Array(items), [Step::Every, rest @ ..]) => {
            let mut inner = Sink::new();
            let found = items
                .iter()
                .filter(|item| evaluate(item, rest, Style::Quoted, &mut inner))
                .count();
            sink.raw(&format!("[{}]", inner.out));
            found > 0
        }
        (Json::Array(items), [Step::Index(i), rest @ ..]) => {
            let style = if rest.first() == Some(&Step::Every) {
                Style::Quoted
            } else {
                style
            };
            items
                .get(*i)
                .filter(|v| **v != Json::Null)
                .is_some_and(|item| evaluate(item, rest, style, sink))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds() {
        for (json, path, expected) in [
            (r#"{"a":[1,2,{"b":3}]}"#, "$.a[2].b", Some("3")),
            (r#"{"a":[{"b":1},{"b":2}]}"#, "$.a[*].b", Some("[1,2]")),
            (r#"{"a":[{"b":1}]}"#, "$.a[*].b", Some("1")),
            (r#"{"a":"x y"}"#, "$", Some(r#"{"a":"x y"}"#)),
            (r#"{"a b":1}"#, "$['a b']", Some("1")),
            ("[[1,2],[3]]", "$[0][1]", Some("2")),
            (r#"{"a":1.50}"#, "$.a", Some("1.5")),
            (r#"{"a":null}"#, "$.a", None),
            (r#"{"a":{"b":1},"c":{"b":2}}"#, "$.*.b", None),
            ("[[1,2],[3]]", "$[*]", Some("[[1,2],[3]]")),
            (r#"{"a":[[1,2],[3]]}"#, "$.a[*][*]", Some("[1,2,3]")),
        ] {
            let value = Json::parse(json).unwrap();
            assert_eq!(
                find(&value, &parse_path(path).unwrap()).as_deref(),
                expected,
                "{json} {path}"
            );
        }
        assert!(parse_path("a").is_none() && parse_path("$.").is_none());
    }
}
