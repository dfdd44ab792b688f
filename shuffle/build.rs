//! Generates the client and server of the fetch service, over messages and a codec of our own, without protoc.

use tonic_build::manual::{Builder, Method, Service};

fn main() {
    let fetch = Method::builder()
        .name("fetch")
        .route_name("Fetch")
        .input_type("crate::service::FetchRequest")
        .output_type("crate::service::FetchChunks")
        .codec_path("crate::service::FetchCodec")
        .server_streaming()
        .build();
    let shuffle = Service::builder().name("Shuffle").package("rsql").method(fetch).build();
    Builder::new().compile(&[shuffle]);
}
