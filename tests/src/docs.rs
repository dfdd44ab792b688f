//! Generated documents: `docs/functions.md`, `docs/settings.md`, `docs/optimizer-rules.md`. A test keeps them fresh.

use std::collections::BTreeMap;
use std::fmt::Write;

use rsql_common::settings::REGISTRY;
use rsql_expr::FunctionRegistry;
use rsql_expr::function::{Doc, FunctionKind};

/// Operators that the grammar knows; listed with the functions, as Spark lists them.
const OPERATORS: [&str; 33] = [
    "!", "!=", "%", "&", "*", "+", "-", "/", "<", "<<", "<=", "<=>", "<>", "=", "==", ">", ">=", ">>", ">>>", "^", "|",
    "||", "~", "and", "between", "case", "div", "in", "not", "or", "when", "cast", "rlike",
];

/// True when a name is an operator of the grammar or a function of the registry.
pub fn is_documented(registry: &FunctionRegistry, name: &str) -> bool {
    OPERATORS.contains(&name) || registry.contains(name)
}

fn doc(kind: &FunctionKind) -> &'static Doc {
    match kind {
        FunctionKind::Scalar(f) => &f.doc,
        FunctionKind::Aggregate(f) => &f.doc,
        FunctionKind::Window(f) => &f.doc,
        FunctionKind::Generator(f) => &f.doc,
    }
}

fn canonical(kind: &FunctionKind) -> &'static str {
    match kind {
        FunctionKind::Scalar(f) => f.name,
        FunctionKind::Aggregate(f) => f.name,
        FunctionKind::Window(f) => f.name,
        FunctionKind::Generator(f) => f.name,
    }
}

/// `docs/functions.md`.
pub fn functions(registry: &FunctionRegistry) -> String {
    let mut families: BTreeMap<String, BTreeMap<&str, (&Doc, Vec<&str>)>> = BTreeMap::new();
    for (name, kind) in registry.all() {
        let doc = doc(&kind);
        if doc.usage.is_empty() {
            continue;
        }
        let family = families.entry(format!("{:?}", doc.family)).or_default();
        let (_, aliases) = family.entry(canonical(&kind)).or_insert((doc, Vec::new()));
        if name != canonical(&kind) {
            aliases.push(name);
        }
    }
    let mut out = String::from("# Functions\n\nGenerated from the definitions in `functions/`; do not edit.\n");
    let _ = writeln!(out, "\nOperators: {}", OPERATORS.map(|o| format!("`{o}`")).join(" "));
    for (family, functions) in families {
        let _ = writeln!(out, "\n## {family}\n");
        for (name, (doc, aliases)) in functions {
            let aliases: Vec<String> = aliases.iter().map(|a| format!("`{a}`")).collect();
            let also = if aliases.is_empty() {
                String::new()
            } else {
                format!(" Also {}.", aliases.join(", "))
            };
            let _ = writeln!(out, "- **{name}** `{}`: {}{also}", doc.usage, doc.text);
        }
    }
    out
}

/// `docs/optimizer-rules.md`: the headers of the rule files below `optimizer/src/rules`, given as path and text.
pub fn optimizer_rules(files: &[(String, String)]) -> String {
    let mut out =
        String::from("# Optimizer rules\n\nGenerated from the headers in `optimizer/src/rules/`; do not edit.\n");
    for (path, text) in files {
        let names: Vec<&str> = text
            .lines()
            .filter_map(|l| l.strip_prefix("pub struct "))
            .map(|l| l.split([';', ' ', '<', '(']).next().unwrap_or(l))
            .collect();
        let Some(name) = names.first().filter(|_| is_rule(text)) else {
            continue;
        };
        let _ = writeln!(out, "\n## {name}\n\n`{path}`\n");
        for line in text.lines().take_while(|l| l.starts_with("//!")) {
            let line = line.trim_start_matches("//!");
            let _ = writeln!(out, "{}", line.strip_prefix(' ').unwrap_or(line).trim_end());
        }
    }
    out
}

/// True for a file that defines a rule rather than a part of one.
pub fn is_rule(text: &str) -> bool {
    ["OptimizerRule for ", "PlanPass for ", "ExpressionRule for "]
        .iter()
        .any(|t| text.contains(t))
}

/// What stands above the table of settings.
const SETTINGS_PREFACE: &str = "# Settings

Generated from the registry in `common/`; do not edit.

A setting is given in one of these ways; what stands further down counts more:

1. the file `conf/rsql-defaults.conf` below the folder that the environment variable `RSQL_HOME` names, or, instead of it, the
   file given with `--properties-file`: a line `key value`, `key=value` or `key: value` each, `#` starts a comment;
2. environment variables `RSQL_CONF_` with the key, `__` for each dot: `RSQL_CONF_spark__sql__ansi__enabled=false`;
3. `--conf key=value`, as often as needed;
4. in a session, `SET key = value`; `RESET key` takes that back, `RESET` all of it.

`SET key` shows a value, `SET -v` all of them. Settings that change *at start* are read when a process starts, those of a
cluster when its master does: they have to be given to it (or to the shell, with `--master 'local-cluster[…]'`), and `SET`
refuses them, as Spark does. Others count as the session that runs a query has them. A size is bytes or has a unit `k`, `m`, `g`,
`t`, `p`; a time is milliseconds or has a unit `ms`, `s`, `m`, `h`, `d`. A registered setting refuses a value that it does not
take. A key that is not listed here is kept and shown, and `${key}` in a statement stands for its value; it changes nothing else.
";

/// How a cluster's pools are described.
const POOLS: &str = r#"
## Pools

Queries of a cluster run in pools, which share its slots: those below their `minShare` come first, then by slots in use for
each unit of `weight`. Inside a pool queries come as they were submitted (`FIFO`), or the one that uses least first (`FAIR`).
The master reads the file that `spark.scheduler.allocation.file` names when it starts, Spark's own as it stands:

```xml
<allocations>
  <pool name="reports">
    <schedulingMode>FAIR</schedulingMode>
    <weight>2</weight>
    <minShare>4</minShare>
  </pool>
</allocations>
```

What a pool does not say is `FIFO`, weight 1, no minimum share. `<maxRunning>` limits how many of its queries run at once;
Spark has no such limit. A mistake in the file is an error that names the line and keeps the master from starting, where Spark
passes over it. Settings `rsql.cluster.pool.NAME.weight`, `minShare`, `maxRunning` and `mode` say the same of single pools,
without a file or over it. Pools count also with `spark.scheduler.mode=FIFO`. `SET spark.scheduler.pool = reports` sends a session's
queries to a pool; others run in the pool `default`, which the file may describe, too.
"#;

/// `docs/settings.md`.
pub fn settings() -> String {
    let mut out = String::from(SETTINGS_PREFACE);
    out.push_str("\n| setting | default | values | changes | meaning |\n|---|---|---|---|---|\n");
    for s in REGISTRY.iter().filter(|s| s.effect) {
        let default = match s.default {
            "" => String::new(),
            // A bar would end the cell.
            some => format!("`{}`", some.replace('|', "\\|")),
        };
        let changes = if s.at_start { "at start" } else { "any time" };
        let _ = writeln!(
            out,
            "| `{}` | {default} | {} | {changes} | {} |",
            s.key,
            s.ty.values(),
            s.doc
        );
    }
    out.push_str(POOLS);
    out.push_str("\n## Accepted, without effect\n\nJobs that set these run; nothing changes.\n\n");
    out.push_str("| setting | default | values | why |\n|---|---|---|---|\n");
    for s in REGISTRY.iter().filter(|s| !s.effect) {
        let _ = writeln!(out, "| `{}` | `{}` | {} | {} |", s.key, s.default, s.ty.values(), s.doc);
    }
    out
}
