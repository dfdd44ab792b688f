//! TPC-H's queries analyze.

use std::path::Path;

use super::analyze;
use super::catalog::Catalog;

#[test]
fn all_queries_analyze() {
    let catalog = Catalog::tpch();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tpch/queries");
    let mut failed = Vec::new();
    for n in 1..=22 {
        let sql = std::fs::read_to_string(folder.join(format!("q{n:02}.sql")))
            .or_else(|_| std::fs::read_to_string(folder.join(format!("q{n}.sql"))))
            .unwrap();
        for part in sql.split(';').map(str::trim).filter(|s| !s.is_empty()) {
            if let Err(e) = analyze(part, &catalog) {
                failed.push(format!("q{n}: {e}"));
            }
        }
    }
    assert!(failed.is_empty(), "{}", failed.join("\n"));
}
