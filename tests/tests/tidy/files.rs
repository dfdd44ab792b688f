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
        let lines = code_lines(&text);
        if lines > MAX_LINES && !LONG_FILES.iter().any(|(allowed, _)| *allowed == path) {
            bad.push(format!("{path}: {lines}"));
        }
    }
    assert!(bad.is_empty(), "files over {MAX_LINES} lines of code: {bad:#?}");
}

/// Lines in front of the tests that stand in the file; `mod tests;` names another file and ends nothing.
fn code_lines(text: &str) -> usize {
    let lines: Vec<&str> = text.lines().collect();
    let tests_begin = |at: usize| {
        let item = lines[at..].iter().find(|l| !l.starts_with("#["));
        lines[at].starts_with("#[cfg(test)]") && item.is_some_and(|l| l.contains("mod ") && l.ends_with('{'))
    };
    let end = (0..lines.len()).find(|at| tests_begin(*at)).unwrap_or(lines.len());
    lines[..end]
        .iter()
        .map(|l| l.trim())
        .filter(|l| !l.is_empty() && !l.starts_with("//"))
        .count()
}

#[test]
fn only_tests_in_the_file_are_not_counted() {
    let declared = "//! x\n#[cfg(test)]\nmod tests;\nuse a;\n\nfn f() {}\n";
    assert_eq!(code_lines(declared), 4);
    let inline = "//! x\nuse a;\n#[cfg(test)]\n#[allow(x)]\nmod tests {\n    fn f() {}\n}\n";
    assert_eq!(code_lines(inline), 1);
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
    let marks = ["todo!(", "unimplemented!(", "dbg!(", "TODO", "FIXME", "#[ignore"];
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

/// Files that may hold `unsafe` code; each says beside its `allow` why it has to.
const UNSAFE_FILES: [&str; 6] = [
    "cli/src/allocator.rs",
    "cli/tests/terminal.rs",
    "exec/src/hashing/bytes/mod.rs",
    "exec/src/scan/parquet/native/unpack_avx2.rs",
    "exec/src/scan/parquet/native/views.rs",
    "storage/src/mapping.rs",
];

#[test]
fn unsafe_code_is_where_it_is_known() {
    let allowing: Vec<String> = rust_files()
        .into_iter()
        .filter(|(path, text)| path != "tests/tests/tidy/files.rs" && text.contains("unsafe_code"))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(allowing, UNSAFE_FILES);
}

#[test]
fn what_a_lint_is_off_for_is_said() {
    let mut bad = Vec::new();
    for (path, text) in rust_files() {
        for (at, _) in text.match_indices("[allow(") {
            let end = text[at..].find(")]").map_or(text.len(), |n| at + n);
            if !text[at..end].contains("reason = ") && !path.ends_with("tidy/files.rs") {
                bad.push(format!("{path}:{}", text[..at].lines().count()));
            }
        }
    }
    assert!(bad.is_empty(), "lints that are off without a reason: {bad:#?}");
}

#[test]
fn one_arrow() {
    let lock = std::fs::read_to_string(root().join("Cargo.lock")).unwrap();
    for name in ["arrow-array", "parquet", "object_store", "sqlparser"] {
        let count = lock.matches(&format!("name = \"{name}\"\n")).count();
        assert!(count <= 1, "{count} versions of {name} in Cargo.lock");
    }
}
