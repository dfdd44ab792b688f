//! Reads `.sql.out` files and the list of statements that count.

use std::collections::{BTreeSet, HashMap};
use std::path::{Path, PathBuf};

use rsql_common::{Error, Result};

/// One golden file.
#[derive(Debug)]
pub struct GoldenFile {
    /// Path below `results`, e.g. `subquery/in-subquery/in-basic.sql.out`.
    pub name: String,
    /// Settings of `--SET` directives.
    pub settings: Vec<(String, String)>,
    /// Statements in order.
    pub cases: Vec<Case>,
}

/// One statement.
#[derive(Debug)]
pub struct Case {
    /// Position in the file, from 0.
    pub index: usize,
    /// Text.
    pub sql: String,
    /// Expected schema: `struct<…>`.
    pub schema: String,
    /// Expected output text.
    pub output: String,
    /// What counts about it; `None` if Spark itself does not reproduce it.
    pub expected: Option<Expected>,
}

/// What Spark does with a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// Gives rows.
    Rows,
    /// Runs without a result.
    NoRows,
    /// Fails with this condition.
    Error(String),
}

/// Statements of a file that count, by what Spark does with them.
type Counted = HashMap<String, Vec<usize>>;

/// Reads all files below `dir/results`. Without the list of statements that Spark itself reproduces all of them count.
pub fn read_folder(dir: &Path) -> Result<Vec<GoldenFile>> {
    let list = dir.join("reproduced_by_spark_4_3.json");
    let list: Option<HashMap<String, Counted>> = match list.exists() {
        true => serde_json::from_str(&std::fs::read_to_string(list)?).map_err(|e| Error::internal(e.to_string()))?,
        false => None,
    };
    let results = dir.join("results");
    let mut paths = Vec::new();
    walk(&results, &mut paths)?;
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path.strip_prefix(&results).unwrap_or(&path).display().to_string();
        let input = name.strip_suffix(".out").unwrap_or(&name);
        let directives = std::fs::read(dir.join("inputs").join(input)).unwrap_or_default();
        let text = String::from_utf8_lossy(&std::fs::read(&path)?).into_owned();
        let counted = list
            .as_ref()
            .map(|list| list.get(&name).or_else(|| list.get(input)).cloned().unwrap_or_default());
        files.push(parse(
            name,
            &text,
            &String::from_utf8_lossy(&directives),
            counted.as_ref(),
        ));
    }
    Ok(files)
}

fn walk(dir: &Path, out: &mut Vec<PathBuf>) -> Result<()> {
    for entry in std::fs::read_dir(dir)? {
        let path = entry?.path();
        if path.is_dir() {
            walk(&path, out)?;
        } else if path.extension().is_some_and(|e| e == "out") {
            out.push(path);
        }
    }
    Ok(())
}

fn parse(name: String, text: &str, directives: &str, counted: Option<&Counted>) -> GoldenFile {
    let set = |key: &str| {
        counted
            .and_then(|c| c.get(key))
            .map(|v| v.iter().copied().collect::<BTreeSet<_>>())
            .unwrap_or_default()
    };
    let (rows, no_rows, errors) = (set("rows"), set("no_rows"), set("errors"));
    let mut cases = Vec::new();
    for (index, block) in text.split("-- !query\n").skip(1).enumerate() {
        let Some((sql, rest)) = block.split_once("\n-- !query schema\n") else {
            continue;
        };
        let Some((schema, output)) = rest.split_once("\n-- !query output\n") else {
            continue;
        };
        let output = output.trim_end().to_string();
        let expected = if counted.is_none() {
            Some(told_by(schema, &output))
        } else if rows.contains(&index) {
            Some(Expected::Rows)
        } else if no_rows.contains(&index) {
            Some(Expected::NoRows)
        } else if errors.contains(&index) {
            Some(Expected::Error(condition_of(&output)))
        } else {
            None
        };
        cases.push(Case {
            index,
            sql: sql.to_string(),
            schema: schema.to_string(),
            output,
            expected,
        });
    }
    GoldenFile {
        name,
        settings: settings_of(directives),
        cases,
    }
}

/// `--SET k=v,k=v` lines.
fn settings_of(directives: &str) -> Vec<(String, String)> {
    directives
        .lines()
        .filter_map(|l| l.strip_prefix("--SET "))
        .flat_map(|l| l.split(','))
        .filter_map(|pair| pair.split_once('='))
        .map(|(k, v)| (k.trim().to_string(), v.trim().to_string()))
        .collect()
}

/// What a golden file itself says that Spark does.
fn told_by(schema: &str, output: &str) -> Expected {
    match condition_of(output) {
        condition if !condition.is_empty() => Expected::Error(condition),
        _ if schema == "struct<>" => Expected::NoRows,
        _ => Expected::Rows,
    }
}

fn condition_of(output: &str) -> String {
    ["\"errorClass\" : \"", "\"condition\" : \""]
        .iter()
        .find_map(|key| output.split_once(key))
        .and_then(|(_, rest)| rest.split_once('"'))
        .map_or_else(String::new, |(condition, _)| condition.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_blocks_and_directives() {
        let text = "-- head\n-- !query\nselect 1\n-- !query schema\nstruct<1:int>\n-- !query output\n1\n\n\n-- !query\nselect x\n\
                    -- !query schema\nstruct<>\n-- !query output\nE\n{\n  \"errorClass\" : \"A.B\",\n}\n";
        let counted = HashMap::from([("rows".to_string(), vec![0]), ("errors".to_string(), vec![1])]);
        let file = parse("a.sql.out".into(), text, "--SET a=1,b=2\nselect 1;", Some(&counted));
        assert_eq!(file.settings, vec![("a".into(), "1".into()), ("b".into(), "2".into())]);
        assert_eq!(file.cases[0].output, "1");
        let refused = Some(Expected::Error("A.B".into()));
        assert_eq!(file.cases[1].expected, refused);
        let all = parse("a.sql.out".into(), text, "", None);
        assert_eq!(all.cases[0].expected, Some(Expected::Rows));
        assert_eq!(all.cases[1].expected, refused);
    }
}
