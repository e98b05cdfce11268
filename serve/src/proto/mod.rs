//! The messages of the protocol, and the service that takes them: written once here, for gRPC as they are, for HTTP
//! in JSON, and for the configurations of model repositories in text.

#[expect(
    clippy::all,
    clippy::pedantic,
    unreachable_pub,
    reason = "generated from the schema"
)]
#[rustfmt::skip]
mod generated;
mod reflected;

pub(crate) use generated::*;
pub(crate) use reflected::{SCHEMA, dynamic, json};

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use prost::Message;

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/proto")
    }

    /// The code, and the schema in the form in which programs read it.
    fn generate() -> (String, Vec<u8>) {
        let compiled = protox::compile([folder().join("grpc_service.proto")], [folder()]);
        let mut files = compiled.unwrap();
        for file in &mut files.file {
            file.source_code_info = None;
        }
        let schema = files.encode_to_vec();
        let out = tempfile::tempdir().unwrap();
        prost_build::Config::new()
            .enable_type_names()
            .bytes(["."])
            .btree_map(["."])
            .out_dir(out.path())
            .compile_fds(files)
            .unwrap();
        let code = std::fs::read_to_string(out.path().join("inference.rs")).unwrap();
        (code, schema)
    }

    #[test]
    fn the_committed_messages_are_those_of_the_schema() {
        let (code, schema) = generate();
        let is_current = std::fs::read_to_string(folder().join("generated.rs")).unwrap() == code
            && std::fs::read(folder().join("schema.bin")).unwrap() == schema;
        assert!(
            is_current,
            "out of date: cargo test -p nav-serve --lib -- --ignored write_the_messages"
        );
    }

    #[test]
    #[ignore = "no check: it rewrites generated.rs and schema.bin from the schema"]
    fn write_the_messages() {
        let (code, schema) = generate();
        std::fs::write(folder().join("generated.rs"), code).unwrap();
        std::fs::write(folder().join("schema.bin"), schema).unwrap();
    }
}
