//! What a TorchScript archive holds, from the names and sizes of its entries.

use std::io::{Read, Seek, SeekFrom};

use serde::{Deserialize, Serialize};

use super::error::TorchScriptError;
use super::source::{CODE_HEAD, ClassName, PICKLE_HEAD};
use crate::TrustClass;
use crate::archive::{ArchiveError, Content, Dialect, Layout, Limits};

/// Bounds on one inspection. The defaults are far above the archives of the largest models in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveLimits {
    /// Entries of the archive.
    pub entries: u64,
    /// Bytes of its directory.
    pub directory_bytes: u64,
}

impl Default for ArchiveLimits {
    fn default() -> Self {
        Self {
            entries: 100_000,
            directory_bytes: 32 << 20,
        }
    }
}

/// What is known about a TorchScript archive without opening it. Inputs and outputs are not: they are in
/// code and pickles, which only a runtime can make sense of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArchiveFacts {
    /// The folder that all entries are in.
    pub root: String,
    /// The version of the archive's layout; none where it is not a number.
    pub format_version: Option<u64>,
    /// The model's class, as its pickle names it.
    pub class: Option<String>,
    /// The head of the model's `forward` as its code has it: names and types, but no shapes.
    pub forward: Option<String>,
    /// Files of code.
    pub code_files: u64,
    /// Stored tensors.
    pub tensors: u64,
    /// Bytes of all stored tensors.
    pub tensor_bytes: u64,
    /// Entries of the archive.
    pub entries: u64,
    /// Always native code: it runs when the archive is loaded.
    pub trust: TrustClass,
}

/// Inspects an archive. Names, sizes, one number and two bounded heads of text are read, nothing more.
pub fn inspect(
    mut source: impl Read + Seek,
    limits: &ArchiveLimits,
) -> Result<ArchiveFacts, TorchScriptError> {
    check_start(&mut source)?;
    let limits = Limits::of_directory(limits.entries, limits.directory_bytes);
    let layout = Layout::read(&mut source, &limits, Dialect::Tensors)?;
    let mut archive = Opened { source, layout };
    let mut facts = count(&archive.layout)?;
    let root = facts.root.clone();
    let version = read_text(&mut archive, &format!("{root}/version"), 32)?;
    facts.format_version = version.and_then(|text| text.trim().parse().ok());
    let pickle = read_head(&mut archive, &format!("{root}/data.pkl"), PICKLE_HEAD)?;
    if let Some(class) = pickle.and_then(|head| ClassName::of_pickle(&head)) {
        let path = format!("{root}/{}", class.code_path());
        let code = read_text(&mut archive, &path, CODE_HEAD)?;
        facts.forward = code.and_then(|code| class.forward(&code));
        facts.class = Some(class.full_name());
    }
    Ok(facts)
}

/// Tells pickles and other files from archives by their first bytes.
fn check_start(source: &mut (impl Read + Seek)) -> Result<(), TorchScriptError> {
    let mut start = Vec::new();
    source.rewind().map_err(ArchiveError::Io)?;
    let read = source.by_ref().take(4).read_to_end(&mut start);
    read.map_err(ArchiveError::Io)?;
    match start.as_slice() {
        b"PK\x03\x04" => Ok(()),
        // The mark of pickles of versions 2 to 5.
        [0x80, 2..=5, ..] => Err(TorchScriptError::BarePickle),
        _ => Err(ArchiveError::NotZip.into()),
    }
}

fn count(layout: &Layout) -> Result<ArchiveFacts, TorchScriptError> {
    let mut facts = ArchiveFacts {
        root: String::new(),
        format_version: None,
        class: None,
        forward: None,
        code_files: 0,
        tensors: 0,
        tensor_bytes: 0,
        entries: layout.entries.len() as u64,
        trust: TrustClass::NativeCode,
    };
    let (mut has_data, mut has_code, mut has_constants) = (false, false, false);
    for entry in &layout.entries {
        let name = entry.name();
        let refused = |reason| TorchScriptError::Entry {
            name: name.chars().take(256).collect(),
            reason,
        };
        let (root, path) = check_name(name).map_err(refused)?;
        if facts.root.is_empty() {
            root.clone_into(&mut facts.root);
        } else if facts.root != root {
            return Err(refused("it is outside the folder of the others"));
        }
        has_data |= path == "data.pkl";
        has_constants |= path == "constants.pkl";
        if let Some(code) = path.strip_prefix("code/") {
            has_code = true;
            let extension = code.rsplit_once('.');
            facts.code_files += u64::from(extension.is_some_and(|(_, end)| end == "py"));
        }
        if path.starts_with("data/") || path.starts_with("constants/") {
            facts.tensors += 1;
            facts.tensor_bytes = facts.tensor_bytes.saturating_add(entry.bytes());
        }
    }
    let missing = |missing| TorchScriptError::NotTorchScript { missing };
    match (has_data, has_code, has_constants) {
        (true, true, true) => Ok(facts),
        (true, false, _) => Err(TorchScriptError::Checkpoint),
        (false, ..) => Err(missing("data.pkl")),
        (true, true, false) => Err(missing("constants.pkl")),
    }
}

/// Splits a name into the root and the path below it, and refuses what means different things to
/// different readers.
fn check_name(name: &str) -> Result<(&str, &str), &'static str> {
    if name.contains(['\\', '\0']) {
        return Err("its name has a backslash or a NUL");
    }
    let Some((root, path)) = name.split_once('/') else {
        return Err("it is not in a folder");
    };
    let path = path.strip_suffix('/').unwrap_or(path);
    let parts = std::iter::once(root).chain(path.split('/'));
    if parts
        .into_iter()
        .any(|part| matches!(part, "" | "." | ".."))
    {
        return Err("its name is not a plain path");
    }
    Ok((root, path))
}

/// An archive and where everything in it is.
struct Opened<R> {
    source: R,
    layout: Layout,
}

/// The first bytes of an entry; none when there is no such entry. Only those of a short one are checked.
fn read_head<R: Read + Seek>(
    archive: &mut Opened<R>,
    name: &str,
    limit: u64,
) -> Result<Option<Vec<u8>>, TorchScriptError> {
    let Opened { source, layout } = archive;
    let Some(entry) = layout.entries.iter().find(|entry| entry.name() == name) else {
        return Ok(None);
    };
    let start = SeekFrom::Start(entry.data_at);
    source.seek(start).map_err(ArchiveError::Io)?;
    let mut head = Vec::new();
    let mut content = Content::new(source, entry, None).take(limit);
    match content.read_to_end(&mut head) {
        Ok(_) => Ok(Some(head)),
        Err(error) => Err(ArchiveError::of_reading(name, error).into()),
    }
}

fn read_text<R: Read + Seek>(
    archive: &mut Opened<R>,
    name: &str,
    limit: u64,
) -> Result<Option<String>, TorchScriptError> {
    let head = read_head(archive, name, limit)?;
    Ok(head.and_then(|head| String::from_utf8(head).ok()))
}

#[cfg(test)]
mod tests;
