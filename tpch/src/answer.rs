//! Compares a result with a known answer: numbers within 1e-6 relative, ORDER BY columns in order.
//!
//! Averages of decimals have six digits after the point in Spark's types; a decimal that is the expected value rounded to
//! its own last digit is right too.

use std::cmp::Ordering;

/// Relative difference that numbers may have.
const TOLERANCE: f64 = 1e-6;

/// Says how `actual` (rows of text) differs from `answer` (header, then `|`-separated rows); `None` if it does not.
///
/// Rows must agree as multisets, and the `order_by` columns row by row.
pub fn difference(answer: &str, actual: &[Vec<String>], order_by: &[usize]) -> Option<String> {
    let expected: Vec<Vec<String>> = answer
        .lines()
        .skip(1)
        .map(|l| l.split('|').map(str::to_string).collect())
        .collect();
    if expected.len() != actual.len() {
        return Some(format!("{} rows, expected {}", actual.len(), expected.len()));
    }
    for (row, (e, a)) in expected.iter().zip(actual).enumerate() {
        for &column in order_by {
            if !same(cell(e, column), cell(a, column)) {
                return Some(format!(
                    "row {row}, column {column}: {}, expected {}",
                    cell(a, column),
                    cell(e, column)
                ));
            }
        }
    }
    let (mut e, mut a): (Vec<&Vec<String>>, Vec<&Vec<String>>) = (expected.iter().collect(), actual.iter().collect());
    e.sort_by(|x, y| compare(x, y));
    a.sort_by(|x, y| compare(x, y));
    for (e, a) in e.iter().zip(&a) {
        if e.len() != a.len() || !e.iter().zip(a.iter()).all(|(x, y)| same(x, y)) {
            return Some(format!("{}, expected {}", a.join("|"), e.join("|")));
        }
    }
    None
}

fn cell(row: &[String], column: usize) -> &str {
    row.get(column).map_or("", String::as_str)
}

/// `expected` is the answer's cell (empty for NULL), `actual` the result's.
fn same(expected: &str, actual: &str) -> bool {
    if expected.trim_end() == actual.trim_end() || expected.is_empty() && actual == "NULL" {
        return true;
    }
    match (expected.parse::<f64>(), actual.parse::<f64>()) {
        (Ok(x), Ok(y)) => {
            let difference = (x - y).abs();
            difference <= TOLERANCE * x.abs().max(y.abs()) || difference <= half_of_last_digit(actual)
        }
        _ => false,
    }
}

/// Half a unit of the last digit a decimal is written with; zero for whole numbers and exponents.
fn half_of_last_digit(text: &str) -> f64 {
    match text.split_once('.') {
        Some((_, digits)) if digits.bytes().all(|b| b.is_ascii_digit()) && digits.len() >= 6 => {
            0.5000001 * 10f64.powi(-i32::try_from(digits.len()).unwrap_or(i32::MAX))
        }
        _ => 0.0,
    }
}

/// Orders rows by their cells: numbers by value and alike if nearly equal, text before that.
fn compare(a: &[String], b: &[String]) -> Ordering {
    let text = |row: &[String]| {
        row.iter()
            .filter(|c| c.parse::<f64>().is_err())
            .cloned()
            .collect::<Vec<_>>()
    };
    text(a).cmp(&text(b)).then_with(|| {
        for (x, y) in a.iter().zip(b) {
            if let (Ok(x), Ok(y)) = (x.parse::<f64>(), y.parse::<f64>())
                && (x - y).abs() > TOLERANCE * x.abs().max(y.abs())
            {
                return x.total_cmp(&y);
            }
        }
        Ordering::Equal
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(text: &[&[&str]]) -> Vec<Vec<String>> {
        text.iter()
            .map(|r| r.iter().map(|c| (*c).to_string()).collect())
            .collect()
    }

    #[test]
    fn rounded_averages_and_nulls() {
        assert_eq!(
            difference("a|b\n0.0500813390||\n", &rows(&[&["0.050081", "NULL", "NULL"]]), &[]),
            None
        );
        assert!(difference("a\n0.0500813390\n", &rows(&[&["0.050082"]]), &[]).is_some());
        assert!(difference("a\n1.6\n", &rows(&[&["1.5"]]), &[]).is_some());
    }

    #[test]
    fn tolerates_rounding_and_ties_but_not_order() {
        let answer = "a|b\n1|x\n1|y\n2|z\n";
        assert_eq!(
            difference(answer, &rows(&[&["1.0000000001", "y"], &["1", "x"], &["2", "z"]]), &[0]),
            None
        );
        assert!(difference(answer, &rows(&[&["2", "z"], &["1", "x"], &["1", "y"]]), &[0]).is_some());
        assert!(difference(answer, &rows(&[&["1", "x"], &["1", "y"], &["2.1", "z"]]), &[]).is_some());
        assert!(difference(answer, &rows(&[&["1", "x"]]), &[]).is_some());
    }
}
