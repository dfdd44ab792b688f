//! An XML element and its parser: elements, attributes, text, CDATA, the predefined and numeric entities. Comments,
//! processing instructions and the document type are skipped; no other entity is known, so none can expand.

/// Deepest nesting read.
const MAX_DEPTH: usize = 256;

/// An element.
#[derive(Debug, Clone, PartialEq, Default)]
pub(super) struct Element {
    pub(super) name: String,
    pub(super) attributes: Vec<(String, String)>,
    pub(super) children: Vec<Node>,
}

/// What an element holds.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Element(Element),
    Text(String),
}

impl Element {
    /// The root element of a document; `None` if it is broken.
    pub(super) fn parse(text: &str) -> Option<Element> {
        let mut parser = Parser {
            rest: text.trim_start_matches('\u{feff}'),
        };
        parser.misc()?;
        let root = parser.element(0)?;
        parser.misc()?;
        parser.rest.is_empty().then_some(root)
    }

    /// Child elements.
    pub(super) fn elements(&self) -> impl Iterator<Item = &Element> {
        self.children.iter().filter_map(|n| match n {
            Node::Element(e) => Some(e),
            Node::Text(_) => None,
        })
    }

    /// All text within, in document order.
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        self.push_text(&mut out);
        out
    }

    fn push_text(&self, out: &mut String) {
        for child in &self.children {
            match child {
                Node::Text(t) => out.push_str(t),
                Node::Element(e) => e.push_text(out),
            }
        }
    }

    /// Text of the element itself, without that of its children.
    pub(super) fn own_text(&self) -> String {
        let texts = self.children.iter().filter_map(|n| match n {
            Node::Text(t) => Some(t.as_str()),
            Node::Element(_) => None,
        });
        texts.collect::<String>().trim().to_string()
    }

    /// Appends what stands between the element's tags.
    pub(super) fn push_inner(&self, out: &mut String) {
        for child in &self.children {
            match child {
                Node::Text(t) => push_escaped(out, t),
                Node::Element(e) => {
                    out.extend(["<", &e.name]);
                    for (name, value) in &e.attributes {
                        out.extend([" ", name, "=\""]);
                        push_escaped(out, value);
                        out.push('"');
                    }
                    out.push('>');
                    e.push_inner(out);
                    out.extend(["</", &e.name, ">"]);
                }
            }
        }
    }
}

/// Appends a text with entities for what would be markup.
pub(super) fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            c => out.push(c),
        }
    }
}

struct Parser<'a> {
    rest: &'a str,
}

impl<'a> Parser<'a> {
    fn eat(&mut self, prefix: &str) -> bool {
        match self.rest.strip_prefix(prefix) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn until(&mut self, end: &str) -> Option<&'a str> {
        let (before, after) = self.rest.split_once(end)?;
        self.rest = after;
        Some(before)
    }

    fn space(&mut self) {
        self.rest = self.rest.trim_start();
    }

    /// Skips space, comments, instructions and the document type.
    fn misc(&mut self) -> Option<()> {
        loop {
            self.space();
            if self.eat("<!--") {
                self.until("-->")?;
            } else if self.eat("<?") {
                self.until("?>")?;
            } else if self.eat("<!DOCTYPE") {
                self.until(">")?;
            } else {
                return Some(());
            }
        }
    }

    fn name(&mut self) -> Option<String> {
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | ':')))
            .unwrap_or(self.rest.len());
        let (name, rest) = self.rest.split_at(end);
        self.rest = rest;
        let begins = name.chars().next()?;
        (begins.is_alphabetic() || begins == '_').then(|| name.to_string())
    }

    fn element(&mut self, depth: usize) -> Option<Element> {
        if depth > MAX_DEPTH || !self.eat("<") {
            return None;
        }
        let mut element = Element {
            name: self.name()?,
            ..Element::default()
        };
        loop {
            self.space();
            if self.eat("/>") {
                return Some(element);
            }
            if self.eat(">") {
                break;
            }
            let name = self.name()?;
            self.space();
            if !self.eat("=") {
                return None;
            }
            self.space();
            let quote = if self.eat("\"") {
                "\""
            } else if self.eat("'") {
                "'"
            } else {
                return None;
            };
            let value = unescape(self.until(quote)?)?;
            element.attributes.push((name, value));
        }
        loop {
            if self.eat("</") {
                let name = self.name()?;
                self.space();
                return (self.eat(">") && name == element.name).then_some(element);
            }
            if self.eat("<!--") {
                self.until("-->")?;
            } else if self.eat("<![CDATA[") {
                element.children.push(Node::Text(self.until("]]>")?.to_string()));
            } else if self.eat("<?") {
                self.until("?>")?;
            } else if self.rest.starts_with('<') {
                element.children.push(Node::Element(self.element(depth + 1)?));
            } else {
                let end = self.rest.find('<')?;
                let (text, rest) = self.rest.split_at(end);
                self.rest = rest;
                element.children.push(Node::Text(unescape(text)?));
            }
        }
    }
}

fn unescape(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('&') {
        out.push_str(before);
        let (entity, after) = after.split_once(';')?;
        out.push(match entity {
            "lt" => '<',
            "gt" => '>',
            "amp" => '&',
            "quot" => '"',
            "apos" => '\'',
            _ => {
                let digits = entity.strip_prefix('#')?;
                let code = match digits.strip_prefix(['x', 'X']) {
                    Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                    None => digits.parse().ok()?,
                };
                char::from_u32(code)?
            }
        });
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn documents() {
        let root =
            Element::parse("<?xml version=\"1.0\"?><!-- c --><p a='1 &lt;'>x<b/>&#65;<![CDATA[<y>]]></p>").unwrap();
        assert_eq!((root.name.as_str(), root.attributes[0].1.as_str()), ("p", "1 <"));
        assert_eq!(root.text(), "xA<y>");
        for broken in ["<a>", "<a></b>", "<a>&x;</a>", "text", "<a b></a>", "<a/><b/>"] {
            assert_eq!(Element::parse(broken), None, "{broken}");
        }
        assert_eq!(Element::parse(&"<a>".repeat(100_000)), None);
    }
}
