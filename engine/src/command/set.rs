//! SET, RESET, SET TIME ZONE.

use std::sync::Arc;

use rsql_ast::command::{SetCommand, SetTimeZone};
use rsql_common::settings::REGISTRY;
use rsql_common::{Error, Result, Settings, quoted_name};

use crate::query::StatementCx;
use crate::result::{StatementOutput, TextTable};

/// `SET key = value`; shows what was set.
pub(crate) fn assign(cx: &StatementCx<'_>, key: &str, value: &str) -> Result<StatementOutput> {
    let parts: Vec<String> = key.split('.').map(|p| p.trim_matches('`').to_string()).collect();
    let registered = REGISTRY.iter().any(|s| s.key == key);
    if !registered && let Ok((name, _)) = super::variable::find(cx, &parts) {
        return Err(
            Error::user("UNSUPPORTED_FEATURE.SET_VARIABLE_USING_SET").param("variableName", quoted_name([&name]))
        );
    }
    Settings::check_session_may_change(key)?;
    cx.session.set(key, value)?;
    let mut table = TextTable::text(&["key", "value"]);
    table.row([key.into(), value.into()]);
    Ok(table.finish())
}

/// `SET`, `SET -v`, `SET key`.
pub(crate) fn list(cx: &StatementCx<'_>, command: &SetCommand) -> Result<StatementOutput> {
    let settings = &cx.state.settings;
    match command {
        SetCommand::Verbose => {
            let mut table = TextTable::text(&["key", "value", "meaning", "Since version"]);
            for s in REGISTRY {
                let value = shown(settings, s.key);
                table.row([s.key.into(), value.into(), s.doc.into(), "".into()]);
            }
            Ok(table.finish())
        }
        SetCommand::Get(key) => {
            let mut table = TextTable::text(&["key", "value"]);
            table.row([key.as_str().into(), shown(settings, key).into()]);
            Ok(table.finish())
        }
        SetCommand::All | SetCommand::Assign(..) => {
            let mut table = TextTable::text(&["key", "value"]);
            for (key, value) in settings.overrides() {
                table.row([key.into(), value.into()]);
            }
            Ok(table.finish())
        }
    }
}

/// A setting's value; one that has none unless it is set is undefined, as one that nobody knows.
fn shown<'s>(settings: &'s Settings, key: &str) -> &'s str {
    match settings.get(key) {
        Some("") if !settings.is_set(key) => "<undefined>",
        Some(value) => value,
        None => "<undefined>",
    }
}

/// `RESET`, `RESET key`: as the session was started.
pub(crate) fn reset(cx: &StatementCx<'_>, key: Option<&str>) -> Result<StatementOutput> {
    key.map_or(Ok(()), Settings::check_session_may_change)?;
    let mut state = cx.session.state.write();
    state.settings = Arc::new(match key {
        Some(key) => state.settings.reset(&cx.session.initial, key),
        None => state.settings.reset_all(&cx.session.initial),
    });
    Ok(StatementOutput::none())
}

/// `SET TIME ZONE`.
pub(crate) fn time_zone(cx: &StatementCx<'_>, zone: &SetTimeZone) -> Result<StatementOutput> {
    let text = match zone {
        SetTimeZone::Local => "UTC".to_string(),
        SetTimeZone::Zone(text) => text.clone(),
        SetTimeZone::Interval(expr) => {
            let value = super::name::constant(cx, expr)?;
            let micros = value
                .value
                .as_i64()
                .ok_or_else(|| invalid_interval(&value.to_string()))?;
            let minutes = micros / 60_000_000;
            if micros % 60_000_000 != 0 || minutes.abs() > 18 * 60 {
                return Err(invalid_interval(&value.to_string()));
            }
            let sign = if minutes < 0 { '-' } else { '+' };
            format!("{sign}{:02}:{:02}", minutes.abs() / 60, minutes.abs() % 60)
        }
    };
    assign(cx, "spark.sql.session.timeZone", &text)
}

fn invalid_interval(text: &str) -> Error {
    Error::user("INVALID_INTERVAL_FORMAT.TIMEZONE_INTERVAL_OUT_OF_RANGE").param("input", text)
}

#[cfg(test)]
mod tests {
    use crate::Session;

    #[test]
    fn reset_brings_back_what_the_session_was_started_with() {
        let session = Session::builder().set("spark.sql.ansi.enabled", "false").unwrap();
        let session = session.build().unwrap();
        for reset in ["RESET spark.sql.ansi.enabled", "RESET"] {
            session.sql("SET spark.sql.ansi.enabled = true").unwrap();
            session.sql("SET spark.sql.caseSensitive = true").unwrap();
            session.sql(reset).unwrap();
            assert!(!session.settings().ansi(), "{reset}");
        }
        assert!(!session.settings().bool("spark.sql.caseSensitive"));
    }

    #[test]
    fn what_only_a_start_reads_cannot_be_set() {
        let session = Session::builder().set("spark.scheduler.mode", "FAIR").unwrap();
        let session = session.build().unwrap();
        for (sql, condition) in [
            ("SET spark.scheduler.mode = FIFO", "CANNOT_MODIFY_CONFIG"),
            ("RESET spark.scheduler.mode", "CANNOT_MODIFY_CONFIG"),
            ("SET rsql.cluster.pool.a.weight = 2", "CANNOT_MODIFY_CONFIG"),
            ("SET spark.sql.warehouse.dir = /x", "CANNOT_MODIFY_STATIC_CONFIG"),
        ] {
            let e = session.sql(sql).unwrap_err();
            assert_eq!((e.condition(), e.sqlstate()), (condition, "46110"), "{sql}");
        }
        session.sql("RESET").unwrap();
        let shown = session.sql("SET spark.scheduler.mode").unwrap();
        let rows = shown.record_batches().unwrap();
        let text = arrow::util::pretty::pretty_format_batches(&rows).unwrap().to_string();
        assert!(text.contains("FAIR"), "{text}");
    }
}
