//! Every file says what it is for, stays small, and has a name from the field.

use super::{root, rust_files};

/// Files that may be longer than [`MAX_LINES`], with the reason.
const LONG_FILES: &[(&str, &str)] = &[];

/// Code lines of a file at most: no blank lines, comments or tests.
const MAX_LINES: usize = 500;

const BANNED_NAMES: [&str; 6] = ["utils", "util", "helpers", "helper", "misc_utils", "common_utils"];

#[test]
fn every_file_opens_with_its_purpose() {
    let bad: Vec<String> = rust_files()
        .into_iter()
        .filter(|(_, text)| !text.starts_with("//!"))
        .map(|(path, _)| path)
        .collect();
    assert!(bad.is_empty(), "files without a //! at the top: {bad:#?}");
}

#[test]
fn files_stay_small() {
    let mut bad = Vec::new();
    for (path, text) in rust_files() {
        let is_test = path.contains("/tests/") || path.ends_with("/tests.rs");
        let lines = code_lines(&text);
        if !is_test && lines > MAX_LINES && !LONG_FILES.iter().any(|(allowed, _)| *allowed == path) {
            bad.push(format!("{path}: {lines}"));
        }
    }
    assert!(bad.is_empty(), "files over {MAX_LINES} lines of code: {bad:#?}");
}

fn code_lines(text: &str) -> usize {
    text.lines()
        .take_while(|l| !l.starts_with("#[cfg(test)]"))
        .filter(|l| {
            let l = l.trim();
            !l.is_empty() && !l.starts_with("//")
        })
        .count()
}

#[test]
fn names_say_something() {
    let bad: Vec<String> = rust_files()
        .into_iter()
        .map(|(path, _)| path)
        .filter(|p| {
            let stem = p.rsplit('/').next().unwrap_or(p).trim_end_matches(".rs");
            BANNED_NAMES.contains(&stem)
        })
        .collect();
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn nothing_is_left_over() {
    let marks = ["todo!(", "unimplemented!(", "dbg!(", "FIXME", "#[ignore"];
    let mut bad = Vec::new();
    for (path, text) in rust_files() {
        if path.ends_with("tidy/files.rs") {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            if marks.iter().any(|m| line.contains(m)) {
                bad.push(format!("{path}:{}: {}", number + 1, line.trim()));
            }
        }
    }
    assert!(bad.is_empty(), "{bad:#?}");
}

#[test]
fn one_arrow() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for name in ["arrow-array", "parquet", "object_store", "sqlparser"] {
        let count = lock.matches(&format!("name = \"{name}\"\n")).count();
        assert!(count <= 1, "{count} versions of {name} in Cargo.lock");
    }
}
