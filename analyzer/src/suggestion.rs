//! Errors for names that stand for nothing, with the nearest names there are.

use rsql_ast::Ident;
use rsql_common::{Error, Span, quoted_name};
use rsql_expr::types::StructField;

use crate::env::user;
use crate::scope::Scope;

/// Most names proposed.
const PROPOSALS: usize = 5;

/// `FIELD_NOT_FOUND` for a name that no field of a struct has.
pub(crate) fn field_not_found(name: &Ident, fields: &[StructField], span: Span) -> Error {
    let names: Vec<String> = fields.iter().map(|f| quoted_name([&f.name])).collect();
    user("FIELD_NOT_FOUND", span)
        .param("fieldName", quoted_name([&name.value]))
        .param("fields", names.join(", "))
}

/// `UNRESOLVED_COLUMN` for a name, proposing the visible columns nearest to it.
pub(crate) fn unresolved_column(parts: &[Ident], scope: &Scope) -> Error {
    let span = parts.iter().fold(Span::NONE, |s, i| s.to(i.span));
    let wanted: Vec<&str> = parts.iter().map(|p| p.value.as_str()).collect();
    let object = quoted_name(&wanted);
    let mut names: Vec<(usize, String)> = Vec::new();
    let target = wanted.join(".").to_lowercase();
    let shared_qualifier = one_qualifier(scope);
    for c in scope.visible() {
        let skip = if shared_qualifier && wanted.len() < 2 {
            c.qualifier.len()
        } else {
            c.qualifier.len().saturating_sub(wanted.len().saturating_sub(1).max(1))
        };
        let shown: Vec<&str> = c.qualifier[skip..].iter().chain([&c.name]).map(|p| &**p).collect();
        let text = quoted_name(&shown);
        let compared = if wanted.len() > 1 {
            shown.join(".")
        } else {
            c.name.to_string()
        };
        let distance = edit_distance(&compared.to_lowercase(), &target);
        if !names.iter().any(|(_, n)| *n == text) {
            names.push((distance, text));
        }
    }
    if names.is_empty() {
        return user("UNRESOLVED_COLUMN.WITHOUT_SUGGESTION", span).param("objectName", object);
    }
    names.sort_by_key(|(d, _)| *d);
    let proposal: Vec<String> = names.into_iter().take(PROPOSALS).map(|(_, n)| n).collect();
    user("UNRESOLVED_COLUMN.WITH_SUGGESTION", span)
        .param("objectName", object)
        .param("proposal", proposal.join(", "))
}

fn one_qualifier(scope: &Scope) -> bool {
    let mut all = scope.visible().map(|c| &c.qualifier);
    let first = all.next();
    all.all(|q| Some(q) == first)
}

/// Levenshtein distance in characters.
pub(crate) fn edit_distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, ca) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, cb) in b.iter().enumerate() {
            let above = row[j + 1];
            let change = diagonal + usize::from(ca != *cb);
            row[j + 1] = change.min(above + 1).min(row[j] + 1);
            diagonal = above;
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        for (a, b, d) in [("", "", 0), ("abc", "abd", 1), ("kitten", "sitting", 3), ("", "xy", 2)] {
            assert_eq!(edit_distance(a, b), d, "{a} {b}");
        }
    }
}
