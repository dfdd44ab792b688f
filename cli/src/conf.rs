//! Settings from three places: flags over environment over a file.

use std::path::{Path, PathBuf};

use rsql_common::{Error, Result, Settings};

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

impl ConfArgs {
    /// What was set, the less important first.
    pub(crate) fn pairs(&self) -> Result<Vec<(String, String)>> {
        let mut pairs = Vec::new();
        match &self.properties_file {
            Some(path) => pairs.extend(read(path)?),
            None => {
                let home = std::env::var_os("RSQL_HOME").map(|h| Path::new(&h).join(DEFAULTS));
                if let Some(path) = home.filter(|p| p.exists()) {
                    pairs.extend(read(&path)?);
                }
            }
        }
        let mut variables: Vec<_> = std::env::vars()
            .filter_map(|(name, value)| Some((name.strip_prefix(PREFIX)?.replace("__", "."), value)))
            .collect();
        variables.sort();
        pairs.extend(variables);
        for pair in &self.conf {
            let (key, value) = pair
                .split_once('=')
                .ok_or_else(|| Error::usage(format!("--conf takes name=value, not {pair}.")))?;
            pairs.push((key.to_string(), value.to_string()));
        }
        Ok(pairs)
    }

    /// The settings.
    pub(crate) fn settings(&self) -> Result<Settings> {
        let mut settings = Settings::default();
        for (key, value) in self.pairs()? {
            settings = settings.with(&key, &value)?;
        }
        Ok(settings)
    }
}

fn read(path: &Path) -> Result<Vec<(String, String)>> {
    rsql_common::read_text(path).map(|text| parse(&text))
}

/// Lines `key value`, `key=value` or `key: value`, as in Spark's own file; `#` starts a comment line.
fn parse(text: &str) -> Vec<(String, String)> {
    let lines = text
        .lines()
        .map(str::trim)
        .filter(|l| !l.is_empty() && !l.starts_with('#'));
    lines
        .map(|line| {
            let end = line
                .find(|c: char| c.is_whitespace() || c == '=' || c == ':')
                .unwrap_or(line.len());
            let (key, rest) = line.split_at(end);
            let value = rest.trim_start();
            let value = value.strip_prefix(['=', ':']).unwrap_or(value).trim();
            (key.to_string(), value.to_string())
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_read_as_spark_reads_them() {
        let text = "# comment\n\nspark.a  1\nspark.b=x y\n  spark.c = z\nspark.d: s3a://bucket\nspark.e\n";
        let pairs = parse(text);
        let read: Vec<(&str, &str)> = pairs.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        assert_eq!(
            read,
            [
                ("spark.a", "1"),
                ("spark.b", "x y"),
                ("spark.c", "z"),
                ("spark.d", "s3a://bucket"),
                ("spark.e", "")
            ]
        );
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
}
