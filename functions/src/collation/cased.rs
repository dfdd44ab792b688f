//! `upper`, `lower`, `initcap` by the case mappings of a collation's language.

use icu_casemap::options::TitlecaseOptions;
use icu_casemap::{CaseMapper, TitlecaseMapper};
use icu_locale_core::LanguageIdentifier;
use unicode_segmentation::UnicodeSegmentation;

use super::rules::Rules;

/// Upper case.
pub(crate) fn upper(rules: &Rules, text: &str, out: &mut String) {
    out.push_str(&CaseMapper::new().uppercase_to_string(text, rules.language()));
}

/// Lower case.
pub(crate) fn lower(rules: &Rules, text: &str, out: &mut String) {
    out.push_str(&CaseMapper::new().lowercase_to_string(text, rules.language()));
}

/// Each word with its first letter in title case, the others in lower case.
pub(crate) fn initcap(rules: &Rules, text: &str, out: &mut String) {
    for word in text.split_word_bounds() {
        title(word, rules.language(), out);
    }
}

/// A word in title case, whatever its language.
pub(crate) fn push_title(word: &str, out: &mut String) {
    title(word, &LanguageIdentifier::UNKNOWN, out);
}

fn title(word: &str, language: &LanguageIdentifier, out: &mut String) {
    let mapper = TitlecaseMapper::new();
    out.push_str(&mapper.titlecase_segment_to_string(word, language, TitlecaseOptions::default()));
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As Spark 4.3 answers.
    #[test]
    fn languages() {
        type Mapping = fn(&Rules, &str, &mut String);
        for (f, collation, text, expected) in [
            (upper as Mapping, "tr", "ıi", "Iİ"),
            (lower, "tr", "Iİ", "ıi"),
            (initcap, "tr", "istanbul ırmak", "İstanbul Irmak"),
            (upper, "UTF8_LCASE", "ß", "SS"),
            (lower, "UNICODE", "ΑΣ", "ας"),
            (initcap, "UTF8_LCASE", "aB cD-eF", "Ab Cd-Ef"),
            (upper, "el", "άλφα", "ΑΛΦΑ"),
            (
                initcap,
                "UNICODE",
                "aB.cD-eF_gh 1ab o'neil ﬀoo ǆ ß",
                "Ab.cd-Ef_gh 1ab O'neil Ffoo ǅ Ss",
            ),
            (initcap, "nl", "ijs", "Ijs"),
        ] {
            let mut out = String::new();
            f(&Rules::get(collation.parse().unwrap()).unwrap(), text, &mut out);
            assert_eq!(out, expected, "{collation} {text}");
        }
    }
}
