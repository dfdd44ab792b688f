//! Text scans through whole plans.

use std::sync::Arc;

use rsql_catalog::{FileFormat, SourceColumn, open_files};
use rsql_common::{ColumnId, MemoryPool, Settings};
use rsql_expr::{Field, FunctionRegistry, Schema, SqlType, scalar_at};
use rsql_planner::physical::{PhysicalPlan, Scan};

use crate::pipeline::TaskContext;

fn read(
    format: FileFormat,
    content: &str,
    columns: &[(&str, SqlType)],
    options: &[(&str, &str)],
) -> Result<Vec<String>, String> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x");
    std::fs::write(&path, content).unwrap();
    let declared: Vec<SourceColumn> = columns
        .iter()
        .map(|(name, ty)| SourceColumn {
            name: (*name).into(),
            ty: ty.clone(),
            nullable: true,
        })
        .collect();
    let options: Vec<(String, String)> = options
        .iter()
        .map(|(k, v)| ((*k).to_string(), (*v).to_string()))
        .collect();
    let paths = [path.to_string_lossy().into_owned()];
    let (source, _) = open_files(format, &paths, Some(&declared), &options, "UTC").unwrap();
    let fields = columns.iter().enumerate().map(|(i, (name, ty))| Field {
        id: ColumnId(i as u32),
        name: (*name).into(),
        ty: ty.clone(),
        nullable: true,
    });
    let plan = PhysicalPlan::Scan(Scan {
        schema: Schema::new(fields),
        columns: (0..columns.len()).collect(),
        projection: (0..columns.len()).collect(),
        source: Arc::new(source),
        filters: vec![],
        consumes: vec![],
        limit: None,
        best_first: None,
        shared: None,
        by_bucket: false,
        estimate: 0.0,
    });
    let cx = TaskContext::from_settings(
        &Settings::default(),
        Arc::new(FunctionRegistry::default()),
        MemoryPool::unbounded(),
    )
    .unwrap();
    let mut rows = Vec::new();
    for chunk in crate::collect(&plan, cx).map_err(|e| e.condition().to_string())? {
        let arrays: Vec<_> = (0..columns.len())
            .map(|i| chunk.dense_column(i).unwrap().to_array().unwrap())
            .collect();
        for row in 0..chunk.rows() {
            let values: Vec<String> = arrays
                .iter()
                .zip(columns)
                .map(|(a, (_, ty))| format!("{:?}", scalar_at(a.as_ref(), row, ty).unwrap()))
                .collect();
            rows.push(values.join(" "));
        }
    }
    Ok(rows)
}

#[test]
fn csv_modes() {
    let columns = [("a", SqlType::Int), ("b", SqlType::String)];
    let content = "a,b\n1,x\n\nbad,y\n3\n4,\"z,\"\"q\"\"\"\n";
    let header = ("header", "true");
    assert_eq!(
        read(FileFormat::Csv, content, &columns, &[header]).unwrap(),
        [
            "I32(1) Str(\"x\")",
            "Null Str(\"y\")",
            "I32(3) Null",
            "I32(4) Str(\"z,\\\"q\\\"\")"
        ]
    );
    let dropped = read(FileFormat::Csv, content, &columns, &[header, ("mode", "dropmalformed")]).unwrap();
    assert_eq!(dropped.len(), 2);
    let failed = read(FileFormat::Csv, content, &columns, &[header, ("mode", "FAILFAST")]);
    assert_eq!(failed.unwrap_err(), "MALFORMED_RECORD_IN_PARSING.WITHOUT_SUGGESTION");
}

#[test]
fn json_and_text() {
    let columns = [
        ("a", SqlType::Long),
        ("b", SqlType::array(SqlType::Int)),
        ("c", SqlType::structure([("x", SqlType::String, true)])),
    ];
    let content = "{\"a\": 1, \"b\": [1, null], \"c\": {\"x\": \"é\"}}\n{\"A\": \"7\"}\nnonsense\n";
    assert_eq!(
        read(FileFormat::Json, content, &columns, &[]).unwrap(),
        [
            "I64(1) Array([I32(1), Null]) Struct([Str(\"é\")])",
            "I64(7) Null Null",
            "Null Null Null"
        ]
    );
    let lines = read(FileFormat::Text, "x y\r\n\nz", &[("value", SqlType::String)], &[]).unwrap();
    assert_eq!(lines, ["Str(\"x y\")", "Str(\"\")", "Str(\"z\")"]);
}
