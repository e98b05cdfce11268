//! What a package costs on the way to a loaded model, beside hashing its file once and loading the bare model.

use std::error::Error;
use std::fs::File;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nav_benches::interleaved::{self, Effort, Subject};
use nav_benches::record::Record;
use nav_benches::{models, runtimes};
use nav_package_format::archive::Limits;
use nav_package_format::cache::Cache;
use nav_package_format::onnx::ModelFacts;
use nav_package_format::package::manifest::{CURRENT, Model, Provenance};
use nav_package_format::package::{Manifest, Package, PackageWriter, PackedModel, Variant};
use nav_package_format::{Device, Digest, Format, RunnerSettings, onnx};
use nav_runners::onnx_cpu::OnnxCpu;
use nav_runners::{Loaded, Runner};

/// Layers of 4 MB of weights: 100 MB in all.
const LAYERS: usize = 25;
const WIDTH: usize = 1000;

const EFFORT: Effort = Effort {
    rounds: 15,
    calls: 1,
};

/// How much more than hashing the package's file once it may take until the runner has the file.
const BAR: f64 = 1.15;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let model = folder.path().join("deep.onnx");
    models::deep(LAYERS, WIDTH).write(&model)?;
    let package = folder.path().join("deep.nav");
    pack(&model, &package)?;
    let mut subjects = subjects(folder.path(), &model, &package)?;
    let mut record = Record::new("package_open");
    record.add("", interleaved::medians(&mut subjects, EFFORT));
    let hash = record.median("hash");
    let load = record.median("load");
    for name in ["cached", "cached and loaded", "first", "first and loaded"] {
        record.result(&format!("{name} over hash"), record.median(name) / hash);
    }
    record.result("load over hash", load / hash);
    let over = (record.median("cached and loaded") - load) / hash;
    record.bar("cached and loaded less load, over hash", over, BAR);
    let over = (record.median("first and loaded") - load) / hash;
    record.result("first and loaded less load, over hash", over);
    Ok(record.print()?)
}

fn subjects<'a>(
    folder: &Path,
    model: &'a Path,
    package: &'a Path,
) -> Result<Vec<Subject<'a>>, Box<dyn Error>> {
    let warm = folder.join("warm");
    materialise(package, &warm)?;
    let again = warm.clone();
    let cold = folder.join("cold");
    let colder = cold.clone();
    Ok(vec![
        (
            "hash",
            checked(move || Digest::of_reader(File::open(package)?, |_| {}).map_err(Into::into)),
        ),
        ("load", checked(move || load(model))),
        ("cached", checked(move || materialise(package, &warm))),
        (
            "cached and loaded",
            checked(move || load(&materialise(package, &again)?)),
        ),
        (
            "first",
            checked(move || {
                let path = materialise(package, &cold)?;
                std::fs::remove_dir_all(&cold)?;
                Ok(path)
            }),
        ),
        (
            "first and loaded",
            checked(move || {
                let loaded = load(&materialise(package, &colder)?)?;
                std::fs::remove_dir_all(&colder)?;
                Ok(loaded)
            }),
        ),
    ])
}

/// As a process that just started does it.
fn materialise(package: &Path, cache: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let package = Package::open(package, &Limits::default())?;
    let variant = package.variants().first().ok_or("no variant")?;
    let cache = Cache::open(cache)?;
    Ok(package.model_path(variant, &cache, &mut |_| {})?)
}

fn load(path: &Path) -> Result<Arc<dyn Loaded>, Box<dyn Error>> {
    Ok(runtimes::onnx(path, None).load()?)
}

fn pack(model: &Path, path: &Path) -> Result<(), Box<dyn Error>> {
    let read = onnx::read(File::open(model)?, &onnx::Limits::default())?;
    let facts = ModelFacts::new(&read, Vec::new())?;
    let mut writer = PackageWriter::create(path)?;
    let packed = PackedModel {
        format: Format::Onnx,
        path: model,
        others: &[],
    };
    let files = writer.add_model("onnx", &packed, &mut |_| {})?;
    let format = Format::Onnx.name().to_owned();
    let variant = Variant {
        name: "onnx".to_owned(),
        format: format.clone(),
        runner: OnnxCpu.name().to_owned(),
        device: Device::Cpu,
        settings: RunnerSettings::default(),
        instances: 1,
        files: files.clone(),
        built_for: None,
    };
    writer.finish(Manifest {
        format: CURRENT,
        model: Model {
            name: "deep".to_owned(),
            format,
            files,
            signature: facts.signature,
            batch_axis: Some(0),
        },
        variants: vec![variant],
        records: Vec::new(),
        decisions: Vec::new(),
        serving: None,
        provenance: Provenance::default(),
        files: Vec::new(),
    })?;
    Ok(())
}

#[expect(clippy::panic, reason = "a bench that fails has nothing to tell")]
fn checked<'a, T>(
    mut call: impl FnMut() -> Result<T, Box<dyn Error>> + 'a,
) -> Box<dyn FnMut() + 'a> {
    Box::new(move || {
        black_box(call().unwrap_or_else(|error| panic!("{error}")));
    })
}
