//! Errors for people: condition and message, then the line with a caret under the place.

use rsql_common::Error;

use crate::output::stderr;

/// Prints an error on standard error.
pub(crate) fn error(error: &Error) {
    stderr::line(describe(error));
}

/// The error's text, and where its place is known the line of SQL with a caret.
pub(crate) fn describe(error: &Error) -> String {
    // An SQLSTATE tells programs about SQL, not people about flags.
    let mut text = match error.is_usage() {
        true => format!("[{}] {}", error.condition(), error.message()),
        false => error.to_string(),
    };
    if let (Some(at), Some(query)) = (error.line_column(), error.query())
        && let Some(line) = query.lines().nth(at.line - 1)
    {
        let pad: String = line
            .chars()
            .take(at.column - 1)
            .map(|c| if c == '\t' { '\t' } else { ' ' })
            .collect();
        text.push_str(&format!("\n\n  {line}\n  {pad}^"));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use rsql_common::Span;

    #[test]
    fn wrong_usage_has_no_sqlstate() {
        assert_eq!(
            describe(&Error::usage("No such flag.")),
            "[INVALID_USAGE] No such flag."
        );
    }

    #[test]
    fn caret_stands_under_the_place() {
        let e = Error::user("X")
            .with_message("No.")
            .at(Span::new(9, 10))
            .in_query("select\n  y");
        assert_eq!(describe(&e), "[X] No. SQLSTATE: XX000; line 2 pos 2\n\n    y\n    ^");
    }
}
