//! The value of a quoted string.

/// Value of `'…'`, `"…"` or `r'…'`, quotes included in `token`; `escaped` keeps backslashes. A doubled quote is one of the
/// text, or, where `consecutive` literals are one text, the end of a literal and the start of the next.
pub(crate) fn value(token: &str, escaped: bool, consecutive: bool) -> String {
    if let Some(raw) = token.strip_prefix(['r', 'R']) {
        return inside(raw).to_string();
    }
    let body = inside(token);
    if escaped {
        return body.to_string();
    }
    let quote = token.chars().next().unwrap_or('\'');
    if !body.contains(['\\', quote]) {
        return body.to_string();
    }
    unescape(body, quote, consecutive)
}

/// Name inside backquotes or double quotes.
pub(crate) fn identifier(token: &str) -> String {
    let quote = &token[..1];
    inside(token).replace(&quote.repeat(2), quote)
}

fn inside(quoted: &str) -> &str {
    quoted.get(1..quoted.len() - 1).unwrap_or("")
}

fn unescape(body: &str, quote: char, consecutive: bool) -> String {
    let mut out = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(c) = rest.chars().next() {
        rest = &rest[c.len_utf8()..];
        if c == quote {
            rest = rest.strip_prefix(quote).unwrap_or(rest);
            if !consecutive {
                out.push(c);
            }
        } else if c == '\\' {
            rest = escape(rest, &mut out);
        } else {
            out.push(c);
        }
    }
    out
}

/// Reads what follows a backslash; returns the rest.
fn escape<'a>(rest: &'a str, out: &mut String) -> &'a str {
    let Some(c) = rest.chars().next() else {
        out.push('\\');
        return rest;
    };
    let after = &rest[c.len_utf8()..];
    match c {
        'u' => {
            if let Some(unit) = hex(after, 4) {
                return utf16(unit, &after[4..], out);
            }
        }
        'U' => {
            if let Some(code) = hex(after, 8) {
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                return &after[8..];
            }
        }
        '0' | '1' => {
            let octal = rest.get(..3).filter(|o| o.bytes().all(|b| (b'0'..=b'7').contains(&b)));
            if let Some(code) = octal.and_then(|o| u32::from_str_radix(o, 8).ok()) {
                out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
                return &rest[3..];
            }
        }
        _ => {}
    }
    match c {
        '0' => out.push('\0'),
        'b' => out.push('\u{8}'),
        'n' => out.push('\n'),
        'r' => out.push('\r'),
        't' => out.push('\t'),
        'Z' => out.push('\u{1a}'),
        '%' | '_' => {
            out.push('\\');
            out.push(c);
        }
        _ => out.push(c),
    }
    after
}

fn hex(text: &str, digits: usize) -> Option<u32> {
    let part = text.get(..digits)?;
    if !part.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    u32::from_str_radix(part, 16).ok()
}

/// Pushes the UTF-16 unit `\uXXXX`, joined with a low half that may follow as another escape.
fn utf16<'a>(unit: u32, rest: &'a str, out: &mut String) -> &'a str {
    let low = rest.strip_prefix("\\u").and_then(|r| hex(r, 4));
    if let (0xD800..=0xDBFF, Some(low @ 0xDC00..=0xDFFF)) = (unit, low) {
        let code = 0x10000 + ((unit - 0xD800) << 10) + (low - 0xDC00);
        out.push(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
        return &rest[6..];
    }
    out.push(char::from_u32(unit).unwrap_or(char::REPLACEMENT_CHARACTER));
    rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escapes() {
        let cases = [
            (r"'a\tb\n'", "a\tb\n"),
            (r"'it''s \'x\' \q'", "it's 'x' q"),
            (r#""a""b'c""#, "a\"b'c"),
            (r"'\%\_\\'", r"\%\_\"),
            (r"'\u0041\U00000042\101\0'", "ABA\0"),
            (r"'\uD83D\uDE00'", "😀"),
            (r"'\u00'", "u00"),
            (r"r'\n\'", r"\n\"),
            ("''", ""),
        ];
        for (text, want) in cases {
            assert_eq!(value(text, false, false), want, "{text}");
        }
        assert_eq!(value(r"'a\n'", true, false), r"a\n");
        assert_eq!(value("'S''par''k'", false, true), "Spark");
        assert_eq!(identifier("`a``b`"), "a`b");
    }
}
