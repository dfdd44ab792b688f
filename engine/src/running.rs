//! Statements whose rows are read as they come, and what a statement gives before it runs.
//!
//! [`Session::start`] runs a command to its end and starts a query; [`Session::describe`] analyzes without running, so
//! that a client can prepare a statement: unknown parameters count as NULL meanwhile.

use std::collections::VecDeque;
use std::sync::Arc;

use rsql_ast::command::{SetCommand, StatementKind};
use rsql_common::{CancelToken, ColumnId, Error, Progress, Result};
use rsql_exec::runner::ChunkStream;
use rsql_expr::{Chunk, Field, Literal, Schema, SqlType};

use crate::query::StatementCx;
use crate::session::{Parameters, Session};
use crate::statement;

/// More parameters than this are a mistake.
const MAX_PARAMETERS: usize = 1000;

/// What a statement runs with beside its text.
#[derive(Debug, Clone, Default)]
pub struct StatementOptions {
    /// Values for `?`, in order.
    pub positional: Vec<Literal>,
    /// Values for `:name`.
    pub named: Vec<(String, Literal)>,
    /// Cancels the statement.
    pub cancel: CancelToken,
    /// Tells how far it is.
    pub progress: Progress,
}

/// What a statement will give.
#[derive(Debug, Clone)]
pub struct Description {
    /// Its columns; empty for a command without a result.
    pub schema: Schema,
    /// It is a query, or shows something: it changes nothing.
    pub is_query: bool,
    /// The parameters it needs; names are empty for `?`.
    pub parameters: Vec<String>,
}

/// A statement that runs.
pub struct Running {
    schema: Schema,
    is_query: bool,
    rows: Rows,
    text: Arc<str>,
}

enum Rows {
    Made(VecDeque<Chunk>),
    Coming(Box<dyn ChunkStream>),
}

impl Running {
    /// Output columns; empty for commands without a result.
    pub fn schema(&self) -> &Schema {
        &self.schema
    }

    /// The statement is a query: an empty result still has a header.
    pub fn is_query(&self) -> bool {
        self.is_query
    }

    /// The next chunk; waits for it. None after the last one. Dropping the statement before ends it.
    pub fn next_chunk(&mut self) -> Result<Option<Chunk>> {
        match &mut self.rows {
            Rows::Made(chunks) => Ok(chunks.pop_front()),
            Rows::Coming(stream) => stream.next_chunk().map_err(|e| e.in_query(&self.text)),
        }
    }
}

impl Session {
    /// Starts one statement. Commands have run when this returns; a query's rows are read from what it gives.
    pub fn start(&self, text: &str, options: StatementOptions) -> Result<Running> {
        let (text, parsed) = self.parse(text)?;
        self.start_parsed(&text, &parsed, options)
            .map_err(|e| e.in_query(&text))
    }

    fn start_parsed(
        &self,
        text: &Arc<str>,
        parsed: &rsql_ast::Statement,
        options: StatementOptions,
    ) -> Result<Running> {
        let mut cx = StatementCx::new(self, text, &options.cancel);
        cx.progress = options.progress;
        if !options.positional.is_empty() || !options.named.is_empty() {
            cx.parameters = Parameters {
                positional: options.positional.into(),
                named: Arc::new(options.named.into_iter().collect()),
            };
        }
        let verify = cx.state.settings.bool("rsql.optimizer.verify");
        if let StatementKind::Query(query) = &parsed.kind
            && !verify
        {
            let planned = cx.plan(query).inspect_err(|e| cx.failed(e))?;
            let stream = cx.start(&planned, cx.task()?)?;
            return Ok(Running {
                schema: planned.schema,
                is_query: true,
                rows: Rows::Coming(stream),
                text: Arc::clone(text),
            });
        }
        let output = statement::run(&cx, parsed)?;
        Ok(Running {
            schema: output.schema,
            is_query: output.is_query,
            rows: Rows::Made(output.chunks.into()),
            text: Arc::clone(text),
        })
    }

    /// Says what a statement will give, without running it. Commands that only show something do run for it.
    pub fn describe(&self, text: &str) -> Result<Description> {
        let (text, parsed) = self.parse(text)?;
        let described = match &parsed.kind {
            StatementKind::Query(query) => self.describe_query(&text, query),
            StatementKind::Explain { .. } => Ok(shown(explained())),
            StatementKind::Show(_) | StatementKind::Describe(_) => self.describe_shown(&text, &parsed),
            StatementKind::Set(command) if !matches!(command, SetCommand::Assign(..)) => {
                self.describe_shown(&text, &parsed)
            }
            _ => Ok(Description {
                schema: Schema::default(),
                is_query: false,
                parameters: self.command_parameters(&text, &parsed.kind)?,
            }),
        };
        described.map_err(|e| e.in_query(&text))
    }

    /// The same for a statement that runs at once: a parameter without a value is an error.
    pub fn describe_bound(&self, text: &str) -> Result<Description> {
        let (text, parsed) = self.parse(text)?;
        let StatementKind::Query(query) = &parsed.kind else {
            return self.describe(&text);
        };
        let cx = StatementCx::new(self, &text, &CancelToken::default());
        let analyzed = cx.analyze(|a| rsql_analyzer::analyze_query(query, a));
        // It will not be started.
        let plan = analyzed.inspect_err(|e| cx.failed(e)).map_err(|e| e.in_query(&text))?;
        Ok(shown(plan.schema().clone()))
    }

    fn describe_shown(&self, text: &str, parsed: &rsql_ast::Statement) -> Result<Description> {
        let cx = StatementCx::new(self, text, &CancelToken::default());
        Ok(shown(statement::run(&cx, parsed)?.schema))
    }

    /// Analyzes a query; parameters without a value count as NULL, or as 1 where NULL cannot stand.
    fn describe_query(&self, text: &str, query: &rsql_ast::Query) -> Result<Description> {
        let (analyzed, parameters) = self.with_stand_ins(text, Literal::null(SqlType::Void), query);
        if let Ok(schema) = analyzed {
            return Ok(described(schema, parameters));
        }
        if parameters.is_empty() {
            return analyzed.map(|schema| described(schema, parameters));
        }
        let (analyzed, parameters) = self.with_stand_ins(text, Literal::int(1), query);
        analyzed.map(|schema| described(schema, parameters))
    }

    /// Analyzes with `value` for every parameter that turns out to be missing.
    fn with_stand_ins(&self, text: &str, value: Literal, query: &rsql_ast::Query) -> (Result<Schema>, Vec<String>) {
        let mut cx = StatementCx::new(self, text, &CancelToken::default());
        let mut positional: Vec<Literal> = cx.parameters.positional.to_vec();
        let mut found = Vec::new();
        loop {
            let e = match cx.analyze(|a| rsql_analyzer::analyze_query(query, a)) {
                Ok(plan) => return (Ok(plan.schema().clone()), found),
                Err(e) => e,
            };
            let Some(name) = missing_parameter(&e).filter(|_| found.len() < MAX_PARAMETERS) else {
                return (Err(e), found);
            };
            match name.strip_prefix('_').and_then(|n| n.parse::<usize>().ok()) {
                Some(n) if n > positional.len() && n <= MAX_PARAMETERS => {
                    found.resize(found.len() + n - positional.len(), String::new());
                    positional.resize(n, value.clone());
                    cx.parameters.positional = positional.clone().into();
                }
                _ => {
                    Arc::make_mut(&mut cx.parameters.named).insert(name.clone(), value.clone());
                    found.push(name);
                }
            }
        }
    }

    /// Parameters of the query inside an INSERT; other commands are not looked into.
    fn command_parameters(&self, text: &str, kind: &StatementKind) -> Result<Vec<String>> {
        match kind {
            StatementKind::Insert(insert) => {
                Ok(self.with_stand_ins(text, Literal::null(SqlType::Void), &insert.query).1)
            }
            _ => Ok(Vec::new()),
        }
    }
}

fn described(schema: Schema, parameters: Vec<String>) -> Description {
    Description {
        schema,
        is_query: true,
        parameters,
    }
}

fn shown(schema: Schema) -> Description {
    described(schema, Vec::new())
}

fn explained() -> Schema {
    Schema::new([Field {
        id: ColumnId(0),
        name: "plan".into(),
        ty: SqlType::String,
        nullable: true,
    }])
}

fn missing_parameter(e: &Error) -> Option<String> {
    if e.condition() != "UNBOUND_SQL_PARAMETER" {
        return None;
    }
    e.params().find(|(k, _)| *k == "name").map(|(_, v)| v.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(running: &mut Running) -> usize {
        let mut n = 0;
        while let Some(chunk) = running.next_chunk().unwrap() {
            n += chunk.rows();
        }
        n
    }

    #[test]
    fn rows_come_with_parameters() {
        let session = Session::new().unwrap();
        let options = StatementOptions {
            positional: vec![Literal::int(3)],
            ..StatementOptions::default()
        };
        let mut running = session.start("SELECT * FROM range(10) WHERE id < ?", options).unwrap();
        assert_eq!(running.schema().simple_string(), "struct<id:bigint>");
        assert_eq!(rows(&mut running), 3);
        assert!(running.is_query());
    }

    #[test]
    fn errors_while_reading_know_the_text() {
        let session = Session::new().unwrap();
        let text = "SELECT 1 / (id - 5) FROM range(10)";
        let mut running = session.start(text, StatementOptions::default()).unwrap();
        let e = loop {
            match running.next_chunk() {
                Ok(Some(_)) => {}
                Ok(None) => panic!("no error"),
                Err(e) => break e,
            }
        };
        assert_eq!((e.condition(), e.query()), ("DIVIDE_BY_ZERO", Some(text)));
    }

    #[test]
    fn describing_runs_nothing() {
        let session = Session::new().unwrap();
        let d = session.describe("CREATE TABLE t (a INT) USING parquet").unwrap();
        assert!(d.schema.is_empty() && !d.is_query);
        assert!(session.sql("SELECT * FROM t").is_err());
        let d = session.describe("SELECT ? + 1 AS a, :x AS b, ? AS c LIMIT ?").unwrap();
        assert_eq!(d.schema.len(), 3);
        assert_eq!(d.parameters.len(), 4);
        assert_eq!(d.parameters.iter().filter(|p| *p == "x").count(), 1);
        let d = session.describe("EXPLAIN SELECT 1").unwrap();
        assert_eq!(d.schema, session.sql("EXPLAIN SELECT 1").unwrap().schema);
        let d = session.describe("SHOW TABLES").unwrap();
        assert_eq!(d.schema.len(), 3);
    }
}
