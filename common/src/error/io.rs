//! Failures of the machine with what they were about: the file that was read, the address that was listened on.
//!
//! The system's own text ("No such file or directory") names neither, so nothing converts such an error at the place
//! where both are known but what stands here.

use std::fmt::Display;
use std::io::ErrorKind as Kind;
use std::path::Path;

use super::{Error, ErrorKind, Result};

impl Error {
    /// What turns a failure about `path` into an error that names it: `fs::write(path, text).map_err(Error::of_file(path))`.
    pub fn of_file(path: &Path) -> impl Fn(std::io::Error) -> Error + use<> {
        let path = path.display().to_string();
        move |e| match e.kind() {
            Kind::NotFound => Error::user("PATH_NOT_FOUND").param("path", path.as_str()),
            _ => Error::from(e).in_file(path.as_str()),
        }
    }

    /// An address cannot be listened on; `flag` says what it was set with and may be empty.
    pub fn cannot_listen(address: impl Display, flag: &str, why: &std::io::Error) -> Self {
        let advice = match why.kind() {
            Kind::AddrInUse => "Another process uses the port: choose another one, or 0 for any that is free.",
            Kind::AddrNotAvailable => "This machine has no such address.",
            Kind::PermissionDenied => "Ports below 1024 need privileges: choose a higher one.",
            _ => "",
        };
        Error::new(ErrorKind::Io, "CANNOT_LISTEN")
            .param("address", address.to_string())
            .param("flag", flag)
            .param("reason", why.to_string())
            .param("advice", advice)
    }

    /// True for what reports a write that has happened and is not complete: its rows are there to stay, and the next write
    /// to the table does the rest.
    pub fn is_committed(&self) -> bool {
        self.condition().starts_with("WRITE_UNFINISHED.")
    }

    /// A program was called in a way it cannot be: a flag's value, or flags that do not go together.
    pub fn usage(message: impl Into<String>) -> Self {
        Error::user("INVALID_USAGE").with_message(message)
    }

    /// True for [`Error::usage`].
    pub fn is_usage(&self) -> bool {
        self.condition() == "INVALID_USAGE"
    }
}

/// A file's text; errors name the file.
pub fn read_text(path: impl AsRef<Path>) -> Result<String> {
    let path = path.as_ref();
    std::fs::read_to_string(path).map_err(Error::of_file(path))
}

/// A file's bytes; errors name the file.
pub fn read_bytes(path: impl AsRef<Path>) -> Result<Vec<u8>> {
    let path = path.as_ref();
    std::fs::read(path).map_err(Error::of_file(path))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_file_is_told_by_its_path() {
        let e = read_text("/no/such/x.sql").unwrap_err();
        assert_eq!(e.condition(), "PATH_NOT_FOUND");
        assert_eq!(e.message(), "There is no such path: /no/such/x.sql.");
        assert_eq!(read_bytes("/no/such/x.pem").unwrap_err().condition(), "PATH_NOT_FOUND");
    }

    #[test]
    fn other_failures_name_the_file_too() {
        let e = read_text("/").unwrap_err();
        assert_eq!(e.condition(), "FAILED_READ_FILE.NO_HINT");
        assert!(e.message().ends_with("File: /."), "{e}");
    }

    #[test]
    fn an_address_is_told_with_its_flag() {
        let taken = std::io::Error::from(Kind::AddrInUse);
        let e = Error::cannot_listen("127.0.0.1:7077", "--port", &taken);
        assert!(
            e.message()
                .starts_with("Cannot listen on 127.0.0.1:7077 (--port): address in use. Another process"),
            "{e}"
        );
        let e = Error::cannot_listen("h:1", "", &std::io::Error::other("no host"));
        assert_eq!(e.message(), "Cannot listen on h:1: no host.");
    }

    #[test]
    fn wrong_usage_is_known_as_such() {
        let e = Error::usage("No.");
        assert!(e.is_usage() && e.sqlstate() != "XX000");
        assert!(!Error::internal("x").is_usage());
    }
}
