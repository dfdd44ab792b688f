//! `${name}` in statements: the value of a setting or of a variable set by `SET hivevar:name = value`.

use std::borrow::Cow;

use rsql_common::Settings;

const PREFIXES: [&str; 4] = ["spark:", "sparkconf:", "hivevar:", "hiveconf:"];

/// `text` with the references that stand for something replaced; `warehouse` is where managed tables are.
pub(crate) fn substitute<'t>(text: &'t str, settings: &Settings, warehouse: &str) -> Cow<'t, str> {
    if !settings.bool("spark.sql.variable.substitute") || !text.contains("${") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("${") {
        let (before, from) = rest.split_at(at);
        out.push_str(before);
        let Some(end) = from.find('}') else {
            rest = from;
            break;
        };
        match value(&from[2..end], settings, warehouse) {
            Some(value) => out.push_str(&value),
            None => out.push_str(&from[..=end]),
        }
        rest = &from[end + 1..];
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn value(name: &str, settings: &Settings, warehouse: &str) -> Option<String> {
    if let Some(name) = name.strip_prefix("env:") {
        return std::env::var(name).ok();
    }
    let name = PREFIXES.iter().find_map(|p| name.strip_prefix(p)).unwrap_or(name);
    if name == "spark.sql.warehouse.dir" {
        return Some(warehouse.to_string());
    }
    let hive = format!("hivevar:{name}");
    settings.get(name).or_else(|| settings.get(&hive)).map(str::to_string)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_names_are_replaced() {
        let settings = Settings::default()
            .with("x", "1")
            .and_then(|s| s.with("hivevar:y", "'c'"))
            .unwrap();
        for (text, want) in [
            ("SELECT ${x} + ${hivevar:x}", "SELECT 1 + 1"),
            ("SELECT ${y}", "SELECT 'c'"),
            ("SELECT '${nosuch}', ${", "SELECT '${nosuch}', ${"),
            ("LOCATION '${spark.sql.warehouse.dir}/t'", "LOCATION '/w/t'"),
        ] {
            assert_eq!(substitute(text, &settings, "/w"), want);
        }
    }
}
