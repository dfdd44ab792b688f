//! Hadoop's path patterns: `*`, `?`, `[a-c]`, `[^x]`, `{a,b}`; none of them crosses a `/`.

use std::path::{Path, PathBuf};

use rsql_common::Result;

/// True if a path holds pattern characters.
pub fn is_glob(path: &str) -> bool {
    path.contains(['*', '?', '[', '{'])
}

/// Existing paths that a pattern matches, sorted.
pub fn expand(pattern: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for alternative in alternatives(pattern) {
        let absolute = alternative.starts_with('/');
        let mut bases = vec![if absolute { PathBuf::from("/") } else { PathBuf::new() }];
        for part in alternative.split('/').filter(|p| !p.is_empty()) {
            let mut next = Vec::new();
            for base in bases {
                if is_glob(part) {
                    matching_children(&base, part, &mut next)?;
                } else {
                    let path = base.join(part);
                    if path.exists() {
                        next.push(path);
                    }
                }
            }
            bases = next;
        }
        found.append(&mut bases);
    }
    found.sort();
    found.dedup();
    Ok(found)
}

fn matching_children(base: &Path, pattern: &str, out: &mut Vec<PathBuf>) -> Result<()> {
    let folder = if base.as_os_str().is_empty() {
        Path::new(".")
    } else {
        base
    };
    let Ok(entries) = std::fs::read_dir(folder) else {
        return Ok(());
    };
    let pattern: Vec<char> = pattern.chars().collect();
    for entry in entries {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let hidden = name.starts_with('.') || (name.starts_with('_') && !name.contains('='));
        if !hidden && matches(&pattern, &name.chars().collect::<Vec<_>>()) {
            out.push(base.join(name.as_ref()));
        }
    }
    Ok(())
}

/// A pattern with its first `{a,b}` spelled out, for all of them.
fn alternatives(pattern: &str) -> Vec<String> {
    let Some(open) = pattern.find('{') else {
        return vec![pattern.to_string()];
    };
    let (mut depth, mut close, mut cuts) = (0usize, None, vec![open + 1]);
    for (i, c) in pattern.char_indices().skip_while(|(i, _)| *i < open) {
        match c {
            '{' => depth += 1,
            '}' if depth == 1 => {
                close = Some(i);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 1 => cuts.push(i + 1),
            _ => {}
        }
    }
    let Some(close) = close else {
        return vec![pattern.to_string()];
    };
    let ends = cuts.iter().skip(1).map(|c| c - 1).chain([close]);
    cuts.iter()
        .zip(ends)
        .flat_map(|(from, to)| {
            alternatives(&format!(
                "{}{}{}",
                &pattern[..open],
                &pattern[*from..to],
                &pattern[close + 1..]
            ))
        })
        .collect()
}

/// True if a name matches a pattern without braces.
fn matches(pattern: &[char], name: &[char]) -> bool {
    let Some((p, rest)) = pattern.split_first() else {
        return name.is_empty();
    };
    match p {
        '*' => (0..=name.len()).any(|i| matches(rest, &name[i..])),
        '?' => !name.is_empty() && matches(rest, &name[1..]),
        '[' => match (name.split_first(), rest.iter().skip(1).position(|c| *c == ']')) {
            (Some((c, name)), Some(end)) => in_class(&rest[..=end], *c) && matches(&rest[end + 2..], name),
            _ => false,
        },
        '\\' if !rest.is_empty() => name.first() == Some(&rest[0]) && matches(&rest[1..], &name[1..]),
        c => name.first() == Some(c) && matches(rest, &name[1..]),
    }
}

fn in_class(class: &[char], c: char) -> bool {
    let (negated, class) = match class.split_first() {
        Some(('^' | '!', rest)) => (true, rest),
        _ => (false, class),
    };
    let mut i = 0;
    let mut hit = false;
    while i < class.len() {
        if i + 2 < class.len() && class[i + 1] == '-' {
            hit |= (class[i]..=class[i + 2]).contains(&c);
            i += 3;
        } else {
            hit |= class[i] == c;
            i += 1;
        }
    }
    hit != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns() {
        let m = |p: &str, n: &str| {
            alternatives(p)
                .iter()
                .any(|p| matches(&p.chars().collect::<Vec<_>>(), &n.chars().collect::<Vec<_>>()))
        };
        for (p, yes, no) in [
            ("*.parquet", "a.parquet", "a.csv"),
            ("a?c", "abc", "ac"),
            ("[a-c]x", "bx", "dx"),
            ("[^a]x", "bx", "ax"),
            ("{a,b{c,d}}z", "bdz", "bz"),
            ("part-*-[0-9]", "part-x-7", "part-x-y"),
        ] {
            assert!(m(p, yes), "{p} {yes}");
            assert!(!m(p, no), "{p} {no}");
        }
    }
}
