//! Checks a signature: first who made it, then whether what there is, is what was signed.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use super::bundle::Bundle;
use super::contents::{self, Contents, Left, Target};
use super::differences::Differences;
use super::error::SignatureError;
use super::key::PublicKey;
use super::statement::{ONLY_FILE, Statement};
use crate::Digest;
use crate::file::{self, FileError};

/// More than the signature of the largest package has.
const MOST: usize = 32 << 20;

/// A signature in a file of its own. Nothing of it is believed yet.
#[derive(Debug)]
pub struct DetachedSignature {
    bundle: Bundle,
    file: Option<(u64, u64)>,
}

/// What a key is known to have signed. Whether it is what there is, is not known yet.
#[derive(Debug)]
pub struct Authentic {
    signer: Digest,
    statement: Statement,
    file: Option<(u64, u64)>,
}

/// Files that are what a key signed. There is no other way to get one than to check them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    signer: Digest,
    files: BTreeMap<String, Digest>,
    uncovered: Vec<String>,
}

impl DetachedSignature {
    /// Reads a signature from its file.
    pub fn read(path: &Path) -> Result<Self, SignatureError> {
        let (file, _) = file::open(path).map_err(|error| match error {
            FileError::NotFound { path } => SignatureError::Unsigned { path },
            other => SignatureError::File(other),
        })?;
        let failed = |source| SignatureError::Read {
            path: path.to_owned(),
            source,
        };
        let mut bytes = Vec::new();
        let read = (&file).take(MOST as u64 + 1).read_to_end(&mut bytes);
        read.map_err(failed)?;
        let identity = contents::identity_of(&file).map_err(failed)?;
        Ok(Self {
            file: Some(identity),
            ..Self::parse(&bytes)?
        })
    }

    /// Reads a signature.
    pub fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        if bytes.len() > MOST {
            return Err(SignatureError::TooLarge { limit: MOST });
        }
        let bundle = Bundle::parse(bytes)?;
        Ok(Self { bundle, file: None })
    }

    /// Checks that one of these keys made it. What is signed is only looked at when it is known by whom.
    pub fn check<'k>(
        self,
        keys: impl IntoIterator<Item = &'k PublicKey>,
    ) -> Result<Authentic, SignatureError> {
        let keys: Vec<&PublicKey> = keys.into_iter().collect();
        let first = keys.first().ok_or(SignatureError::NoKey)?;
        let named = |key: &&&PublicKey| match &self.bundle.hint {
            Some(hint) => key.hint().to_string() == *hint,
            None => true,
        };
        let candidates: Vec<&&PublicKey> = keys.iter().filter(named).collect();
        if let (Some(hint), true) = (&self.bundle.hint, candidates.is_empty()) {
            return Err(SignatureError::WrongKey {
                hint: hint.clone(),
                given: first.hint(),
            });
        }
        let message = self.bundle.message();
        let signer = candidates
            .into_iter()
            .find(|key| key.is_by(&message, &self.bundle.signature));
        let signer = signer.ok_or(match self.bundle.hint {
            Some(_) => SignatureError::Altered,
            None => SignatureError::NoHint,
        })?;
        Ok(Authentic {
            signer: signer.fingerprint(),
            statement: Statement::parse(&self.bundle.payload)?,
            file: self.file,
        })
    }
}

impl Authentic {
    /// The fingerprint of the key that signed.
    pub const fn signer(&self) -> Digest {
        self.signer
    }

    /// What was signed was called this then.
    pub fn name(&self) -> &str {
        &self.statement.name
    }

    /// Checks that what there is, is what was signed. `seen` is told the bytes read so far.
    pub fn verify(
        self,
        target: Target<'_>,
        seen: &mut dyn FnMut(u64),
    ) -> Result<Verified, SignatureError> {
        let kind = |is_file| if is_file { "file" } else { "folder" };
        let signed = kind(self.statement.only_file().is_some());
        let found = kind(matches!(target, Target::File(..)));
        if signed != found {
            return Err(SignatureError::Kind { signed, found });
        }
        let left = Left {
            ignored: &self.statement.ignored,
            signature: self.file,
        };
        let found = Contents::without(target, left, seen)?;
        let mut differences = Differences::of(&found.files, &self.statement.files);
        if !differences.is_empty() {
            for name in &mut differences.changed {
                if name == ONLY_FILE {
                    name.clone_from(&found.name);
                }
            }
            return Err(SignatureError::Differs(differences));
        }
        Ok(Verified {
            signer: self.signer,
            files: found.files,
            uncovered: found.uncovered,
        })
    }
}

impl Verified {
    /// The fingerprint of the key that signed.
    pub const fn signer(&self) -> Digest {
        self.signer
    }

    /// The files that are signed and whole; one of the name `.` for a single file.
    pub const fn files(&self) -> &BTreeMap<String, Digest> {
        &self.files
    }

    /// Files below the folder that the signer left out: anyone may have written them.
    pub fn uncovered(&self) -> &[String] {
        &self.uncovered
    }
}

/// Checks that one of these keys signed what there is, by the signature in that file.
pub fn verify(
    target: Target<'_>,
    signature: &Path,
    keys: &[PublicKey],
    seen: &mut dyn FnMut(u64),
) -> Result<Verified, SignatureError> {
    let signature = DetachedSignature::read(signature)?;
    signature.check(keys)?.verify(target, seen)
}

/// Opens what is at a path: a file, or nothing where it is a folder.
pub fn open_target(path: &Path) -> Result<Option<File>, FileError> {
    match file::open(path) {
        Ok((file, _)) => Ok(Some(file)),
        Err(FileError::Folder { .. }) => Ok(None),
        Err(error) => Err(error),
    }
}
