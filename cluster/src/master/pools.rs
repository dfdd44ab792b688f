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
use rsql_common::{Error, Result};

use crate::core::{Pool, PoolMode};

const KEY: &str = "spark.scheduler.allocation.file";

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
    match value(node).to_ascii_uppercase().as_str() {
        "FIFO" => Ok(PoolMode::Fifo),
        "FAIR" => Ok(PoolMode::Fair),
        other => Err(mistake(node, format!("schedulingMode is FIFO or FAIR, not '{other}'"))),
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
    fn errors_name_the_file() {
        let missing = read("file:/no/such/fairscheduler.xml").unwrap_err();
        assert_eq!(missing.condition(), "INVALID_CONF_VALUE.REQUIREMENT");
        assert!(missing.message().contains("/no/such/fairscheduler.xml"), "{missing}");
    }
}
