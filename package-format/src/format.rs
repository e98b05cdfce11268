//! Formats: the kinds of model file, and how far opening one means trusting it.

use std::fmt;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// A kind of model file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// A graph in ONNX's protobuf form.
    Onnx,
    /// A TorchScript archive.
    TorchScript,
    /// An engine that TensorRT built: for one kind of device, one version, and a range of shapes.
    TensorRt,
}

/// What opening a model may do to the machine that opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TrustClass {
    /// Numbers and a graph of known operators: a faulty one gives an error or a wrong answer.
    DataOnly,
    /// Holds code that runs when it is loaded: open it only if you trust who made it.
    NativeCode,
}

impl Format {
    /// Every format.
    pub const ALL: &'static [Self] = &[Self::Onnx, Self::TorchScript, Self::TensorRt];

    /// The name users see.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::TorchScript => "torch-script",
            Self::TensorRt => "tensor-rt",
        }
    }

    /// The ends of file names that mean this format.
    pub const fn extensions(self) -> &'static [&'static str] {
        match self {
            Self::Onnx => &["onnx"],
            Self::TorchScript => &["pt", "pth", "ts"],
            Self::TensorRt => &["plan", "engine", "trt"],
        }
    }

    /// What opening a file of this format may do.
    pub const fn trust_class(self) -> TrustClass {
        match self {
            Self::Onnx => TrustClass::DataOnly,
            Self::TorchScript | Self::TensorRt => TrustClass::NativeCode,
        }
    }

    /// Whether a file of this format says what the model takes and gives.
    pub const fn says_signature(self) -> bool {
        match self {
            Self::Onnx => true,
            // An engine says it to TensorRT alone, and without the names of dimensions.
            Self::TorchScript | Self::TensorRt => false,
        }
    }

    /// The format a file's name promises, if any.
    pub fn of_path(path: &Path) -> Option<Self> {
        let extension = path.extension()?.to_str()?.to_ascii_lowercase();
        Self::ALL
            .iter()
            .copied()
            .find(|format| format.extensions().contains(&extension.as_str()))
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

impl fmt::Display for TrustClass {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::DataOnly => "data only",
            Self::NativeCode => "native code",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_file_name_tells_the_format() {
        assert_eq!(
            Format::of_path(Path::new("a/model.ONNX")),
            Some(Format::Onnx)
        );
        assert_eq!(
            Format::of_path(Path::new("model.pt")),
            Some(Format::TorchScript)
        );
        assert_eq!(Format::of_path(Path::new("onnx")), None);
        let engine = Format::of_path(Path::new("model.plan"));
        assert_eq!(engine, Some(Format::TensorRt));
    }

    #[test]
    fn what_a_runtime_executes_is_native_code() {
        let check = |format: Format, expected| assert_eq!(format.trust_class(), expected);
        check(Format::Onnx, TrustClass::DataOnly);
        check(Format::TorchScript, TrustClass::NativeCode);
        check(Format::TensorRt, TrustClass::NativeCode);
    }
}
