//! The registry of settings and the immutable snapshot a statement runs under.
//!
//! Settings carry Spark's key where Spark has the setting (`spark.sql.ansi.enabled`), else `rsql.*`. A [`Settings`]
//! value is a snapshot: `SET` makes a new one. Keys that nobody registered are kept and returned as given, as Spark
//! does, so that jobs which set foreign keys run; only below `rsql.` an unknown key is a mistake and refused.

mod registry;
mod suggest;

use std::collections::BTreeMap;

use crate::{Error, Result};

pub use registry::{NAME, REGISTRY, Setting, SettingType};

/// Keys that no other product sets.
const OWN: &str = "rsql.";

/// Values set in a session over the registry's defaults.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Settings {
    overrides: BTreeMap<String, String>,
    /// Counts changes, so that plan caches can tell versions apart.
    version: u64,
}

impl Settings {
    /// The effective value: what was set, else the default, else `None` for an unknown key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.overrides
            .get(key)
            .map(String::as_str)
            .or_else(|| lookup(key).map(|s| s.default))
    }

    /// True when somebody set the key in this session.
    pub fn is_set(&self, key: &str) -> bool {
        self.overrides.contains_key(key)
    }

    /// A copy with `key` set; checks the value of registered keys, and refuses keys below `rsql.` that are not.
    pub fn with(&self, key: &str, value: &str) -> Result<Self> {
        if let Some(setting) = lookup(key) {
            setting.check(value)?;
        } else if key.starts_with(OWN) {
            return Err(misspelt(key));
        }
        let mut next = self.clone();
        next.overrides.insert(key.to_string(), value.to_string());
        next.version += 1;
        Ok(next)
    }

    /// Refuses the settings that a session cannot change, since they are read when a process starts.
    pub fn check_session_may_change(key: &str) -> Result<()> {
        match lookup(key) {
            // As in Spark, settings of SQL are told from others.
            Some(s) if s.at_start => Err(Error::user(match key.starts_with("spark.sql.") {
                true => "CANNOT_MODIFY_STATIC_CONFIG",
                false => "CANNOT_MODIFY_CONFIG",
            })
            .param("key", format!("\"{key}\""))),
            _ => Ok(()),
        }
    }

    /// A copy with `key` as `initial` has it.
    #[must_use]
    pub fn reset(&self, initial: &Self, key: &str) -> Self {
        let mut next = self.clone();
        match initial.overrides.get(key) {
            Some(value) => next.overrides.insert(key.to_string(), value.clone()),
            None => next.overrides.remove(key),
        };
        next.version += 1;
        next
    }

    /// A copy with every key as `initial` has it.
    #[must_use]
    pub fn reset_all(&self, initial: &Self) -> Self {
        Self {
            overrides: initial.overrides.clone(),
            version: self.version + 1,
        }
    }

    /// What was set, in key order.
    pub fn overrides(&self) -> impl Iterator<Item = (&str, &str)> {
        self.overrides.iter().map(|(k, v)| (k.as_str(), v.as_str()))
    }

    /// What was set of a setting whose key has [`NAME`] in it: the names, and the keys with them.
    pub fn named(&self, setting: &str) -> impl Iterator<Item = (&str, &str)> {
        let setting = lookup(setting);
        self.overrides
            .keys()
            .filter_map(move |key| Some((setting?.name_in(key)?, key.as_str())))
    }

    /// Grows with each change.
    pub fn version(&self) -> u64 {
        self.version
    }

    /// A boolean setting; false when unknown.
    pub fn bool(&self, key: &str) -> bool {
        self.get(key).is_some_and(|v| v.eq_ignore_ascii_case("true"))
    }

    /// An integer setting; byte sizes understand `k`, `m`, `g`, `t`.
    pub fn int(&self, key: &str) -> Result<i64> {
        let text = self.get(key).ok_or_else(|| unknown(key))?;
        parse_size(text).ok_or_else(|| invalid(key, text, "an integer"))
    }

    /// A non-negative integer setting as `usize`.
    pub fn usize(&self, key: &str) -> Result<usize> {
        let n = self.int(key)?;
        usize::try_from(n).map_err(|_| invalid(key, &n.to_string(), "a non-negative integer"))
    }

    /// A time in milliseconds: `500ms`, `30s`, `2m`, `1h`; milliseconds without a unit.
    pub fn millis(&self, key: &str) -> Result<u64> {
        let text = self.get(key).ok_or_else(|| unknown(key))?;
        parse_time(text).ok_or_else(|| invalid(key, text, "a time"))
    }

    /// A number that may have a fraction.
    pub fn number(&self, key: &str) -> Result<f64> {
        let text = self.get(key).ok_or_else(|| unknown(key))?;
        parse_number(text).ok_or_else(|| invalid(key, text, "a number"))
    }

    /// ANSI mode (`spark.sql.ansi.enabled`).
    pub fn ansi(&self) -> bool {
        self.bool("spark.sql.ansi.enabled")
    }

    /// Session time zone (`spark.sql.session.timeZone`).
    pub fn time_zone(&self) -> &str {
        self.get("spark.sql.session.timeZone").unwrap_or("UTC")
    }

    /// `rsql.sql.strict`: refuse what Spark refuses, with Spark's error.
    pub fn strict(&self) -> bool {
        self.bool("rsql.sql.strict")
    }
}

fn lookup(key: &str) -> Option<&'static Setting> {
    REGISTRY.iter().find(|s| s.key == key || s.name_in(key).is_some())
}

fn unknown(key: &str) -> Error {
    Error::user("SQL_CONF_NOT_FOUND").param("sqlConf", format!("\"{key}\""))
}

fn misspelt(key: &str) -> Error {
    let mut text = format!("There is no setting {key}.");
    let own = REGISTRY.iter().map(|s| s.key).filter(|k| k.starts_with(OWN));
    if let Some(near) = suggest::nearest(key, own) {
        text.push_str(&format!(" Did you mean {near}?"));
    }
    unknown(key).with_message(text)
}

fn invalid(key: &str, value: &str, wanted: &str) -> Error {
    Error::user("INVALID_CONF_VALUE.TYPE_MISMATCH")
        .param("confName", key)
        .param("confValue", value)
        .param("confType", wanted)
        .with_message(format!("{key} takes {wanted}, not '{value}'."))
}

/// Reads `17`, `17b`, `64k` or `64kb`, `2g`, `1.5m` (binary units).
fn parse_size(text: &str) -> Option<i64> {
    let text = text.trim().to_ascii_lowercase();
    let text = text.strip_suffix('b').unwrap_or(&text);
    if let Ok(n) = text.parse() {
        return Some(n);
    }
    let unit = text.chars().last()?;
    let shift = match unit {
        'k' => 10,
        'm' => 20,
        'g' => 30,
        't' => 40,
        'p' => 50,
        _ => return None,
    };
    let number: f64 = text[..text.len() - 1].trim().parse().ok()?;
    Some((number * f64::from(1u32 << 10).powi(shift / 10)) as i64)
}

/// Reads `17`, `500ms`, `30s`, `2m` or `2min`, `1h`, `1d` as milliseconds.
fn parse_time(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let millis = match unit.trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "m" | "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.parse::<u64>().ok()?.checked_mul(millis)
}

fn parse_number(text: &str) -> Option<f64> {
    text.trim().parse().ok().filter(|n: &f64| n.is_finite())
}

impl Setting {
    fn check(&self, value: &str) -> Result<()> {
        // What is off unless set can be turned off by an empty value, too.
        if value.is_empty() && self.default.is_empty() {
            return Ok(());
        }
        let fine = match self.ty {
            SettingType::Bool => value.eq_ignore_ascii_case("true") || value.eq_ignore_ascii_case("false"),
            SettingType::Int => value.trim().parse::<i64>().is_ok(),
            SettingType::Bytes => parse_size(value).is_some(),
            SettingType::Time => parse_time(value).is_some(),
            SettingType::Number => parse_number(value).is_some(),
            SettingType::Text => true,
            SettingType::Choice(choices) => choices.iter().any(|c| c.eq_ignore_ascii_case(value)),
        };
        if fine { Ok(()) } else { Err(self.refused(value)) }
    }

    fn refused(&self, value: &str) -> Error {
        let error = match self.ty {
            SettingType::Choice(choices) => Error::user("INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS")
                .param("confName", self.key)
                .param("confValue", value)
                .param("confOptions", choices.join(", ")),
            ty => invalid(self.key, value, ty.name()),
        };
        let takes = self.ty.values();
        error.with_message(format!("{} takes {takes}, not '{value}'.", self.key))
    }
}

impl SettingType {
    /// Which values it takes, in words.
    pub fn values(self) -> String {
        let words = match self {
            SettingType::Bool => "true or false",
            SettingType::Int => "an integer",
            SettingType::Bytes => "a size such as 64m",
            SettingType::Time => "a time such as 30s",
            SettingType::Number => "a number",
            SettingType::Text => "text",
            SettingType::Choice([only]) => only,
            SettingType::Choice(choices) => return format!("one of {}", choices.join(", ")),
        };
        words.to_string()
    }

    /// Spark's name for what it takes.
    fn name(self) -> &'static str {
        match self {
            SettingType::Bool => "boolean",
            SettingType::Int => "int",
            SettingType::Bytes => "bytes in BYTE",
            SettingType::Time => "time in MILLISECONDS",
            SettingType::Number => "double",
            SettingType::Text | SettingType::Choice(_) => "string",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_reset_and_defaults() {
        let base = Settings::default();
        assert!(base.ansi());
        let off = base.with("spark.sql.ansi.enabled", "false").unwrap();
        assert!(!off.ansi());
        assert!(off.reset(&base, "spark.sql.ansi.enabled").ansi());
        let on = off.with("spark.sql.ansi.enabled", "true").unwrap();
        assert!(!on.reset(&off, "spark.sql.ansi.enabled").ansi() && !on.reset_all(&off).ansi());
        assert_eq!(base.with("foreign.key", "x").unwrap().get("foreign.key"), Some("x"));
        assert!(base.with("spark.sql.ansi.enabled", "maybe").is_err());
    }

    #[test]
    fn own_keys_are_known_or_refused() {
        let base = Settings::default();
        let e = base.with("rsql.memory.limt", "1g").unwrap_err();
        assert_eq!(e.condition(), "SQL_CONF_NOT_FOUND");
        assert!(e.message().ends_with("Did you mean rsql.memory.limit?"), "{e}");
        let e = base.with("rsql.something.else.entirely", "1").unwrap_err();
        assert!(!e.message().contains("Did you mean"), "{e}");
        assert!(base.with("spark.foreign.key", "1").is_ok());
    }

    #[test]
    fn what_is_read_at_start_is_no_affair_of_a_session() {
        let refused = |key| {
            Settings::check_session_may_change(key)
                .err()
                .map(|e| e.condition().to_string())
        };
        for key in [
            "spark.scheduler.mode",
            "spark.eventLog.dir",
            "rsql.memory.limit",
            "rsql.cluster.pool.a.weight",
        ] {
            assert_eq!(refused(key).as_deref(), Some("CANNOT_MODIFY_CONFIG"), "{key}");
        }
        assert_eq!(
            refused("spark.sql.warehouse.dir").as_deref(),
            Some("CANNOT_MODIFY_STATIC_CONFIG")
        );
        for key in [
            "spark.scheduler.pool",
            "spark.task.maxFailures",
            "rsql.exec.threads",
            "spark.foreign",
        ] {
            assert_eq!(refused(key), None, "{key}");
        }
    }

    #[test]
    fn sizes() {
        for (text, bytes) in [
            ("2g", 2 << 30),
            ("17", 17),
            ("17b", 17),
            ("64kb", 64 << 10),
            ("1.5m", 3 << 19),
        ] {
            let s = Settings::default().with("rsql.memory.limit", text).unwrap();
            assert_eq!(s.usize("rsql.memory.limit").unwrap(), bytes, "{text}");
        }
        let wrong = Settings::default().with("rsql.memory.limit", "2x").unwrap_err();
        assert!(wrong.params().any(|p| p == ("confType", "bytes in BYTE")), "{wrong}");
        assert!(Settings::default().with("rsql.exec.chunk_rows", "1k").is_err());
        let negative = Settings::default().with("rsql.exec.chunk_rows", "-1").unwrap();
        let refused = negative.usize("rsql.exec.chunk_rows").unwrap_err();
        assert_eq!(
            refused.message(),
            "rsql.exec.chunk_rows takes a non-negative integer, not '-1'."
        );
    }

    #[test]
    fn a_wrong_choice_is_told_the_right_ones() {
        let wrong = Settings::default().with("spark.sql.timestampType", "DATE").unwrap_err();
        assert_eq!(wrong.condition(), "INVALID_CONF_VALUE.OUT_OF_RANGE_OF_OPTIONS");
        assert!(wrong.message().contains("TIMESTAMP_NTZ, TIMESTAMP_LTZ"), "{wrong}");
    }

    #[test]
    fn defaults_are_values_that_the_setting_takes() {
        for s in REGISTRY {
            assert!(s.check(s.default).is_ok(), "{}", s.key);
        }
    }

    #[test]
    fn times() {
        for (text, millis) in [
            ("17", 17),
            ("500ms", 500),
            ("30s", 30_000),
            ("2m", 120_000),
            ("1h", 3_600_000),
        ] {
            let s = Settings::default().with("spark.locality.wait", text).unwrap();
            assert_eq!(s.millis("spark.locality.wait").unwrap(), millis, "{text}");
        }
        assert!(Settings::default().with("spark.locality.wait", "soon").is_err());
    }

    #[test]
    fn keys_with_a_name() {
        let base = Settings::default();
        assert_eq!(base.get("rsql.cluster.pool.a.b.weight"), Some("1"));
        assert!(base.with("rsql.cluster.pool.a.weight", "heavy").is_err());
        let set = base.with("rsql.cluster.pool.a.b.weight", "3").unwrap();
        let named: Vec<_> = set.named("rsql.cluster.pool.NAME.weight").collect();
        assert_eq!(named, [("a.b", "rsql.cluster.pool.a.b.weight")]);
        assert_eq!(set.named("rsql.cluster.pool.NAME.minShare").count(), 0);
    }

    #[test]
    fn numbers() {
        let s = Settings::default().with("spark.speculation.quantile", "0.9").unwrap();
        assert_eq!(s.number("spark.speculation.quantile").unwrap(), 0.9);
        for bad in ["most", "NaN", "inf", ""] {
            assert!(s.with("spark.speculation.quantile", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn registry_has_no_doubles() {
        let mut keys: Vec<_> = REGISTRY.iter().map(|s| s.key).collect();
        keys.sort_unstable();
        assert!(keys.windows(2).all(|w| w[0] != w[1]));
    }
}
