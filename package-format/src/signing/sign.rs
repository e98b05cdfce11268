//! Makes a signature, and puts it beside what it is of.

use std::io::Write;
use std::path::Path;

use super::bundle::Bundle;
use super::contents::Contents;
use super::key::PrivateKey;
use super::statement::Statement;
use crate::archive::{ArchiveError, Partial};

/// Signs files, as the bytes of the signature's file. The same files and key give the same bytes.
///
/// # Errors
///
/// None that is known: the JSON of names and digests can always be written.
pub fn sign(contents: &Contents, key: &PrivateKey) -> Result<Vec<u8>, serde_json::Error> {
    let statement = Statement {
        name: contents.name.clone(),
        files: contents.files.clone(),
        ignored: Vec::new(),
    };
    let mut bundle = Bundle {
        hint: Some(key.public().hint().to_string()),
        payload: statement.to_json()?,
        signature: Vec::new(),
    };
    bundle.signature = key.sign(&bundle.message());
    bundle.to_json()
}

/// Writes a signature: all of it or nothing. Whatever was there before is replaced.
pub fn write(path: &Path, signature: &[u8]) -> Result<(), ArchiveError> {
    let (partial, mut file) = Partial::create(path)?;
    let written = file.write_all(signature);
    written.map_err(|error| partial.failed(error))?;
    partial.commit(&file)
}
