//! Carries an [`Error`] through foreign error types and finds it again.

use std::error::Error as StdError;

use arrow::error::ArrowError;
use datafusion_common::DataFusionError;
use parquet::errors::ParquetError;

use super::{Error, ErrorKind};

impl Error {
    /// Finds the engine's error inside any wrapper; what never was one is classified by its outermost known type.
    pub fn from_any(error: &(dyn StdError + 'static)) -> Error {
        let mut source: Option<&(dyn StdError + 'static)> = Some(error);
        while let Some(e) = source {
            if let Some(ours) = e.downcast_ref::<Error>() {
                return ours.clone();
            }
            if e.downcast_ref::<std::io::Error>().is_some_and(is_full) {
                return Error::disk_full(error.to_string());
            }
            source = inner(e).or_else(|| e.source());
        }
        classify(error)
    }
}

fn is_full(e: &std::io::Error) -> bool {
    use std::io::ErrorKind::{QuotaExceeded, StorageFull};
    matches!(e.kind(), StorageFull | QuotaExceeded)
}

/// Looks into wrappers whose `source()` skips the boxed error itself.
fn inner<'a>(e: &'a (dyn StdError + 'static)) -> Option<&'a (dyn StdError + 'static)> {
    if let Some(e) = e.downcast_ref::<DataFusionError>() {
        return match e {
            DataFusionError::External(b) => Some(b.as_ref()),
            DataFusionError::Context(_, b) => Some(b.as_ref()),
            DataFusionError::ArrowError(b, _) => Some(b.as_ref()),
            _ => None,
        };
    }
    if let Some(ArrowError::ExternalError(b)) = e.downcast_ref::<ArrowError>() {
        return Some(b.as_ref());
    }
    if let Some(ParquetError::External(b)) = e.downcast_ref::<ParquetError>() {
        return Some(b.as_ref());
    }
    if let Some(e) = e.downcast_ref::<std::io::Error>() {
        return e.get_ref().map(|b| b as &(dyn StdError + 'static));
    }
    None
}

fn classify(error: &(dyn StdError + 'static)) -> Error {
    let message = error.to_string();
    if let Some(e) = error.downcast_ref::<ArrowError>() {
        return match e {
            ArrowError::DivideByZero => Error::user("DIVIDE_BY_ZERO"),
            ArrowError::ArithmeticOverflow(m) => Error::user("ARITHMETIC_OVERFLOW").param("message", m.as_str()),
            ArrowError::MemoryError(m) => Error::exhausted(m.as_str()),
            ArrowError::IoError(m, _) => Error::io(m.as_str()),
            _ => Error::internal(message),
        };
    }
    if error.is::<ParquetError>() {
        return Error::user("FAILED_READ_FILE.CANNOT_READ_FILE_FOOTER").param("message", message);
    }
    if let Some(e) = error.downcast_ref::<std::io::Error>() {
        return match e.kind() {
            std::io::ErrorKind::NotFound => path_not_found(e),
            _ => Error::io(message),
        };
    }
    if let Some(e) = error.downcast_ref::<object_store::Error>() {
        return match e {
            object_store::Error::NotFound { path, .. } => Error::user("PATH_NOT_FOUND").param("path", path.as_str()),
            _ => Error::new(ErrorKind::Io, "FAILED_READ_FILE.NO_HINT").param("message", message),
        };
    }
    Error::internal(message)
}

/// The path is known only where it was opened ([`Error::of_file`]); the system's text would not do in its place.
fn path_not_found(e: &std::io::Error) -> Error {
    let error = Error::user("PATH_NOT_FOUND");
    match e.raw_os_error() {
        Some(_) => error,
        None => error.param("reason", e.to_string()),
    }
}

macro_rules! from_foreign {
    ($($t:ty),*) => { $(
        impl From<$t> for Error {
            fn from(e: $t) -> Self { Error::from_any(&e) }
        }
    )* };
}
from_foreign!(
    ArrowError,
    ParquetError,
    DataFusionError,
    std::io::Error,
    object_store::Error
);

impl From<Error> for DataFusionError {
    fn from(e: Error) -> Self {
        DataFusionError::External(Box::new(e))
    }
}

impl From<Error> for ArrowError {
    fn from(e: Error) -> Self {
        ArrowError::ExternalError(Box::new(e))
    }
}

impl From<Error> for ParquetError {
    fn from(e: Error) -> Self {
        ParquetError::External(Box::new(e))
    }
}

impl From<Error> for std::io::Error {
    fn from(e: Error) -> Self {
        std::io::Error::other(e)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn survives_every_wrapper() {
        let ours = Error::user("DIVIDE_BY_ZERO").param("config", "x");
        let wrapped = DataFusionError::Context(
            "while optimizing".into(),
            Box::new(DataFusionError::ArrowError(
                Box::new(ArrowError::from_external_error(Box::new(ParquetError::External(
                    Box::new(std::io::Error::from(ours.clone())),
                )))),
                None,
            )),
        );
        assert_eq!(Error::from(wrapped), ours);
    }

    #[test]
    fn foreign_errors_are_classified() {
        assert_eq!(Error::from(ArrowError::DivideByZero).condition(), "DIVIDE_BY_ZERO");
        let missing = std::io::Error::new(std::io::ErrorKind::NotFound, "x");
        let missing = Error::from(missing);
        assert_eq!(missing.condition(), "PATH_NOT_FOUND");
        assert_eq!(missing.message(), "There is no such path: x.");
        let missing = Error::from(std::io::Error::from_raw_os_error(2));
        assert_eq!(missing.message(), "There is no such path.");
        let full = || std::io::Error::new(std::io::ErrorKind::StorageFull, "no space left");
        for e in [
            Error::from(full()),
            Error::from(ParquetError::External(Box::new(full()))),
            Error::from(ArrowError::IoError("x".into(), full())),
        ] {
            assert_eq!(e.kind(), ErrorKind::ResourceExhausted);
            assert!(e.params().any(|p| p == ("resource", "disk")), "{e:?}");
        }
    }
}
