//! Damaged statements: the parser answers, with a tree or an error, and never panics.

use crate::{ParseOptions, is_complete, parse_statement, parse_statements, split_statements};

fn cases() -> Vec<String> {
    let dir = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src/tests/cases");
    let mut all = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap() {
        let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
        let lines = text
            .lines()
            .filter(|l| !l.starts_with("=> ") && !l.starts_with('#') && !l.is_empty());
        all.extend(lines.map(|l| {
            if l.contains("SELECT") {
                l.to_string()
            } else {
                format!("SELECT {l}")
            }
        }));
    }
    all
}

/// The next number of a xorshift sequence, below `limit`.
fn random(state: &mut u64, limit: usize) -> usize {
    *state ^= *state << 13;
    *state ^= *state >> 7;
    *state ^= *state << 17;
    (*state % limit.max(1) as u64) as usize
}

#[test]
fn damaged_statements_never_panic() {
    const PIECES: [&str; 24] = [
        "(", ")", "'", "\"", "`", "/*", "*/", "--", ";", ".", ",", "SELECT ", " FROM ", " AS ", "r'", "\\", "1e", "é",
        "::", "|>", " NOT ", "<", ">>", "[",
    ];
    let options = ParseOptions::default();
    let mut state = 0x9e37_79b9_7f4a_7c15;
    for case in cases() {
        for _ in 0..20 {
            let mut chars: Vec<char> = case.chars().collect();
            let at = random(&mut state, chars.len());
            match random(&mut state, 4) {
                0 => chars.truncate(at),
                1 => drop(chars.drain(at..(at + 1 + random(&mut state, 5)).min(chars.len()))),
                2 => drop(chars.splice(at..at, PIECES[random(&mut state, PIECES.len())].chars())),
                _ => {
                    let other = random(&mut state, chars.len());
                    chars.swap(at, other);
                }
            }
            let sql: String = chars.into_iter().collect();
            if let Err(error) = parse_statement(&sql, &options)
                && let Some(span) = error.span()
            {
                assert!(
                    span.start <= span.end && span.end as usize <= sql.len(),
                    "{sql}: {span:?}"
                );
            }
            let _ = parse_statements(&sql, &options);
            let _ = is_complete(&sql);
            for (offset, piece) in split_statements(&sql) {
                assert_eq!(&sql[offset..offset + piece.len()], piece);
            }
        }
    }
}
