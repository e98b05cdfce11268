//! How much a model file may ask of the reader. Plain numbers; knows nothing of files.

/// Bounds on one reading. The defaults admit every model that the known runtimes can load.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Bytes of the main file. Protobuf itself ends at 2 GiB; larger models keep their weights in
    /// external data.
    pub file_bytes: u64,
    /// Messages inside messages. Protobuf's own parsers stop at 100; a graph inside a graph takes three.
    pub depth: u32,
    /// Bytes of memory for what is kept: lists by their capacity, texts by their length.
    pub memory: u64,
    /// Bytes of one name.
    pub name_bytes: u64,
    /// Bytes of one value of the model's metadata, where exporters leave vocabularies and settings.
    pub text_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            file_bytes: i32::MAX as u64,
            depth: 100,
            // Some million ordinary nodes: several times the largest graphs that are in use.
            memory: 512 << 20,
            name_bytes: 64 << 10,
            text_bytes: 16 << 20,
        }
    }
}
