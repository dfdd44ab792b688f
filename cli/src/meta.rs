//! Commands to the shell itself, in the spellings of psql (`\d`), DuckDB (`.tables`) and spark-sql (`quit`, `source`).
//!
//! Reading one is apart from obeying it: what a line means is told here, the shell does it.

use clap::ValueEnum;

use crate::args::Format;

/// What `\?` prints.
pub(crate) const HELP: &str = "\
Statements end with ; and may take several lines. Commands to the shell:
  \\q  quit  exit  .quit     leave (so does Ctrl-D)
  \\?  help  .help           this text
  \\d [NAME]  .schema NAME   tables, or the columns of one
  \\dt [PATTERN]  .tables    tables
  \\dv [PATTERN]             views
  \\df [PATTERN]             functions
  \\l  .databases            databases
  \\c NAME                   use a database
  \\i FILE  .read  source    run a script
  \\format NAME  .mode NAME  how rows are printed: table, csv, tsv, json, spark
  \\timing [on|off]  .timer  whether the time of each statement is printed
Ctrl-C clears what is typed, or cancels the query that runs.";

/// What a line asks of the shell.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Meta {
    Quit,
    Help,
    /// On, off, or the other way round.
    Timing(Option<bool>),
    Format(Format),
    /// A statement that answers the command.
    Sql(String),
    Script(String),
    /// What is wrong with the line.
    Wrong(String),
}

/// The command that `line` is; `None` if it is (a part of) a statement.
pub(crate) fn parse(line: &str) -> Option<Meta> {
    let text = line.trim();
    let (word, rest) = text.split_once(char::is_whitespace).unwrap_or((text, ""));
    let word = word.trim_end_matches(';').to_ascii_lowercase();
    let argument = rest.trim().trim_end_matches(';').trim_end();
    // Words without a mark are commands only where no statement starts so.
    let bare = match word.as_str() {
        "quit" | "exit" | "help" if argument.is_empty() => true,
        "source" => !argument.is_empty(),
        _ => false,
    };
    (bare || word.starts_with(['\\', '.'])).then(|| command(&word, argument))
}

fn command(word: &str, argument: &str) -> Meta {
    match word {
        "\\q" | ".quit" | ".exit" | "quit" | "exit" => Meta::Quit,
        "\\?" | "\\h" | ".help" | "help" => Meta::Help,
        "\\timing" | ".timer" => timing(word, argument),
        "\\format" | ".mode" => match Format::from_str(argument, true) {
            Ok(format) => Meta::Format(format),
            Err(_) => Meta::Wrong(format!("{word} takes one of table, csv, tsv, json, spark.")),
        },
        "\\d" if argument.is_empty() => Meta::Sql("SHOW TABLES".into()),
        "\\d" | ".schema" => named(word, argument, "DESCRIBE TABLE"),
        "\\dt" | ".tables" => like("SHOW TABLES", argument),
        "\\dv" => like("SHOW VIEWS", argument),
        "\\df" => like("SHOW FUNCTIONS", argument),
        "\\l" | "\\dn" | ".databases" => like("SHOW DATABASES", argument),
        "\\c" => named(word, argument, "USE"),
        "\\i" | ".read" | "source" if argument.is_empty() => Meta::Wrong(format!("{word} needs a file.")),
        "\\i" | ".read" | "source" => Meta::Script(argument.trim_matches(['\'', '"']).to_string()),
        _ => Meta::Wrong(format!("There is no command {word}; \\? lists them.")),
    }
}

fn timing(word: &str, argument: &str) -> Meta {
    match argument.to_ascii_lowercase().as_str() {
        "" => Meta::Timing(None),
        "on" => Meta::Timing(Some(true)),
        "off" => Meta::Timing(Some(false)),
        _ => Meta::Wrong(format!("{word} takes on or off.")),
    }
}

fn named(word: &str, argument: &str, statement: &str) -> Meta {
    if argument.is_empty() {
        return Meta::Wrong(format!("{word} needs a name."));
    }
    Meta::Sql(format!("{statement} {argument}"))
}

fn like(statement: &str, pattern: &str) -> Meta {
    if pattern.is_empty() {
        return Meta::Sql(statement.into());
    }
    let pattern = pattern.trim_matches('\'').replace('\\', "\\\\").replace('\'', "\\'");
    Meta::Sql(format!("{statement} LIKE '{pattern}'"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_commands_or_statements() {
        let sql = |text: &str| Some(Meta::Sql(text.into()));
        for (line, want) in [
            ("\\q", Some(Meta::Quit)),
            ("  exit; ", Some(Meta::Quit)),
            ("QUIT", Some(Meta::Quit)),
            (".quit", Some(Meta::Quit)),
            ("\\d", sql("SHOW TABLES")),
            ("\\d db.t", sql("DESCRIBE TABLE db.t")),
            (".schema t;", sql("DESCRIBE TABLE t")),
            ("\\dt o*", sql("SHOW TABLES LIKE 'o*'")),
            ("\\df it's", sql("SHOW FUNCTIONS LIKE 'it\\'s'")),
            ("\\c other", sql("USE other")),
            ("\\timing", Some(Meta::Timing(None))),
            (".timer OFF", Some(Meta::Timing(Some(false)))),
            ("\\format CSV", Some(Meta::Format(Format::Csv))),
            ("\\i 'a b.sql'", Some(Meta::Script("a b.sql".into()))),
            ("source x.sql;", Some(Meta::Script("x.sql".into()))),
            ("SELECT 1;", None),
            ("help me", None),
            ("exit strategy", None),
            ("", None),
        ] {
            assert_eq!(parse(line), want, "{line}");
        }
    }

    #[test]
    fn wrong_commands_say_what_is_missing() {
        for line in ["\\nope", "\\c", ".schema", "\\i", "\\timing maybe", ".mode xls"] {
            assert!(matches!(parse(line), Some(Meta::Wrong(_))), "{line}");
        }
    }
}
