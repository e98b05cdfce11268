//! What opening a model of a package may do to the machine that opens it.

use std::io::Cursor;

use super::package::Package;
use crate::onnx::{self, ModelFacts};
use crate::package::variant::VariantFile;
use crate::{Digest, Format, TrustClass};

/// The most of a compressed model that is unpacked to look at it.
const MOST_UNPACKED: u64 = 256 << 20;

impl Package {
    /// What opening a model of this format, in this file of the package, may do. A kind that is not known may
    /// do anything, and so may a graph that cannot be read or needs operators of others.
    pub fn trust_class(&self, format: &str, entry: &str) -> TrustClass {
        if format != Format::Onnx.name() {
            return TrustClass::NativeCode;
        }
        let limits = onnx::Limits::default();
        let model = if let Some(window) = self.archive().window(entry) {
            onnx::read(window, &limits).ok()
        } else {
            let bytes = self.archive().read_to_vec(entry, None, MOST_UNPACKED);
            bytes
                .ok()
                .and_then(|bytes| onnx::read(Cursor::new(bytes), &limits).ok())
        };
        let facts = model.and_then(|model| ModelFacts::new(&model, Vec::new()).ok());
        facts.map_or(TrustClass::NativeCode, |facts| facts.trust)
    }

    /// The digests of these files, as far as the package tells them.
    pub fn digests<'a>(&'a self, files: &'a [VariantFile]) -> impl Iterator<Item = &'a Digest> {
        let stored = files
            .iter()
            .filter_map(|file| self.manifest().file(&file.entry));
        stored.map(|file| &file.sha256)
    }
}
