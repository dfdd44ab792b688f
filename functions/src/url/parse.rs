//! `parse_url` and `try_parse_url`: the parts of a URI as RFC 2396 names them.

use arrow::array::ArrayRef;
use rsql_common::{Error, Result};
use rsql_expr::ScalarFn;
use rsql_expr::function::signature::ret;
use rsql_expr::function::{EvalArgs, Signature, TypeSpec};

use super::doc;
use crate::kernel::{StrCol, fallible, slice_rows, some};

const TEXTS: &[TypeSpec] = &[TypeSpec::Text, TypeSpec::Text, TypeSpec::Text];

/// `parse_url(url, part[, key])`
pub(super) static PARSE_URL: ScalarFn = fallible(
    "parse_url",
    &[],
    doc(
        "parse_url(url, part[, key])",
        "HOST, PATH, QUERY, REF, PROTOCOL, FILE, AUTHORITY or USERINFO of a URL, or a value of its query.",
        "SELECT parse_url('http://spark.apache.org/path?query=1', 'HOST')",
    ),
    Signature::optional(TEXTS, 2, ret::STRING),
    |args| parsed(args, false),
);

/// `try_parse_url(url, part[, key])`
pub(super) static TRY_PARSE_URL: ScalarFn = fallible(
    "try_parse_url",
    &[],
    doc(
        "try_parse_url(url, part[, key])",
        "Like parse_url; NULL for an invalid URL.",
        "SELECT try_parse_url('http://spark.apache.org/path?query=1', 'HOST')",
    ),
    Signature::optional(TEXTS, 2, ret::STRING),
    |args| parsed(args, true),
);

fn parsed(args: &EvalArgs<'_>, lenient: bool) -> Result<ArrayRef> {
    let (urls, parts, keys) = (StrCol::of(args, 0)?, StrCol::of(args, 1)?, StrCol::optional(args, 2)?);
    slice_rows(args.rows, |row| {
        let (url, part) = (some!(urls.get(row)), some!(parts.get(row)));
        let Some(uri) = Uri::parse(url) else {
            if lenient || !args.options().ansi {
                return Ok(None);
            }
            return Err(args.error(Error::user("INVALID_URL").param("url", url)));
        };
        match &keys {
            None => Ok(uri.part(part)),
            Some(keys) if part == "QUERY" => Ok(uri.query_value(some!(keys.get(row)))),
            Some(_) => Ok(None),
        }
    })
}

/// The parts of a URI.
#[derive(Debug, Default)]
struct Uri<'a> {
    scheme: Option<&'a str>,
    authority: Option<&'a str>,
    path: &'a str,
    query: Option<&'a str>,
    fragment: Option<&'a str>,
    /// Path and query as they stand.
    file: &'a str,
}

impl<'a> Uri<'a> {
    fn parse(url: &'a str) -> Option<Self> {
        let legal = |c: char| !c.is_ascii_control() && !c.is_whitespace() && !"\"<>\\^`{|}".contains(c);
        let broken_escape = |(i, _): (usize, &str)| {
            !url.get(i + 1..i + 3)
                .is_some_and(|d| d.bytes().all(|b| b.is_ascii_hexdigit()))
        };
        if !url.chars().all(legal) || url.match_indices('%').any(broken_escape) {
            return None;
        }
        let mut uri = Self::default();
        let mut rest = url;
        if let Some((before, fragment)) = rest.split_once('#') {
            uri.fragment = Some(fragment);
            rest = before;
        }
        if let Some(end) = rest.find([':', '/', '?']).filter(|i| rest.as_bytes()[*i] == b':') {
            let scheme = &rest[..end];
            let named = scheme.starts_with(|c: char| c.is_ascii_alphabetic())
                && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+-.".contains(c));
            // A scheme needs a name before the colon and something after it.
            if !named || rest.len() == end + 1 {
                return None;
            }
            uri.scheme = Some(scheme);
            rest = &rest[end + 1..];
            if !rest.starts_with('/') {
                // An opaque URI has no path, query or authority.
                return Some(uri);
            }
        }
        if let Some(after) = rest.strip_prefix("//") {
            let end = after.find(['/', '?']).unwrap_or(after.len());
            uri.authority = Some(&after[..end]).filter(|a| !a.is_empty());
            rest = &after[end..];
        }
        uri.file = rest;
        (uri.path, uri.query) = match rest.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (rest, None),
        };
        Some(uri)
    }

    fn part(&self, name: &str) -> Option<&'a str> {
        match name {
            "HOST" => self.host(),
            "PATH" => Some(self.path),
            "QUERY" => self.query,
            "REF" => self.fragment,
            "PROTOCOL" => self.scheme,
            "FILE" => Some(self.file),
            "AUTHORITY" => self.authority,
            "USERINFO" => self.authority?.rsplit_once('@').map(|(user, _)| user),
            _ => None,
        }
    }

    fn host(&self) -> Option<&'a str> {
        let authority = self.authority?;
        let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
        if host.starts_with('[') {
            return host.find(']').map(|end| &host[..=end]);
        }
        let name = host.split(':').next().unwrap_or(host);
        // Names of other characters make a registry authority, which has no host.
        let regular = name.chars().all(|c| c.is_ascii_alphanumeric() || "-.".contains(c));
        (regular && !name.is_empty()).then_some(name)
    }

    fn query_value(&self, key: &str) -> Option<&'a str> {
        self.query?
            .split('&')
            .find_map(|pair| pair.split_once('=').filter(|(k, _)| *k == key).map(|(_, v)| v))
    }
}

#[cfg(test)]
mod tests {
    use super::Uri;

    #[test]
    fn parts() {
        let uri = Uri::parse("http://userinfo@spark.apache.org:80/path?query=1&b=2#frag").unwrap();
        for (part, expected) in [
            ("HOST", Some("spark.apache.org")),
            ("PATH", Some("/path")),
            ("QUERY", Some("query=1&b=2")),
            ("REF", Some("frag")),
            ("PROTOCOL", Some("http")),
            ("FILE", Some("/path?query=1&b=2")),
            ("AUTHORITY", Some("userinfo@spark.apache.org:80")),
            ("USERINFO", Some("userinfo")),
            ("BAD", None),
        ] {
            assert_eq!(uri.part(part), expected, "{part}");
        }
        assert_eq!(uri.query_value("b"), Some("2"));
        assert!(Uri::parse("inva lid://spark.apache.org/path?query=1").is_none());
        assert_eq!(Uri::parse("notaurl").unwrap().part("HOST"), None);
    }
}
