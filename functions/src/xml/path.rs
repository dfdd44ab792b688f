//! XPath expressions: a useful part of XPath 1.0, parsed into a tree.
//!
//! Location paths (`/`, `//`, `.`, `..`, `*`, `@name`, `text()`, predicates), numbers, texts, arithmetic, comparisons,
//! `and`, `or`, union, and the functions that [`super::path_value`] knows.

/// Deepest nesting read.
const MAX_DEPTH: usize = 64;

/// An expression.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Path {
    Number(f64),
    Text(String),
    Steps { absolute: bool, steps: Vec<Step> },
    Call(String, Vec<Path>),
    Binary(&'static str, Box<Path>, Box<Path>),
    Negate(Box<Path>),
}

/// A step of a location path.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Step {
    pub(super) axis: Axis,
    pub(super) predicates: Vec<Path>,
}

/// Where a step leads.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Axis {
    /// Child elements of a name, or all.
    Child(Option<String>),
    /// The node and everything below it.
    Descendants,
    Attribute(Option<String>),
    Text,
    Itself,
    Parent,
}

/// The expression a text stands for.
pub(super) fn parse_path(text: &str) -> Option<Path> {
    let mut parser = Parser { rest: text };
    let path = parser.binary(0, 0)?;
    parser.space();
    parser.rest.is_empty().then_some(path)
}

/// Binary operators by precedence, loosest first.
const LEVELS: [&[&str]; 7] = [
    &["or"],
    &["and"],
    &["!=", "="],
    &["<=", ">=", "<", ">"],
    &["+", "-"],
    &["*", "div", "mod"],
    &["|"],
];

struct Parser<'a> {
    rest: &'a str,
}

impl Parser<'_> {
    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    fn eat(&mut self, token: &str) -> bool {
        self.space();
        match self.rest.strip_prefix(token) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn name(&mut self) -> Option<String> {
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')))
            .unwrap_or(self.rest.len());
        let begins = self.rest.chars().next()?;
        if end == 0 || !(begins.is_alphabetic() || begins == '_') {
            return None;
        }
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(name.to_string())
    }

    fn operator(&mut self, level: usize) -> Option<&'static str> {
        self.space();
        let found = LEVELS[level].iter().find(|op| {
            let word = op.starts_with(|c: char| c.is_alphabetic());
            self.rest
                .strip_prefix(**op)
                .is_some_and(|after| !word || after.starts_with([' ', '(']))
        })?;
        self.rest = &self.rest[found.len()..];
        Some(found)
    }

    fn binary(&mut self, level: usize, depth: usize) -> Option<Path> {
        if depth > MAX_DEPTH {
            return None;
        }
        if level == LEVELS.len() {
            return self.unary(depth);
        }
        let mut left = self.binary(level + 1, depth)?;
        while let Some(op) = self.operator(level) {
            let right = self.binary(level + 1, depth)?;
            left = Path::Binary(op, Box::new(left), Box::new(right));
        }
        Some(left)
    }

    fn unary(&mut self, depth: usize) -> Option<Path> {
        if self.eat("-") {
            return self.unary(depth + 1).map(|p| Path::Negate(Box::new(p)));
        }
        self.space();
        let first = self.rest.chars().next()?;
        let decimal = first == '.' && self.rest[1..].starts_with(|c: char| c.is_ascii_digit());
        if first.is_ascii_digit() || decimal {
            let end = self
                .rest
                .find(|c: char| !(c.is_ascii_digit() || c == '.'))
                .unwrap_or(self.rest.len());
            let (digits, rest) = self.rest.split_at(end);
            self.rest = rest;
            return digits.parse().ok().map(Path::Number);
        }
        if first == '\'' || first == '"' {
            let (text, rest) = self.rest[1..].split_once(first)?;
            self.rest = rest;
            return Some(Path::Text(text.to_string()));
        }
        if self.eat("(") {
            let inner = self.binary(0, depth + 1)?;
            return self.eat(")").then_some(inner);
        }
        if let Some(call) = self.call(depth) {
            return call;
        }
        self.steps(depth)
    }

    /// A function call; `Some(None)` if it is broken, `None` if there is none.
    fn call(&mut self, depth: usize) -> Option<Option<Path>> {
        let before = self.rest;
        let name = self.name();
        let Some(name) = name.filter(|n| n != "text" && n != "node" && self.rest.starts_with('(')) else {
            self.rest = before;
            return None;
        };
        self.eat("(");
        let mut args = Vec::new();
        if self.eat(")") {
            return Some(Some(Path::Call(name, args)));
        }
        loop {
            match self.binary(0, depth + 1) {
                Some(arg) => args.push(arg),
                None => return Some(None),
            }
            if self.eat(")") {
                return Some(Some(Path::Call(name, args)));
            }
            if !self.eat(",") {
                return Some(None);
            }
        }
    }

    fn steps(&mut self, depth: usize) -> Option<Path> {
        let mut steps = Vec::new();
        let every = Step {
            axis: Axis::Descendants,
            predicates: vec![],
        };
        let absolute = self.eat("/");
        if absolute && self.rest.starts_with('/') {
            self.eat("/");
            steps.push(every.clone());
        } else if absolute && self.rest.trim().is_empty() {
            return Some(Path::Steps { absolute, steps });
        }
        loop {
            steps.push(self.step(depth)?);
            if !self.eat("/") {
                return Some(Path::Steps { absolute, steps });
            }
            if self.rest.starts_with('/') {
                self.eat("/");
                steps.push(every.clone());
            }
        }
    }

    fn step(&mut self, depth: usize) -> Option<Step> {
        self.space();
        let axis = if self.eat("..") {
            Axis::Parent
        } else if self.eat(".") {
            Axis::Itself
        } else if self.eat("@") {
            if self.eat("*") {
                Axis::Attribute(None)
            } else {
                Axis::Attribute(Some(self.name()?))
            }
        } else if self.eat("*") {
            Axis::Child(None)
        } else {
            let name = self.name()?;
            if name == "text" && self.eat("()") {
                Axis::Text
            } else {
                Axis::Child(Some(name))
            }
        };
        let mut predicates = Vec::new();
        while self.eat("[") {
            predicates.push(self.binary(0, depth + 1)?);
            if !self.eat("]") {
                return None;
            }
        }
        Some(Step { axis, predicates })
    }
}
