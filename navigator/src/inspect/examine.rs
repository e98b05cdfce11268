//! Inspects a model: tells its kind, has it checked by those who know the kind, digests its files.

use std::fs::File;
use std::io::{self, Read, Seek};
use std::path::{Path, PathBuf};

use nav_package_format::file;
use nav_package_format::onnx::external::{Location, ModelFolder};
use nav_package_format::onnx::{self, ExternalFile, ModelFileError, OnnxError};
use nav_package_format::torchscript::{self, ArchiveLimits};
use nav_package_format::{Digest, Format};

use super::content::{self, Content};
use super::error::InspectError;
use super::report::{Facts, FileFacts, Inspection};

/// Inspects the model at a path. Every file of it is read once in full, for its digest; little of that is
/// kept. Nothing outside the model's folder is opened, and nothing of the model is run.
pub fn inspect(path: &Path) -> Result<Inspection, InspectError> {
    let (mut file, bytes) = file::open(path)?;
    let facts = examine(&mut file, path)?;
    let file = digest(&mut file, bytes, path)?;
    let external_files = match &facts {
        Facts::Onnx(facts) => digest_external(path, &facts.external_files)?,
        Facts::TorchScript(_) => Vec::new(),
    };
    let format = facts.format();
    Ok(Inspection {
        schema: Inspection::SCHEMA,
        path: path.to_owned(),
        format,
        named_as: Format::of_path(path).filter(|&named| named != format),
        trust: facts.trust(),
        file,
        external_files,
        facts,
    })
}

/// The facts of the model at a path alone, checked all the same. Weights are not read.
pub fn facts(path: &Path) -> Result<Facts, InspectError> {
    let (mut file, _) = file::open(path)?;
    examine(&mut file, path)
}

fn examine(file: &mut File, path: &Path) -> Result<Facts, InspectError> {
    let path_buf = || path.to_owned();
    match content::of_head(&head(file).map_err(read_error(path))?) {
        Content::Other(kind) => Err(InspectError::Unsupported {
            path: path_buf(),
            kind,
        }),
        // What it takes and gives, it tells TensorRT alone. It is used where the model stands beside it.
        Content::Model(Format::TensorRt) => Err(InspectError::Unsupported {
            path: path_buf(),
            kind: "a TensorRT engine",
        }),
        Content::Model(Format::TorchScript) => {
            let facts = torchscript::inspect(file, &ArchiveLimits::default());
            facts
                .map(Facts::TorchScript)
                .map_err(|source| InspectError::TorchScript {
                    path: path_buf(),
                    source,
                })
        }
        Content::Model(Format::Onnx) => match onnx::verify_open(file, path) {
            Ok(facts) => Ok(Facts::Onnx(Box::new(facts))),
            // Only who calls a file ONNX wants to know in what way it is not.
            Err(ModelFileError::Onnx(OnnxError::NotOnnx { .. }))
                if Format::of_path(path) != Some(Format::Onnx) =>
            {
                Err(InspectError::Unknown { path: path_buf() })
            }
            Err(source) => Err(InspectError::Onnx {
                path: path_buf(),
                source,
            }),
        },
    }
}

fn head(file: &mut File) -> io::Result<Vec<u8>> {
    let mut head = Vec::with_capacity(content::HEAD);
    file.by_ref()
        .take(content::HEAD as u64)
        .read_to_end(&mut head)?;
    Ok(head)
}

fn digest_external(model: &Path, files: &[ExternalFile]) -> Result<Vec<FileFacts>, InspectError> {
    if files.is_empty() {
        return Ok(Vec::new());
    }
    let reopen_error = |path: PathBuf| |source| InspectError::Reopen { path, source };
    let folder = ModelFolder::of(model).map_err(reopen_error(model.to_owned()))?;
    let digest_one = |external: &ExternalFile| {
        let path = model.with_file_name(&external.path);
        let opened = Location::parse(&external.path).and_then(|place| folder.open(&place));
        let (mut file, _) = opened.map_err(reopen_error(path.clone()))?;
        let facts = digest(&mut file, external.bytes, &path)?;
        Ok(FileFacts {
            path: external.path.clone(),
            ..facts
        })
    };
    files.iter().map(digest_one).collect()
}

/// The digest of a file that must still have the size it had when it was checked.
fn digest(file: &mut File, bytes: u64, path: &Path) -> Result<FileFacts, InspectError> {
    file.rewind().map_err(read_error(path))?;
    let mut seen = 0;
    let digest = Digest::of_reader(file, |total| seen = total).map_err(read_error(path))?;
    if seen != bytes {
        return Err(InspectError::Changed {
            path: path.to_owned(),
        });
    }
    let name = path.file_name().unwrap_or(path.as_os_str());
    Ok(FileFacts {
        path: name.to_string_lossy().into_owned(),
        bytes,
        sha256: digest,
    })
}

fn read_error(path: &Path) -> impl Fn(io::Error) -> InspectError {
    |source| InspectError::Read {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests;
