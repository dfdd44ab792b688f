//! What a user holds: settings, catalog and variables, and the way to run statements.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use indexmap::IndexMap;
use parking_lot::{Mutex, RwLock};
use rsql_ast as ast;
use rsql_catalog::session::SessionCatalog;
use rsql_common::{CancelToken, Error, MemoryPool, Result, Settings};
use rsql_exec::runner::{LocalRunner, Runner};
use rsql_expr::datetime::Zone;
use rsql_expr::{FunctionRegistry, Literal};

use crate::result::StatementOutput;
use crate::state::{SharedCatalog, StateLock};
use crate::statement;

/// A session variable.
#[derive(Debug, Clone)]
pub(crate) struct Variable {
    /// Present value, of the declared type.
    pub value: Literal,
    /// Value that `SET VAR x = DEFAULT` restores.
    pub default: Literal,
}

/// What statements change: one immutable snapshot per statement.
#[derive(Debug, Clone)]
pub(crate) struct SessionState {
    pub settings: Arc<Settings>,
    pub catalog: SessionCatalog,
    pub variables: Arc<IndexMap<String, Variable>>,
}

/// What all sessions of a process share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub registry: Arc<FunctionRegistry>,
    pub memory: Arc<MemoryPool>,
    pub runner: Arc<dyn Runner>,
    pub tables: Arc<SharedCatalog>,
    pub global_views: RwLock<Vec<Arc<rsql_catalog::session::ViewEntry>>>,
    pub parsed_views: Mutex<std::collections::HashMap<Arc<str>, Arc<ast::Query>>>,
}

/// A session. Cheap to share; statements of one session run one after another or side by side, each on the snapshot it
/// started with.
#[derive(Debug)]
pub struct Session {
    pub(crate) state: StateLock,
    pub(crate) shared: Arc<Shared>,
    pub(crate) user: String,
    pub(crate) warehouse: PathBuf,
    /// Removed with the last session that uses it, unless the user named a warehouse.
    _warehouse_guard: Option<Arc<tempfile::TempDir>>,
    /// What `build` was given, for siblings and RESET.
    pub(crate) initial: Settings,
    pub(crate) parameters: RwLock<Parameters>,
    running: Mutex<CancelToken>,
}

/// Values for `?` and `:name`.
#[derive(Debug, Clone, Default)]
pub(crate) struct Parameters {
    pub positional: Arc<[Literal]>,
    pub named: Arc<std::collections::HashMap<String, Literal>>,
}

/// Makes a [`Session`].
#[derive(Debug, Default)]
pub struct SessionBuilder {
    settings: Settings,
    user: Option<String>,
    runner: Option<Arc<dyn Runner>>,
}

impl SessionBuilder {
    /// Sets a setting; fails on a bad value.
    pub fn set(mut self, key: &str, value: &str) -> Result<Self> {
        self.settings = changed(&self.settings, key, value)?;
        Ok(self)
    }

    /// The user that `current_user()` names.
    #[must_use]
    pub fn user(mut self, user: &str) -> Self {
        self.user = Some(user.to_string());
        self
    }

    /// What runs the session's plans; the workers of this process unless told otherwise.
    #[must_use]
    pub fn runner(mut self, runner: Arc<dyn Runner>) -> Self {
        self.runner = Some(runner);
        self
    }

    /// The session, with an empty catalog.
    pub fn build(self) -> Result<Session> {
        let memory = MemoryPool::new(memory_limit(&self.settings)?);
        let (warehouse, guard) = match self.settings.get("spark.sql.warehouse.dir") {
            Some(dir) if !dir.is_empty() => (PathBuf::from(dir.strip_prefix("file:").unwrap_or(dir)), None),
            _ => {
                let dir = tempfile::Builder::new().prefix("rsql-warehouse-").tempdir()?;
                (dir.path().to_path_buf(), Some(Arc::new(dir)))
            }
        };
        let catalog = SessionCatalog::new(&location_url(&warehouse));
        let tables = Arc::new(SharedCatalog::new(&catalog));
        Ok(Session {
            state: StateLock::new(
                SessionState {
                    settings: Arc::new(self.settings.clone()),
                    catalog,
                    variables: Arc::default(),
                },
                &tables,
            ),
            initial: self.settings,
            shared: Arc::new(Shared {
                tables,
                registry: rsql_functions::registry(),
                memory,
                runner: self.runner.unwrap_or_else(|| Arc::new(LocalRunner)),
                global_views: RwLock::default(),
                parsed_views: Mutex::default(),
            }),
            user: self
                .user
                .unwrap_or_else(|| std::env::var("USER").unwrap_or_else(|_| "rsql".into())),
            warehouse,
            _warehouse_guard: guard,
            parameters: RwLock::default(),
            running: Mutex::default(),
        })
    }
}

/// `settings` with a value set. The registry knows no time zones, so theirs is checked here.
fn changed(settings: &Settings, key: &str, value: &str) -> Result<Settings> {
    if key == "spark.sql.session.timeZone" && Zone::find(value).is_none() {
        return Err(Error::user("INVALID_CONF_VALUE.TIME_ZONE")
            .param("confName", key)
            .param("confValue", value)
            .with_message(format!(
                "{key} takes a time zone such as Europe/Berlin or +02:00, not '{value}'."
            )));
    }
    settings.with(key, value)
}

/// `file:/path`, as Spark shows local folders.
pub(crate) fn location_url(path: &Path) -> String {
    format!("file:{}", path.display())
}

fn memory_limit(settings: &Settings) -> Result<usize> {
    let set = settings.usize("rsql.memory.limit")?;
    if set > 0 {
        return Ok(set);
    }
    let total = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|l| l.starts_with("MemTotal:"))?;
        line.split_whitespace().nth(1)?.parse::<usize>().ok()
    });
    Ok(total.map_or(4 << 30, |kib| kib * 1024 / 10 * 7))
}

impl Session {
    /// A session with default settings.
    pub fn new() -> Result<Self> {
        SessionBuilder::default().build()
    }

    /// Starts building a session.
    pub fn builder() -> SessionBuilder {
        SessionBuilder::default()
    }

    /// Another session over the same databases, tables, files, memory pool and runner, with settings, temporary views,
    /// variables and a current database of its own.
    pub fn sibling(&self, user: &str) -> Self {
        let catalog = SessionCatalog::new(&location_url(&self.warehouse));
        let state = SessionState {
            settings: Arc::new(self.initial.clone()),
            catalog,
            variables: Arc::default(),
        };
        Self {
            state: StateLock::new(state, &self.shared.tables),
            shared: Arc::clone(&self.shared),
            user: user.to_string(),
            warehouse: self.warehouse.clone(),
            _warehouse_guard: self._warehouse_guard.clone(),
            initial: self.initial.clone(),
            parameters: RwLock::default(),
            running: Mutex::default(),
        }
    }

    /// The user that `current_user()` names.
    pub fn user(&self) -> &str {
        &self.user
    }

    /// Runs one statement. Errors carry the text and the place in it.
    pub fn sql(&self, text: &str) -> Result<StatementOutput> {
        let (text, parsed) = self.parse(text)?;
        self.run(&parsed, &text)
    }

    /// Parses, analyzes, optimizes and lowers a query without running it.
    pub fn plan(&self, text: &str) -> Result<crate::PlannedQuery> {
        let options = rsql_sql::ParseOptions::from_settings(&self.settings())?;
        let parsed = rsql_sql::parse_statement(text, &options).map_err(|e| e.in_query(text))?;
        let ast::StatementKind::Query(query) = &parsed.kind else {
            return Err(rsql_common::Error::unsupported("planning a command").at(parsed.span));
        };
        let cancel = CancelToken::default();
        crate::query::StatementCx::new(self, text, &cancel)
            .plan(query)
            .map_err(|e| e.in_query(text))
    }

    /// A statement's tree, with the text its spans point into.
    pub(crate) fn parse(&self, text: &str) -> Result<(Arc<str>, ast::Statement)> {
        let settings = self.settings();
        let text = crate::substitution::substitute(text, &settings, &self.warehouse.to_string_lossy());
        let options = rsql_sql::ParseOptions::from_settings(&settings)?;
        let parsed = rsql_sql::parse_statement(&text, &options).map_err(|e| e.in_query(&text))?;
        Ok((text.as_ref().into(), parsed))
    }

    /// Runs each statement of a script, handing every output to `on_output`; stops at the first error.
    pub fn script(&self, text: &str, on_output: &mut dyn FnMut(&str, StatementOutput) -> Result<()>) -> Result<()> {
        for (_, one) in rsql_sql::split_statements(text) {
            if !one.trim().is_empty() {
                on_output(one, self.sql(one)?)?;
            }
        }
        Ok(())
    }

    /// Runs a parsed statement; `text` is what its spans point into.
    pub fn run(&self, parsed: &ast::Statement, text: &str) -> Result<StatementOutput> {
        let cancel = CancelToken::default();
        *self.running.lock() = cancel.clone();
        statement::execute(self, parsed, text, &cancel).map_err(|e| e.in_query(text))
    }

    /// Cancels the statement that runs at present; it ends with `OPERATION_CANCELED`.
    pub fn cancel(&self) {
        self.running.lock().cancel();
    }

    /// The settings at present.
    pub fn settings(&self) -> Arc<Settings> {
        Arc::clone(&self.state.read().settings)
    }

    /// Sets a setting, as `SET key = value` does. One that is read at the start is kept, to be shown, where `SET` refuses it:
    /// a client may hand over a whole file of settings.
    pub fn set(&self, key: &str, value: &str) -> Result<()> {
        let mut state = self.state.write();
        state.settings = Arc::new(changed(&state.settings, key, value)?);
        Ok(())
    }

    /// The functions this session knows.
    pub fn registry(&self) -> &Arc<FunctionRegistry> {
        &self.shared.registry
    }

    /// The memory pool queries draw from.
    pub fn memory(&self) -> &Arc<MemoryPool> {
        &self.shared.memory
    }

    /// Name of the current database.
    pub fn current_database(&self) -> String {
        self.state.read().catalog.current_database().to_string()
    }

    /// Gives a value to the parameter `:name` of coming statements.
    pub fn bind(&self, name: &str, value: Literal) {
        let mut parameters = self.parameters.write();
        Arc::make_mut(&mut parameters.named).insert(name.to_string(), value);
    }

    /// Gives values to the parameters `?` of coming statements, in order.
    pub fn bind_positional(&self, values: Vec<Literal>) {
        self.parameters.write().positional = values.into();
    }

    /// Reads `text` as a constant expression (`1`, `'x'`, `DATE '2024-01-01'`).
    pub fn literal(&self, text: &str) -> Result<Literal> {
        let expr = rsql_sql::parse_expression(text, &rsql_sql::ParseOptions::from_settings(&self.settings())?)?;
        let cancel = CancelToken::default();
        let cx = crate::query::StatementCx::new(self, text, &cancel);
        let expr = cx.analyze(|cx| rsql_analyzer::analyze_expression(&expr, cx))?;
        rsql_expr::eval::fold(&expr, &self.shared.registry)
    }

    pub(crate) fn snapshot(&self) -> SessionState {
        self.state.read().clone()
    }
}
