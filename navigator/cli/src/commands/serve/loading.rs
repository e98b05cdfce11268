//! From paths to models of the engine: which ones, under which names, run by what and how.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, bail};
use nav_engine::{Engine, ModelOptions, ModelSpec, RunnerBackend};
use nav_package_format::package::{Package, Runtime, Serving};
use nav_runners::RunnerHandle;
use nav_serve::{Level, Log, ModelFacts};

use super::ServeArgs;
use crate::commands::serving::model_options;
use crate::exit::UsageError;
use crate::models::{self, Opened, Wish};
use crate::printer::Printer;
use crate::render;
use crate::settings::Settings;

/// The version that models are served under.
const VERSION: u64 = 1;

/// What loading takes.
#[derive(Clone, Copy, Debug)]
pub(super) struct Loading<'a> {
    pub(super) args: &'a ServeArgs,
    pub(super) settings: &'a Settings,
    pub(super) printer: Printer,
    pub(super) log: &'a Log,
    pub(super) engine: &'a Engine,
}

/// Every model that the paths stand for, by name: a folder stands for the packages in it.
pub(super) fn named(
    paths: &[PathBuf],
    name: Option<&str>,
) -> anyhow::Result<BTreeMap<String, PathBuf>> {
    let mut models: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in paths {
        for model in expanded(path)? {
            let stem = model.file_stem().and_then(|stem| stem.to_str());
            let stem = name.or(stem).map(str::to_owned);
            let stem = stem.with_context(|| format!("{} has no name", model.display()))?;
            check_name(&stem)?;
            if let Some(other) = models.insert(stem.clone(), model.clone()) {
                let text = format!(
                    "{} and {} would both be served as `{stem}`",
                    other.display(),
                    model.display()
                );
                return Err(UsageError(text).into());
            }
        }
    }
    Ok(models)
}

/// Names travel in paths as they are, so that they hold what paths can hold.
fn check_name(name: &str) -> Result<(), UsageError> {
    let is_plain = |character: char| character.is_ascii_alphanumeric() || "._-".contains(character);
    if name.chars().all(is_plain) && !name.is_empty() && name != "." && name != ".." {
        return Ok(());
    }
    Err(UsageError(format!(
        "`{name}` is no name for a model: it may hold letters, digits, `.`, `_` and `-`; give one with --model-name"
    )))
}

fn expanded(path: &Path) -> anyhow::Result<Vec<PathBuf>> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = path.read_dir();
    let entries = entries.with_context(|| format!("cannot read {}", path.display()))?;
    let mut packages = Vec::new();
    for entry in entries {
        let entry = entry.with_context(|| format!("cannot read {}", path.display()))?;
        if models::is_package(&entry.path()) {
            packages.push(entry.path());
        }
    }
    if packages.is_empty() {
        bail!("{} holds no packages", path.display());
    }
    Ok(packages)
}

impl Loading<'_> {
    /// Loads one model into the engine. What clients are told of it.
    pub(super) fn load(self, name: &str, path: &Path) -> anyhow::Result<()> {
        let began = Instant::now();
        let (handle, serving, why) = self.open(path)?;
        let loaded = handle.load()?;
        let runner = handle.runner().name();
        let device = handle.options().device;
        let options = self.options(serving.as_ref());
        let fields = [
            ("model", name.to_owned()),
            ("runner", runner.to_owned()),
            ("device", device.to_string()),
            ("why", why),
            ("max_batch", options.max_batch.to_string()),
            ("instances", options.instances.to_string()),
        ];
        let mut spec = ModelSpec::new(RunnerBackend::new(loaded), options);
        spec.about = Arc::new(ModelFacts {
            platform: runner.to_owned(),
            parameters: BTreeMap::from([("device".to_owned(), device.to_string())]),
            labels: BTreeMap::new(),
        });
        self.engine.load(name, VERSION, spec)?;
        let took = render::duration(began.elapsed());
        let mut said = fields.to_vec();
        said.push(("took", took));
        self.log.event(Level::Info, "loaded", &said);
        Ok(())
    }

    /// The runner, how the package wants it served, and why this one.
    fn open(self, path: &Path) -> anyhow::Result<(RunnerHandle, Option<Serving>, String)> {
        let wish = Wish {
            strategy: &self.args.strategy,
            trust: &self.args.trust,
            runner: None,
            device: None,
            settings: &[],
            isolate: self.args.isolate,
        };
        if !models::is_package(path) {
            let (handle, _) = models::open_file(path, wish, self.settings, self.printer)?;
            return Ok((handle, None, "the best that is ready here".to_owned()));
        }
        let asked = self.args.strategy.is_given();
        let preferred = |package: &Package| {
            let serving = package.manifest().serving.as_ref().filter(|_| !asked)?;
            Some(runtime_of(serving))
        };
        let around = (self.settings, self.printer);
        let Opened {
            package,
            runtime,
            handle,
        } = models::open_package(path, wish, &preferred, around)?;
        let serving = package.manifest().serving.clone();
        let is_served = serving.as_ref().map(runtime_of).as_ref() == Some(&runtime);
        let threads = serving
            .as_ref()
            .filter(|_| is_served)
            .and_then(|it| it.threads);
        let handle = match threads {
            Some(threads) => handle.with_intra_threads(threads),
            None => handle,
        };
        let why = if is_served && !asked {
            format!("{runtime}, as the package says")
        } else {
            format!("{runtime}, chosen from what was measured")
        };
        Ok((handle, serving, why))
    }

    /// What was typed, over what the package says, over one request at a time.
    fn options(self, packed: Option<&Serving>) -> ModelOptions {
        let args = self.args;
        let packed = packed.cloned().unwrap_or(Serving {
            variant: String::new(),
            runner: String::new(),
            max_batch: None,
            preferred_batches: Vec::new(),
            queue_delay_us: 0,
            instances: 1,
            threads: None,
        });
        let max_batch = args.max_batch.or(packed.max_batch).filter(|most| *most > 0);
        let fits = |size: &usize| Some(*size) <= max_batch;
        let serving = Serving {
            max_batch,
            preferred_batches: packed.preferred_batches.into_iter().filter(fits).collect(),
            queue_delay_us: args.queue_delay.unwrap_or(packed.queue_delay_us),
            instances: args.instances.map_or(packed.instances, usize::from),
            ..packed
        };
        ModelOptions {
            cache: args.cache_size > 0,
            ..model_options(&serving)
        }
    }
}

fn runtime_of(serving: &Serving) -> Runtime {
    Runtime {
        variant: serving.variant.clone(),
        runner: serving.runner.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_files_and_no_two_are_the_same() {
        let paths = |given: &[&str]| given.iter().map(PathBuf::from).collect::<Vec<_>>();
        let check = |given: &[&str], name, expected: Option<&[&str]>| {
            let models = named(&paths(given), name).ok();
            let names = models.map(|models| models.into_keys().collect::<Vec<_>>());
            let expected = expected.map(|it| it.iter().map(|name| (*name).to_owned()).collect());
            assert_eq!(names, expected, "{given:?}");
        };
        check(&["a/one.nav", "two.onnx"], None, Some(&["one", "two"]));
        check(&["a/one.nav", "b/one.nav"], None, None);
        check(&["a b.nav"], None, None);
        check(&["a b.nav"], Some("ab"), Some(&["ab"]));
        check(&["one.nav", "two.nav"], Some("same"), None);
    }
}
