//! Whether and where `nav serve` answers over gRPC, and how its answers travel.

use clap::{Args, ValueEnum};
use nav_serve::Coding;

/// The arguments about gRPC.
#[derive(Args, Debug)]
pub(super) struct GrpcArgs {
    /// The port for gRPC; 0 for any that is free.
    #[arg(long, default_value_t = 8001, value_name = "PORT")]
    grpc_port: u16,
    /// Answer nothing over gRPC.
    #[arg(long, conflicts_with = "grpc_port")]
    no_grpc: bool,
    /// How answers over gRPC are compressed, where clients take that.
    #[arg(long, default_value = "none", value_name = "CODING")]
    grpc_compression: Compression,
}

/// How answers are compressed.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Compression {
    None,
    Gzip,
    Deflate,
}

impl GrpcArgs {
    /// The port, if there is one.
    pub(super) fn port(&self) -> Option<u16> {
        (!self.no_grpc).then_some(self.grpc_port)
    }

    /// How answers are compressed, if they are.
    pub(super) const fn compression(&self) -> Option<Coding> {
        match self.grpc_compression {
            Compression::None => None,
            Compression::Gzip => Some(Coding::Gzip),
            Compression::Deflate => Some(Coding::Deflate),
        }
    }
}
