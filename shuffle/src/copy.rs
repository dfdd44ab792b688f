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
use crate::output::{MapOutput, OutputLocation, describe};
use crate::read::{UnitReader, open_partition};
use crate::service::{CHUNK_BYTES, FetchClient, FetchItem, FetchRequest};
use crate::store::{ShuffleStore, Unfinished, io_error};

/// Copies `output`, whose columns are `schema`, into `store`. An output that is there already stays as it is.
pub async fn copy_output(
    client: &FetchClient,
    output: &MapOutput,
    from: &OutputLocation,
    schema: &Schema,
    store: &ShuffleStore,
) -> Result<()> {
    output.verify()?;
    let files = store.files(output.id);
    if files.index.exists() {
        return Ok(());
    }
    fs::create_dir_all(&files.dir).map_err(|e| io_error(&e, &files.dir))?;
    let mut unfinished = Unfinished(Some(&files));
    let failed = |e: std::io::Error| io_error(&e, &files.data_tmp);
    let file = File::create(&files.data_tmp).map_err(failed)?;
    let mut out = BufWriter::with_capacity(256 << 10, file);
    out.write_all(&data_header(output.id, output.tag)).map_err(failed)?;
    for (partition, figures) in (0..).zip(&output.partitions) {
        let mut reader = UnitReader::new(0, *figures);
        let mut failures = 0;
        while !reader.is_complete() {
            let before = reader.offset;
            let outcome = match &from.local_dir {
                Some(dir) => open_partition(dir, output.id, output.tag, partition)
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
        partitions: output.partitions.clone(),
    };
    fs::write(&files.index_tmp, index.to_bytes()).map_err(|e| io_error(&e, &files.index_tmp))?;
    fs::rename(&files.data_tmp, &files.data).map_err(|e| io_error(&e, &files.data))?;
    fs::rename(&files.index_tmp, &files.index).map_err(|e| io_error(&e, &files.index))?;
    unfinished.0 = None;
    Ok(())
}

fn broken(output: &MapOutput, why: &str) -> Error {
    Error::io(format!("{} cannot be copied: {why}", describe(output.id)))
}

/// The next bytes of a partition, as many as one response holds.
async fn fetch(
    client: &FetchClient,
    output: &MapOutput,
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
    while let Some(chunk) = timeout(options.idle, stream.message())
        .await
        .map_err(late)?
        .map_err(|s| s.to_string())?
    {
        chunks.push(chunk.body.map_err(|(_, why)| why)?);
    }
    Ok(chunks)
}
