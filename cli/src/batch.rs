//! Runs statements of `-e`, `-f` or standard input and stops at the first error.

use std::io::Read;
use std::process::ExitCode;
use std::sync::Arc;

use rsql_common::Result;

use crate::args::Args;
use crate::output::stdout;
use crate::{interrupt, output, report};

/// Runs the batch; 0, 1 after an SQL error, 130 after Ctrl-C.
pub(crate) fn run(args: &Args) -> Result<ExitCode> {
    let session = Arc::new(args.session()?);
    let scripts = scripts(args)?;
    // Not before standard input was read: until then Ctrl-C ends the process.
    interrupt::cancel_on_interrupt(&session)?;
    let format = args.format();
    for script in scripts {
        let done = session.script(&script, &mut |statement| {
            output::print(statement, format)?;
            interrupt::refuse_if_pressed()
        });
        if let Err(e) = done {
            if stdout::is_closed() {
                return Ok(ExitCode::SUCCESS);
            }
            report::error(&e);
            return Ok(ExitCode::from(if interrupt::take() { 130 } else { 1 }));
        }
    }
    Ok(ExitCode::SUCCESS)
}

fn scripts(args: &Args) -> Result<Vec<String>> {
    let mut scripts = args.execute.clone();
    for path in &args.file {
        if path.as_os_str() == "-" {
            scripts.push(read_stdin()?);
        } else {
            scripts.push(rsql_common::read_text(path)?);
        }
    }
    if scripts.is_empty() {
        scripts.push(read_stdin()?);
    }
    Ok(scripts)
}

fn read_stdin() -> Result<String> {
    let mut text = String::new();
    std::io::stdin().read_to_string(&mut text)?;
    Ok(text)
}
