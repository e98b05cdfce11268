//! The model that is optimized: what was found out about it, and where it is.

use std::collections::BTreeMap;
use std::path::Path;

use nav_package_format::{Digest, Hasher, Signature};
use nav_runners::{Declaration, ModelFile};

use crate::inspect::{Facts, InspectError, Inspection, inspect};

/// A model.
#[derive(Clone, Debug)]
pub struct ModelSource {
    /// What is known of it.
    pub inspection: Inspection,
    /// Where it is, by absolute path.
    pub file: ModelFile,
    /// What it takes and gives, where its file does not say that and it was found out.
    pub declared: Option<Signature>,
}

impl ModelSource {
    /// Inspects the model at a path. This is the one time that all of it is read.
    pub fn open(path: &Path) -> Result<Self, InspectError> {
        let inspection = inspect(path)?;
        let path = std::path::absolute(path).map_err(|source| InspectError::Read {
            path: path.to_owned(),
            source,
        })?;
        let format = inspection.format;
        Ok(Self {
            inspection,
            file: ModelFile { path, format },
            declared: None,
        })
    }

    /// What it takes and gives, as far as that is known.
    pub fn signature(&self) -> Option<&Signature> {
        self.inspection.signature().or(self.declared.as_ref())
    }

    /// What runners are told of a file that does not say what it takes and gives: its own, or what a conversion made of it.
    pub fn declaration(&self) -> Option<Declaration> {
        Some(Declaration {
            signature: self.signature()?.clone(),
            ..Declaration::default()
        })
    }

    /// The digest of all its files.
    pub fn digest(&self) -> Digest {
        let mut hasher = Hasher::default();
        hasher.update(self.inspection.file.sha256.as_bytes());
        for file in &self.inspection.external_files {
            hasher.update(file.path.as_bytes());
            hasher.update(&[0]);
            hasher.update(file.sha256.as_bytes());
        }
        hasher.finish()
    }

    /// Integer inputs to the first value that is too large.
    pub fn index_bounds(&self) -> BTreeMap<String, u64> {
        match &self.inspection.facts {
            Facts::Onnx(facts) => facts.index_bounds.clone(),
            Facts::TorchScript(_) => BTreeMap::new(),
        }
    }

    /// Its name: that of its file without the extension.
    pub fn name(&self) -> String {
        let stem = self.file.path.file_stem();
        stem.map(|stem| stem.to_string_lossy().into_owned())
            .unwrap_or_default()
    }
}
