//! Patterns of SHOW: `*` for any text, `|` between alternatives, case ignored.

/// True if `name` matches `pattern`; every name matches no pattern.
pub(super) fn matches(pattern: Option<&str>, name: &str) -> bool {
    let Some(pattern) = pattern else { return true };
    let name = name.to_lowercase();
    pattern
        .trim()
        .split('|')
        .any(|alternative| glob(alternative.trim().to_lowercase().as_bytes(), name.as_bytes()))
}

fn glob(pattern: &[u8], text: &[u8]) -> bool {
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == text[t] || *c == b'.' => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    p = at + 1;
                    t = from + 1;
                }
                None => return false,
            },
        }
    }
    pattern[p..].iter().all(|c| *c == b'*')
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn stars_and_bars() {
        for (pattern, name, want) in [
            ("show_t*", "SHOW_T1", true),
            ("a*|b*", "bc", true),
            ("a", "ab", false),
            ("*b", "ab", true),
            ("a*c*e", "abcde", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(Some(pattern), name), want, "{pattern} {name}");
        }
        assert!(matches(None, "x"));
    }
}
