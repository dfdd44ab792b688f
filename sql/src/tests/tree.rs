//! Trees as compact S-expressions, for tests: an [`expr`], a [`query`], a `relation`, each written by its own module.

mod expr;
mod query;
mod relation;

use rsql_ast::{Expr, Ident};

pub(super) use expr::{data_type, expr};
pub(super) use query::query;

/// `(head a b)`, empty parts left out.
fn list(head: impl AsRef<str>, parts: impl IntoIterator<Item = String>) -> String {
    let mut text = format!("({}", head.as_ref());
    for part in parts.into_iter().filter(|p| !p.is_empty()) {
        text.push(' ');
        text.push_str(&part);
    }
    text.push(')');
    text
}

fn join<T>(items: &[T], f: impl Fn(&T) -> String) -> String {
    items.iter().map(f).collect::<Vec<_>>().join(" ")
}

fn clause<T>(name: &str, items: &[T], f: impl Fn(&T) -> String) -> String {
    if items.is_empty() {
        String::new()
    } else {
        list(name, items.iter().map(f))
    }
}

fn optional(name: &str, value: &Option<Expr>) -> String {
    value.as_ref().map_or(String::new(), |e| list(name, [expr(e)]))
}

fn flag(set: bool, name: &str) -> String {
    if set { name.to_string() } else { String::new() }
}

fn names(parts: &[Ident]) -> String {
    parts.iter().map(ToString::to_string).collect::<Vec<_>>().join(".")
}

fn dotted(parts: &[Vec<Ident>]) -> String {
    join(parts, |p| names(p))
}
