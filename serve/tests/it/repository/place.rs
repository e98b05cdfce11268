//! A repository in a folder of its own, and models that add a number to what they are sent.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use nav_engine::{Call, Engine, EngineOptions, InferError, Response, Tensor};
use nav_package_format::{DType, Dim, Signature, TensorSpec};
use nav_serve::{
    BackendFacts, Control, Log, ModelOpener, OpenError, Opened, Repository, RepositoryOptions,
    ServerOptions, Source, Startup, Wanted,
};
use tempfile::TempDir;

use crate::models::each;
use crate::subject::{Reply, Subject, options};

/// What is written beside a model that adds.
pub(crate) const ADDING: &str = "backend: 'adding' max_batch_size: 4 input [ { name: 'x' data_type: TYPE_FP32 dims: [ -1 ] } ] output [ { name: 'y' data_type: TYPE_FP32 dims: [ -1 ] } ]";

/// A folder that is deleted in the end.
pub(crate) struct Place {
    folder: TempDir,
}

/// Opens files with a number in them, as models that add it, and fails where they say so.
#[derive(Debug)]
pub(crate) struct Adding;

impl ModelOpener for Adding {
    fn backends(&self) -> &[BackendFacts] {
        &[BackendFacts {
            name: "adding",
            platform: "adding_text",
            file: "model.txt",
        }]
    }

    fn open(&self, wanted: &Wanted<'_>) -> Result<Opened, OpenError> {
        let path = wanted.path.display();
        let text = std::fs::read_to_string(wanted.path)
            .map_err(|error| OpenError::new(format!("{path}: {error}")))?;
        let more: f32 = text
            .trim()
            .parse()
            .map_err(|_| OpenError::new(format!("{path} holds no number but `{text}`")))?;
        let spec = |name: &str| TensorSpec {
            name: name.to_owned(),
            dtype: DType::Fp32,
            dims: Some(vec![Dim::Unknown, Dim::Unknown]),
            optional: false,
        };
        let signature = Signature {
            inputs: vec![spec("x")],
            outputs: vec![spec("y")],
        };
        let add = move |call: &Call| plus(call, more);
        let spec = each(signature, wanted.options.clone(), add);
        Ok(Opened::new(spec.backend, "adding_text"))
    }
}

#[expect(clippy::unnecessary_wraps, reason = "it has the signature of a model")]
fn plus(call: &Call, more: f32) -> Result<Response, InferError> {
    let input = call.input(0).unwrap();
    let bytes = input.contiguous();
    let (numbers, _) = bytes.as_chunks::<4>();
    let sums = numbers.iter().map(|it| f32::from_le_bytes(*it) + more);
    let bytes: Vec<u8> = sums.flat_map(f32::to_le_bytes).collect();
    Ok(Response::new([Tensor {
        desc: input.desc.clone(),
        bytes: bytes.into(),
    }]))
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn models(&self) -> PathBuf {
        self.folder.path().join("models")
    }

    pub(crate) fn scratch(&self) -> PathBuf {
        self.folder.path().join("scratch")
    }

    /// Writes a file below the repository, whole or not at all.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.models().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        let beside = self.folder.path().join("unfinished");
        std::fs::write(&beside, text).unwrap();
        std::fs::rename(beside, path).unwrap();
    }

    /// A model that adds these numbers, one for each version from 1 on.
    pub(crate) fn adding(&self, name: &str, numbers: &[&str]) {
        self.write(&format!("{name}/config.pbtxt"), ADDING);
        for (version, number) in (1..).zip(numbers) {
            self.write(&format!("{name}/{version}/model.txt"), number);
        }
    }

    pub(crate) fn options(&self, control: Control) -> RepositoryOptions {
        RepositoryOptions {
            sources: vec![Source::Folder(self.models())],
            control,
            scratch: Some(self.scratch()),
            ..RepositoryOptions::default()
        }
    }

    /// The repository, which has loaded all it could.
    pub(crate) fn repository(&self, control: Control) -> Repository {
        let repository = opened(Arc::new(Adding), self.options(control));
        repository.start().unwrap();
        repository
    }

    /// A server whose clients load all models themselves.
    pub(crate) fn explicit(&self) -> Subject {
        let options = RepositoryOptions {
            startup: Startup::Named(Vec::new()),
            ..self.options(Control::Explicit)
        };
        let repository = opened(Arc::new(Adding), options);
        repository.start().unwrap();
        serve(&repository)
    }

    /// How many files and folders requests have brought that are still there.
    pub(crate) fn uploads(&self) -> usize {
        let Ok(servers) = self.scratch().read_dir() else {
            return 0;
        };
        let uploads = servers.map(|server| {
            let entries = server.unwrap().path().read_dir().unwrap();
            entries
                .filter(|it| it.as_ref().unwrap().file_name() != "lock")
                .count()
        });
        uploads.sum()
    }
}

pub(crate) fn opened(opener: Arc<dyn ModelOpener>, options: RepositoryOptions) -> Repository {
    let engine = Engine::new(EngineOptions::default()).unwrap();
    Repository::new(engine, opener, (&Log::silent(), options)).unwrap()
}

pub(crate) fn serve(repository: &Repository) -> Subject {
    let options = ServerOptions {
        drain: std::time::Duration::from_secs(5),
        ..options()
    };
    Subject::start_repository(repository, options)
}

/// What comes of `load` or `unload` of a model, with this body.
pub(crate) fn change(subject: &Subject, what: &str, model: &str, body: &str) -> (u16, String) {
    let path = format!("/v2/repository/models/{model}/{what}");
    let reply = subject.post(&path, &[], body.as_bytes());
    (reply.status, error(&reply))
}

/// The text of an error, or the body as it is.
pub(crate) fn error(reply: &Reply) -> String {
    let json: Option<serde_json::Value> = serde_json::from_slice(&reply.body).ok();
    let text = json.and_then(|json| Some(json.get("error")?.as_str()?.to_owned()));
    text.unwrap_or_else(|| reply.text().to_owned())
}

/// The index, without the members that are the same for all.
pub(crate) fn index(subject: &Subject) -> String {
    subject
        .post("/v2/repository/index", &[], b"")
        .text()
        .to_owned()
}

/// What a model answers to 1, or why it does not.
pub(crate) fn ask(subject: &Subject, model: &str) -> Result<f64, String> {
    let body = br#"{"inputs":[{"name":"x","shape":[1,1],"datatype":"FP32","data":[1]}]}"#;
    let reply = subject.post(&format!("/v2/models/{model}/infer"), &[], body);
    if reply.status != 200 {
        return Err(error(&reply));
    }
    let json: serde_json::Value = serde_json::from_slice(&reply.body).unwrap();
    Ok(json["outputs"][0]["data"][0].as_f64().unwrap())
}

/// Everything below a folder.
pub(crate) fn everything(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut left = vec![folder.to_owned()];
    while let Some(folder) = left.pop() {
        for entry in folder.read_dir().into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path.clone());
            }
            found.push(path);
        }
    }
    found.sort();
    found
}
