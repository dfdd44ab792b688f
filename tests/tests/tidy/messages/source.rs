//! The text of one source file, as far as the check of messages has to understand it.

/// A source file without its comments and tests.
pub(super) struct Source {
    /// Path below the workspace.
    pub path: String,
    /// Its text.
    pub text: String,
    /// Where functions start, with their names.
    functions: Vec<(usize, String)>,
}

impl Source {
    pub(super) fn new(path: String, text: &str) -> Self {
        let end = text.find("#[cfg(test)]\nmod tests {").unwrap_or(text.len());
        // Comments may speak of conditions and of calls.
        let text: String = text[..end]
            .lines()
            .map(|l| if l.trim_start().starts_with("//") { "" } else { l })
            .flat_map(|l| [l, "\n"])
            .collect();
        let functions = text
            .match_indices("fn ")
            .filter(|(at, _)| *at == 0 || text[..*at].ends_with([' ', '\n']))
            .map(|(at, _)| (at, identifier(&text[at + 3..]).to_string()))
            .filter(|(_, name)| !name.is_empty())
            .collect();
        Self { path, text, functions }
    }

    /// The crate, by its folder.
    pub(super) fn package(&self) -> &str {
        self.path.split('/').next().unwrap_or("")
    }

    /// `path:line` of a byte.
    pub(super) fn place(&self, at: usize) -> String {
        format!("{}:{}", self.path, self.text[..at].matches('\n').count() + 1)
    }

    /// The function around a byte: where it starts, and its text; what precedes all functions otherwise.
    pub(super) fn function_at(&self, at: usize) -> (usize, &str) {
        let next = self.functions.partition_point(|(start, _)| *start <= at);
        let end = self.functions.get(next).map_or(self.text.len(), |f| f.0);
        let start = next.checked_sub(1).map_or(0, |i| self.functions[i].0);
        (start, &self.text[start..end])
    }

    /// All functions: names and texts.
    pub(super) fn functions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.functions
            .iter()
            .map(|(start, name)| (name.as_str(), self.function_at(*start).1))
    }

    /// The texts of the functions of this name.
    pub(super) fn functions_named(&self, name: &str) -> impl Iterator<Item = &str> {
        self.functions().filter(move |(n, _)| *n == name).map(|(_, text)| text)
    }

    /// Offsets of the opening quotes of string literals, with what stands in them, escapes as they are.
    pub(super) fn literals(&self) -> Vec<(usize, &str)> {
        let mut out = Vec::new();
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            let mut from = 0;
            while let Some(open) = line[from..].find('"').map(|i| from + i) {
                let Some(close) = closing(line, open) else { break };
                out.push((start + open, &line[open + 1..close]));
                from = close + 1;
            }
            start += line.len();
        }
        out
    }

    /// What follows the literal at `at` in its expression: the ends of the calls it is an argument of, and the methods
    /// called on them.
    pub(super) fn chain(&self, at: usize) -> &str {
        let literal = self.text[at + 1..].find('"').map_or(at, |i| at + i + 2);
        let (mut end, mut depth) = (literal, 0usize);
        for (i, c) in self.text[literal..].char_indices() {
            match c {
                '(' => depth += 1,
                ')' if depth > 0 => depth -= 1,
                _ if depth > 0 => {}
                ')' | '.' | '_' => {}
                c if c.is_alphanumeric() || c.is_whitespace() => {}
                _ => break,
            }
            end = literal + i + 1;
        }
        &self.text[literal..end]
    }

    /// The function that a literal is an argument of, with its path: `a::f` for `a::f(x, "LITERAL"`.
    pub(super) fn callee(&self, at: usize) -> Option<&str> {
        let before = &self.text[..at];
        let mut depth = 0usize;
        for (i, c) in before.char_indices().rev().take(400) {
            match c {
                ')' => depth += 1,
                '(' if depth > 0 => depth -= 1,
                '(' => {
                    let start = before[..i].rfind(|c: char| !c.is_alphanumeric() && !matches!(c, '_' | ':' | '!'));
                    return Some(&before[start.map_or(0, |s| s + 1)..i]);
                }
                ';' | '{' | '}' => return None,
                _ => {}
            }
        }
        None
    }
}

/// The identifier that a text starts with.
pub(super) fn identifier(text: &str) -> &str {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_');
    &text[..end.unwrap_or(text.len())]
}

fn closing(line: &str, open: usize) -> Option<usize> {
    let mut escaped = false;
    for (i, c) in line[open + 1..].char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return Some(open + 1 + i),
            _ => {}
        }
    }
    None
}
