//! What one model consists of when it is loaded: its configuration, its versions, its files.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nav_package_format::{Digest, Hasher};

use super::config::{self, ConfigError, chosen};
use super::failure::LoadFailure;
use super::parameters::LoadParameters;
use super::source::{CONFIG, Place, version_of, versions};
use super::stamp::stamp;
use super::uploads::Uploads;
use crate::proto::ModelConfig;

/// The version that a file, or an ensemble without a folder for one, is served under.
const ONLY: u64 = 1;

/// A model as it is found.
#[derive(Debug)]
pub(super) struct Model {
    pub(super) name: String,
    /// Its folder, if it has one.
    pub(super) folder: Option<PathBuf>,
    /// The file that it is, if it is one.
    pub(super) file: Option<PathBuf>,
    pub(super) config: ModelConfig,
    /// Where the configuration is from; `None` when there is none.
    pub(super) config_from: Option<String>,
    /// The versions to be served, from the lowest on.
    pub(super) versions: Vec<u64>,
    /// What the files were written to that a request brought.
    pub(super) uploads: Option<Arc<Uploads>>,
    /// What tells whether the configuration and its files have changed.
    config_stamp: Digest,
}

impl Model {
    /// A model that lies there, or that a request brought.
    pub(super) fn find(
        name: &str,
        place: Option<&Place>,
        (parameters, uploads): (&LoadParameters, Option<Uploads>),
    ) -> Result<Self, LoadFailure> {
        let files = |source| LoadFailure::Files {
            model: name.to_owned(),
            source,
        };
        let uploads = uploads.map(Arc::new);
        let (folder, file) = match (&uploads, place) {
            (Some(uploads), _) => (Some(uploads.path().to_owned()), None),
            (None, Some(Place::Folder(folder))) => (Some(folder.clone()), None),
            (None, Some(Place::File(file))) => (None, Some(file.clone())),
            (None, None) => {
                let model = name.to_owned();
                return Err(LoadFailure::Unknown { model });
            }
        };
        let (text, config_from) = match (parameters.config(), &folder) {
            (Some(json), _) => (
                json.as_bytes().to_vec(),
                Some("parameter 'config'".to_owned()),
            ),
            (None, Some(folder)) => match read(&folder.join(CONFIG)).map_err(files)? {
                Some(text) => (text, Some(CONFIG.to_owned())),
                None => (Vec::new(), None),
            },
            (None, None) => (Vec::new(), None),
        };
        let from = config_from.clone().unwrap_or_default();
        let refuse = |source| LoadFailure::Config {
            model: name.to_owned(),
            file: from.clone(),
            source,
        };
        let config = match parameters.config() {
            Some(json) => config::of_json(json),
            None => config::of_text(&text),
        };
        let config = config.map_err(refuse)?;
        let mut hasher = Hasher::default();
        hasher.update(&text);
        if let Some(folder) = &folder {
            let rest = stamp(folder, &|name| name == CONFIG || version_of(name).is_some());
            hasher.update(rest.map_err(files)?.to_string().as_bytes());
        }
        let mut model = Self {
            name: name.to_owned(),
            folder,
            file,
            config,
            config_from,
            versions: Vec::new(),
            uploads,
            config_stamp: hasher.finish(),
        };
        let versions = model.choose().map_err(refuse)?.map_err(files)?;
        if versions.is_empty() {
            let model = model.name;
            return Err(LoadFailure::NoVersion { model });
        }
        model.versions = versions;
        Ok(model)
    }

    fn choose(&self) -> Result<io::Result<Vec<u64>>, ConfigError> {
        let there = match &self.folder {
            None => Ok(vec![ONLY]),
            Some(folder) => versions(folder),
        };
        let mut there = match there {
            Ok(there) => there,
            Err(error) => return Ok(Err(error)),
        };
        if there.is_empty() && config::is_ensemble(&self.config) {
            there.push(ONLY);
        }
        chosen(self.config.version_policy.as_ref(), &there).map(Ok)
    }

    /// The folder of a version, or the file that the model is.
    pub(super) fn place_of(&self, version: u64) -> PathBuf {
        match (&self.folder, &self.file) {
            (Some(folder), _) => folder.join(version.to_string()),
            (None, Some(file)) => file.clone(),
            (None, None) => PathBuf::new(),
        }
    }

    /// What tells whether a version has changed since it was loaded.
    pub(super) fn stamp_of(&self, version: u64) -> io::Result<Digest> {
        let mut hasher = Hasher::default();
        hasher.update(self.config_stamp.to_string().as_bytes());
        let place = self.place_of(version);
        // The folder of an ensemble's version holds nothing and need not be there.
        if place.exists() || !config::is_ensemble(&self.config) {
            hasher.update(stamp(&place, &|_| false)?.to_string().as_bytes());
        }
        Ok(hasher.finish())
    }
}

/// What a file holds, if it is there, and no more than shows that it is too large.
fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    let limit = u64::try_from(config::MOST_BYTES).unwrap_or(u64::MAX);
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}
