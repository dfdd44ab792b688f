//! The locales whose collations Spark knows, with what `collations()` shows of them. Sorted by name; a collation holds an
//! index into this list.

/// One locale.
#[derive(Debug)]
pub(super) struct Locale {
    /// Name in collation names: language, script, three-letter country.
    pub name: &'static str,
    /// Language in English; empty for the root.
    pub language: &'static str,
    /// Country in English, if the locale names one.
    pub country: &'static str,
}

const fn l(name: &'static str, language: &'static str, country: &'static str) -> Locale {
    Locale {
        name,
        language,
        country,
    }
}

/// All locales.
#[rustfmt::skip]
pub(super) static LOCALES: &[Locale] = &[
    l("UNICODE", "", ""), l("af", "Afrikaans", ""), l("am", "Amharic", ""), l("ar", "Arabic", ""),
    l("ar_SAU", "Arabic", "Saudi Arabia"), l("as", "Assamese", ""), l("az", "Azerbaijani", ""),
    l("be", "Belarusian", ""), l("bg", "Bulgarian", ""), l("blo", "Anii", ""), l("bn", "Bangla", ""),
    l("bo", "Tibetan", ""), l("br", "Breton", ""), l("bs", "Bosnian", ""), l("bs_Cyrl", "Bosnian", ""),
    l("ca", "Catalan", ""), l("ceb", "Cebuano", ""), l("chr", "Cherokee", ""), l("cs", "Czech", ""),
    l("cy", "Welsh", ""), l("da", "Danish", ""), l("de", "German", ""), l("de_AUT", "German", "Austria"),
    l("dsb", "Lower Sorbian", ""), l("dz", "Dzongkha", ""), l("ee", "Ewe", ""), l("el", "Greek", ""),
    l("en", "English", ""), l("en_USA", "English", "United States"), l("eo", "Esperanto", ""),
    l("es", "Spanish", ""), l("et", "Estonian", ""), l("fa", "Persian", ""), l("fa_AFG", "Persian", "Afghanistan"),
    l("ff", "Fula", ""), l("ff_Adlm", "Fula", ""), l("fi", "Finnish", ""), l("fil", "Filipino", ""),
    l("fo", "Faroese", ""), l("fr", "French", ""), l("fr_CAN", "French", "Canada"), l("fy", "Western Frisian", ""),
    l("ga", "Irish", ""), l("gl", "Galician", ""), l("gu", "Gujarati", ""), l("ha", "Hausa", ""),
    l("haw", "Hawaiian", ""), l("he", "Hebrew", ""), l("he_ISR", "Hebrew", "Israel"), l("hi", "Hindi", ""),
    l("hr", "Croatian", ""), l("hsb", "Upper Sorbian", ""), l("hu", "Hungarian", ""), l("hy", "Armenian", ""),
    l("id", "Indonesian", ""), l("id_IDN", "Indonesian", "Indonesia"), l("ig", "Igbo", ""), l("is", "Icelandic", ""),
    l("it", "Italian", ""), l("ja", "Japanese", ""), l("ka", "Georgian", ""), l("kk", "Kazakh", ""),
    l("kk_Arab", "Kazakh", ""), l("kl", "Kalaallisut", ""), l("km", "Khmer", ""), l("kn", "Kannada", ""),
    l("ko", "Korean", ""), l("kok", "Konkani", ""), l("ku", "Kurdish", ""), l("ky", "Kyrgyz", ""),
    l("lb", "Luxembourgish", ""), l("lij", "Ligurian", ""), l("lkt", "Lakota", ""), l("ln", "Lingala", ""),
    l("lo", "Lao", ""), l("lt", "Lithuanian", ""), l("lv", "Latvian", ""), l("mk", "Macedonian", ""),
    l("ml", "Malayalam", ""), l("mn", "Mongolian", ""), l("mr", "Marathi", ""), l("ms", "Malay", ""),
    l("mt", "Maltese", ""), l("my", "Burmese", ""), l("nb", "Norwegian Bokmål", ""),
    l("nb_NOR", "Norwegian Bokmål", "Norway"), l("ne", "Nepali", ""), l("nl", "Dutch", ""),
    l("nn", "Norwegian Nynorsk", ""), l("no", "Norwegian", ""), l("nso", "Northern Sotho", ""), l("om", "Oromo", ""),
    l("or", "Odia", ""), l("pa", "Punjabi", ""), l("pa_Guru", "Punjabi", ""), l("pa_Guru_IND", "Punjabi", "India"),
    l("pl", "Polish", ""), l("ps", "Pashto", ""), l("pt", "Portuguese", ""), l("ro", "Romanian", ""),
    l("ru", "Russian", ""), l("sa", "Sanskrit", ""), l("se", "Northern Sami", ""), l("si", "Sinhala", ""),
    l("sk", "Slovak", ""), l("sl", "Slovenian", ""), l("smn", "Inari Sami", ""), l("sq", "Albanian", ""),
    l("sr", "Serbian", ""), l("sr_Cyrl", "Serbian", ""), l("sr_Cyrl_BIH", "Serbian", "Bosnia & Herzegovina"),
    l("sr_Cyrl_MNE", "Serbian", "Montenegro"), l("sr_Cyrl_SRB", "Serbian", "Serbia"), l("sr_Latn", "Serbian", ""),
    l("sr_Latn_BIH", "Serbian", "Bosnia & Herzegovina"), l("sr_Latn_SRB", "Serbian", "Serbia"),
    l("st", "Southern Sotho", ""), l("sv", "Swedish", ""), l("sw", "Swahili", ""), l("ta", "Tamil", ""),
    l("te", "Telugu", ""), l("th", "Thai", ""), l("tk", "Turkmen", ""), l("tn", "Tswana", ""), l("to", "Tongan", ""),
    l("tr", "Turkish", ""), l("ug", "Uyghur", ""), l("uk", "Ukrainian", ""), l("ur", "Urdu", ""),
    l("uz", "Uzbek", ""), l("vi", "Vietnamese", ""), l("wae", "Walser", ""), l("wo", "Wolof", ""),
    l("xh", "Xhosa", ""), l("yi", "Yiddish", ""), l("yo", "Yoruba", ""), l("zh", "Chinese", ""),
    l("zh_Hans", "Chinese", ""), l("zh_Hans_CHN", "Chinese", "China"), l("zh_Hans_SGP", "Chinese", "Singapore"),
    l("zh_Hant", "Chinese", ""), l("zh_Hant_HKG", "Chinese", "Hong Kong SAR China"),
    l("zh_Hant_MAC", "Chinese", "Macao SAR China"), l("zh_Hant_TWN", "Chinese", "Taiwan"), l("zu", "Zulu", ""),
];
