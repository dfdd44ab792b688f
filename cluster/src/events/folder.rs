//! Where event logs are.

use std::fs::{File, OpenOptions};
use std::io::ErrorKind as Kind;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rsql_common::{Error, ErrorKind, Result, Settings};
use rsql_exec::local_path;

const FOLDER: &str = "spark.eventLog.dir";
const ENABLED: &str = "spark.eventLog.enabled";
/// Spark's folder for whoever wants a log and does not say where.
const USUAL: &str = "/tmp/spark-events";

/// The folder of the event log, if one is to be written (`spark.eventLog.enabled`, `spark.eventLog.dir`).
pub fn event_log_folder(settings: &Settings) -> Result<Option<PathBuf>> {
    if !settings.bool(ENABLED) {
        return Ok(None);
    }
    match settings.get(FOLDER) {
        Some(folder) if !folder.is_empty() => local_path(folder).map(Some).map_err(|_| {
            Error::usage(format!(
                "{FOLDER} takes a folder of this machine, as a path or a file: URI, not {folder}."
            ))
        }),
        _ => Ok(settings.is_set(ENABLED).then(|| USUAL.into())),
    }
}

/// A new log, named by the application. If another one, started in the same millisecond, has that name the application's is
/// changed. What users wrote stands in the file, so it is for the process's own user alone.
pub(super) fn create(folder: &Path, application: &mut String) -> Result<File> {
    let failed = |e: std::io::Error| {
        Error::new(ErrorKind::Io, "CANNOT_WRITE_EVENT_LOG")
            .param("path", folder.display().to_string())
            .param("config", FOLDER)
            .param("reason", e.to_string())
    };
    std::fs::create_dir_all(folder).map_err(failed)?;
    let wanted = application.clone();
    let mut n = 0;
    loop {
        let path = folder.join(format!("{application}.jsonl"));
        match OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path) {
            Err(e) if e.kind() == Kind::AlreadyExists => {
                n += 1;
                *application = format!("{wanted}-{n}");
            }
            opened => return opened.map_err(failed),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn folder(set: &[(&str, &str)]) -> Result<Option<PathBuf>> {
        let settings = set.iter().fold(Settings::default(), |s, (k, v)| s.with(k, v).unwrap());
        event_log_folder(&settings)
    }

    #[test]
    fn a_log_is_written_when_it_was_asked_for() {
        assert_eq!(folder(&[]).unwrap(), None);
        assert_eq!(folder(&[(ENABLED, "false"), (FOLDER, "/e")]).unwrap(), None);
        for (given, wanted) in [
            ("/e", "/e"),
            ("e/f", "e/f"),
            ("file:/e", "/e"),
            ("file:///e", "/e"),
            ("file:///e%20f", "/e f"),
        ] {
            assert_eq!(folder(&[(FOLDER, given)]).unwrap(), Some(wanted.into()), "{given}");
        }
        assert_eq!(folder(&[(ENABLED, "true")]).unwrap(), Some(USUAL.into()));
        let refused = folder(&[(FOLDER, "hdfs://n/e")]).unwrap_err();
        assert!(refused.is_usage() && refused.message().contains(FOLDER), "{refused}");
    }

    #[test]
    fn logs_of_one_millisecond_have_files_of_their_own() {
        let dir = tempfile::tempdir().unwrap();
        let mut names: Vec<String> = vec!["app-1".into(); 3];
        for name in &mut names {
            create(&dir.path().join("events"), name).unwrap();
        }
        assert_eq!(names, ["app-1", "app-1-1", "app-1-2"]);
    }

    #[test]
    fn a_folder_that_cannot_be_made_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let taken = dir.path().join("taken");
        std::fs::write(&taken, "").unwrap();
        for bad in [taken.clone(), taken.join("events")] {
            let e = create(&bad, &mut "app-1".into()).unwrap_err();
            assert_eq!(e.condition(), "CANNOT_WRITE_EVENT_LOG");
            assert!(e.message().contains(&*bad.to_string_lossy()), "{e}");
        }
    }
}
