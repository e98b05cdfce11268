//! Whether the models in a package would be loaded here: each is asked for by itself.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context;
use nav_package_format::onnx::{self, ModelFacts, OnnxError};
use nav_package_format::package::{Package, VariantFile};
use nav_package_format::signing::Target;
use nav_package_format::trust::{Question, SignatureState, TrustPolicy};
use nav_package_format::{Digest, Format, TrustClass, file};
use nav_worker::packaged::{GateError, built_here, today};

use super::{AdmittedModel, VerifiedFile};
use crate::printer::Printer;
use crate::settings::Settings;

/// Ends of names of files that hold native code, besides those of formats that we know.
const NATIVE: &[&str] = &["engine", "pkl", "plan", "pt2", "py", "so"];

/// What there is to verify.
pub(super) enum Content<'a> {
    /// A package.
    Package(Box<Package>),
    /// A folder.
    Folder(&'a Path),
}

/// What the answer depends on.
pub(super) struct Asked<'a> {
    pub(super) policy: &'a TrustPolicy,
    pub(super) target: Target<'a>,
    pub(super) package: &'a Path,
    pub(super) signature: &'a Path,
    pub(super) settings: &'a Settings,
}

/// A model that may be loaded from the package.
struct Model {
    trust: TrustClass,
    /// Of its file, and of those that it may refer to.
    digests: Vec<Digest>,
}

/// The models, if all of them may be loaded; otherwise why the first may not be. A package without a model
/// is asked for as a whole.
pub(super) fn admit(
    asked: &Asked<'_>,
    content: &Content<'_>,
    files: &[VerifiedFile],
    printer: Printer,
) -> anyhow::Result<Vec<AdmittedModel>> {
    let state = SignatureState::of(asked.policy, asked.target, asked.signature, &mut |_| {});
    let today = today().ok_or(GateError::Clock)?;
    let record = asked.settings.built_here();
    let admit = |path: &Path, trust_class, built_here| {
        let question = Question {
            path,
            trust_class,
            built_here,
            today,
        };
        asked.policy.admit(&question, &state)
    };
    let mut admitted = Vec::new();
    let mut refusals = Vec::new();
    for (name, model) in models(content, files) {
        let here = built_here(record.as_deref(), &model.digests);
        let here = here.context("cannot tell what was built here")?;
        let trust = model.trust;
        match admit(&asked.package.join(&name), trust, here) {
            Ok(()) => {
                printer.note(&format!("{name:?} ({trust}) may be loaded here"));
                admitted.push(AdmittedModel { name, trust });
            }
            Err(refusal) => refusals.push(refusal),
        }
    }
    if admitted.is_empty() && refusals.is_empty() {
        admit(asked.package, TrustClass::DataOnly, false)?;
    }
    let mut refusals = refusals.into_iter();
    let Some(first) = refusals.next() else {
        return Ok(admitted);
    };
    for other in refusals {
        printer.note(&other.to_string());
    }
    Err(first.into())
}

/// The models by the names of their files.
fn models(content: &Content<'_>, files: &[VerifiedFile]) -> BTreeMap<String, Model> {
    match content {
        Content::Package(package) => {
            let model = &package.manifest().model;
            let variants = package.variants().iter();
            let variants = variants.map(|variant| (variant.format.as_str(), &variant.files[..]));
            let all = variants.chain([(model.format.as_str(), &model.files[..])]);
            let all = all.filter_map(|(format, of_model)| {
                let name = &of_model.first()?.entry;
                let model = Model {
                    trust: package.trust_class(format, name),
                    digests: digests_of(of_model, files),
                };
                Some((name.clone(), model))
            });
            all.collect()
        }
        Content::Folder(folder) => {
            let all = files.iter().filter_map(|file| {
                let model = Model {
                    trust: trust_in_folder(folder, &file.name)?,
                    digests: digests_beside(&file.name, files),
                };
                Some((file.name.clone(), model))
            });
            all.collect()
        }
    }
}

fn digests_of(of_model: &[VariantFile], files: &[VerifiedFile]) -> Vec<Digest> {
    let is_of_model = |file: &&VerifiedFile| of_model.iter().any(|other| other.entry == file.name);
    let files = files.iter().filter(is_of_model);
    files.map(|file| file.sha256).collect()
}

/// The digests of a model and of all that lies in its folder: some of it may be the model's weights.
fn digests_beside(model: &str, files: &[VerifiedFile]) -> Vec<Digest> {
    let folder_of = |name: &str| name.rsplit_once('/').map(|(folder, _)| folder.to_owned());
    let folder = folder_of(model);
    let beside = files.iter().filter(|file| folder_of(&file.name) == folder);
    beside.map(|file| file.sha256).collect()
}

/// What opening a file in a folder may do; none where its name promises no model.
fn trust_in_folder(folder: &Path, name: &str) -> Option<TrustClass> {
    let extension = Path::new(name).extension().and_then(|end| end.to_str());
    match Format::of_path(Path::new(name)) {
        Some(Format::Onnx) => Some(match file::open(&folder.join(name)) {
            Ok((file, _)) => trust_of_graph(onnx::read(file, &onnx::Limits::default())),
            Err(_) => TrustClass::NativeCode,
        }),
        Some(format) => Some(format.trust_class()),
        None if extension.is_some_and(|end| NATIVE.contains(&end)) => Some(TrustClass::NativeCode),
        None => None,
    }
}

/// A graph may need operators of others, which are native code. One that cannot be read may need anything.
fn trust_of_graph(model: Result<onnx::Model, OnnxError>) -> TrustClass {
    model
        .and_then(|model| ModelFacts::new(&model, Vec::new()))
        .map_or(TrustClass::NativeCode, |facts| facts.trust)
}
