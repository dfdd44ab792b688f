//! What XPath expressions give over an element.

use super::element::{Element, Node};
use super::path::{Axis, Path, Step};

/// A node of the document, with the elements above it.
#[derive(Clone)]
pub(super) struct Place<'a> {
    above: Vec<&'a Element>,
    kind: Kind<'a>,
}

#[derive(Clone)]
enum Kind<'a> {
    /// The document, whose child is the root element.
    Document(&'a Element),
    Element(&'a Element),
    Text(&'a str),
    Attribute(&'a str),
}

impl<'a> Place<'a> {
    /// The document around a root element.
    pub(super) fn document(root: &'a Element) -> Self {
        Self {
            above: vec![],
            kind: Kind::Document(root),
        }
    }

    /// Value of a text or attribute; elements have none.
    pub(super) fn node_value(&self) -> Option<&'a str> {
        match self.kind {
            Kind::Text(t) | Kind::Attribute(t) => Some(t),
            Kind::Document(_) | Kind::Element(_) => None,
        }
    }

    fn string_value(&self) -> String {
        match &self.kind {
            Kind::Document(e) | Kind::Element(e) => e.text(),
            Kind::Text(t) | Kind::Attribute(t) => (*t).to_string(),
        }
    }

    fn below(&self, kind: Kind<'a>) -> Self {
        let mut above = self.above.clone();
        if let Kind::Element(e) = self.kind {
            above.push(e);
        }
        Self { above, kind }
    }

    /// Children: elements and texts.
    fn children(&self) -> Vec<Place<'a>> {
        match self.kind {
            Kind::Document(root) => vec![self.below(Kind::Element(root))],
            Kind::Element(e) => e
                .children
                .iter()
                .map(|n| match n {
                    Node::Element(c) => self.below(Kind::Element(c)),
                    Node::Text(t) => self.below(Kind::Text(t)),
                })
                .collect(),
            Kind::Text(_) | Kind::Attribute(_) => vec![],
        }
    }

    fn along(&self, axis: &Axis) -> Vec<Place<'a>> {
        match axis {
            Axis::Itself => vec![self.clone()],
            Axis::Parent => {
                let mut above = self.above.clone();
                above
                    .pop()
                    .map(|e| Place {
                        above,
                        kind: Kind::Element(e),
                    })
                    .into_iter()
                    .collect()
            }
            Axis::Descendants => {
                let mut all = vec![self.clone()];
                for child in self.children() {
                    all.extend(child.along(axis));
                }
                all
            }
            Axis::Child(name) => {
                let named = |p: &Place<'_>| match &p.kind {
                    Kind::Element(e) => name.as_ref().is_none_or(|n| *n == e.name),
                    _ => false,
                };
                self.children().into_iter().filter(named).collect()
            }
            Axis::Text => self
                .children()
                .into_iter()
                .filter(|p| matches!(p.kind, Kind::Text(_)))
                .collect(),
            Axis::Attribute(name) => match self.kind {
                Kind::Element(e) => e
                    .attributes
                    .iter()
                    .filter(|(n, _)| name.as_ref().is_none_or(|wanted| wanted == n))
                    .map(|(_, v)| self.below(Kind::Attribute(v)))
                    .collect(),
                _ => vec![],
            },
        }
    }
}

/// Result of an expression.
pub(super) enum Value<'a> {
    Nodes(Vec<Place<'a>>),
    Number(f64),
    Text(String),
    Bool(bool),
}

impl Value<'_> {
    pub(super) fn boolean(&self) -> bool {
        match self {
            Value::Nodes(n) => !n.is_empty(),
            Value::Number(v) => *v != 0.0 && !v.is_nan(),
            Value::Text(t) => !t.is_empty(),
            Value::Bool(b) => *b,
        }
    }

    pub(super) fn string(&self) -> String {
        match self {
            Value::Nodes(n) => n.first().map(Place::string_value).unwrap_or_default(),
            Value::Number(v) if v.is_infinite() => if *v > 0.0 { "Infinity" } else { "-Infinity" }.to_string(),
            Value::Number(v) => v.to_string(),
            Value::Text(t) => t.clone(),
            Value::Bool(b) => b.to_string(),
        }
    }

    pub(super) fn number(&self) -> f64 {
        match self {
            Value::Number(v) => *v,
            Value::Bool(b) => f64::from(u8::from(*b)),
            other => to_number(&other.string()),
        }
    }
}

fn to_number(text: &str) -> f64 {
    text.trim().parse().unwrap_or(f64::NAN)
}

/// The value of `path` at a node that is number `position` of `size`; `None` for an unknown function.
pub(super) fn evaluate<'a>(path: &Path, at: &Place<'a>, position: usize, size: usize) -> Option<Value<'a>> {
    Some(match path {
        Path::Number(v) => Value::Number(*v),
        Path::Text(t) => Value::Text(t.clone()),
        Path::Negate(p) => Value::Number(-evaluate(p, at, position, size)?.number()),
        Path::Steps { absolute, steps } => {
            let mut start = at.clone();
            if *absolute && let Some(root) = at.above.first() {
                start = Place::document(root);
            } else if *absolute && let Kind::Element(e) = at.kind {
                start = Place::document(e);
            }
            let mut nodes = vec![start];
            for step in steps {
                nodes = walk(&nodes, step)?;
            }
            Value::Nodes(nodes)
        }
        Path::Binary(op, left, right) => {
            let (left, right) = (
                evaluate(left, at, position, size)?,
                evaluate(right, at, position, size)?,
            );
            binary(op, left, right)
        }
        Path::Call(name, args) => {
            let args = args
                .iter()
                .map(|a| evaluate(a, at, position, size))
                .collect::<Option<Vec<_>>>()?;
            call(name, args, at, position, size)?
        }
    })
}

fn walk<'a>(nodes: &[Place<'a>], step: &Step) -> Option<Vec<Place<'a>>> {
    let mut out = Vec::new();
    for node in nodes {
        let mut found = node.along(&step.axis);
        for predicate in &step.predicates {
            let size = found.len();
            let mut kept = Vec::new();
            for (i, place) in found.into_iter().enumerate() {
                let keep = match evaluate(predicate, &place, i + 1, size)? {
                    Value::Number(n) => n == (i + 1) as f64,
                    other => other.boolean(),
                };
                if keep {
                    kept.push(place);
                }
            }
            found = kept;
        }
        out.extend(found);
    }
    Some(out)
}

fn binary<'a>(op: &str, left: Value<'a>, right: Value<'a>) -> Value<'a> {
    match op {
        "or" => Value::Bool(left.boolean() || right.boolean()),
        "and" => Value::Bool(left.boolean() && right.boolean()),
        "+" => Value::Number(left.number() + right.number()),
        "-" => Value::Number(left.number() - right.number()),
        "*" => Value::Number(left.number() * right.number()),
        "div" => Value::Number(left.number() / right.number()),
        "mod" => Value::Number(left.number() % right.number()),
        "|" => match (left, right) {
            (Value::Nodes(mut a), Value::Nodes(b)) => {
                a.extend(b);
                Value::Nodes(a)
            }
            (other, _) => other,
        },
        _ => Value::Bool(compare(op, &left, &right)),
    }
}

fn compare(op: &str, left: &Value<'_>, right: &Value<'_>) -> bool {
    // A node set compares if any of its nodes does.
    if let Value::Nodes(nodes) = left {
        return nodes.iter().any(|n| compare(op, &Value::Text(n.string_value()), right));
    }
    if let Value::Nodes(nodes) = right {
        return nodes.iter().any(|n| compare(op, left, &Value::Text(n.string_value())));
    }
    let (a, b) = (left.number(), right.number());
    match op {
        "=" | "!=" => {
            let equal = match (left, right) {
                (Value::Bool(_), _) | (_, Value::Bool(_)) => left.boolean() == right.boolean(),
                (Value::Number(_), _) | (_, Value::Number(_)) => a == b,
                _ => left.string() == right.string(),
            };
            equal == (op == "=")
        }
        "<" => a < b,
        "<=" => a <= b,
        ">" => a > b,
        _ => a >= b,
    }
}

fn call<'a>(name: &str, args: Vec<Value<'a>>, at: &Place<'a>, position: usize, size: usize) -> Option<Value<'a>> {
    let text = |i: usize| args.get(i).map_or_else(|| at.string_value(), Value::string);
    let number = |i: usize| args.get(i).map_or_else(|| to_number(&at.string_value()), Value::number);
    Some(match name {
        "position" => Value::Number(position as f64),
        "last" => Value::Number(size as f64),
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "not" => Value::Bool(!args.first()?.boolean()),
        "boolean" => Value::Bool(args.first()?.boolean()),
        "number" => Value::Number(number(0)),
        "string" => Value::Text(text(0)),
        "concat" => Value::Text(args.iter().map(Value::string).collect()),
        "contains" => Value::Bool(text(0).contains(&args.get(1)?.string())),
        "starts-with" => Value::Bool(text(0).starts_with(&args.get(1)?.string())),
        "string-length" => Value::Number(text(0).chars().count() as f64),
        "normalize-space" => Value::Text(text(0).split_whitespace().collect::<Vec<_>>().join(" ")),
        "floor" => Value::Number(number(0).floor()),
        "ceiling" => Value::Number(number(0).ceil()),
        "round" => Value::Number((number(0) + 0.5).floor()),
        "count" | "sum" | "name" => {
            let Some(Value::Nodes(nodes)) = args.first() else {
                return None;
            };
            match name {
                "count" => Value::Number(nodes.len() as f64),
                "sum" => Value::Number(nodes.iter().map(|n| to_number(&n.string_value())).sum()),
                _ => Value::Text(nodes.first().map_or(String::new(), |n| match n.kind {
                    Kind::Element(e) => e.name.clone(),
                    _ => String::new(),
                })),
            }
        }
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::super::path::parse_path;
    use super::*;

    #[test]
    fn paths() {
        let root = Element::parse("<a><b id='1'>b1</b><b id='2'>b2</b><c><d>4</d><d>5</d></c></a>").unwrap();
        for (path, expected) in [
            ("a/b", "b1"),
            ("a/b[2]", "b2"),
            ("a/b[@id='2']/text()", "b2"),
            ("//d[. > 4]", "5"),
            ("sum(a/c/d)", "9"),
            ("count(//b) + 1", "3"),
            ("a/b[last()]/@id", "2"),
            ("/a/c/d/../d[1]", "4"),
            ("a/x", ""),
            ("a/b = 'b2'", "true"),
            ("a/b[position() = 1 or @id = '9']", "b1"),
        ] {
            let value = evaluate(&parse_path(path).unwrap(), &Place::document(&root), 1, 1).unwrap();
            assert_eq!(value.string(), expected, "{path}");
        }
        assert!(parse_path("a/").is_none() && parse_path("a[").is_none());
    }
}
