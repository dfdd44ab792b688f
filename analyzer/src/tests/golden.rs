//! Golden statements get Spark's schemas and conditions.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rsql_ast::StatementKind;
use rsql_ast::command::{NameExpr, SetCommand, ViewScope};
use rsql_common::{Error, Result, Settings};
use rsql_sql::{ParseOptions, parse_statement};

use super::catalog::Catalog;
use super::context;
use crate::{SqlFunction, ViewDefinition};

struct Session {
    catalog: Catalog,
    settings: Settings,
}

fn last(name: &NameExpr) -> String {
    match name {
        NameExpr::Name(n) => n.last().to_lowercase(),
        NameExpr::Identifier(_) => "identifier".to_string(),
    }
}

impl Session {
    /// Runs a statement as far as analysis goes; the schema of a query.
    fn run(&mut self, sql: &str) -> Result<Option<String>> {
        let options = ParseOptions {
            ansi: self.settings.ansi(),
            ..ParseOptions::default()
        };
        let statement = parse_statement(sql, &options)?;
        let cx = context(&self.catalog, &self.settings);
        match statement.kind {
            StatementKind::Query(q) => {
                let plan = crate::analyze_query(&q, &cx)?;
                return Ok(Some(plan.schema().simple_string()));
            }
            StatementKind::CreateView {
                name,
                columns,
                query,
                scope,
                ..
            } => {
                let plan = crate::analyze_query(&query, &cx)?;
                let columns = columns.iter().map(|c| (c.name.value.clone(), None)).collect::<Vec<_>>();
                let columns = if columns.is_empty() {
                    plan.schema().iter().map(|f| (f.name.to_string(), None)).collect()
                } else {
                    columns
                };
                let view = ViewDefinition {
                    name: if scope == ViewScope::Permanent {
                        vec!["spark_catalog".into(), "default".into(), last(&name)]
                    } else {
                        vec![last(&name)]
                    },
                    temporary: true,
                    query: Arc::new(*query),
                    columns,
                    options: Arc::clone(&cx.options),
                    settings: Arc::clone(&cx.settings),
                };
                self.catalog.views.insert(last(&name), Arc::new(view));
            }
            StatementKind::CreateTable(t) => {
                let columns = match &t.query {
                    Some(q) => {
                        let plan = crate::analyze_query(q, &cx)?;
                        plan.schema()
                            .iter()
                            .map(|f| (f.name.to_string(), f.ty.clone()))
                            .collect()
                    }
                    None => {
                        let typed = t
                            .columns
                            .iter()
                            .chain(&t.partitioned_by)
                            .filter_map(|c| Some((&c.name, c.ty.as_ref()?)));
                        typed
                            .map(|(n, ty)| Ok((n.value.clone(), crate::resolve_type(ty, &cx)?)))
                            .collect::<Result<Vec<_>>>()?
                    }
                };
                self.catalog.tables.insert(last(&t.name), columns);
            }
            StatementKind::CreateFunction(f) => {
                let params = f
                    .params
                    .iter()
                    .filter_map(|p| Some((p, p.ty.as_ref()?)))
                    .map(|(p, ty)| Ok((p.name.value.clone(), crate::resolve_type(ty, &cx)?, p.default.clone())))
                    .collect::<Result<_>>()?;
                let returns = f.returns.as_ref().map(|t| crate::resolve_type(t, &cx)).transpose()?;
                let returns_table = f
                    .returns_table
                    .as_ref()
                    .map(|cs| {
                        cs.iter()
                            .filter_map(|c| Some((c.name.value.clone(), c.ty.as_ref()?)))
                            .map(|(n, t)| Ok((n, crate::resolve_type(t, &cx)?)))
                            .collect::<Result<Vec<_>>>()
                    })
                    .transpose()?;
                let function = SqlFunction {
                    name: if f.temporary {
                        vec![last(&f.name)]
                    } else {
                        vec!["spark_catalog".into(), "default".into(), last(&f.name)]
                    },
                    params,
                    returns,
                    returns_table,
                    body: f.body.clone(),
                    query: f.query.clone().map(|q| Arc::new(*q)),
                    options: Arc::clone(&cx.options),
                };
                self.catalog.functions.insert(last(&f.name), Arc::new(function));
            }
            StatementKind::Drop { name, .. } => {
                self.catalog.views.remove(&last(&name));
                self.catalog.tables.remove(&last(&name));
            }
            StatementKind::DropFunction { name, .. } => {
                self.catalog.functions.remove(&last(&name));
            }
            StatementKind::Set(SetCommand::Assign(k, v)) => self.settings = self.settings.with(&k, &v)?,
            StatementKind::DeclareVariable { names, ty, default, .. } => {
                let value = match &default {
                    Some(e) => rsql_expr::eval::fold(&crate::analyze_expression(e, &cx)?, &cx.registry)?,
                    None => rsql_expr::Literal::null(rsql_expr::SqlType::Void),
                };
                let value = match &ty {
                    Some(t) => rsql_expr::Literal::new(value.value, crate::resolve_type(t, &cx)?),
                    None => value,
                };
                for name in &names {
                    self.catalog.variables.insert(last(name), value.clone());
                }
            }
            StatementKind::Reset(_) => self.settings = Settings::default(),
            _ => {}
        }
        Ok(None)
    }
}

fn files(dir: &Path, out: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files(&path, out)
        } else {
            out.push(path)
        }
    }
}

#[test]
fn golden_statements_have_sparks_schemas() {
    let Some(root) = super::spark_files::find("spark-sql-tests/results") else {
        return;
    };
    let only = std::env::var("GOLDEN").unwrap_or_default();
    let mut list = Vec::new();
    files(&root, &mut list);
    list.sort();
    let (mut good, mut all) = (0, 0);
    for file in list {
        let name = file.strip_prefix(&root).unwrap().display().to_string();
        if !name.contains(&only) || name.contains("collations") || name.contains("variant") || name.contains("xml") {
            continue;
        }
        let mut settings = Settings::default()
            .with("spark.sql.session.timeZone", "America/Los_Angeles")
            .unwrap();
        if name.starts_with("nonansi") {
            settings = settings.with("spark.sql.ansi.enabled", "false").unwrap();
        }
        if name.starts_with("timestampNTZ") {
            settings = settings.with("spark.sql.timestampType", "TIMESTAMP_NTZ").unwrap();
        }
        let mut session = Session {
            catalog: Catalog::spark(),
            settings,
        };
        let text = std::fs::read_to_string(&file).unwrap();
        let (mut file_good, mut file_all) = (0, 0);
        for block in text.split("-- !query\n").skip(1) {
            let Some((query, answer)) = block.split_once("\n-- !query schema\n") else {
                continue;
            };
            let (schema, output) = answer.split_once("\n-- !query output\n").unwrap_or((answer, ""));
            let condition = ["\"condition\" : \"", "\"errorClass\" : \""]
                .iter()
                .find_map(|k| output.split_once(k))
                .and_then(|r| r.1.split('"').next());
            let analysis = output.contains("AnalysisException") || output.contains("ParseException");
            let ours = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| session.run(query)))
                .unwrap_or_else(|_| Err(Error::internal("panic")));
            let (want, have) = match (&ours, condition) {
                (Ok(None), _) => continue,
                (Ok(Some(_)), Some(_)) if !analysis => continue,
                (Ok(Some(have)), None) => (schema.trim().to_string(), have.clone()),
                (Ok(Some(have)), Some(c)) => (c.to_string(), have.clone()),
                (Err(e), Some(c)) => {
                    let sub = |s: &str| s.split('.').next().unwrap_or("").to_string();
                    if sub(c) == sub(e.condition()) {
                        (String::new(), String::new())
                    } else {
                        (c.to_string(), e.to_string())
                    }
                }
                (Err(e), None) => (schema.trim().to_string(), e.to_string()),
            };
            if !(query.trim().to_lowercase().starts_with("select")
                || query.trim().to_lowercase().starts_with("with")
                || query.trim().to_lowercase().starts_with("values")
                || query.trim().to_lowercase().starts_with("table")
                || query.trim().to_lowercase().starts_with("from")
                || query.trim().starts_with('('))
                && want == "struct<>"
            {
                println!("## {name}\n{query}\n   have {have}");
                continue;
            }
            file_all += 1;
            if want == have {
                file_good += 1;
            } else {
                println!("## {name}\n{query}\n   want {want}\n   have {have}");
            }
        }
        println!("=== {name}: {file_good} of {file_all}");
        good += file_good;
        all += file_all;
    }
    println!("{good} of {all} golden statements are as in Spark");
    assert!(!only.is_empty() || good * 100 >= all * 85);
}
