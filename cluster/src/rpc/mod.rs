//! How the cluster's parts talk: postcard messages over gRPC services that `build.rs` generates.

pub mod access;
pub mod codec;
pub mod connect;
pub mod messages;

/// Generated clients and servers.
#[allow(
    missing_docs,
    unused_qualifications,
    reason = "tonic-build writes neither documentation nor short paths"
)]
pub mod services {
    /// Signs certificates for those who know the join secret.
    pub mod join {
        include!(concat!(env!("OUT_DIR"), "/rsql.cluster.Join.rs"));
    }
    /// The executors' control stream and the plans of stages.
    pub mod control {
        include!(concat!(env!("OUT_DIR"), "/rsql.cluster.Control.rs"));
    }
    /// Heartbeats.
    pub mod liveness {
        include!(concat!(env!("OUT_DIR"), "/rsql.cluster.Liveness.rs"));
    }
    /// Workers that start executors.
    pub mod workers {
        include!(concat!(env!("OUT_DIR"), "/rsql.cluster.Workers.rs"));
    }
}
