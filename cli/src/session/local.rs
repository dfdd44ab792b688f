//! Statements of this process's own engine.

use rsql_common::Result;
use rsql_engine::StatementOutput;

use super::{Session, Statements};

impl Statements for rsql_engine::Session {
    fn run(&self, sql: &str) -> Result<StatementOutput> {
        self.sql(sql)
    }

    fn cancel(&self) {
        rsql_engine::Session::cancel(self);
    }

    fn time_zone(&self) -> String {
        self.settings().time_zone().to_string()
    }
}

impl From<rsql_engine::Session> for Session {
    fn from(session: rsql_engine::Session) -> Self {
        Self(Box::new(session))
    }
}
