//! The grammar of collation names: a family or locale, then `_CI` or `_CS`, `_AI` or `_AS`, `_RTRIM`, in any order and
//! any case.

use std::str::FromStr;

use super::locales::LOCALES;
use super::{Base, Collation};

/// A name that no collation has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InvalidCollation {
    /// Names that were perhaps meant, nearest first.
    pub proposals: Vec<String>,
}

impl FromStr for Collation {
    type Err = InvalidCollation;

    fn from_str(name: &str) -> Result<Self, InvalidCollation> {
        parse(&name.to_uppercase()).ok_or_else(|| InvalidCollation {
            proposals: proposals(name),
        })
    }
}

fn parse(upper: &str) -> Option<Collation> {
    if upper.starts_with("UTF8_") {
        let (stem, rtrim) = match upper.strip_suffix("_RTRIM") {
            Some(stem) => (stem, true),
            None => (upper, false),
        };
        let plain = match stem {
            "UTF8_BINARY" => Collation::UTF8_BINARY,
            "UTF8_LCASE" => Collation::UTF8_LCASE,
            _ => return None,
        };
        return Some(Collation { rtrim, ..plain });
    }
    let (index, locale) = longest_locale(upper)?;
    let mut collation = Collation::plain(Base::Icu(index));
    let (mut case, mut accent, mut trim) = (false, false, false);
    let rest = &upper[locale.len()..];
    if rest.is_empty() {
        return Some(collation);
    }
    for specifier in rest.strip_prefix('_')?.split('_') {
        let seen = match specifier {
            "CI" | "CS" => {
                collation.case_insensitive = specifier == "CI";
                &mut case
            }
            "AI" | "AS" => {
                collation.accent_insensitive = specifier == "AI";
                &mut accent
            }
            "RTRIM" => {
                collation.rtrim = true;
                &mut trim
            }
            _ => return None,
        };
        if std::mem::replace(seen, true) {
            return None;
        }
    }
    Some(collation)
}

/// The longest locale that the name starts with.
fn longest_locale(upper: &str) -> Option<(u8, &'static str)> {
    (0u8..)
        .zip(LOCALES)
        .filter(|(_, l)| {
            upper
                .get(..l.name.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(l.name))
        })
        .map(|(index, l)| (index, l.name))
        .max_by_key(|(_, name)| name.len())
}

/// Up to three names near `name`: the nearest families or locales, with the specifiers that were written.
fn proposals(name: &str) -> Vec<String> {
    const MOST: usize = 3;
    const NEAR: usize = 3;
    let roots: Vec<&str> = if name.starts_with("UTF8_") {
        vec!["UTF8_BINARY", "UTF8_LCASE"]
    } else {
        LOCALES.iter().map(|l| l.name).collect()
    };
    let upper = name.to_uppercase();
    let mut stem = upper.as_str();
    let mut modifiers: Vec<&str> = Vec::new();
    while let Some(modifier) = ["_CI", "_AI", "_CS", "_AS", "_RTRIM"]
        .into_iter()
        .find(|m| stem.ends_with(m))
    {
        stem = &stem[..stem.len() - modifier.len()];
        modifiers.retain(|m| *m != modifier);
        modifiers.insert(0, modifier);
    }
    for (weak, strong) in [("_CI", "_CS"), ("_AI", "_AS")] {
        if modifiers.contains(&strong) {
            modifiers.retain(|m| *m != weak);
        }
    }
    let mut nearest = roots;
    nearest.sort_by_cached_key(|root| distance(&root.to_uppercase(), stem));
    let mut out: Vec<String> = Vec::new();
    for root in nearest.into_iter().take(MOST) {
        let proposal = format!("{root}{}", modifiers.concat());
        if !out.is_empty() && distance(&proposal.to_uppercase(), &upper) >= NEAR {
            break;
        }
        out.push(proposal);
    }
    out
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, y) in b.iter().enumerate() {
            let substituted = diagonal + usize::from(x != *y);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_normalized() {
        for (written, normal) in [
            ("utf8_binary", "UTF8_BINARY"),
            ("UtF8_lCaSE_rtRIM", "UTF8_LCASE_RTRIM"),
            ("unicode", "UNICODE"),
            ("UNICODE_ci", "UNICODE_CI"),
            ("de_AS_CI", "de_CI"),
            ("en_usa_ai_ci_rtrim", "en_USA_CI_AI_RTRIM"),
            ("zh_hans_chn", "zh_Hans_CHN"),
            ("sr_latn_ai", "sr_Latn_AI"),
        ] {
            assert_eq!(written.parse::<Collation>().unwrap().to_string(), normal);
        }
    }

    #[test]
    fn unknown_names_get_proposals() {
        for (written, proposals) in [
            ("foo", "fo, blo, bo"),
            ("UNICODE_C", "UNICODE"),
            ("utf8_bin", "fr_CAN"),
            ("en_US", "en_USA"),
            ("unicode_ci_cs", "UNICODE_CS"),
            ("UTF8_BS", "UTF8_LCASE"),
            ("UTF8_BINARY_LCASE", "UTF8_BINARY"),
        ] {
            let error = written.parse::<Collation>().unwrap_err();
            assert_eq!(error.proposals.join(", "), proposals, "{written}");
        }
    }

    #[test]
    fn all_of_spark() {
        let all = Collation::all();
        assert_eq!(all.len(), 1164);
        for c in all {
            assert_eq!(c.to_string().parse::<Collation>(), Ok(c));
        }
    }
}
