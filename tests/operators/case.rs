//! The cases as they lie in their folders.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use nav_package_format::TensorData;
use nav_package_format::onnx::proto::TensorProto;
use prost::Message as _;
use serde::Deserialize;

use crate::tensor::{self, TensorError};

/// A model of one operator and what it should do.
#[derive(Debug)]
pub(crate) struct Case {
    pub(crate) facts: Facts,
    folder: PathBuf,
}

/// What `case.json` says.
#[derive(Debug, Deserialize)]
pub(crate) struct Facts {
    pub(crate) name: String,
    /// How far a number may be off, relative to what is expected.
    pub(crate) rtol: f64,
    /// How far a number may be off besides.
    pub(crate) atol: f64,
}

/// Inputs, and what they should give.
#[derive(Debug)]
pub(crate) struct DataSet {
    pub(crate) inputs: Vec<TensorData>,
    pub(crate) outputs: Vec<TensorData>,
}

/// Why a case is no case.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CaseError {
    #[error("cannot read {path}", path = .path.display())]
    File { path: PathBuf, source: io::Error },
    #[error("{path} is not what the exporter writes", path = .path.display())]
    Facts {
        path: PathBuf,
        source: serde_json::Error,
    },
    #[error("{path} is not a tensor", path = .path.display())]
    Message {
        path: PathBuf,
        source: prost::DecodeError,
    },
    #[error("{name}: {source}")]
    Tensor { name: String, source: TensorError },
}

impl Case {
    /// All cases below a folder, sorted by name.
    pub(crate) fn all(folder: &Path) -> Result<Vec<Self>, CaseError> {
        let failed = |source| CaseError::File {
            path: folder.to_owned(),
            source,
        };
        let mut cases = Vec::new();
        for entry in fs::read_dir(folder).map_err(failed)? {
            let folder = entry.map_err(failed)?.path();
            let path = folder.join("case.json");
            let facts = serde_json::from_slice(&read(&path)?)
                .map_err(|source| CaseError::Facts { path, source })?;
            cases.push(Self { facts, folder });
        }
        cases.sort_by(|a, b| a.facts.name.cmp(&b.facts.name));
        Ok(cases)
    }

    /// The model.
    pub(crate) fn model(&self) -> PathBuf {
        self.folder.join("model.onnx")
    }

    /// Everything the model is to be tried with.
    pub(crate) fn data_sets(&self) -> Result<Vec<DataSet>, CaseError> {
        (0..)
            .map(|number| self.folder.join(format!("test_data_set_{number}")))
            .take_while(|folder| folder.is_dir())
            .map(|folder| {
                Ok(DataSet {
                    inputs: tensors(&folder, "input")?,
                    outputs: tensors(&folder, "output")?,
                })
            })
            .collect()
    }
}

fn tensors(folder: &Path, role: &str) -> Result<Vec<TensorData>, CaseError> {
    (0..)
        .map(|position| folder.join(format!("{role}_{position}.pb")))
        .take_while(|path| path.is_file())
        .map(|path| {
            let message = TensorProto::decode(read(&path)?.as_slice());
            let message = message.map_err(|source| CaseError::Message { path, source })?;
            let name = message.name().to_owned();
            tensor::read(message).map_err(|source| CaseError::Tensor { name, source })
        })
        .collect()
}

fn read(path: &Path) -> Result<Vec<u8>, CaseError> {
    fs::read(path).map_err(|source| CaseError::File {
        path: path.to_owned(),
        source,
    })
}
