//! `levenshtein`, `jaro_winkler_similarity`, `soundex`.

use arrow::datatypes::{DataType, Float64Type, Int32Type};
use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{Signature, TypeSpec};

use super::{Definitions, doc, two_texts};
use crate::kernel::{IntCol, StrCol, prim_rows, pure, some, text_rows};

pub(super) const ALL: Definitions = &[&LEVENSHTEIN, &JARO_WINKLER, &SOUNDEX];

/// `levenshtein(a, b[, threshold])`
static LEVENSHTEIN: ScalarFn = pure(
    "levenshtein",
    &[],
    doc(
        "levenshtein(a, b[, threshold])",
        "Edit distance; -1 if it is above the threshold.",
        "SELECT levenshtein('kitten', 'sitting')",
    ),
    Signature::optional(&[TypeSpec::String, TypeSpec::String, TypeSpec::Int], 2, ret::INT),
    |args| {
        let (left, right) = two_texts(args)?;
        let thresholds = IntCol::optional(args, 2)?;
        prim_rows::<Int32Type>(args.rows, &DataType::Int32, |row| {
            let distance = edit_distance(some!(left.get(row)), some!(right.get(row)));
            Ok(Some(match &thresholds {
                Some(t) if distance > some!(t.get(row)) => -1,
                _ => distance,
            }))
        })
    },
);

fn edit_distance(a: &str, b: &str) -> i32 {
    let b: Vec<char> = b.chars().collect();
    let mut previous: Vec<i32> = (0..=b.len() as i32).collect();
    let mut current = previous.clone();
    for (i, x) in a.chars().enumerate() {
        current[0] = i as i32 + 1;
        for (j, y) in b.iter().enumerate() {
            let replaced = previous[j] + i32::from(x != *y);
            current[j + 1] = replaced.min(previous[j + 1] + 1).min(current[j] + 1);
        }
        std::mem::swap(&mut previous, &mut current);
    }
    previous[b.len()]
}

/// `jaro_winkler_similarity(a, b)`
static JARO_WINKLER: ScalarFn = pure(
    "jaro_winkler_similarity",
    &[],
    doc(
        "jaro_winkler_similarity(a, b)",
        "Jaro-Winkler similarity, from 0.0 to 1.0.",
        "SELECT jaro_winkler_similarity('MARTHA', 'MARHTA')",
    ),
    Signature::exact(&[TypeSpec::String, TypeSpec::String], ret::DOUBLE),
    |args| {
        let (left, right) = two_texts(args)?;
        prim_rows::<Float64Type>(args.rows, &DataType::Float64, |row| {
            Ok(Some(jaro_winkler(some!(left.get(row)), some!(right.get(row)))))
        })
    },
);

fn jaro_winkler(a: &str, b: &str) -> f64 {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.is_empty() && b.is_empty() {
        return 1.0;
    }
    let window = (a.len().max(b.len()) / 2).saturating_sub(1);
    let mut taken = vec![false; b.len()];
    let mut matched = Vec::new();
    for (i, x) in a.iter().enumerate() {
        let range = i.saturating_sub(window)..(i + window + 1).min(b.len());
        if let Some(j) = range.into_iter().find(|j| !taken[*j] && b[*j] == *x) {
            taken[j] = true;
            matched.push(*x);
        }
    }
    if matched.is_empty() {
        return 0.0;
    }
    let in_b = b.iter().zip(&taken).filter(|(_, t)| **t).map(|(c, _)| c);
    let swapped = matched.iter().zip(in_b).filter(|(x, y)| x != y).count() / 2;
    let m = matched.len() as f64;
    let jaro = (m / a.len() as f64 + m / b.len() as f64 + (m - swapped as f64) / m) / 3.0;
    let prefix = a.iter().zip(&b).take(4).take_while(|(x, y)| x == y).count();
    jaro + prefix as f64 * 0.1 * (1.0 - jaro)
}

/// `soundex(str)`
static SOUNDEX: ScalarFn = pure(
    "soundex",
    &[],
    doc("soundex(str)", "Soundex code.", "SELECT soundex('Miller')"),
    Signature::exact(&[TypeSpec::Text], ret::STRING),
    |args| {
        let values = StrCol::of(args, 0)?;
        text_rows(args.rows, |row, out| {
            push_soundex(out, some!(values.get(row)));
            Ok(Some(()))
        })
    },
);

fn push_soundex(out: &mut String, text: &str) {
    // By letter; '7' are the vowels, '0' are H and W, which do not separate equal codes.
    const CODES: &[u8; 26] = b"71237120722455712623710272";
    let code = |c: char| {
        let c = c.to_ascii_uppercase();
        c.is_ascii_uppercase().then(|| CODES[(c as u8 - b'A') as usize])
    };
    let mut chars = text.chars();
    let first = chars.next();
    let Some((first, mut last)) = first.and_then(|c| Some((c, code(c)?))) else {
        // What does not start with a letter stays as it is.
        return out.push_str(text);
    };
    out.push(first.to_ascii_uppercase());
    let mut digits = 0;
    for c in chars {
        match code(c) {
            None => last = b'0',
            Some(b'0') => {}
            Some(b'7') => last = b'7',
            Some(digit) => {
                if digit != last {
                    out.push(char::from(digit));
                    digits += 1;
                }
                last = digit;
            }
        }
        if digits == 3 {
            break;
        }
    }
    (digits..3).for_each(|_| out.push('0'));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distances() {
        assert_eq!(edit_distance("kitten", "sitting"), 3);
        assert_eq!(jaro_winkler("MARTHA", "MARHTA"), 0.9611111111111111);
        assert_eq!(jaro_winkler("ABC", "XYZ"), 0.0);
        for (text, expected) in [
            ("Miller", "M460"),
            ("Robert", "R163"),
            ("Ashcraft", "A261"),
            ("Tymczak", "T522"),
        ] {
            let mut out = String::new();
            push_soundex(&mut out, text);
            assert_eq!(out, expected);
        }
    }
}
