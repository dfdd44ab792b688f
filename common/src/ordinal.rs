//! Positions as messages say them.

/// The word for a position, counted from 0, as Spark says it: `first`, `second`, `third`, then `4th`.
pub fn ordinal_word(index: usize) -> String {
    match index {
        0 => "first".to_string(),
        1 => "second".to_string(),
        2 => "third".to_string(),
        n => format!("{}th", n + 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn three_positions_have_words() {
        assert_eq!(
            [0, 1, 2, 3, 20].map(ordinal_word),
            ["first", "second", "third", "4th", "21th"]
        );
    }
}
