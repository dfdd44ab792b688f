//! What a user's path means: plain paths and `file:` URLs.

use std::path::PathBuf;

use rsql_common::{Error, Result};
use url::Url;

/// The local path that `text` (a plain path or a `file:` URL) names.
pub fn local_path(text: &str) -> Result<PathBuf> {
    let Some((scheme, rest)) = scheme_of(text) else {
        return Ok(PathBuf::from(text));
    };
    if !scheme.eq_ignore_ascii_case("file") {
        return Err(Error::unsupported(format!("{scheme}:// storage")));
    }
    // `file:/x`, `file:///x` and `file://localhost/x` name one file. Globs are no valid URLs, so only percent signs are
    // decoded, and only where the result says what a URL parser says.
    let path = rest
        .strip_prefix("//")
        .map_or(rest, |r| r.strip_prefix("localhost").unwrap_or(r));
    match Url::parse(&format!("file://{path}"))
        .ok()
        .and_then(|u| u.to_file_path().ok())
    {
        Some(p) if path.contains('%') => Ok(p),
        _ => Ok(PathBuf::from(path)),
    }
}

/// Scheme and rest of a URL; none for a plain path (a one-letter scheme would be a drive).
fn scheme_of(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let valid = scheme.len() > 1
        && scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
    (valid && rest.starts_with('/')).then_some((scheme, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_urls() {
        for (text, want) in [
            ("/a/b", "/a/b"),
            ("a/b c", "a/b c"),
            ("file:/a/b", "/a/b"),
            ("file:///a/b", "/a/b"),
            ("file:///a/b%20c", "/a/b c"),
            ("file:///a/*.parquet", "/a/*.parquet"),
            ("/a/k=12:30", "/a/k=12:30"),
        ] {
            assert_eq!(local_path(text).unwrap(), PathBuf::from(want), "{text}");
        }
        assert!(local_path("s3://bucket/x").is_err());
    }
}
