//! Generates the RPC services' clients and servers; messages are Rust types with serde, so no protocol compiler is needed.

use tonic_build::manual::{Builder, Method, Service};

const CODEC: &str = "crate::rpc::codec::PostcardCodec";

fn method(name: &str, route: &str, input: &str, output: &str) -> tonic_build::manual::MethodBuilder {
    Method::builder()
        .name(name)
        .route_name(route)
        .input_type(format!("crate::rpc::messages::{input}"))
        .output_type(format!("crate::rpc::messages::{output}"))
        .codec_path(CODEC)
}

fn main() -> std::io::Result<()> {
    let join = Service::builder()
        .name("Join")
        .package("rsql.cluster")
        .method(method("sign", "Sign", "SignRequest", "SignResponse").build())
        .build();
    let control = Service::builder()
        .name("Control")
        .package("rsql.cluster")
        .method(
            method("attach", "Attach", "FromExecutor", "ToExecutor")
                .client_streaming()
                .server_streaming()
                .build(),
        )
        .method(method("plan", "Plan", "PlanRequest", "PlanResponse").build())
        .build();
    let liveness = Service::builder()
        .name("Liveness")
        .package("rsql.cluster")
        .method(method("heartbeat", "Heartbeat", "Heartbeat", "HeartbeatReply").build())
        .build();
    let workers = Service::builder()
        .name("Workers")
        .package("rsql.cluster")
        .method(method("register", "Register", "WorkerRegistration", "WorkerWelcome").build())
        .method(method("exited", "Exited", "ExecutorExit", "Acknowledged").build())
        .build();
    Builder::new().compile(&[join, control, liveness, workers]);
    println!("cargo::rustc-env=RSQL_PROTOCOL={:016x}", protocol()?);
    Ok(())
}

/// A hash of the sources that messages and plans are made of.
fn protocol() -> std::io::Result<u64> {
    let mut files = Vec::new();
    for folder in [
        "../common/src",
        "../expr/src",
        "../planner/src",
        "../exec/src/metrics",
        "../exec/src/write",
        "../shuffle/src",
        "src",
    ] {
        println!("cargo::rerun-if-changed={folder}");
        collect(std::path::Path::new(folder), &mut files)?;
    }
    files.sort();
    // FNV-1a: stable, and nobody gains by a collision.
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for file in files {
        for byte in std::fs::read(file)? {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
    Ok(hash)
}

fn collect(folder: &std::path::Path, into: &mut Vec<std::path::PathBuf>) -> std::io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, into)?;
        } else {
            into.push(path);
        }
    }
    Ok(())
}
