//! The interactive shell: statements over several lines until `;`, history, Ctrl-C.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Instant;

use rsql_common::{Error, Result};
use rsql_engine::Session;
use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{Editor, config::Config};

use crate::args::{Args, Format};
use crate::{interrupt, output, report};

const PROMPT: &str = "rsql> ";
const CONTINUATION: &str = "    > ";

/// Reads and runs statements until the end of input, `exit` or `quit`.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let session = Arc::new(args.session()?);
    interrupt::cancel_on_interrupt(&session)?;
    let config = Config::builder()
        .history_ignore_space(true)
        .auto_add_history(false)
        .build();
    let mut editor: Editor<(), DefaultHistory> = Editor::with_config(config).map_err(terminal)?;
    let history = history_file();
    if let Some(file) = &history {
        // A first start has no history yet.
        let _ = editor.load_history(file);
    }
    println!(
        "rsql {}. Statements end with ;  Ctrl-C cancels a query, Ctrl-D leaves.",
        env!("CARGO_PKG_VERSION")
    );
    let mut pending = String::new();
    loop {
        match editor.readline(if pending.is_empty() { PROMPT } else { CONTINUATION }) {
            Ok(line) => {
                if pending.is_empty() && is_exit(&line) {
                    break;
                }
                if !pending.is_empty() {
                    pending.push('\n');
                }
                pending.push_str(&line);
                if pending.trim().is_empty() {
                    pending.clear();
                } else if rsql_engine::is_complete(&pending) {
                    let text = std::mem::take(&mut pending);
                    let _ = editor.add_history_entry(text.as_str());
                    run_text(&session, &text, args.format());
                }
            }
            Err(ReadlineError::Interrupted) => pending.clear(),
            Err(ReadlineError::Eof) => break,
            Err(e) => return Err(terminal(e)),
        }
    }
    if let Some(file) = &history {
        if let Some(folder) = file.parent() {
            std::fs::create_dir_all(folder)?;
        }
        editor.save_history(file).map_err(terminal)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn run_text(session: &Arc<Session>, text: &str, format: Format) {
    let start = Instant::now();
    let done = session.script(text, &mut |_, out| {
        output::write(&mut std::io::stdout().lock(), &out, format, session)?;
        let rows = out.n_rows();
        if format == Format::Table && out.is_query {
            let s = if rows == 1 { "" } else { "s" };
            eprintln!("{rows} row{s} in {:.3} s", start.elapsed().as_secs_f64());
        }
        Ok(())
    });
    if let Err(e) = done {
        report::error(&e);
    }
    interrupt::take();
}

fn is_exit(line: &str) -> bool {
    matches!(
        line.trim().trim_end_matches(';').to_ascii_lowercase().as_str(),
        "exit" | "quit" | "\\q"
    )
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
