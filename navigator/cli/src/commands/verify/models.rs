//! Whether the models in a package would be loaded here: each is asked for by itself.

use std::io::Cursor;
use std::path::Path;

use anyhow::Context;
use nav_package_format::archive::Archive;
use nav_package_format::onnx::{self, ModelFacts};
use nav_package_format::signing::Target;
use nav_package_format::trust::{Question, SignatureState, TrustPolicy};
use nav_package_format::{Digest, Format, TrustClass, file};

use super::{AdmittedModel, Opened, VerifiedFile};
use crate::printer::Printer;
use crate::settings::Settings;
use crate::trust::{built_here, today};

/// The most of a compressed model that is unpacked to look at it.
const MOST_UNPACKED: u64 = 256 << 20;

/// What the answer depends on.
pub(super) struct Asked<'a> {
    pub(super) policy: &'a TrustPolicy,
    pub(super) package: &'a Path,
    pub(super) signature: &'a Path,
    pub(super) settings: &'a Settings,
}

/// The models, if all of them may be loaded; otherwise why the first may not be. A package without a model
/// is asked for as a whole.
pub(super) fn admit(
    asked: &Asked<'_>,
    opened: &Opened,
    files: &[VerifiedFile],
    printer: Printer,
) -> anyhow::Result<Vec<AdmittedModel>> {
    let target = match opened {
        Opened::Archive(file, _) => Target::File(file, asked.package),
        Opened::Folder => Target::Folder(asked.package),
    };
    let state = SignatureState::of(asked.policy, target, asked.signature, &mut |_| {});
    let today = today()?;
    let admit = |path: &Path, trust_class, built_here| {
        let question = Question {
            path,
            trust_class,
            built_here,
            today,
        };
        asked.policy.admit(&question, &state)
    };
    let mut models = Vec::new();
    let mut refusals = Vec::new();
    for file in files {
        let Some(format) = Format::of_path(Path::new(&file.name)) else {
            continue;
        };
        let trust = trust_class(format, &file.name, asked.package, opened)?;
        let here = built_here(asked.settings, &digests_beside(&file.name, files))?;
        match admit(&asked.package.join(&file.name), trust, here) {
            Ok(()) => {
                printer.note(&format!("{:?} ({trust}) may be loaded here", file.name));
                let name = file.name.clone();
                models.push(AdmittedModel { name, trust });
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    if models.is_empty() && refusals.is_empty() {
        admit(asked.package, TrustClass::DataOnly, false)?;
    }
    let mut refusals = refusals.into_iter();
    let Some(first) = refusals.next() else {
        return Ok(models);
    };
    for other in refusals {
        printer.note(&other.to_string());
    }
    Err(first.into())
}

/// The digests of a model and of all that lies in its folder: some of it may be the model's weights.
fn digests_beside(model: &str, files: &[VerifiedFile]) -> Vec<Digest> {
    let folder = folder_of(model);
    let beside = files.iter().filter(|file| folder_of(&file.name) == folder);
    beside.map(|file| file.sha256).collect()
}

fn folder_of(name: &str) -> &str {
    name.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// What opening the model may do. A graph is looked at: it may need operators of others.
fn trust_class(
    format: Format,
    name: &str,
    package: &Path,
    opened: &Opened,
) -> anyhow::Result<TrustClass> {
    if format != Format::Onnx {
        return Ok(format.trust_class());
    }
    let model = match opened {
        Opened::Archive(_, archive) => read_in_archive(archive, name)?,
        Opened::Folder => {
            let (file, _) = file::open(&package.join(name))?;
            onnx::read(file, &onnx::Limits::default()).with_context(|| format!("model {name:?}"))?
        }
    };
    let facts = ModelFacts::new(&model, Vec::new());
    let facts = facts.with_context(|| format!("model {name:?}"))?;
    Ok(facts.trust)
}

fn read_in_archive(archive: &Archive, name: &str) -> anyhow::Result<onnx::Model> {
    let limits = onnx::Limits::default();
    let model = if let Some(window) = archive.window(name) {
        onnx::read(window, &limits)
    } else {
        let bytes = archive.read_to_vec(name, None, MOST_UNPACKED)?;
        onnx::read(Cursor::new(bytes), &limits)
    };
    model.with_context(|| format!("model {name:?}"))
}
