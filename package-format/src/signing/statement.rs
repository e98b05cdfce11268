//! What is signed: a statement of files and their digests, as in-toto and `OpenSSF` model signing write it.
//! Knows no key and opens no file.

use std::collections::BTreeMap;

use serde::Serialize;

use super::error::SignatureError;
use super::json::{self, Node};
use crate::archive::{Limits, check_name};
use crate::{Digest, Hasher};

const STATEMENT: &str = "https://in-toto.io/Statement/v1";
const PREDICATE: &str = "https://model_signing/signature/v1.0";
/// The only file, where it is not a folder that was signed.
pub(super) const ONLY_FILE: &str = ".";
const WHOLE_FILES: &str = "files";
const SHA256: &str = "sha256";
/// How much of a signature's own text an error repeats.
const SHOWN: usize = 256;

/// Files and their digests. Sorted by name, but written in the order of their parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Statement {
    /// What the file or folder was called, which may change.
    pub(super) name: String,
    /// The files; one of the name `.` where it is a file that was signed.
    pub(super) files: BTreeMap<String, Digest>,
    /// Files and folders that are left out.
    pub(super) ignored: Vec<String>,
}

#[derive(Serialize)]
struct Written<'a> {
    #[serde(rename = "_type")]
    kind: &'static str,
    subject: [Subject<'a>; 1],
    #[serde(rename = "predicateType")]
    predicate_type: &'static str,
    predicate: Predicate<'a>,
}

#[derive(Serialize)]
struct Subject<'a> {
    name: &'a str,
    digest: SubjectDigest,
}

#[derive(Serialize)]
struct SubjectDigest {
    sha256: Digest,
}

#[derive(Serialize)]
struct Predicate<'a> {
    serialization: Serialization,
    resources: Vec<Resource<'a>>,
}

#[derive(Serialize)]
struct Serialization {
    method: &'static str,
    hash_type: &'static str,
    allow_symlinks: bool,
}

#[derive(Serialize)]
struct Resource<'a> {
    name: &'a str,
    algorithm: &'static str,
    digest: Digest,
}

impl Statement {
    /// The statement as JSON, the same for the same files.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        let mut files: Vec<(&str, Digest)> = self
            .files
            .iter()
            .map(|(name, digest)| (name.as_str(), *digest))
            .collect();
        files.sort_by(|(a, _), (b, _)| a.split('/').cmp(b.split('/')));
        let sha256 = digest_of_all(files.iter().map(|(_, digest)| digest));
        let resources = files.into_iter().map(|(name, digest)| Resource {
            name,
            algorithm: SHA256,
            digest,
        });
        serde_json::to_vec(&Written {
            kind: STATEMENT,
            subject: [Subject {
                name: &self.name,
                digest: SubjectDigest { sha256 },
            }],
            predicate_type: PREDICATE,
            predicate: Predicate {
                serialization: Serialization {
                    method: WHOLE_FILES,
                    hash_type: SHA256,
                    allow_symlinks: false,
                },
                resources: resources.collect(),
            },
        })
    }

    /// Reads a statement. Members that are not known are passed over, as in-toto has it: they are signed.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let json = json::parse(bytes).map_err(|source| SignatureError::Json {
            part: "what is signed",
            source,
        })?;
        let root = Node::root(&json);
        let kind = root.member("_type")?.text()?;
        if kind != STATEMENT {
            return Err(SignatureError::Payload { found: shown(kind) });
        }
        let predicate_type = root.member("predicateType")?.text()?;
        if predicate_type != PREDICATE {
            return Err(SignatureError::Predicate {
                found: shown(predicate_type),
            });
        }
        let subject = root.member("subject")?.only_item()?;
        let expected = digest(&subject.member("digest")?.member(SHA256)?)?;
        let predicate = root.member("predicate")?;
        let ignored = serialization(&predicate.member("serialization")?)?;
        let mut files = BTreeMap::new();
        let mut all = Hasher::default();
        let resources = predicate.member("resources")?;
        for resource in resources.list()? {
            let name = resource.member("name")?.text()?;
            check_file_name(name)?;
            let algorithm = resource.member("algorithm")?.text()?;
            check_algorithm(algorithm)?;
            let digest = digest(&resource.member("digest")?)?;
            all.update(digest.as_bytes());
            if files.insert(name.to_owned(), digest).is_some() {
                return Err(SignatureError::Duplicate { name: shown(name) });
            }
        }
        if files.is_empty() || (files.len() > 1 && files.contains_key(ONLY_FILE)) {
            return Err(resources.is_not("are not those of a file or a folder"));
        }
        if all.finish() != expected {
            return Err(SignatureError::Inconsistent);
        }
        let name = subject.member("name")?.text()?.to_owned();
        Ok(Self {
            name,
            files,
            ignored,
        })
    }

    /// The digest of the file, where it is not a folder that was signed.
    pub(super) fn only_file(&self) -> Option<&Digest> {
        self.files.get(ONLY_FILE)
    }
}

/// Checks how the files were hashed, and tells what was left out. Links are never followed, so it does not
/// matter whether they were.
fn serialization(node: &Node<'_>) -> Result<Vec<String>, SignatureError> {
    let method = node.member("method")?.text()?;
    if method != WHOLE_FILES {
        let found = shown(method);
        return Err(SignatureError::Method { found });
    }
    check_algorithm(node.member("hash_type")?.text()?)?;
    let Some(paths) = node.optional("ignore_paths")? else {
        return Ok(Vec::new());
    };
    let check = |path: Node<'_>| {
        let name = path.text()?;
        check_one(name)?;
        Ok(name.to_owned())
    };
    paths.list()?.into_iter().map(check).collect()
}

fn check_file_name(name: &str) -> Result<(), SignatureError> {
    if name == ONLY_FILE {
        return Ok(());
    }
    check_one(name)
}

fn check_one(name: &str) -> Result<(), SignatureError> {
    check_name(name, &Limits::default()).map_err(|source| SignatureError::Name {
        name: shown(name),
        source,
    })
}

fn check_algorithm(name: &str) -> Result<(), SignatureError> {
    if name == SHA256 {
        return Ok(());
    }
    let found = shown(name);
    Err(SignatureError::HashAlgorithm { found })
}

fn digest(node: &Node<'_>) -> Result<Digest, SignatureError> {
    let digest = node.text()?.parse();
    digest.map_err(|_| node.is_not("is no SHA-256 digest"))
}

/// The digest of the digests, one after the other.
fn digest_of_all<'a>(digests: impl Iterator<Item = &'a Digest>) -> Digest {
    let mut all = Hasher::default();
    for digest in digests {
        all.update(digest.as_bytes());
    }
    all.finish()
}

pub(super) fn shown(text: &str) -> String {
    text.chars().take(SHOWN).collect()
}
