//! CREATE TABLE in its forms.

use std::path::Path;
use std::sync::Arc;

use rsql_ast::command::CreateTable;
use rsql_catalog::session::{self, Relation, SPARK_CATALOG, TableEntry, ViewScope};
use rsql_catalog::{FileFormat, SourceColumn};
use rsql_common::{ColumnId, Error, Result, quoted_name};
use rsql_exec::write::Overwrite;
use rsql_expr::{Schema, SqlType};
use rsql_planner::LogicalPlan;

use super::column::{self, Columns};
use super::relation::{self, Found};
use super::{bucketed, insert, name};
use crate::query::StatementCx;
use crate::result::StatementOutput;
use crate::session::location_url;
use crate::source;

/// `CREATE TABLE`
pub(crate) fn create(cx: &StatementCx<'_>, create: &CreateTable) -> Result<StatementOutput> {
    let parts = name::parts(cx, &create.name)?;
    let (database, one) = cx.state.catalog.qualify(&parts)?;
    let database = cx.state.catalog.database(&database)?.clone();
    let full = [SPARK_CATALOG.to_string(), database.name.clone(), one.clone()];
    let old = cx.state.catalog.relation(&database.name, &one).cloned();
    if create.or_replace && cx.state.settings.strict() {
        return Err(Error::user("UNSUPPORTED_FEATURE.TABLE_OPERATION")
            .param("tableName", quoted_name(&full))
            .param("operation", "REPLACE TABLE"));
    }
    match &old {
        Some(_) if create.if_not_exists => return Ok(StatementOutput::none()),
        Some(Relation::Table(_)) if create.or_replace => {}
        Some(_) => return Err(session::relation_exists(&full, false)),
        None => {}
    }
    let folder = rsql_storage::local_path(&database.location)?.join(one.to_lowercase());
    let collation = match &create.collation {
        Some(name) => Some(rsql_analyzer::resolve_collation(name)?),
        None => database.collation,
    };
    let cx = &cx.with_default_collation(collation);
    let mut table = definition(cx, create, &full, &folder)?;
    if create.external && !table.external {
        return Err(Error::user("CREATE_EXTERNAL_TABLE_WITHOUT_LOCATION"));
    }
    let query = match &create.query {
        Some(query) => {
            let plan = cx.analyze(|cx| rsql_analyzer::analyze_query(query, cx))?;
            take_schema(cx, create, &mut table, &plan, &full)?;
            Some(plan)
        }
        None => {
            if table.columns.is_empty() {
                infer_schema(cx, create, &mut table)?;
            }
            None
        }
    };
    for column in &mut table.columns {
        column.ty = column::stored_type(cx, &column.ty);
    }
    if let Some(Relation::Table(old)) = &old {
        if !old.external {
            remove_files(old)?;
        }
    } else if !table.external {
        check_vacant(&folder, &full)?;
    }
    let location = rsql_storage::local_path(&table.location)?;
    let existed = location.exists();
    if !table.external {
        std::fs::create_dir_all(&location).map_err(|e| Error::from(e).in_file(location.display().to_string()))?;
    }
    let mut written = Ok(());
    if let Some(plan) = query {
        let overwrite = match create.external || table.external {
            true => Overwrite::Below(Default::default()),
            false => Overwrite::Nothing,
        };
        written = insert::fill(cx, &table, plan, overwrite);
        if let Err(e) = &written
            && !e.is_committed()
        {
            if !existed {
                // The table was not made: its folder goes as well. What cannot be removed does no harm.
                let _ = std::fs::remove_dir_all(&location);
            }
            return Err(e.clone());
        }
    }
    cx.session
        .state
        .write()
        .catalog
        .put_relation(Relation::Table(Arc::new(table)));
    written.map(|()| StatementOutput::none())
}

fn definition(cx: &StatementCx<'_>, create: &CreateTable, full: &[String; 3], folder: &Path) -> Result<TableEntry> {
    let shown = quoted_name(full);
    let path_option = create.options.iter().find(|(k, _)| k.eq_ignore_ascii_case("path"));
    let location = create.location.clone().or(path_option.map(|(_, v)| v.clone()));
    let external = location.is_some();
    let location = match location {
        Some(path) => absolute(&path),
        None => location_url(folder),
    };
    let provider = provider_of(cx, create)?;
    let mut entry = TableEntry {
        database: full[1].clone(),
        name: full[2].to_lowercase(),
        columns: Vec::new(),
        column_comments: Vec::new(),
        column_defaults: Vec::new(),
        n_partition_columns: 0,
        format: known_format(&provider)?,
        provider,
        location,
        external,
        comment: create.comment.clone(),
        properties: create.properties.clone(),
        options: create
            .options
            .iter()
            .filter(|(k, _)| !k.eq_ignore_ascii_case("path"))
            .cloned()
            .collect(),
        buckets: create.buckets.as_ref().map(|b| bucketed::spec(cx, b)).transpose()?,
        collation: cx.options.default_collation,
    };
    if let Some(like) = &create.like {
        copy_schema(
            cx,
            create,
            &mut entry,
            &like.parts().map(str::to_string).collect::<Vec<_>>(),
        )?;
        return Ok(entry);
    }
    let columns = column::define(cx, &create.columns, &shown, "CREATE TABLE")?;
    if create.query.is_none() && !columns.columns.is_empty() {
        set_columns(cx, create, &mut entry, columns, &shown)?;
    }
    Ok(entry)
}

/// The columns in their final order, partition columns last.
fn set_columns(
    cx: &StatementCx<'_>,
    create: &CreateTable,
    entry: &mut TableEntry,
    mut columns: Columns,
    shown: &str,
) -> Result<()> {
    let known = columns
        .columns
        .iter()
        .map(|c| quoted_name([&c.name]))
        .collect::<Vec<_>>()
        .join(", ");
    let missing = |kind: &str, name: &str| {
        Error::user("COLUMN_NOT_DEFINED_IN_TABLE")
            .param("colType", kind)
            .param("colName", quoted_name([&name]))
            .param("tableName", shown)
            .param("tableCols", known.clone())
    };
    column::check_unique(create.partitioned_by.iter().map(|c| c.name.value.as_str()))?;
    for partition in &create.partitioned_by {
        let name = &partition.name.value;
        if partition.ty.is_some() {
            let typed = column::define(cx, std::slice::from_ref(partition), shown, "CREATE TABLE")?;
            columns.columns.extend(typed.columns);
            columns.comments.extend(typed.comments);
            columns.defaults.extend(typed.defaults);
        } else if columns.move_to_end(name).is_none() {
            return Err(missing("partition", name));
        }
    }
    column::check_unique(columns.columns.iter().map(|c| c.name.as_ref()))?;
    columns.columns.iter().try_for_each(|c| plain_map_keys(&c.ty))?;
    let n = create.partitioned_by.len();
    if n > 0 && n == columns.columns.len() {
        return Err(Error::user("ALL_PARTITION_COLUMNS_NOT_ALLOWED"));
    }
    if let Some((clustered, sorted, _)) = &entry.buckets {
        bucketed::check(clustered, sorted, &columns.columns, n).map_err(|unfit| match unfit {
            bucketed::Unfit::Missing(name) => missing("bucket", &name),
            bucketed::Unfit::Refused(e) => e,
        })?;
    }
    for c in columns.columns.iter().rev().take(n) {
        if c.ty.is_nested() || c.ty == SqlType::CalendarInterval || c.ty.has_collation() {
            return Err(Error::user("INVALID_PARTITION_COLUMN_DATA_TYPE").param("type", c.ty.quoted()));
        }
    }
    entry.columns = columns.columns;
    entry.column_comments = columns.comments;
    entry.column_defaults = columns.defaults;
    entry.n_partition_columns = n;
    Ok(())
}

/// CTAS: the query's columns.
fn take_schema(
    cx: &StatementCx<'_>,
    create: &CreateTable,
    entry: &mut TableEntry,
    plan: &LogicalPlan,
    full: &[String; 3],
) -> Result<()> {
    known_collations(plan.schema())?;
    let mut columns = Columns::default();
    for field in plan.schema().iter() {
        let column = SourceColumn {
            name: Arc::clone(&field.name),
            ty: declared_type(plan, field.id).unwrap_or_else(|| field.ty.clone()),
            nullable: true,
        };
        columns.push(column, None, None);
    }
    column::check_unique(columns.columns.iter().map(|c| c.name.as_ref()))?;
    set_columns(cx, create, entry, columns, &quoted_name(full))
}

/// Refuses columns of which nobody knows the collation.
pub(super) fn known_collations(schema: &Schema) -> Result<()> {
    let unknown: Vec<&str> = schema
        .iter()
        .filter(|f| f.ty.is_indeterminate())
        .map(|f| f.name.as_ref())
        .collect();
    if unknown.is_empty() {
        return Ok(());
    }
    Err(Error::user("INDETERMINATE_COLLATION_IN_SCHEMA").param("columnPaths", unknown.join(", ")))
}

/// Refuses maps whose keys have a collation: files could not tell equal keys.
fn plain_map_keys(ty: &SqlType) -> Result<()> {
    match ty {
        SqlType::Map(m) if m.key.has_collation() => Err(Error::user("UNSUPPORTED_FEATURE.COLLATIONS_IN_MAP_KEYS")),
        SqlType::Map(m) => plain_map_keys(&m.key).and_then(|()| plain_map_keys(&m.value)),
        SqlType::Array(a) => plain_map_keys(&a.element),
        SqlType::Struct(fields) => fields.iter().try_for_each(|f| plain_map_keys(&f.ty)),
        _ => Ok(()),
    }
}

/// The CHAR or VARCHAR type of the table column that an output column passes on unchanged.
pub(super) fn declared_type(plan: &LogicalPlan, id: ColumnId) -> Option<SqlType> {
    match plan {
        LogicalPlan::Scan(scan) => {
            let at = scan.schema.index_of(id)?;
            let ty = &scan.source.columns.get(*scan.columns.get(at)?)?.ty;
            ty.is_sized_text().then(|| ty.clone())
        }
        LogicalPlan::Projection(p) => match p.exprs.get(p.schema.index_of(id)?)? {
            rsql_expr::Expr::Column(c) => declared_type(&p.input, c.id),
            _ => None,
        },
        other => other
            .children()
            .into_iter()
            .filter(|c| c.schema().field(id).is_some())
            .find_map(|c| declared_type(c, id)),
    }
}

/// `LIKE`: another relation's columns, and a table's format.
fn copy_schema(cx: &StatementCx<'_>, create: &CreateTable, entry: &mut TableEntry, like: &[String]) -> Result<()> {
    let found = relation::find(cx, like).ok_or_else(|| relation::not_found(cx, like))?;
    match &found {
        Found::Table(from) => {
            entry.columns.clone_from(&from.columns);
            entry.column_comments.clone_from(&from.column_comments);
            entry.column_defaults.clone_from(&from.column_defaults);
            entry.n_partition_columns = from.n_partition_columns;
            entry.buckets.clone_from(&from.buckets);
            entry.comment = create.comment.clone().or_else(|| from.comment.clone());
            if create.format.is_none() && create.stored_as.is_none() {
                entry.provider.clone_from(&from.provider);
                entry.format = from.format;
                entry.options.clone_from(&from.options);
            }
        }
        Found::View(view) => {
            for (name, ty, comment) in &view.columns {
                entry.columns.push(SourceColumn {
                    name: name.as_str().into(),
                    ty: ty.clone(),
                    nullable: true,
                });
                entry.column_comments.push(comment.clone());
                entry.column_defaults.push(None);
            }
            if view.scope == ViewScope::Permanent && create.comment.is_none() {
                entry.comment.clone_from(&view.comment);
            }
        }
    }
    Ok(())
}

/// No columns were given: the files at the table's location say them.
fn infer_schema(cx: &StatementCx<'_>, create: &CreateTable, entry: &mut TableEntry) -> Result<()> {
    let format = entry
        .format
        .ok_or_else(|| Error::unsupported(format!("reading {} files", entry.provider)))?;
    let unable = || {
        let name = match format {
            FileFormat::Parquet => "Parquet",
            FileFormat::Csv => "CSV",
            FileFormat::Json => "JSON",
            FileFormat::Text => "Text",
        };
        Error::user("UNABLE_TO_INFER_SCHEMA").param("format", name)
    };
    if !entry.external {
        return Err(unable());
    }
    let (source, _) = source::open(
        format,
        std::slice::from_ref(&entry.location),
        None,
        &entry.options,
        cx.state.settings.time_zone(),
    )?;
    if source.columns.is_empty() {
        return Err(unable());
    }
    let n = match &source.kind {
        rsql_catalog::SourceKind::Files(files) => files.n_partition_columns,
        rsql_catalog::SourceKind::Memory(_) => 0,
    };
    for partition in &create.partitioned_by {
        let at = source.columns.len() - n;
        if !source.columns[at..]
            .iter()
            .any(|c| c.name.eq_ignore_ascii_case(&partition.name.value))
        {
            return Err(Error::user("SPECIFY_PARTITION_IS_NOT_ALLOWED"));
        }
    }
    entry.columns = source.columns.to_vec();
    entry.column_comments = vec![None; entry.columns.len()];
    entry.column_defaults = vec![None; entry.columns.len()];
    entry.n_partition_columns = n;
    Ok(())
}

fn provider_of(cx: &StatementCx<'_>, create: &CreateTable) -> Result<String> {
    if let Some(stored) = &create.stored_as {
        if cx.state.settings.strict() {
            return Err(
                Error::user("NOT_SUPPORTED_COMMAND_WITHOUT_HIVE_SUPPORT").param("cmd", "CREATE Hive TABLE (AS SELECT)")
            );
        }
        return match stored.to_ascii_lowercase().as_str() {
            "parquet" => Ok("parquet".to_string()),
            _ => Err(Error::unsupported(format!("STORED AS {}", stored.to_uppercase()))),
        };
    }
    let default = || cx.state.settings.get("spark.sql.sources.default").unwrap_or("parquet");
    Ok(match &create.format {
        Some(format) => format.clone(),
        None => default().to_string(),
    })
}

/// The format of a provider; none for the providers that Spark has and we do not read.
fn known_format(provider: &str) -> Result<Option<FileFormat>> {
    match source::format_of(provider) {
        Some(format) => Ok(Some(format)),
        None if matches!(provider.to_ascii_lowercase().as_str(), "orc" | "avro" | "xml") => Ok(None),
        None => Err(Error::user("DATA_SOURCE_NOT_FOUND").param("provider", provider)),
    }
}

fn absolute(path: &str) -> String {
    match path.split_once(':') {
        Some((scheme, _)) if scheme.len() > 1 && !scheme.contains('/') => path.to_string(),
        _ => {
            let full = std::path::absolute(path).unwrap_or_else(|_| path.into());
            location_url(&full)
        }
    }
}

fn check_vacant(folder: &Path, full: &[String; 3]) -> Result<()> {
    let vacant = std::fs::read_dir(folder).map_or(true, |mut entries| entries.next().is_none());
    if vacant {
        return Ok(());
    }
    Err(Error::user("LOCATION_ALREADY_EXISTS")
        .param("location", format!("'{}'", location_url(folder)))
        .param("identifier", quoted_name(full)))
}

/// Removes a managed table's folder.
pub(super) fn remove_files(table: &TableEntry) -> Result<()> {
    let folder = rsql_storage::local_path(&table.location)?;
    match std::fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(Error::from(e).in_file(folder.display().to_string())),
        _ => Ok(()),
    }
}
