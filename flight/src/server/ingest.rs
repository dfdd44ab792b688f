//! Bulk ingestion: rows of a client become a table, or are appended to one.

use arrow::array::RecordBatch;
use arrow_flight::sql::{CommandStatementIngest, TableDefinitionOptions, TableExistsOption, TableNotExistOption};
use rsql_common::{Error, Result, quoted_name};
use rsql_engine::Session;

/// Writes batches as the command says; gives the number of rows.
pub(crate) fn ingest(session: &Session, command: &CommandStatementIngest, batches: Vec<RecordBatch>) -> Result<i64> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let rows = i64::try_from(rows).unwrap_or(i64::MAX);
    let options = command.table_definition_options.unwrap_or_default();
    if command.temporary {
        session.register_batches(&command.table, batches)?;
        return Ok(rows);
    }
    let database = command.schema.clone().unwrap_or_else(|| session.current_database());
    let target = quoted_name([&database, &command.table]);
    let statements = plan(&options, exists(session, &database, &command.table), &target)?;
    let source = format!("rsql_ingest_{:032x}", rand::random::<u128>());
    session.register_batches(&source, batches)?;
    let outcome = statements
        .iter()
        .try_for_each(|text| session.sql(&text.replace(SOURCE, &quoted_name([&source]))).map(|_| ()));
    session.sql(&format!("DROP VIEW {}", quoted_name([&source])))?;
    outcome.map(|()| rows)
}

/// Stands for the rows in [`plan`]'s statements.
const SOURCE: &str = "<rows>";

fn plan(options: &TableDefinitionOptions, exists: bool, target: &str) -> Result<Vec<String>> {
    let create = format!("CREATE TABLE {target} USING parquet AS SELECT * FROM {SOURCE}");
    let append = format!("INSERT INTO {target} SELECT * FROM {SOURCE}");
    if !exists {
        return match options.if_not_exist() {
            TableNotExistOption::Create => Ok(vec![create]),
            TableNotExistOption::Unspecified | TableNotExistOption::Fail => {
                Err(Error::user("TABLE_OR_VIEW_NOT_FOUND").param("relationName", target))
            }
        };
    }
    match options.if_exists() {
        TableExistsOption::Append => Ok(vec![append]),
        TableExistsOption::Replace => Ok(vec![format!("DROP TABLE {target}"), create]),
        TableExistsOption::Unspecified | TableExistsOption::Fail => {
            Err(Error::user("TABLE_OR_VIEW_ALREADY_EXISTS").param("relationName", target))
        }
    }
}

fn exists(session: &Session, database: &str, table: &str) -> bool {
    session
        .relations()
        .iter()
        .any(|r| r.database.eq_ignore_ascii_case(database) && r.name.eq_ignore_ascii_case(table))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_say_what_happens_to_a_table_that_is_there_or_not() {
        let session = Session::new().unwrap();
        let batches = session
            .sql("SELECT id AS a FROM range(3)")
            .unwrap()
            .record_batches()
            .unwrap();
        let mut command = CommandStatementIngest {
            table: "t".into(),
            ..CommandStatementIngest::default()
        };
        let with = |n: TableNotExistOption, e: TableExistsOption| {
            Some(TableDefinitionOptions {
                if_not_exist: n as i32,
                if_exists: e as i32,
            })
        };
        command.table_definition_options = with(TableNotExistOption::Fail, TableExistsOption::Append);
        let e = ingest(&session, &command, batches.clone()).unwrap_err();
        assert_eq!(e.condition(), "TABLE_OR_VIEW_NOT_FOUND");
        command.table_definition_options = with(TableNotExistOption::Create, TableExistsOption::Append);
        for _ in 0..2 {
            assert_eq!(ingest(&session, &command, batches.clone()).unwrap(), 3);
        }
        assert_eq!(session.sql("SELECT * FROM t").unwrap().n_rows(), 6);
        command.table_definition_options = with(TableNotExistOption::Create, TableExistsOption::Replace);
        ingest(&session, &command, batches.clone()).unwrap();
        assert_eq!(session.sql("SELECT * FROM t").unwrap().n_rows(), 3);
        command.table_definition_options = with(TableNotExistOption::Create, TableExistsOption::Fail);
        let e = ingest(&session, &command, batches).unwrap_err();
        assert_eq!(e.condition(), "TABLE_OR_VIEW_ALREADY_EXISTS");
        assert_eq!(session.relations().len(), 1);
    }
}
