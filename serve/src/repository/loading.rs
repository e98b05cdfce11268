//! One version of a model: its backend and its file found, opened, fitted to its configuration, given to the engine.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use nav_engine::LoadError;
use nav_engine::{Backend, Engine, Executor, ModelOptions, ModelSpec};
use nav_package_format::{Digest, Signature};

use super::backends::{BUILT_IN, Open};
use super::config::{self, Checked, ConfigError};
use super::content;
use super::failure::VersionFailure;
use super::folder::Model;
use super::open::{BackendFacts, ModelOpener, OpenError, Opened, Wanted};
use crate::describe;
use crate::facts::{Configured, ModelFacts};
use crate::proto::ModelConfig;
use crate::proto::model_config::SchedulingChoice;

/// What loading takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loading<'a> {
    pub(super) engine: &'a Engine,
    pub(super) opener: &'a dyn ModelOpener,
    pub(super) model: &'a Model,
    /// How the version that is loaded looked when it was found.
    pub(super) stamp: Digest,
}

/// What there is to say of a version that is served.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) facts: Vec<(&'static str, String)>,
    /// What was not said and is assumed.
    pub(super) assumed: Option<String>,
    /// What is not done as it was asked.
    pub(super) unhonoured: Vec<String>,
    pub(super) took: Duration,
}

/// The file of a version, and the backend that opens it.
struct Found {
    backend: Option<&'static str>,
    path: PathBuf,
    open: Option<Open>,
}

impl Loading<'_> {
    /// Serves a version of a model that has a backend.
    pub(super) fn load(self, checked: &Checked, version: u64) -> Result<Told, VersionFailure> {
        let began = Instant::now();
        let model = self.model;
        let found = self.find(version)?;
        let declared = config::declared(&model.config);
        let signature = declared.as_ref().ok().and_then(Option::as_ref);
        let wanted = Wanted {
            name: &model.name,
            version,
            backend: found.backend,
            path: &found.path,
            signature,
            options: &checked.options,
            placement: checked.placement,
            parameters: &checked.parameters,
        };
        let open = || match found.open {
            Some(open) => open(&wanted),
            None => self.opener.open(&wanted),
        };
        // What reads a model meets anything, and is to cost that model only.
        let opened = catch_unwind(AssertUnwindSafe(open));
        let opened = opened.unwrap_or_else(|_| Err(OpenError::new("whatever opened it panicked")));
        let opened = opened.map_err(|error| match declared {
            // What needs no file knows no tensors but those that are declared.
            Err(source) if found.open.is_some() => self.refused(source),
            _ => VersionFailure::Open(error),
        })?;
        let (config, mut options, assumed) = self.settled(checked, &opened);
        let config = named(config, found.backend, &opened.platform);
        let refuse = |source| self.refused(source);
        let signature = config::narrowed(&config, opened.backend.signature()).map_err(refuse)?;
        let digest = options
            .cache
            .then(|| self.digest(&config, &opened, version))
            .flatten();
        let folder = model.folder.as_deref();
        let (mut of_clients, mut of_model) = (signature.clone(), signature.clone());
        if let Some(policy) = &mut options.sequences {
            config::fit_sequences(&config, policy, (&signature, folder)).map_err(refuse)?;
            of_clients = policy.for_clients(&signature);
            of_model = policy.for_model(&signature);
        }
        let warm_up = config::requests(&config.model_warmup, &of_model, (&options, folder));
        let mut spec = ModelSpec::new(fitted(opened.backend, &signature), options);
        spec.warm_up = warm_up.map_err(refuse)?;
        spec.digest = digest;
        let facts = ModelFacts {
            platform: opened.platform,
            device: opened.device,
            labels: config::labels(&config, folder).map_err(refuse)?,
            ..ModelFacts::default()
        };
        let mut told = opened.told;
        told.push(("max_batch", spec.options.max_batch.to_string()));
        told.push(("instances", spec.options.instances.to_string()));
        spec.about = Arc::new(self.facts(facts, &config, (&of_clients, &spec.options)));
        let mut unhonoured = checked.unhonoured.clone();
        unhonoured.extend(opened.unhonoured);
        if spec.options.cache && self.engine.cache_statistics().is_none() {
            let text = "response_cache is not honoured: the server keeps no responses";
            unhonoured.push(text.to_owned());
        }
        let loaded = self.engine.load(&model.name, version, spec);
        loaded.map_err(VersionFailure::Engine)?;
        Ok(Told {
            facts: told,
            assumed,
            unhonoured,
            took: began.elapsed(),
        })
    }

    /// Serves a version of an ensemble, whose models are served.
    pub(super) fn load_ensemble(
        self,
        checked: &Checked,
        version: u64,
    ) -> Result<Told, VersionFailure> {
        let began = Instant::now();
        let model = self.model;
        let refuse = |source| self.refused(source);
        let mut spec = config::ensemble_spec(&model.config).map_err(refuse)?;
        let options = ModelOptions {
            instances: 0,
            ..checked.options.clone()
        };
        let facts = ModelFacts {
            platform: model.config.platform.clone(),
            labels: config::labels(&model.config, model.folder.as_deref()).map_err(refuse)?,
            ..ModelFacts::default()
        };
        let facts = self.facts(facts, &model.config, (&spec.signature, &options));
        spec.about = Arc::new(facts);
        let loaded = self.engine.load_ensemble(&model.name, version, &spec);
        loaded.map_err(VersionFailure::Engine)?;
        Ok(Told {
            facts: vec![("steps", config::steps(&model.config).join(","))],
            assumed: None,
            unhonoured: checked.unhonoured.clone(),
            took: began.elapsed(),
        })
    }

    /// What tells this version from every other, for responses that are kept; none where none are, or where it is not
    /// known.
    fn digest(self, config: &ModelConfig, opened: &Opened, version: u64) -> Option<Digest> {
        self.engine.cache_statistics()?;
        if opened.digest.is_some() {
            return opened.digest;
        }
        let place = self.model.place_of(version);
        let found = content::digest(&place, config, opened).ok().flatten();
        // What changed since it was found to be like this may have been opened as it was before or as it is.
        let is_same = self.model.stamp_of(version).ok() == Some(self.stamp);
        found.filter(|_| is_same)
    }

    fn facts(
        self,
        facts: ModelFacts,
        config: &ModelConfig,
        found: (&Signature, &ModelOptions),
    ) -> ModelFacts {
        let mut told = config::completed(config, &self.model.name, found);
        for group in &mut told.instance_group {
            describe::place(group, facts.device);
        }
        ModelFacts {
            configured: Some(Configured::new(told)),
            ..facts
        }
    }

    fn refused(self, source: ConfigError) -> VersionFailure {
        let from = self.model.config_from.clone();
        VersionFailure::Config {
            file: from.unwrap_or_else(|| "what is assumed of the model".to_owned()),
            source,
        }
    }

    /// The configuration and the options that hold: those that were given, those that the model comes with, or those
    /// that its tensors suggest.
    fn settled(
        self,
        checked: &Checked,
        opened: &Opened,
    ) -> (ModelConfig, ModelOptions, Option<String>) {
        let given = &self.model.config;
        let says_how = given.max_batch_size > 0
            || given.scheduling_choice.is_some()
            || !given.instance_group.is_empty();
        if let Some(options) = opened.options.as_ref().filter(|_| !says_how) {
            let batching = options.batching.as_ref();
            let dynamic = batching.map(|policy| describe::batching(options, policy));
            let config = ModelConfig {
                max_batch_size: describe::saturated(options.max_batch),
                scheduling_choice: dynamic.map(SchedulingChoice::DynamicBatching),
                ..given.clone()
            };
            return (config, options.clone(), None);
        }
        if self.model.config_from.is_some() {
            let is_whole = !given.input.is_empty() && !given.output.is_empty();
            let text =
                "input and output as the model has them, where the configuration does not say";
            let assumed = (!is_whole).then(|| text.to_owned());
            return (given.clone(), checked.options.clone(), assumed);
        }
        let (config, text) = config::assumed(opened.backend.signature());
        let options = match usize::try_from(config.max_batch_size) {
            Ok(most) if most > 0 => ModelOptions::batched(most),
            _ => ModelOptions::default(),
        };
        (config, options, Some(text))
    }

    fn find(self, version: u64) -> Result<Found, VersionFailure> {
        let place = self.model.place_of(version);
        if self.model.file.is_some() {
            return Ok(Found {
                backend: None,
                path: place,
                open: None,
            });
        }
        let wrong = |text: String| Err(VersionFailure::File(text));
        let config = &self.model.config;
        let (backend, platform) = (config.backend.as_str(), config.platform.as_str());
        if backend.is_empty() && platform.is_empty() {
            return self.guess(&place);
        }
        let suits = |facts: &BackendFacts| {
            (backend.is_empty() || facts.name == backend)
                && (platform.is_empty() || facts.platform == platform)
        };
        if let Some(built_in) = BUILT_IN.iter().find(|it| suits(&it.facts)) {
            return Ok(Found {
                backend: Some(built_in.facts.name),
                path: place,
                open: Some(built_in.open),
            });
        }
        let known = self.opener.backends();
        let Some(facts) = known.iter().find(|facts| suits(facts)) else {
            let own = BUILT_IN.iter().map(|it| it.facts.name);
            let names: Vec<&str> = own.chain(known.iter().map(|facts| facts.name)).collect();
            let asked = if backend.is_empty() {
                platform
            } else {
                backend
            };
            return wrong(format!(
                "there is no backend `{asked}`; there are {}",
                names.join(", ")
            ));
        };
        let file = match config.default_model_filename.as_str() {
            "" => facts.file,
            named => named,
        };
        let path = if file.is_empty() {
            place.clone()
        } else {
            place.join(file)
        };
        let path = match (path.exists(), config.default_model_filename.is_empty()) {
            (true, _) => path,
            (false, true) => match lone(&place, facts.file) {
                Some(path) => path,
                None => return wrong(format!("there is no `{file}`")),
            },
            (false, false) => return wrong(format!("there is no `{file}`")),
        };
        Ok(Found {
            backend: Some(facts.name),
            path,
            open: None,
        })
    }

    /// The backend of a model that names none: that of the file which there is.
    fn guess(self, place: &Path) -> Result<Found, VersionFailure> {
        let named = self.model.config.default_model_filename.as_str();
        let known = self.opener.backends().iter();
        let mut files = known.clone().filter_map(|facts| {
            let path = match named {
                "" => Some(place.join(facts.file)).filter(|path| path.is_file()),
                named => Some(place.join(named)).filter(|path| ends_alike(path, facts.file)),
            };
            let path = path.or_else(|| lone(place, facts.file))?;
            path.exists().then_some((facts.name, path))
        });
        if let Some((backend, path)) = files.next() {
            return Ok(Found {
                backend: Some(backend),
                path,
                open: None,
            });
        }
        let files = known.map(|facts| facts.file);
        let possible: Vec<&str> = files.filter(|file| !file.is_empty()).collect();
        Err(VersionFailure::File(format!(
            "it names no backend, and there is none of the files {}",
            possible.join(", ")
        )))
    }
}

/// The configuration with the backend that was found, where it names none.
fn named(config: ModelConfig, backend: Option<&str>, platform: &str) -> ModelConfig {
    if !config.backend.is_empty() || !config.platform.is_empty() {
        return config;
    }
    ModelConfig {
        backend: backend.unwrap_or_default().to_owned(),
        platform: platform.to_owned(),
        ..config
    }
}

fn ends_alike(path: &Path, file: &str) -> bool {
    path.extension().is_some() && path.extension() == Path::new(file).extension()
}

/// The one file of a folder that ends as this one does.
fn lone(folder: &Path, file: &str) -> Option<PathBuf> {
    let entries = folder.read_dir().ok()?;
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    let mut alike = paths.filter(|path| ends_alike(path, file));
    let first = alike.next()?;
    alike.next().is_none().then_some(first)
}

/// A model whose tensors are declared more narrowly than it has them.
#[derive(Debug)]
struct Fitted {
    own: Arc<dyn Backend>,
    signature: Signature,
}

fn fitted(own: Arc<dyn Backend>, signature: &Signature) -> Arc<dyn Backend> {
    if own.signature() == signature {
        return own;
    }
    let signature = signature.clone();
    Arc::new(Fitted { own, signature })
}

impl Backend for Fitted {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn executor(&self, instance: usize) -> Result<Box<dyn Executor>, LoadError> {
        self.own.executor(instance)
    }
}
