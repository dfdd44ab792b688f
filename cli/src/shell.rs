//! The interactive shell: statements over several lines until `;`, commands to the shell, history, Ctrl-C.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use rsql_common::{Error, Result};
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Editor, config::Config};

use crate::args::{Args, Format};
use crate::meta::{self, Meta};
use crate::output::{stderr, stdout};
use crate::session::Session;
use crate::{interrupt, output, report};

const PROMPT: &str = "rsql> ";
const CONTINUATION: &str = "    > ";

type LineEditor = Editor<(), DefaultHistory>;

/// What lasts from statement to statement.
struct Shell {
    session: Arc<Session>,
    format: Format,
    timing: bool,
}

/// Reads and runs statements until the end of input, `exit` or `quit`.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let mut shell = Shell {
        session: Arc::new(args.session()?),
        format: args.format(),
        timing: true,
    };
    interrupt::cancel_on_interrupt(&shell.session)?;
    let config = Config::builder()
        .history_ignore_space(true)
        .auto_add_history(false)
        .build();
    let mut editor = LineEditor::with_config(config).map_err(terminal)?;
    let history = history_file();
    if let Some(file) = &history {
        // A first start has no history yet.
        let _ = editor.load_history(file);
    }
    stdout::line(format_args!(
        "rsql {}. Statements end with ;  \\? helps. Ctrl-C cancels a query, Ctrl-D leaves.",
        env!("CARGO_PKG_VERSION")
    ))?;
    let mut pending = String::new();
    loop {
        match editor.readline(if pending.is_empty() { PROMPT } else { CONTINUATION }) {
            Ok(line) => {
                if pending.is_empty()
                    && let Some(command) = meta::parse(&line)
                {
                    remember(&mut editor, &line, history.as_ref());
                    if command == Meta::Quit {
                        break;
                    }
                    shell.obey(command)?;
                    continue;
                }
                if !pending.is_empty() {
                    pending.push('\n');
                }
                pending.push_str(&line);
                if pending.trim().is_empty() {
                    pending.clear();
                } else if rsql_engine::is_complete(&pending) {
                    let text = std::mem::take(&mut pending);
                    remember(&mut editor, &text, history.as_ref());
                    shell.run(&text);
                }
            }
            Err(ReadlineError::Interrupted) => pending.clear(),
            Err(ReadlineError::Eof) => break,
            Err(e) => return Err(terminal(e)),
        }
    }
    Ok(ExitCode::SUCCESS)
}

impl Shell {
    fn obey(&mut self, command: Meta) -> Result<()> {
        match command {
            Meta::Quit => {}
            Meta::Help => stdout::line(meta::HELP)?,
            Meta::Timing(on) => {
                self.timing = on.unwrap_or(!self.timing);
                stdout::line(format_args!("Timing is {}.", if self.timing { "on" } else { "off" }))?;
            }
            Meta::Format(format) => self.format = format,
            Meta::Sql(text) => self.run(&text),
            Meta::Script(path) => match rsql_common::read_text(&path) {
                Ok(text) => self.run(&text),
                Err(e) => report::error(&e),
            },
            Meta::Wrong(why) => stderr::line(why),
        }
        Ok(())
    }

    fn run(&self, text: &str) {
        // A Ctrl-C that came too late for the statement before is not meant for this one.
        interrupt::take();
        let mut start = Instant::now();
        let done = self.session.script(text, &mut |statement| {
            let rows = output::print(statement, self.format)?;
            if self.timing {
                let time = start.elapsed().as_secs_f64();
                if statement.is_query() {
                    let s = if rows == 1 { "" } else { "s" };
                    stderr::line(format_args!("{rows} row{s} in {time:.3} s"));
                } else {
                    stderr::line(format_args!("done in {time:.3} s"));
                }
            }
            start = Instant::now();
            interrupt::refuse_if_pressed()
        });
        if let Err(e) = done {
            report::error(&e);
        }
    }
}

/// Puts an entry into the history, on disk too: a shell that is killed loses nothing.
fn remember(editor: &mut LineEditor, text: &str, file: Option<&PathBuf>) {
    if !editor.add_history_entry(text.trim_end()).unwrap_or(false) {
        return;
    }
    let Some(file) = file else { return };
    let kept = match file.parent() {
        Some(folder) => std::fs::create_dir_all(folder).map_err(ReadlineError::from),
        None => Ok(()),
    };
    // A home that cannot be written to is no reason to refuse a query.
    if let Err(e) = kept.and_then(|()| editor.append_history(file)) {
        tracing::warn!("the history is not kept in {}: {e}", file.display());
    }
}

fn history_file() -> Option<PathBuf> {
    let base = std::env::var_os("XDG_STATE_HOME")
        .map(PathBuf::from)
        .or_else(|| std::env::var_os("HOME").map(|h| PathBuf::from(h).join(".local/state")))?;
    Some(base.join("rsql").join("history"))
}

fn terminal(e: ReadlineError) -> Error {
    Error::io(format!("the terminal failed: {e}"))
}
