//! The page decoder against the Arrow reader.

use arrow::datatypes::{DataType, TimeUnit};
use parquet::basic::Compression;
use parquet::file::properties::{EnabledStatistics, WriterVersion};
use rsql_catalog::SourceKind;
use rsql_expr::Vector;

use super::super::arrow_column;
use super::super::file::{File, FileColumn};
use super::super::native::{ChunkState, ColumnChunk, Scratch, kind_of};
use super::*;

fn open(source: &ScanSource) -> File {
    let SourceKind::Files(files) = &source.kind else {
        unreachable!()
    };
    let columns: Vec<usize> = (0..source.columns.len()).collect();
    File::open(source, files, &files.files[0], &columns).unwrap()
}

#[test]
fn decodes_what_the_arrow_reader_decodes() {
    let dir = tempfile::tempdir().unwrap();
    let base = || {
        WriterProperties::builder()
            .set_data_page_row_count_limit(400)
            .set_max_row_group_row_count(Some(3_000))
            .set_compression(Compression::SNAPPY)
    };
    let variants = [
        base(),
        base().set_dictionary_enabled(false),
        base()
            .set_writer_version(WriterVersion::PARQUET_2_0)
            .set_compression(Compression::ZSTD(Default::default())),
        base().set_dictionary_page_size_limit(2_000),
        base()
            .set_compression(Compression::UNCOMPRESSED)
            .set_offset_index_disabled(true)
            .set_statistics_enabled(EnabledStatistics::None),
        base()
            .set_compression(Compression::LZ4_RAW)
            .set_data_page_row_count_limit(33),
    ];
    let every: Vec<u32> = (0..1_000).filter(|i| i % 7 == 3 || (400..460).contains(i)).collect();
    let one = [777u32];
    for (v, properties) in variants.into_iter().enumerate() {
        let properties = properties.build();
        for nulls in [false, true] {
            let path = dir.path().join(format!("{v}{nulls}.parquet"));
            write(&path, &batch(nulls), properties.clone());
            let source = source(&path);
            let file = open(&source);
            let mut scratch = Scratch::default();
            for (c, column) in file.columns.iter().enumerate() {
                let FileColumn::Stored(column) = column else {
                    unreachable!()
                };
                let name = &source.columns[c].name;
                let state = ChunkState::default();
                let Some(kind) = kind_of(&file, 0, column) else {
                    // Version 2 writers use delta encodings, which are the Arrow reader's.
                    assert!(v == 2, "{name}");
                    continue;
                };
                for (start, rows) in [(0, 3_000), (350, 1_000), (1_999, 1_001), (0, 1), (2_000, 400)] {
                    for selected in [None, Some(every.as_slice()), Some(&one[..])] {
                        if selected.is_some() && rows < 1_000 {
                            continue;
                        }
                        for prefer_codes in [false, true] {
                            let chunk = ColumnChunk {
                                file: &file,
                                row_group: 0,
                                column,
                                leaf: column.leaf.unwrap(),
                                kind,
                                state: &state,
                                prefer_codes,
                            };
                            let ours = chunk.load(start, rows, selected, &mut scratch).unwrap();
                            let theirs = arrow_column::load(&file, 0, start, rows, column, selected).unwrap();
                            assert_eq!(
                                &ours.to_array().unwrap(),
                                &theirs.to_array().unwrap(),
                                "variant {v}, nulls {nulls}, {name}, {start}+{rows}"
                            );
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn damaged_pages_are_errors() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    write(
        &path,
        &batch(true),
        WriterProperties::builder().set_compression(Compression::SNAPPY).build(),
    );
    let good = std::fs::read(&path).unwrap();
    let columns = |source: &ScanSource| source.columns.len();
    // Damage that the footer does not show: bytes of pages are overwritten here and there.
    for step in [97usize, 1_009, 5_003] {
        let mut bad = good.clone();
        let end = bad.len() - 8_000;
        for i in (4..end).step_by(step) {
            bad[i] ^= 0x5a;
        }
        let path = dir.path().join(format!("{step}.parquet"));
        std::fs::write(&path, bad).unwrap();
        let source = source(&path);
        let file = open(&source);
        let mut scratch = Scratch::default();
        for c in 0..columns(&source) {
            let FileColumn::Stored(column) = &file.columns[c] else {
                unreachable!()
            };
            if let Some(kind) = kind_of(&file, 0, column) {
                let chunk = ColumnChunk {
                    file: &file,
                    row_group: 0,
                    column,
                    leaf: column.leaf.unwrap(),
                    kind,
                    state: &ChunkState::default(),
                    prefer_codes: true,
                };
                // Either an error or values; never a panic.
                _ = chunk
                    .load(0, ROWS, None, &mut scratch)
                    .map(|v: Vector| v.to_array().unwrap());
            }
        }
    }
}

#[test]
fn the_types_asked_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("t.parquet");
    write(&path, &batch(false), WriterProperties::default());
    let types: Vec<DataType> = source(&path).columns.iter().map(|c| c.ty.arrow()).collect();
    assert_eq!(types[12], DataType::Decimal64(15, 2));
    assert_eq!(
        types[14],
        DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
    );
}
