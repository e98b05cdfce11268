//! The messages of ONNX files, complete, for writing models and for decoding models that are trusted.
//!
//! Models of unknown origin are read by [`crate::onnx::read`], which bounds what a file may claim.

#[expect(
    clippy::doc_markdown,
    reason = "the generator repeats names of the schema as they are"
)]
#[rustfmt::skip]
mod generated;

pub use generated::*;

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    fn folder() -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/onnx/proto")
    }

    fn generate() -> String {
        let files = protox::compile([folder().join("onnx.proto")], [folder()]).unwrap();
        let module = prost_build::Module::from_protobuf_package_name("onnx");
        let requests = files
            .file
            .into_iter()
            .map(|file| (module.clone(), file))
            .collect();
        let modules = prost_build::Config::new().generate(requests).unwrap();
        modules.into_values().collect()
    }

    #[test]
    fn the_committed_messages_are_those_of_the_schema() {
        let committed = std::fs::read_to_string(folder().join("generated.rs")).unwrap();
        assert!(
            committed == generate(),
            "generated.rs is out of date: cargo test -p nav-package-format -- --ignored write_the_messages"
        );
    }

    #[test]
    #[ignore = "no check: it rewrites generated.rs from onnx.proto"]
    fn write_the_messages() {
        std::fs::write(folder().join("generated.rs"), generate()).unwrap();
    }
}
