//! The recorded models as a repository: the configurations that they had, and functions that do what they did.

use std::path::Path;
use std::sync::Arc;

use nav_engine::{Backend, Call, Engine, EngineOptions, InferError};
use nav_serve::{
    BackendFacts, Control, Log, ModelOpener, OpenError, Opened, Repository, RepositoryOptions,
    Source, Startup, Wanted,
};
use tempfile::TempDir;

use super::{addsub, composed, each, echo, linger, plus, reqinfo, talking};

/// The configurations.
const MODELS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../serve/tests/golden/models");

/// Opens what the models were written in.
#[derive(Debug)]
struct Functions;

impl ModelOpener for Functions {
    fn backends(&self) -> &[BackendFacts] {
        &[BackendFacts {
            name: "python",
            platform: "",
            file: "",
        }]
    }

    fn open(&self, wanted: &Wanted<'_>) -> Result<Opened, OpenError> {
        Ok(Opened::new(function(wanted)?, "python"))
    }
}

fn function(wanted: &Wanted<'_>) -> Result<Arc<dyn Backend>, OpenError> {
    let signature = wanted.signature.unwrap().clone();
    let options = wanted.options.clone();
    let fail = |words: &'static str| move |_: &Call| Err(InferError::model(words));
    #[expect(clippy::cast_precision_loss, reason = "versions are small")]
    let more = wanted.version as f32;
    let spec = match wanted.name {
        "addsub" => each(signature, options, addsub),
        "fails" => each(signature, options, fail("model says no")),
        "raises" => each(signature, options, fail("boom")),
        "reqinfo" => each(signature, options, reqinfo),
        "versions" => each(signature, options, move |call| plus(call, more)),
        "optional" => each(signature, options, composed::optional),
        "seqsum" => each(signature, options, composed::seqsum()),
        "slowq" => each(signature, options, linger),
        "textecho" => each(signature, options, talking::textecho),
        "textstream" => talking::textstream(signature),
        "repeat" => talking::repeat(signature),
        "broken" => return Err(OpenError::new("cannot initialise")),
        _ => each(signature, options, echo),
    };
    Ok(spec.backend)
}

/// The configurations, each with the folders of versions that it had, in a folder that is deleted in the end.
pub(crate) fn folder() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for model in Path::new(MODELS).read_dir().unwrap() {
        let model = model.unwrap();
        let to = folder.path().join(model.file_name());
        std::fs::create_dir(&to).unwrap();
        for file in model.path().read_dir().unwrap() {
            let file = file.unwrap();
            std::fs::copy(file.path(), to.join(file.file_name())).unwrap();
        }
        let has_several = model.file_name() == "versions";
        for version in if has_several { &["1", "3"][..] } else { &["1"] } {
            std::fs::create_dir(to.join(version)).unwrap();
        }
    }
    folder
}

/// The repository of this folder, as it was when the exchanges were recorded.
pub(crate) fn repository(folder: &Path) -> Repository {
    let engine = Engine::new(EngineOptions {
        cache_bytes: 1 << 20,
        ..EngineOptions::default()
    });
    let names = folder.read_dir().unwrap();
    let names = names.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let at_start = names.filter(|name| name != "later" && name != "broken");
    let options = RepositoryOptions {
        sources: vec![Source::Folder(folder.to_owned())],
        control: Control::Explicit,
        startup: Startup::Named(at_start.collect()),
        ..RepositoryOptions::default()
    };
    let log = Log::silent();
    let repository =
        Repository::new(engine.unwrap(), Arc::new(Functions), (&log, options)).unwrap();
    let failures = repository.start().unwrap();
    assert!(failures.is_empty(), "{failures:?}");
    repository
}
