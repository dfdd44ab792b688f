//! Timestamps of old writers.

use parquet::data_type::{Int96, Int96Type};
use parquet::file::metadata::KeyValue;
use parquet::file::writer::SerializedFileWriter;
use parquet::schema::parser::parse_message_type;
use rsql_expr::SqlType;

use super::*;

/// One INT96 column, as old versions of Spark wrote it.
fn write_legacy(path: &Path, version: &str, zone: Option<&str>, seconds: &[i64]) {
    let schema = parse_message_type("message spark_schema { optional int96 ts; }").unwrap();
    let pair = |key: &str, value: &str| KeyValue::new(format!("org.apache.spark.{key}"), value.to_string());
    let mut noted = vec![pair("version", version)];
    noted.extend(zone.map(|z| pair("timeZone", z)));
    let properties = WriterProperties::builder().set_key_value_metadata(Some(noted)).build();
    let file = std::fs::File::create(path).unwrap();
    let mut writer = SerializedFileWriter::new(file, Arc::new(schema), Arc::new(properties)).unwrap();
    let mut group = writer.next_row_group().unwrap();
    let mut column = group.next_column().unwrap().unwrap();
    let values: Vec<Int96> = seconds
        .iter()
        .map(|s| {
            let nanos = s.rem_euclid(86_400) as u64 * 1_000_000_000;
            let day = s.div_euclid(86_400) + 2_440_588;
            Int96::from(vec![nanos as u32, (nanos >> 32) as u32, day as u32])
        })
        .collect();
    let levels = vec![1; values.len()];
    column
        .typed::<Int96Type>()
        .write_batch(&values, Some(&levels), None)
        .unwrap();
    column.close().unwrap();
    group.close().unwrap();
    writer.close().unwrap();
}

#[test]
fn timestamps_of_old_writers_show_the_same_clock() {
    let dir = tempfile::tempdir().unwrap();
    let read = |version: &str, zone: Option<&str>, session: &str| -> Vec<i64> {
        let path = dir
            .path()
            .join(format!("{version}{}{}.parquet", zone.is_some(), session.len()));
        write_legacy(&path, version, zone, &[-8_507_285_877, 1_590_994_800]);
        let paths = [path.to_string_lossy().into_owned()];
        let (source, _) = open_files(rsql_catalog::FileFormat::Parquet, &paths, None, &[], session).unwrap();
        let plan = PhysicalPlan::Scan(Scan {
            schema: Schema::new([Field {
                id: ColumnId(0),
                name: "ts".into(),
                ty: SqlType::Timestamp,
                nullable: true,
            }]),
            columns: vec![0],
            projection: vec![0],
            source: Arc::new(source),
            filters: vec![],
            consumes: vec![],
            limit: None,
            best_first: None,
            shared: None,
            by_bucket: false,
            estimate: 0.0,
        });
        let chunks = crate::collect(&plan, cx("1", "4096")).unwrap();
        let array = chunks[0].dense_column(0).unwrap().to_array().unwrap();
        let micros = array.as_primitive::<arrow::datatypes::TimestampMicrosecondType>();
        micros.values().iter().map(|m| m / 1_000_000).collect()
    };
    assert_eq!(read("3.1.0", None, "Europe/Moscow"), [-8_507_285_877, 1_590_994_800]);
    // Moscow's clocks stood half an hour nearer to Greenwich.
    assert_eq!(read("3.0.1", None, "Europe/Moscow"), [-8_507_284_094, 1_590_994_800]);
    assert_eq!(
        read("2.4.8", Some("America/Los_Angeles"), "Europe/Moscow"),
        [-8_507_286_299, 1_590_994_800]
    );
}
