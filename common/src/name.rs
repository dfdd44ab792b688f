//! Names as messages and SQL text write them: each part in backquotes, a backquote within one doubled.

/// The parts of a name in backquotes, joined by dots: `` `spark_catalog`.`default`.`t` ``.
pub fn quoted_name(parts: impl IntoIterator<Item: AsRef<str>>) -> String {
    let mut out = String::new();
    for part in parts {
        if !out.is_empty() {
            out.push('.');
        }
        out.push('`');
        for (i, piece) in part.as_ref().split('`').enumerate() {
            if i > 0 {
                out.push_str("``");
            }
            out.push_str(piece);
        }
        out.push('`');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_quoted_and_their_backquotes_doubled() {
        let none: [&str; 0] = [];
        assert_eq!(quoted_name(none), "");
        assert_eq!(quoted_name([""]), "``");
        assert_eq!(quoted_name(["a.b"]), "`a.b`");
        assert_eq!(quoted_name(["s".to_string(), "a`b`".to_string()]), "`s`.`a``b```");
    }
}
