//! What a collation does to texts: keys whose bytes sort and group as the collation says, and equality.

use std::sync::Arc;

use hashbrown::HashMap;
use icu_collator::options::{CaseLevel, CollatorOptions, Strength};
use icu_collator::{Collator, CollatorBorrowed};
use icu_locale_core::{LanguageIdentifier, Locale};
use parking_lot::Mutex;
use rsql_common::{Error, Result};
use rsql_expr::Collation;

/// Countries of Spark's collation names as Unicode's locales spell them.
const REGIONS: &[(&str, &str)] = &[
    ("AFG", "AF"),
    ("AUT", "AT"),
    ("BIH", "BA"),
    ("CAN", "CA"),
    ("CHN", "CN"),
    ("HKG", "HK"),
    ("IDN", "ID"),
    ("IND", "IN"),
    ("ISR", "IL"),
    ("MAC", "MO"),
    ("MNE", "ME"),
    ("NOR", "NO"),
    ("SAU", "SA"),
    ("SGP", "SG"),
    ("SRB", "RS"),
    ("TWN", "TW"),
    ("USA", "US"),
];

/// How texts compare before trailing spaces are looked at.
#[derive(Debug)]
enum Kind {
    Binary,
    Lcase,
    Icu(Box<CollatorBorrowed<'static>>),
}

/// What ends a level of weights in a sort key.
const LEVEL_END: u8 = 1;

/// The rules of one collation.
#[derive(Debug)]
pub(crate) struct Rules {
    kind: Kind,
    rtrim: bool,
    /// Whose case mappings count.
    language: LanguageIdentifier,
    /// The locale has rules of its own.
    tailored: bool,
}

impl Rules {
    /// The rules of a collation, made once.
    pub(crate) fn get(collation: Collation) -> Result<Arc<Self>> {
        static KNOWN: Mutex<Option<HashMap<Collation, Arc<Rules>>>> = Mutex::new(None);
        let mut known = KNOWN.lock();
        let known = known.get_or_insert_default();
        if let Some(rules) = known.get(&collation) {
            return Ok(Arc::clone(rules));
        }
        let rules = Arc::new(Self::new(collation)?);
        known.insert(collation, Arc::clone(&rules));
        Ok(rules)
    }

    fn new(collation: Collation) -> Result<Self> {
        let locale = match collation.locale() {
            Some(name) => unicode_locale(name)?,
            None => Locale::UNKNOWN,
        };
        let kind = if collation.is_icu() {
            let mut options = CollatorOptions::default();
            options.strength = Some(match (collation.case_insensitive(), collation.accent_insensitive()) {
                (false, false) => Strength::Tertiary,
                (true, false) => Strength::Secondary,
                (_, true) => Strength::Primary,
            });
            if !collation.case_insensitive() && collation.accent_insensitive() {
                options.case_level = Some(CaseLevel::On);
            }
            let collator = Collator::try_new((&locale).into(), options)
                .map_err(|e| Error::internal(format!("no collation data for {collation}: {e}")))?;
            Kind::Icu(Box::new(collator))
        } else if collation.is_lcase_family() {
            Kind::Lcase
        } else {
            Kind::Binary
        };
        Ok(Self {
            kind,
            rtrim: collation.rtrim(),
            tailored: !matches!(locale.id.language.as_str(), "und" | "en"),
            // No locale of Dutch has rules, so Spark takes the root for its case mappings too.
            language: if locale.id.language.as_str() == "nl" {
                LanguageIdentifier::UNKNOWN
            } else {
                locale.id
            },
        })
    }

    /// Trailing spaces do not count.
    pub(crate) fn rtrim(&self) -> bool {
        self.rtrim
    }

    /// Compares lower-cased texts.
    pub(crate) fn is_lcase(&self) -> bool {
        matches!(self.kind, Kind::Lcase)
    }

    /// Compares bytes.
    pub(crate) fn is_binary(&self) -> bool {
        matches!(self.kind, Kind::Binary)
    }

    /// The language whose case mappings count.
    pub(crate) fn language(&self) -> &LanguageIdentifier {
        &self.language
    }

    /// The locale may treat letters together that others take one by one.
    pub(crate) fn tailored(&self) -> bool {
        self.tailored
    }

    /// The part of a text that counts.
    pub(crate) fn counted<'t>(&self, text: &'t str) -> &'t str {
        if self.rtrim { text.trim_end_matches(' ') } else { text }
    }

    /// Appends the key of a text: keys compare by bytes as the texts do by the collation. What equals the empty text has the
    /// empty key.
    pub(crate) fn key(&self, text: &str, out: &mut Vec<u8>) {
        let text = self.counted(text);
        match &self.kind {
            Kind::Binary => out.extend_from_slice(text.as_bytes()),
            Kind::Lcase if text.is_ascii() => out.extend(text.bytes().map(|b| b.to_ascii_lowercase())),
            Kind::Lcase => {
                let mut buffer = [0; 4];
                for c in lowered(text) {
                    out.extend_from_slice(c.encode_utf8(&mut buffer).as_bytes());
                }
            }
            Kind::Icu(collator) => {
                let start = out.len();
                // Writing into a vector cannot fail.
                let Ok(()) = collator.write_sort_key_to(text, out);
                if out[start..].iter().all(|b| *b == LEVEL_END) {
                    out.truncate(start);
                }
            }
        }
    }

    /// Both texts are equal, trailing spaces counted.
    pub(crate) fn same(&self, a: &str, b: &str) -> bool {
        match &self.kind {
            Kind::Binary => a == b,
            Kind::Lcase => lowered(a).eq(lowered(b)),
            Kind::Icu(collator) => collator.compare(a, b).is_eq(),
        }
    }

    /// Both texts are equal.
    pub(crate) fn equal(&self, a: &str, b: &str) -> bool {
        self.same(self.counted(a), self.counted(b))
    }
}

/// The characters of a text in lower case, one by one and without regard to their neighbours: final sigma is sigma.
pub(crate) fn lowered(text: &str) -> impl Iterator<Item = char> + '_ {
    text.chars().flat_map(lower)
}

/// One character in lower case.
pub(crate) fn lower(c: char) -> std::char::ToLowercase {
    if c == 'ς' { 'σ' } else { c }.to_lowercase()
}

/// `sr_Cyrl_SRB` as Unicode's `sr-Cyrl-RS`.
fn unicode_locale(name: &str) -> Result<Locale> {
    let parts: Vec<&str> = name
        .split('_')
        .map(|part| {
            REGIONS
                .iter()
                .find(|(long, _)| *long == part)
                .map_or(part, |(_, short)| short)
        })
        .collect();
    Locale::try_from_str(&parts.join("-")).map_err(|e| Error::internal(format!("locale {name}: {e}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(collation: &str, text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        Rules::get(collation.parse().unwrap()).unwrap().key(text, &mut out);
        out
    }

    #[test]
    fn every_collation_has_rules() {
        for collation in Collation::all() {
            Rules::get(collation).unwrap();
        }
    }

    #[test]
    fn what_equals_nothing_has_no_key() {
        for (collation, text) in [
            ("UNICODE", ""),
            ("UNICODE", "\0"),
            ("UNICODE_CI_RTRIM", "  "),
            ("de_AI", ""),
        ] {
            assert!(key(collation, text).is_empty(), "{collation} {text:?}");
        }
        assert!(!key("UNICODE", " ").is_empty());
        assert!(key("UNICODE", "\u{301}") > key("UNICODE", ""));
    }

    /// As Spark 4.3 orders and equates them.
    #[test]
    fn keys_compare_as_texts() {
        use std::cmp::Ordering::{Equal, Greater, Less};
        for (collation, a, b, expected) in [
            ("UTF8_LCASE", "AAA", "aaa", Equal),
            ("UTF8_LCASE", "ΣΑΣ", "σας", Equal),
            ("UTF8_LCASE", "İ", "i̇", Equal),
            ("UTF8_LCASE", "ß", "ẞ", Equal),
            ("UTF8_LCASE", "a", "B", Less),
            ("UTF8_LCASE", "a ", "a", Greater),
            ("UTF8_LCASE_RTRIM", "a ", "A", Equal),
            ("UTF8_LCASE_RTRIM", "a\t", "a", Greater),
            ("UTF8_BINARY_RTRIM", " ", "", Equal),
            ("UNICODE", "a", "A", Less),
            ("UNICODE", "A", "b", Less),
            ("UNICODE", "a", "a\0", Equal),
            ("UNICODE", "\u{e9}", "e\u{301}", Equal),
            ("UNICODE", "ﬀ", "ff", Greater),
            ("UNICODE_RTRIM", "aaa  ", "aaa", Equal),
            ("UNICODE_CI", "a", "A", Equal),
            ("UNICODE_CI", "a", "å", Less),
            ("UNICODE_CI", "ﬀ", "FF", Equal),
            ("UNICODE_CI", "ß", "ss", Greater),
            ("UNICODE_CI_AI", "ß", "ss", Equal),
            ("UNICODE_CI_AI", "Å", "a", Equal),
            ("UNICODE_AI", "å", "a", Equal),
            ("UNICODE_AI", "á", "A", Less),
            ("sv", "Kypper", "Köpfe", Less),
            ("de", "Kypper", "Köpfe", Greater),
            ("tr_CI", "I", "ı", Equal),
            ("sr_AI", "c", "ć", Equal),
            ("sr_Latn_AI", "c", "ć", Less),
            ("da_CI", "aa", "å", Equal),
        ] {
            assert_eq!(
                key(collation, a).cmp(&key(collation, b)),
                expected,
                "{collation} {a} {b}"
            );
        }
    }
}
