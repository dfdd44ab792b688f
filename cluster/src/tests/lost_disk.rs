//! An executor's shuffle folder goes while outputs in it wait for their reader.

use std::path::PathBuf;
use std::time::Duration;

use rsql_engine::Session;

use super::{Cluster, rows};
use crate::executor::ExecutorConfig;

/// Tasks of each executor. Readers stop at the first output that they cannot have, and a stage may do so four times: more
/// outputs than that go at once.
const CORES: usize = 8;

/// The last of 16 tasks is slow: its stage is not read before, and the other executor's outputs are all there.
const QUERY: &str = "
    SELECT count(*), sum(n)
    FROM (SELECT id % 100 AS k,
                 sum(length(CASE WHEN id < 4500 THEN 'x' ELSE sha2(repeat(cast(id AS string), 100000), 512) END)) AS n
          FROM range(0, 4800, 1, 16) GROUP BY id % 100)";

/// Shuffle folders of executors with so many complete outputs.
fn folders(cluster: &Cluster, outputs: usize) -> Vec<PathBuf> {
    let mut counts = std::collections::BTreeMap::<PathBuf, usize>::new();
    for file in cluster.files() {
        if file.extension().is_some_and(|e| e == "index") {
            // In a folder of the query in the folder of the executor.
            let folder = file.ancestors().nth(2).unwrap().to_path_buf();
            *counts.entry(folder).or_default() += 1;
        }
    }
    let full = counts.into_iter().filter(|(_, n)| *n >= outputs);
    full.map(|(folder, _)| folder).collect()
}

#[test]
fn a_shuffle_folder_that_is_gone_is_no_matter_of_each_file_in_it() {
    let each = ExecutorConfig {
        memory: 256 << 20,
        cores: CORES,
        ..ExecutorConfig::default()
    };
    let cluster = Cluster::of(2, &each, &[]);
    let session = cluster.session();
    let query = std::thread::spawn(move || rows(&session, QUERY));
    let folder = loop {
        if let Some(folder) = folders(&cluster, CORES).pop() {
            break folder;
        }
        assert!(!query.is_finished(), "{:?}", query.join());
        std::thread::sleep(Duration::from_millis(1));
    };
    std::fs::remove_dir_all(folder).unwrap();
    assert!(!query.is_finished(), "it was over before");
    assert_eq!(query.join().unwrap(), rows(&Session::new().unwrap(), QUERY));
}
