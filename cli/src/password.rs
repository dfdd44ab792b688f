//! A new password: asked for twice on a terminal, without showing it; else the line on standard input.

use std::io::{IsTerminal, Stdin, Write};

use nix::sys::termios::{LocalFlags, SetArg, Termios, tcgetattr, tcsetattr};
use rsql_common::{Error, Result};

/// Exit code after Ctrl-C.
const INTERRUPTED: i32 = 130;

/// Reads a password that `user` is to have.
pub(crate) fn new(user: &str) -> Result<String> {
    let stdin = std::io::stdin();
    let password = if stdin.is_terminal() {
        let hidden = Hidden::start(&stdin)?;
        let password = ask(&stdin, &format!("Password of {user}: "))?;
        if !password.is_empty() && ask(&stdin, "The same again: ")? != password {
            return Err(Error::usage("The passwords differ."));
        }
        drop(hidden);
        password
    } else {
        line(&stdin)?
    };
    if password.is_empty() {
        return Err(Error::usage("A password has at least one character."));
    }
    Ok(password)
}

/// Standard output is for the result.
fn ask(stdin: &Stdin, prompt: &str) -> Result<String> {
    let mut stderr = std::io::stderr();
    stderr.write_all(prompt.as_bytes())?;
    stderr.flush()?;
    line(stdin)
}

fn line(stdin: &Stdin) -> Result<String> {
    let mut line = String::new();
    stdin.read_line(&mut line)?;
    Ok(line.trim_end_matches(['\r', '\n']).to_string())
}

/// The terminal shows nothing of what is typed but the ends of lines, until dropped.
struct Hidden {
    before: Termios,
}

impl Hidden {
    fn start(stdin: &Stdin) -> Result<Self> {
        let before = tcgetattr(stdin).map_err(terminal)?;
        let mut silent = before.clone();
        silent.local_flags.remove(LocalFlags::ECHO);
        silent.local_flags.insert(LocalFlags::ECHONL);
        let restored = before.clone();
        // The terminal outlives the process: Ctrl-C must not leave it silent.
        ctrlc::set_handler(move || {
            // The process ends anyway.
            _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, &restored);
            std::process::exit(INTERRUPTED);
        })
        .map_err(|e| Error::io(e.to_string()))?;
        tcsetattr(stdin, SetArg::TCSAFLUSH, &silent).map_err(terminal)?;
        Ok(Self { before })
    }
}

impl Drop for Hidden {
    fn drop(&mut self) {
        // A terminal that is gone needs nothing.
        _ = tcsetattr(std::io::stdin(), SetArg::TCSANOW, &self.before);
    }
}

fn terminal(e: nix::Error) -> Error {
    Error::io(format!("the terminal cannot hide what is typed: {e}"))
}
