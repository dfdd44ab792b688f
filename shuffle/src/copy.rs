//! Whole outputs from one store to another, byte by byte: an executor takes over what another one holds before that one goes.
//!
//! Blocks stay as they are, encrypted ones too: the copy has the output's id and tag. Each partition is held against its figures
//! on the way; what does not match is an error, and the output is made again instead.

use std::fs::{self, File};
use std::io::{BufWriter, Write};

use bytes::Bytes;
use rsql_common::{Error, Result};
use rsql_expr::Schema;
use tokio::time::timeout;

use crate::format::{Index, data_header, schema_hash};
use crate::output::{OutputLocation, PartialOutput, describe};
use crate::read::UnitReader;
use crate::service::{CHUNK_BYTES, FetchClient, FetchItem, FetchRequest};
use crate::store::{ShuffleStore, Unfinished, io_error};

/// Copies `output`, whose columns are `schema`, into `store`. An output that is there already stays as it is.
pub async fn copy_output(
    client: &FetchClient,
    output: &PartialOutput,
    from: &OutputLocation,
    schema: &Schema,
    store: &ShuffleStore,
) -> Result<()> {
    let partitions = output.all_partitions()?;
    let files = store.files(output.id);
    if files.index.exists() {
        return Ok(());
    }
    fs::create_dir_all(&files.dir).map_err(|e| io_error(&e, &files.dir))?;
    let unfinished = Unfinished::new(&files);
    let (data_file, index_file) = (&unfinished.temporary.data, &unfinished.temporary.index);
    let failed = |e: std::io::Error| io_error(&e, data_file);
    let file = File::create_new(data_file).map_err(failed)?;
    let mut out = BufWriter::with_capacity(256 << 10, file);
    out.write_all(&data_header(output.id, output.tag)).map_err(failed)?;
    for (partition, figures) in (0..).zip(&partitions) {
        let mut reader = UnitReader::new(0, *figures);
        let mut failures = 0;
        while !reader.is_complete() {
            let before = reader.offset;
            let outcome = match &from.local_dir {
                Some(dir) => store
                    .opened()
                    .partition(dir, output.id, output.tag, partition)
                    .and_then(|open| open.read(reader.offset, CHUNK_BYTES))
                    .map(|bytes| vec![bytes])
                    .map_err(|f| f.why),
                None => fetch(client, output, from, partition, reader.offset).await,
            };
            match outcome {
                Ok(chunks) => {
                    for bytes in chunks {
                        out.write_all(&bytes).map_err(failed)?;
                        reader.push(bytes, &mut Vec::new());
                    }
                    if reader.offset == before {
                        return Err(broken(output, "its executor has fewer bytes of it than its map wrote"));
                    }
                    failures = 0;
                }
                Err(why) => {
                    failures += 1;
                    if failures >= client.options().attempts {
                        return Err(broken(output, &why));
                    }
                    tokio::time::sleep(client.options().backoff).await;
                }
            }
        }
        if let Some(fault) = reader.fault() {
            return Err(broken(output, fault));
        }
    }
    out.flush().map_err(failed)?;
    let types: Vec<_> = schema.iter().map(|f| f.ty.arrow()).collect();
    let index = Index {
        id: output.id,
        tag: output.tag,
        schema: schema_hash(&types),
        encrypted: output.encrypted,
        partitions,
    };
    fs::write(index_file, index.to_bytes()).map_err(|e| io_error(&e, index_file))?;
    unfinished.publish()
}

fn broken(output: &PartialOutput, why: &str) -> Error {
    Error::io(format!("{} cannot be copied: {why}", describe(output.id)))
}

/// The next bytes of a partition, as many as one response holds.
async fn fetch(
    client: &FetchClient,
    output: &PartialOutput,
    from: &OutputLocation,
    partition: u32,
    offset: u64,
) -> std::result::Result<Vec<Bytes>, String> {
    let options = client.options();
    let item = FetchItem {
        output: output.id,
        tag: output.tag,
        partition,
        offset,
    };
    let request = FetchRequest {
        items: vec![item],
        credit: options.credit,
    };
    let late = |_| "no answer in time".to_string();
    let mut connection = client.connection(&from.endpoint, 0).map_err(|e| e.to_string())?;
    let response = timeout(options.connect + options.idle, connection.fetch(request))
        .await
        .map_err(late)?;
    let mut stream = response.map_err(|s| s.to_string())?.into_inner();
    let mut chunks = Vec::new();
    while let Some(message) = timeout(options.idle, stream.message())
        .await
        .map_err(late)?
        .map_err(|s| s.to_string())?
    {
        for chunk in message.chunks {
            chunks.push(chunk.body.map_err(|(_, why)| why)?);
        }
    }
    Ok(chunks)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use rsql_common::StageId;
    use rsql_expr::SqlType;
    use rsql_planner::physical::Partitioning;

    use super::*;
    use crate::testing::*;
    use crate::{FetchOptions, ShuffleInputs, StageRead};

    #[test]
    fn copies_of_one_output_at_once_do_not_meet() {
        let types = vec![SqlType::Long, SqlType::String];
        let cx = Arc::new(context());
        let root = tempfile::tempdir().unwrap();
        let (from, to) = (
            ShuffleStore::open(root.path()).unwrap(),
            ShuffleStore::open(root.path()).unwrap(),
        );
        let hash = Partitioning::Hash {
            function: Default::default(),
            keys: vec![slot(0, &SqlType::Long)],
            partitions: 3,
        };
        let (input, columns) = (chunks(&types, 8, 500, 1), schema(&types));
        let output = write(&from, spec(&types, id(0, 0), hash), &input, 1, &cx).unwrap();
        let part = output.part(&[0, 1, 2]).unwrap();
        let [(_, location)] = &located(&from, vec![output.clone()])[..] else {
            panic!("one output")
        };
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let options = FetchOptions {
            backoff: std::time::Duration::from_millis(1),
            ..FetchOptions::default()
        };
        let client = FetchClient::new(runtime.handle().clone(), None, options);
        // One that began before the others were done, and fails when they are.
        let files = to.files(output.id);
        fs::create_dir_all(&files.dir).unwrap();
        let late = Unfinished::new(&files);
        fs::write(&late.temporary.data, "half of it").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    let copy = copy_output(&client, &part, location, &columns, &to);
                    runtime.block_on(copy).unwrap();
                });
            }
        });
        drop(late);
        let whole = StageRead::everything(&located(&to, vec![output.clone()])).unwrap();
        let got = read(&ShuffleInputs::new().with(StageId(0), whole), &types, &cx).unwrap();
        assert_eq!(sorted(rows(&types, &got)), sorted(rows(&types, &input)));
        assert_eq!(
            fs::read_dir(&files.dir).unwrap().count(),
            2,
            "only data and index are left"
        );
        // Without all of its figures nothing is copied.
        let some = output.part(&[0, 2]).unwrap();
        to.delete_output(output.id).unwrap();
        let copy = copy_output(&client, &some, location, &columns, &to);
        runtime.block_on(copy).unwrap_err();
        assert!(to.outputs().unwrap().is_empty());
    }
}
