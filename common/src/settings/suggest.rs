//! The key that somebody may have meant: the nearest by edits, if it is near enough to be worth saying.

/// The candidate that the fewest edits make of `word`; `None` if a third of the word or more had to change.
pub(super) fn nearest<'a>(word: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_ascii_lowercase();
    let limit = word.chars().count() / 3;
    candidates
        .map(|c| (distance(&word, &c.to_ascii_lowercase()), c))
        .filter(|(edits, _)| *edits < limit)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, c)| c)
}

/// Letters to put in, take out or replace (Levenshtein), row by row of the table.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn edits_are_counted() {
        for (a, b, edits) in [
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("same", "same", 0),
            ("ab", "ba", 2),
        ] {
            assert_eq!(distance(a, b), edits, "{a} {b}");
        }
    }

    #[test]
    fn only_what_is_near_is_said() {
        let keys = ["rsql.exec.threads", "rsql.memory.limit"];
        let of = |word| nearest(word, keys.into_iter());
        assert_eq!(of("rsql.exec.thread"), Some("rsql.exec.threads"));
        assert_eq!(of("rsql.Memory.Limit"), Some("rsql.memory.limit"));
        assert_eq!(of("rsql.nothing.of.the.kind"), None);
    }
}
