//! The pools that an allocation file describes (`spark.scheduler.allocation.file`), in Spark's format:
//!
//! ```xml
//! <allocations>
//!   <pool name="reports">
//!     <schedulingMode>FAIR</schedulingMode>
//!     <weight>2</weight>
//!     <minShare>4</minShare>
//!   </pool>
//! </allocations>
//! ```
//!
//! `maxRunning` is ours: how many queries of the pool run at once. What Spark would warn of and pass over is an error here:
//! a share that was mistyped is noticed when the master starts and not when somebody waits.

use std::collections::BTreeMap;
use std::path::Path;
use std::str::FromStr;

use roxmltree::{Document, Node, TextPos};
use rsql_common::{Error, Result, Settings};

use crate::core::{Pool, PoolMode};

const KEY: &str = "spark.scheduler.allocation.file";

/// Makes of `pools` what single settings say, which count more than a file.
pub(super) fn set(pools: &mut BTreeMap<String, Pool>, settings: &Settings) -> Result<()> {
    let count = |key: &str| Ok::<_, Error>(u32::try_from(settings.usize(key)?).unwrap_or(u32::MAX));
    let mut change = |setting: &str, f: &dyn Fn(&mut Pool, &str) -> Result<()>| {
        settings
            .named(setting)
            .try_for_each(|(name, key)| f(pools.entry(name.to_string()).or_default(), key))
    };
    change("rsql.cluster.pool.NAME.weight", &|pool, key| {
        pool.weight = count(key)?.max(1);
        Ok(())
    })?;
    change("rsql.cluster.pool.NAME.minShare", &|pool, key| {
        pool.min_share = count(key)?;
        Ok(())
    })?;
    change("rsql.cluster.pool.NAME.maxRunning", &|pool, key| {
        let set = settings.get(key).is_some_and(|v| !v.is_empty());
        pool.max_running = if set { Some(settings.usize(key)?.max(1)) } else { None };
        Ok(())
    })?;
    change("rsql.cluster.pool.NAME.mode", &|pool, key| {
        pool.mode = named_mode(settings.get(key).unwrap_or_default()).unwrap_or(PoolMode::Fifo);
        Ok(())
    })
}

/// A place in an allocation file and what is wrong with it.
struct Mistake(TextPos, String);

/// The pools of a file, by name.
pub(super) fn read(file: &str) -> Result<BTreeMap<String, Pool>> {
    let path = Path::new(
        file.strip_prefix("file://")
            .or(file.strip_prefix("file:"))
            .unwrap_or(file),
    );
    let text = std::fs::read_to_string(path).map_err(|e| refused(file, &e.to_string()))?;
    parse(&text).map_err(|Mistake(at, what)| refused(file, &format!("line {}, column {}: {what}", at.row, at.col)))
}

fn refused(file: &str, what: &str) -> Error {
    Error::user("INVALID_CONF_VALUE.REQUIREMENT")
        .param("confName", KEY)
        .param("confValue", file)
        .param("confRequirement", what)
        .with_message(format!("{KEY}: {file}: {what}."))
}

fn parse(text: &str) -> Result<BTreeMap<String, Pool>, Mistake> {
    let document = Document::parse(text).map_err(|e| Mistake(e.pos(), e.to_string()))?;
    let mut pools = BTreeMap::new();
    for node in document.root_element().children().filter(Node::is_element) {
        if !node.has_tag_name("pool") {
            return Err(mistake(node, format!("<{}> is not a pool", node.tag_name().name())));
        }
        let name = node.attribute("name").unwrap_or_default().trim();
        if name.is_empty() {
            return Err(mistake(node, "a pool needs a name"));
        }
        if pools.insert(name.to_string(), pool(node)?).is_some() {
            return Err(mistake(node, format!("there is a pool {name} before")));
        }
    }
    Ok(pools)
}

fn pool(node: Node<'_, '_>) -> Result<Pool, Mistake> {
    let mut pool = Pool::default();
    for part in node.children().filter(Node::is_element) {
        match part.tag_name().name() {
            "schedulingMode" => pool.mode = mode(part)?,
            "weight" => pool.weight = at_least(part, 1)?,
            "minShare" => pool.min_share = at_least(part, 0)?,
            "maxRunning" => pool.max_running = Some(at_least(part, 1)?),
            other => {
                let known = "schedulingMode, weight, minShare and maxRunning";
                return Err(mistake(part, format!("a pool has {known}, not {other}")));
            }
        }
    }
    Ok(pool)
}

fn mode(node: Node<'_, '_>) -> Result<PoolMode, Mistake> {
    let text = value(node);
    named_mode(text).ok_or_else(|| mistake(node, format!("schedulingMode is FIFO or FAIR, not '{text}'")))
}

/// The mode of a name.
pub(super) fn named_mode(name: &str) -> Option<PoolMode> {
    match name.to_ascii_uppercase().as_str() {
        "FIFO" => Some(PoolMode::Fifo),
        "FAIR" => Some(PoolMode::Fair),
        _ => None,
    }
}

fn at_least<N: FromStr + PartialOrd + std::fmt::Display>(node: Node<'_, '_>, least: N) -> Result<N, Mistake> {
    let text = value(node);
    match text.parse::<N>() {
        Ok(n) if n >= least => Ok(n),
        _ => {
            let name = node.tag_name().name();
            Err(mistake(
                node,
                format!("{name} is an integer from {least}, not '{text}'"),
            ))
        }
    }
}

fn value<'a>(node: Node<'a, '_>) -> &'a str {
    node.text().unwrap_or_default().trim()
}

fn mistake(node: Node<'_, '_>, what: impl Into<String>) -> Mistake {
    Mistake(node.document().text_pos_at(node.range().start), what.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_for_spark_is_read() {
        let text = r#"<?xml version="1.0"?>
            <!-- Two pools. -->
            <allocations>
              <pool name="production">
                <schedulingMode>FAIR</schedulingMode>
                <weight> 3 </weight>
                <minShare>2</minShare>
              </pool>
              <pool name="test"><maxRunning>1</maxRunning></pool>
            </allocations>"#;
        let Ok(pools) = parse(text) else { panic!("not read") };
        let production = Pool {
            mode: PoolMode::Fair,
            weight: 3,
            min_share: 2,
            max_running: None,
        };
        let test = Pool {
            max_running: Some(1),
            ..Pool::default()
        };
        assert_eq!(
            pools,
            BTreeMap::from([("production".into(), production), ("test".into(), test)])
        );
    }

    #[test]
    fn mistakes_are_found_in_their_line() {
        for (body, line, what) in [
            (
                "<pool name='a'>\n<weight>x</weight></pool>",
                3,
                "weight is an integer from 1, not 'x'",
            ),
            (
                "<pool name='a'><weight>0</weight></pool>",
                2,
                "weight is an integer from 1, not '0'",
            ),
            (
                "<pool name='a'><minShare>-1</minShare></pool>",
                2,
                "minShare is an integer from 0",
            ),
            (
                "<pool name='a'><schedulingMode>NONE</schedulingMode></pool>",
                2,
                "FIFO or FAIR, not 'NONE'",
            ),
            ("<pool name='a'><wieght>1</wieght></pool>", 2, "not wieght"),
            ("<pool><weight>1</weight></pool>", 2, "needs a name"),
            ("<pool name='a'/>\n<pool name='a'/>", 3, "there is a pool a before"),
            ("<queue name='a'/>", 2, "<queue> is not a pool"),
            ("<pool name='a'>", 2, ""),
        ] {
            let Err(Mistake(at, found)) = parse(&format!("<allocations>\n{body}</allocations>")) else {
                panic!("{body} was read")
            };
            assert!(
                found.contains(what) && at.row == line,
                "{body}: line {}: {found}",
                at.row
            );
        }
    }

    #[test]
    fn single_settings_count_more_than_the_file() {
        let Ok(mut pools) = parse("<a><pool name='a'><weight>2</weight><minShare>3</minShare></pool></a>") else {
            panic!("not read")
        };
        let settings = [("a.weight", "5"), ("b.mode", "fair"), ("b.maxRunning", "1")]
            .iter()
            .fold(Settings::default(), |s, (key, value)| {
                s.with(&format!("rsql.cluster.pool.{key}"), value).unwrap()
            });
        set(&mut pools, &settings).unwrap();
        assert_eq!((pools["a"].weight, pools["a"].min_share), (5, 3));
        assert_eq!((pools["b"].mode, pools["b"].max_running), (PoolMode::Fair, Some(1)));
        let negative = Settings::default().with("rsql.cluster.pool.a.minShare", "-1").unwrap();
        assert!(set(&mut pools, &negative).is_err());
    }

    #[test]
    fn errors_name_the_file() {
        let missing = read("file:/no/such/fairscheduler.xml").unwrap_err();
        assert_eq!(missing.condition(), "INVALID_CONF_VALUE.REQUIREMENT");
        assert!(missing.message().contains("/no/such/fairscheduler.xml"), "{missing}");
    }
}
