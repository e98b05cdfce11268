//! What is written is what is read, once each, and the same every time.

use std::fs;
use std::path::PathBuf;

use nav_package_format::archive::Limits;
use nav_package_format::cache::Cache;
use nav_package_format::package::{
    MaxThroughput, MinLatency, Origin, Package, PackageError, PackageWriter, PackedModel,
};
use nav_package_format::{Digest, Format, numpy};

use crate::content;

#[test]
fn a_package_says_what_it_was_told() {
    let folder = tempfile::tempdir().unwrap();
    let (_, package) = content::package(folder.path());
    assert!(matches!(package.origin(), Origin::Nav { .. }));
    assert_eq!(package.warnings(), []);
    let files = &package.manifest().model.files;
    let mut expected = content::manifest(&content::model(4), files);
    expected.files.clone_from(&package.manifest().files);
    assert_eq!(package.manifest(), &expected);
    let choice = package.get_best_runtime(&[&MaxThroughput]).unwrap();
    assert_eq!(choice.runtime.variant, "onnx-all-2");
    assert_eq!(choice.measurement.batch, Some(8));
    let variant = package.variant(&choice.runtime).unwrap();
    assert_eq!(variant.threads(), Some(2));
    let samples = package.samples("profiling", &numpy::Limits::default());
    assert_eq!(samples.unwrap()[&0][0].0, "x");
}

#[test]
fn equal_content_gives_equal_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let (first, second) = (folder.path().join("a.nav"), folder.path().join("b.nav"));
    content::write(&first, 4);
    content::write(&second, 4);
    assert!(fs::read(&first).unwrap() == fs::read(&second).unwrap());
}

#[test]
fn three_variants_of_one_model_hold_its_weights_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("wide.nav");
    content::write(&path, u16::MAX);
    let package = Package::open(&path, &Limits::default()).unwrap();
    let samples = package.archive().entry("model_input/profiling/0.npz");
    let size = fs::metadata(&path).unwrap().len() - samples.unwrap().bytes();
    let model = content::model(u16::MAX).to_bytes().len() as u64;
    assert_eq!(package.variants().len(), 3);
    assert!(size * 100 < model * 105, "{size} for a model of {model}");
}

#[test]
fn what_a_model_refers_to_is_beside_it_and_shared() {
    let folder = tempfile::tempdir().unwrap();
    let place = |name: &str| folder.path().join(name);
    fs::write(place("a.onnx"), b"first model").unwrap();
    fs::write(place("b.onnx"), b"second model").unwrap();
    fs::write(place("weights"), [7; 5000]).unwrap();
    let weights: [(String, PathBuf); 1] = [("data/weights.bin".to_owned(), place("weights"))];
    let mut writer = PackageWriter::create(&place("ab.nav")).unwrap();
    let mut add = |folder: &str, path: PathBuf| {
        let model = PackedModel {
            format: Format::Onnx,
            path: &path,
            others: &weights,
        };
        writer.add_model(folder, &model, &mut |_| {}).unwrap()
    };
    let first = add("onnx", place("a.onnx"));
    let second = add("variants/b", place("b.onnx"));
    assert_eq!(first[1].entry, "onnx/data/weights.bin");
    assert_eq!(second[0].entry, "variants/b/model.onnx");
    assert_eq!(second[1].entry, first[1].entry);
    let mut manifest = content::manifest(&content::model(1), &first);
    manifest.variants[1].files = second;
    writer.finish(manifest).unwrap();

    let package = Package::open(&place("ab.nav"), &Limits::default()).unwrap();
    let cache = Cache::open(&place("cache")).unwrap();
    let variant = &package.variants()[1];
    let path = package.model_path(variant, &cache, &mut |_| {}).unwrap();
    assert_eq!(fs::read(&path).unwrap(), b"second model");
    let beside = path.parent().unwrap().join("data/weights.bin");
    assert_eq!(fs::read(beside).unwrap(), [7; 5000]);
    // Only what this variant needs was extracted.
    let folders = fs::read_dir(place("cache")).unwrap();
    let folders = folders.filter(|entry| entry.as_ref().unwrap().path().is_dir());
    assert_eq!(folders.count(), 1);
}

#[test]
fn a_model_is_extracted_once_and_checked() {
    let folder = tempfile::tempdir().unwrap();
    let (_, package) = content::package(folder.path());
    let cache = Cache::open(&folder.path().join("cache")).unwrap();
    let choice = package.get_best_runtime(&[&MinLatency]).unwrap();
    let variant = package.variant(&choice.runtime).unwrap();
    let mut copied = 0;
    let path = package.model_path(variant, &cache, &mut |seen| copied = seen);
    let path = path.unwrap();
    let model = content::model(4).to_bytes();
    assert_eq!(copied, model.len() as u64);
    assert_eq!(fs::read(&path).unwrap(), model);
    copied = 0;
    let again = package.model_path(variant, &cache, &mut |seen| copied = seen);
    assert_eq!((again.unwrap(), copied), (path, 0));
}

#[test]
fn a_stored_model_can_be_mapped_where_it_lies() {
    let folder = tempfile::tempdir().unwrap();
    let (path, package) = content::package(folder.path());
    let entry = &package.manifest().model.files[0].entry;
    let range = package.archive().stored_range(entry).unwrap();
    assert_eq!(range.start % 64, 0);
    let bytes = fs::read(path).unwrap();
    let range = usize::try_from(range.start).unwrap()..usize::try_from(range.end).unwrap();
    assert_eq!(bytes[range], content::model(4).to_bytes());
}

#[test]
fn a_package_that_is_not_finished_leaves_what_was_there() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("line.nav");
    fs::write(&path, b"before").unwrap();
    let mut writer = PackageWriter::create(&path).unwrap();
    writer.add_bytes("onnx/model.onnx", b"model").unwrap();
    drop(writer);
    assert_eq!(fs::read(&path).unwrap(), b"before");
    // A manifest that makes no sense is not written.
    let writer = PackageWriter::create(&path).unwrap();
    let manifest = content::manifest(&content::model(1), &[]);
    let error = writer.finish(manifest).unwrap_err();
    assert!(matches!(error, PackageError::Manifest(_)), "{error}");
    assert_eq!(fs::read(&path).unwrap(), b"before");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[test]
fn verifying_tells_every_file_and_its_digest() {
    let folder = tempfile::tempdir().unwrap();
    let (_, package) = content::package(folder.path());
    let mut seen = 0;
    let files = package.verify(&mut |bytes| seen = bytes).unwrap();
    let names: Vec<&str> = files.iter().map(|file| file.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "model_input/profiling/0.npz",
            "nav/manifest.json",
            "onnx/model.onnx",
            "status.yaml"
        ]
    );
    let model = content::model(4).to_bytes();
    assert_eq!(files[2].sha256, Digest::of(&model));
    assert_eq!(seen, files.iter().map(|file| file.bytes).sum::<u64>());
}
