//! Plans: what engines of TensorRT begin with, then what the plan is of and for, then the graph's files; with a sum over all of it, so that
//! damage is known.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::model::{MODEL, Model, new_folder};

/// What a serialized engine begins with.
const MARK: &[u8; 4] = b"ftrt";

/// What stands before the files.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) version: [i32; 4],
    pub(crate) capability: [i32; 2],
    pub(crate) tf32: bool,
    pub(crate) level: i32,
    pub(crate) workspace: u64,
    /// Input to its least, usual and most extents.
    pub(crate) ranges: BTreeMap<String, [Vec<i64>; 3]>,
    pub(crate) files: Vec<(String, u64)>,
}

impl Head {
    /// Of nothing yet.
    pub(crate) const fn none() -> Self {
        Self {
            version: [0; 4],
            capability: [0; 2],
            tf32: false,
            level: 0,
            workspace: 0,
            ranges: BTreeMap::new(),
            files: Vec::new(),
        }
    }

    pub(crate) fn of(model: &Model) -> Self {
        Self {
            files: model.files.clone(),
            ..Self::none()
        }
    }
}

/// FNV-1a over the bytes.
pub(crate) fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, &byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// A plan of a model.
pub(crate) fn write(model: &Model, head: &Head) -> Result<Vec<u8>, String> {
    let head = serde_json::to_vec(head).map_err(|error| error.to_string())?;
    let mut body = (head.len() as u64).to_le_bytes().to_vec();
    body.extend(head);
    for (name, _) in &model.files {
        let bytes = std::fs::read(model.path(name));
        body.extend(bytes.map_err(|error| error.to_string())?);
    }
    let mut plan = MARK.to_vec();
    plan.extend(sum(&body).to_le_bytes());
    plan.extend(body);
    Ok(plan)
}

/// Reads a plan that is of this version and for devices of this capability.
pub(crate) fn read(plan: &[u8], here: &Head) -> Result<(Model, Head), String> {
    let damaged =
        |what: &str| format!("Error Code 1: Serialization (Serialization assertion {what})");
    let rest = plan.strip_prefix(MARK);
    let rest = rest.ok_or_else(|| {
        damaged("magicTagRead == kMAGIC_TAG failed.Trying to load an engine created with incompatible serialization version. Check that the engine was not created using safety runtime, same OS was used and version compatibility parameters were set accordingly.")
    })?;
    let (stated, body) = rest.split_first_chunk::<8>().unwrap_or((&[0; 8], &[]));
    if u64::from_le_bytes(*stated) != sum(body) {
        return Err(damaged(
            "sizeRead == static_cast<uint64_t>(mEnd - mCurrent) failed.Size specified in header does not match archive size",
        ));
    }
    let no_head = || damaged("header != nullptr failed.");
    let (length, body) = body.split_first_chunk::<8>().ok_or_else(no_head)?;
    let length = usize::try_from(u64::from_le_bytes(*length)).map_err(|_| no_head())?;
    let (head, mut files) = body.split_at_checked(length).ok_or_else(no_head)?;
    let head: Head = serde_json::from_slice(head).map_err(|_| no_head())?;
    if head.version != here.version {
        let text = |version: [i32; 4]| version.map(|part| part.to_string()).join(".");
        return Err(damaged(&format!(
            "stdVersionRead == kSERIALIZATION_VERSION failed.Version tag does not match. Note: Current Version: {}, Serialized Engine Version: {})",
            text(here.version),
            text(head.version)
        )));
    }
    if head.capability != here.capability {
        let text = |[major, minor]: [i32; 2]| format!("{major}.{minor}");
        return Err(format!(
            "Error Code 6: API Usage Error (The engine plan file is generated on an incompatible device, expecting compute {} got compute {}, please rebuild.)",
            text(here.capability),
            text(head.capability)
        ));
    }
    let folder = new_folder()?;
    for (name, size) in &head.files {
        let size = usize::try_from(*size).map_err(|_| no_head())?;
        let (bytes, rest) = files.split_at_checked(size).ok_or_else(no_head)?;
        files = rest;
        let is_plain =
            name == MODEL || !name.split('/').any(|part| part == ".." || part.is_empty());
        let to = folder.path().join(name);
        let made = to
            .parent()
            .filter(|_| is_plain)
            .map(std::fs::create_dir_all);
        let written = made
            .ok_or_else(no_head)?
            .and_then(|()| std::fs::write(&to, bytes));
        written.map_err(|error| error.to_string())?;
    }
    Ok((Model::new(folder, head.files.clone())?, head))
}
