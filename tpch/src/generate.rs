//! Writes the eight tables as Parquet, one folder a table, in parallel parts.
//!
//! A table larger than [`ROWS_PER_FILE`] becomes several files; rows keep the generator's order across them. A folder
//! is written under a temporary name and renamed when complete, so an interrupted run leaves nothing half-written.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use arrow::array::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::Compression;
use parquet::file::properties::WriterProperties;
use rayon::prelude::*;
use rsql_common::{Error, Result};
use tpchgen::generators::{
    CustomerGenerator, LineItemGenerator, NationGenerator, OrderGenerator, PartGenerator, PartSuppGenerator,
    RegionGenerator, SupplierGenerator,
};
use tpchgen_arrow::{
    CustomerArrow, LineItemArrow, NationArrow, OrderArrow, PartArrow, PartSuppArrow, RecordBatchIterator, RegionArrow,
    SupplierArrow,
};

/// The tables, largest first.
pub const TABLES: [&str; 8] = [
    "lineitem", "orders", "partsupp", "part", "customer", "supplier", "nation", "region",
];

/// Rows of one file at most, about.
const ROWS_PER_FILE: f64 = 1_500_000.0;
/// Rows of one row group.
const ROWS_PER_GROUP: usize = 1 << 20;

/// Called with the parts done and the parts in all.
pub type Progress<'a> = &'a (dyn Fn(usize, usize) + Sync);

/// Makes the tables of scale factor `sf` below `dir` unless they are there, and gives the folder that holds them.
pub fn generate(dir: &Path, sf: f64, progress: Progress<'_>) -> Result<PathBuf> {
    let target = dir.join(format!("sf{sf}"));
    if target.is_dir() {
        return Ok(target);
    }
    let staging = dir.join(format!(".sf{sf}-{}", std::process::id()));
    fs::create_dir_all(&staging)?;
    let parts = plan(sf);
    let done = std::sync::atomic::AtomicUsize::new(0);
    progress(0, parts.len());
    let written = parts.par_iter().try_for_each(|part| {
        write(&staging, sf, part)?;
        let done = done.fetch_add(1, std::sync::atomic::Ordering::Relaxed) + 1;
        progress(done, parts.len());
        Ok::<(), Error>(())
    });
    if let Err(e) = written {
        fs::remove_dir_all(&staging)?;
        return Err(e);
    }
    fs::rename(&staging, &target)?;
    Ok(target)
}

struct Part {
    table: &'static str,
    number: i32,
    of: i32,
}

fn plan(sf: f64) -> Vec<Part> {
    let mut parts = Vec::new();
    for table in TABLES {
        let rows = sf * rows_at_sf1(table);
        let of = (rows / ROWS_PER_FILE).ceil().max(1.0) as i32;
        parts.extend((1..=of).map(|number| Part { table, number, of }));
    }
    parts
}

fn rows_at_sf1(table: &str) -> f64 {
    match table {
        "lineitem" => 6_000_000.0,
        "orders" => 1_500_000.0,
        "partsupp" => 800_000.0,
        "part" => 200_000.0,
        "customer" => 150_000.0,
        "supplier" => 10_000.0,
        _ => 0.0,
    }
}

fn batches(sf: f64, part: &Part) -> Box<dyn RecordBatchIterator> {
    let (n, of) = (part.number, part.of);
    match part.table {
        "lineitem" => Box::new(LineItemArrow::new(LineItemGenerator::new(sf, n, of))),
        "orders" => Box::new(OrderArrow::new(OrderGenerator::new(sf, n, of))),
        "partsupp" => Box::new(PartSuppArrow::new(PartSuppGenerator::new(sf, n, of))),
        "part" => Box::new(PartArrow::new(PartGenerator::new(sf, n, of))),
        "customer" => Box::new(CustomerArrow::new(CustomerGenerator::new(sf, n, of))),
        "supplier" => Box::new(SupplierArrow::new(SupplierGenerator::new(sf, n, of))),
        "nation" => Box::new(NationArrow::new(NationGenerator::new(sf, n, of))),
        _ => Box::new(RegionArrow::new(RegionGenerator::new(sf, n, of))),
    }
}

fn write(dir: &Path, sf: f64, part: &Part) -> Result<()> {
    let folder = dir.join(part.table);
    fs::create_dir_all(&folder)?;
    let path = folder.join(format!("part-{:05}.parquet", part.number));
    let batches = batches(sf, part);
    let properties = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_max_row_group_row_count(Some(ROWS_PER_GROUP))
        .build();
    let mut writer = ArrowWriter::try_new(File::create(path)?, batches.schema().clone(), Some(properties))?;
    for batch in batches {
        let batch: RecordBatch = batch;
        writer.write(&batch)?;
    }
    writer.close()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use parquet::file::reader::{FileReader, SerializedFileReader};

    #[test]
    fn writes_every_table_once() {
        let dir = tempfile::tempdir().unwrap();
        let at = generate(dir.path(), 0.001, &|_, _| {}).unwrap();
        for table in TABLES {
            let file = File::open(at.join(table).join("part-00001.parquet")).unwrap();
            let rows = SerializedFileReader::new(file)
                .unwrap()
                .metadata()
                .file_metadata()
                .num_rows();
            assert!(rows > 0, "{table}");
        }
        let before = fs::metadata(at.join("region")).unwrap().modified().unwrap();
        generate(dir.path(), 0.001, &|_, _| {}).unwrap();
        assert_eq!(fs::metadata(at.join("region")).unwrap().modified().unwrap(), before);
    }
}
