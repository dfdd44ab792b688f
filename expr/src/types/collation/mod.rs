//! Collations: by which rules texts are equal and how they sort.
//!
//! Only names and properties stand here; keys and searches, which need Unicode's tables, are functions.

mod locales;
mod name;

use std::fmt;

use serde::{Deserialize, Serialize};

pub use name::InvalidCollation;

/// The Unicode collation rules whose version `collations()` reports.
pub const ICU_VERSION: &str = "78.3.0.0";

/// What a collation is built on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
enum Base {
    /// Two implicit collations met; only COLLATE can say which one counts.
    Indeterminate,
    /// Bytes.
    Binary,
    /// Bytes of the lower-cased text.
    Lcase,
    /// The rules of a locale: index into the list of locales.
    Icu(u8),
}

/// A collation of Spark: `UTF8_BINARY`, `UTF8_LCASE`, or a locale's with `_CI`, `_AI` and `_RTRIM`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Collation {
    base: Base,
    case_insensitive: bool,
    accent_insensitive: bool,
    rtrim: bool,
}

impl Collation {
    /// Compares bytes.
    pub const UTF8_BINARY: Self = Self::plain(Base::Binary);
    /// Compares the bytes of lower-cased texts.
    pub const UTF8_LCASE: Self = Self::plain(Base::Lcase);
    /// Of values that two implicit collations made: no comparison is possible.
    pub const INDETERMINATE: Self = Self::plain(Base::Indeterminate);

    const fn plain(base: Base) -> Self {
        Self {
            base,
            case_insensitive: false,
            accent_insensitive: false,
            rtrim: false,
        }
    }

    /// `UTF8_BINARY`.
    #[must_use]
    pub fn is_binary(self) -> bool {
        self == Self::UTF8_BINARY
    }

    /// `UTF8_BINARY`, perhaps without trailing spaces.
    #[must_use]
    pub fn is_binary_family(self) -> bool {
        self.base == Base::Binary
    }

    /// `UTF8_LCASE`, perhaps without trailing spaces.
    #[must_use]
    pub fn is_lcase_family(self) -> bool {
        self.base == Base::Lcase
    }

    /// Nobody knows which collation counts.
    #[must_use]
    pub fn is_indeterminate(self) -> bool {
        self.base == Base::Indeterminate
    }

    /// Follows a locale's rules.
    #[must_use]
    pub fn is_icu(self) -> bool {
        matches!(self.base, Base::Icu(_))
    }

    /// Upper and lower case are equal by the locale's rules.
    #[must_use]
    pub fn case_insensitive(self) -> bool {
        self.case_insensitive
    }

    /// Letters with and without accents are equal by the locale's rules.
    #[must_use]
    pub fn accent_insensitive(self) -> bool {
        self.accent_insensitive
    }

    /// Trailing spaces do not count.
    #[must_use]
    pub fn rtrim(self) -> bool {
        self.rtrim
    }

    /// The locale's language, script and country as Spark writes them (`sr_Cyrl_SRB`); none for the root and for
    /// collations without locale.
    #[must_use]
    pub fn locale(self) -> Option<&'static str> {
        let Base::Icu(index) = self.base else { return None };
        let name = locales::LOCALES.get(usize::from(index))?.name;
        (name != "UNICODE").then_some(name)
    }

    /// Language and country in English, where there is a locale that names them.
    #[must_use]
    pub fn region(self) -> (Option<&'static str>, Option<&'static str>) {
        let Base::Icu(index) = self.base else {
            return (None, None);
        };
        let known = |s: &'static str| (!s.is_empty()).then_some(s);
        locales::LOCALES
            .get(usize::from(index))
            .map_or((None, None), |l| (known(l.language), known(l.country)))
    }

    /// Every collation, sorted by name within its family.
    pub fn all() -> Vec<Self> {
        let trims = |c: Self| [c, Self { rtrim: true, ..c }];
        let mut out: Vec<Self> = [Self::UTF8_BINARY, Self::UTF8_LCASE]
            .into_iter()
            .flat_map(trims)
            .collect();
        let icu = (0u8..).zip(locales::LOCALES).flat_map(|(index, _)| {
            [(false, false), (false, true), (true, false), (true, true)].map(|(ci, ai)| Self {
                case_insensitive: ci,
                accent_insensitive: ai,
                ..Self::plain(Base::Icu(index))
            })
        });
        let mut icu: Vec<Self> = icu.flat_map(trims).collect();
        icu.sort_by_cached_key(Self::to_string);
        out.extend(icu);
        out
    }
}

/// The normalized name: `en_USA_CI_AI_RTRIM`; `null` for the indeterminate one.
impl fmt::Display for Collation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.base {
            Base::Indeterminate => "null",
            Base::Binary => "UTF8_BINARY",
            Base::Lcase => "UTF8_LCASE",
            Base::Icu(index) => locales::LOCALES.get(usize::from(index)).map_or("UNICODE", |l| l.name),
        })?;
        for (set, suffix) in [
            (self.case_insensitive, "_CI"),
            (self.accent_insensitive, "_AI"),
            (self.rtrim, "_RTRIM"),
        ] {
            if set {
                f.write_str(suffix)?;
            }
        }
        Ok(())
    }
}
