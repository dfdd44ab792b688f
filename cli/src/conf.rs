//! Settings from three places: flags over environment over a file. Each keeps where it came from, for the error it may be.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};

use rsql_common::{Error, ErrorKind, Result, Settings};

/// Environment variables that are settings: the prefix, then the key with `__` for each dot.
const PREFIX: &str = "RSQL_CONF_";
/// Read unless `--properties-file` names another, below the folder that `RSQL_HOME` names.
const DEFAULTS: &str = "conf/rsql-defaults.conf";

/// Where settings come from on the command line.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct ConfArgs {
    /// A setting, `key=value`; may be given several times.
    #[arg(long = "conf", value_name = "KEY=VALUE")]
    pub conf: Vec<String>,

    /// File of settings, a line `key value` or `key=value` each; by default conf/rsql-defaults.conf below RSQL_HOME.
    /// Variables RSQL_CONF_spark__sql__ansi__enabled and the like count more, flags most.
    #[arg(long, value_name = "FILE")]
    pub properties_file: Option<PathBuf>,
}

/// One setting as it was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Given {
    pub key: String,
    pub value: String,
    source: Source,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Source {
    Line(PathBuf, usize),
    Variable(String),
    Flag,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Line(file, line) => write!(f, "{}, line {line}", file.display()),
            Source::Variable(name) => write!(f, "Variable {name}"),
            Source::Flag => f.write_str("--conf"),
        }
    }
}

impl Given {
    /// The error of a setting that is not taken, with where it came from. What is no fault of the setting stays as it is.
    pub(crate) fn blame(&self, e: Error) -> Error {
        let of_the_connection = e.condition().starts_with("REMOTE.") || e.condition().starts_with("INVALID_HANDLE");
        if e.kind() != ErrorKind::User || of_the_connection {
            return e;
        }
        Error::usage(format!("{}: {}", self.source, e.message()))
    }
}

impl ConfArgs {
    /// What was set, the less important first.
    pub(crate) fn given(&self) -> Result<Vec<Given>> {
        let mut all = Vec::new();
        match &self.properties_file {
            Some(path) => all.extend(read(path)?),
            None => {
                let home = std::env::var_os("RSQL_HOME").map(|h| Path::new(&h).join(DEFAULTS));
                if let Some(path) = home.filter(|p| p.exists()) {
                    all.extend(read(&path)?);
                }
            }
        }
        let mut variables = variables(std::env::vars_os());
        variables.sort_by(|a, b| a.key.cmp(&b.key));
        all.extend(variables);
        for pair in &self.conf {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| Error::usage(format!("--conf takes name=value, not {pair}.")))?;
            all.push(Given {
                key: key.to_string(),
                value: value.to_string(),
                source: Source::Flag,
            });
        }
        Ok(all)
    }

    /// The settings.
    pub(crate) fn settings(&self) -> Result<Settings> {
        let mut settings = Settings::default();
        for one in self.given()? {
            settings = settings.with(&one.key, &one.value).map_err(|e| one.blame(e))?;
        }
        Ok(settings)
    }
}

/// Settings among the variables of the environment. One that is no text sets nothing.
fn variables(all: impl Iterator<Item = (OsString, OsString)>) -> Vec<Given> {
    let mut found = Vec::new();
    for (name, value) in all {
        if !name.as_encoded_bytes().starts_with(PREFIX.as_bytes()) {
            continue;
        }
        let (Some(text), Some(value)) = (name.to_str(), value.to_str()) else {
            tracing::warn!("the variable {} is not UTF-8 and not used", name.display());
            continue;
        };
        found.push(Given {
            key: text[PREFIX.len()..].replace("__", "."),
            value: value.to_string(),
            source: Source::Variable(text.to_string()),
        });
    }
    found
}

fn read(path: &Path) -> Result<Vec<Given>> {
    Ok(parse(&rsql_common::read_text(path)?, path))
}

/// Lines `key value`, `key=value` or `key: value`, as in Spark's own file; `#` starts a comment line.
fn parse(text: &str, path: &Path) -> Vec<Given> {
    let lines = text.lines().map(str::trim).enumerate();
    lines
        .filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
        .map(|(i, line)| {
            let end = line
                .find(|c: char| c.is_whitespace() || c == '=' || c == ':')
                .unwrap_or(line.len());
            let (key, rest) = line.split_at(end);
            let value = rest.trim_start();
            let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim();
            Given {
                key: key.to_string(),
                value: value.to_string(),
                source: Source::Line(path.to_path_buf(), i + 1),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use std::os::unix::ffi::OsStringExt;

    use super::*;

    fn pairs(given: &[Given]) -> Vec<(&str, &str)> {
        given.iter().map(|g| (g.key.as_str(), g.value.as_str())).collect()
    }

    #[test]
    fn lines_are_read_as_spark_reads_them() {
        let text = "# comment\n\nspark.a  1\nspark.b=x y\n  spark.c = z\nspark.d: s3a://bucket\nspark.e\n";
        let given = parse(text, Path::new("a.conf"));
        assert_eq!(
            pairs(&given),
            [
                ("spark.a", "1"),
                ("spark.b", "x y"),
                ("spark.c", "z"),
                ("spark.d", "s3a://bucket"),
                ("spark.e", "")
            ]
        );
        assert_eq!(given[1].source.to_string(), "a.conf, line 4");
    }

    #[test]
    fn flags_count_more_than_the_file() {
        let dir = std::env::temp_dir().join(format!("rsql-conf-{}", std::process::id()));
        std::fs::write(&dir, "spark.sql.ansi.enabled false\nspark.sql.caseSensitive true\n").unwrap();
        let args = ConfArgs {
            conf: vec!["spark.sql.ansi.enabled=true".into()],
            properties_file: Some(dir.clone()),
        };
        let settings = args.settings().unwrap();
        std::fs::remove_file(dir).unwrap();
        assert!(settings.ansi() && settings.bool("spark.sql.caseSensitive"));
    }

    #[test]
    fn variables_that_are_no_text_set_nothing() {
        let broken = || OsString::from_vec(b"\xff".to_vec());
        let given = variables(
            [
                (OsString::from("RSQL_CONF_spark__sql__ansi__enabled"), "false".into()),
                (OsString::from("RSQL_CONF_spark__a"), broken()),
                (OsString::from_vec(b"RSQL_CONF_\xff".to_vec()), "1".into()),
                (broken(), broken()),
                (OsString::from("PATH"), "/bin".into()),
            ]
            .into_iter(),
        );
        assert_eq!(pairs(&given), [("spark.sql.ansi.enabled", "false")]);
    }

    #[test]
    fn what_is_wrong_says_where_it_came_from() {
        let bad = Settings::default().with("spark.sql.ansi.enabled", "maybe").unwrap_err();
        let from = |source| {
            let one = Given {
                key: String::new(),
                value: String::new(),
                source,
            };
            one.blame(bad.clone())
        };
        let e = from(Source::Variable("RSQL_CONF_x".into()));
        assert!(e.is_usage());
        assert!(e.message().starts_with("Variable RSQL_CONF_x: "), "{e}");
        let gone = Error::io("gone");
        let one = &parse("a 1", Path::new("f"))[0];
        assert_eq!(one.blame(gone.clone()), gone);
    }
}
