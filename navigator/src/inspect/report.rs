//! The outcome of an inspection: plain data with a version, the same for people, scripts and packages.

use std::path::PathBuf;

use nav_package_format::onnx::ModelFacts;
use nav_package_format::torchscript::ArchiveFacts;
use nav_package_format::{Digest, Format, Signature, TrustClass};
use serde::{Deserialize, Serialize};

/// What is known about a model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// The version of this layout, [`Inspection::SCHEMA`].
    pub schema: u32,
    /// The path as it was given.
    pub path: PathBuf,
    /// What kind of model it is, by its content.
    pub format: Format,
    /// What its name promises, where that is something else.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_as: Option<Format>,
    /// What opening it may do.
    pub trust: TrustClass,
    /// Its main file.
    pub file: FileFacts,
    /// The other files it needs, sorted by path; paths are relative to the folder of the main file.
    pub external_files: Vec<FileFacts>,
    /// What only models of its kind have.
    pub facts: Facts,
}

/// A file and its content's digest.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileFacts {
    /// Its name, or its path relative to the model's folder.
    pub path: String,
    /// Its size.
    pub bytes: u64,
    /// The digest of its bytes.
    pub sha256: Digest,
}

/// What is known of one kind of model.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Facts {
    /// Of an ONNX model.
    Onnx(Box<ModelFacts>),
    /// Of a TorchScript archive.
    TorchScript(ArchiveFacts),
}

impl Inspection {
    /// The version of the layout that this program writes.
    pub const SCHEMA: u32 = 1;

    /// What the model takes and gives; none where its file does not say.
    pub fn signature(&self) -> Option<&Signature> {
        match &self.facts {
            Facts::Onnx(facts) => Some(&facts.signature),
            Facts::TorchScript(_) => None,
        }
    }
}

impl Facts {
    /// The kind of model that they are of.
    pub const fn format(&self) -> Format {
        match self {
            Self::Onnx(_) => Format::Onnx,
            Self::TorchScript(_) => Format::TorchScript,
        }
    }

    /// What opening the model may do.
    pub fn trust(&self) -> TrustClass {
        match self {
            Self::Onnx(facts) => facts.trust,
            Self::TorchScript(facts) => facts.trust,
        }
    }
}
