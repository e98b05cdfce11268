//! How fast files are read before any runtime sees them: a large model, arrays, digests.

use std::error::Error;
use std::hint::black_box;
use std::io::Cursor;
use std::path::PathBuf;

use criterion::{Criterion, Throughput};
use nav_benches::interleaved::{self, Effort, Subject};
use nav_benches::models;
use nav_benches::record::Record;
use nav_package_format::numpy::{self, Limits};
use nav_package_format::{DType, Digest, Shape, TensorData, onnx};

/// The weights of the large model: 500 MB in all.
const WEIGHTS: usize = 10;
const WEIGHT_BYTES: usize = 50_000_000;

/// The bytes of the array and of what is digested.
const ARRAY: usize = 64 << 20;

const EFFORT: Effort = Effort {
    rounds: 15,
    calls: 1,
};

fn main() -> Result<(), Box<dyn Error>> {
    let file = tempfile::NamedTempFile::new()?;
    models::write_large(file.path(), WEIGHTS, WEIGHT_BYTES)?;
    let mut subjects = subjects(file.path().to_owned())?;
    let mut record = Record::new("inspect");
    record.add("", interleaved::medians(&mut subjects, EFFORT));
    for name in ["copy", "npy", "npz", "digest"] {
        let rate = bytes_per_nanosecond(record.median(name));
        record.result(&format!("{name}, GB/s"), rate);
    }
    let copy = record.median("copy");
    for name in ["npy", "npz", "digest"] {
        record.result(&format!("{name} over copy"), record.median(name) / copy);
    }
    record.result("verify of 500 MB, us", record.median("verify") / 1e3);
    let mut criterion = Criterion::default().sample_size(10).configure_from_args();
    let mut group = criterion.benchmark_group("inspect");
    for (name, subject) in &mut subjects {
        let bytes = match *name {
            "verify" => WEIGHTS * WEIGHT_BYTES,
            _ => ARRAY,
        };
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(*name, |bencher| bencher.iter(&mut *subject));
    }
    group.finish();
    criterion.final_summary();
    Ok(record.print()?)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "the size of the array is far below 2^52"
)]
fn bytes_per_nanosecond(nanoseconds: f64) -> f64 {
    ARRAY as f64 / nanoseconds
}

fn subjects(model: PathBuf) -> Result<Vec<Subject<'static>>, Box<dyn Error>> {
    let array = TensorData::new(DType::Fp32, Shape::from([ARRAY / 4]), vec![1; ARRAY])?;
    let mut npy = Vec::new();
    numpy::write_npy(&mut npy, array.view())?;
    let npz = numpy::write_npz(Cursor::new(Vec::new()), [("x", array.view())])?.into_inner();
    let bytes = array.into_bytes();
    let digested = bytes.clone();
    let limits = Limits::default();
    let npz_limits = limits.clone();
    Ok(vec![
        ("verify", checked(move || onnx::verify(&model))),
        // What the others are measured against: the memory has to be written once in any case.
        (
            "copy",
            Box::new(move || {
                black_box(black_box(&bytes).clone());
            }),
        ),
        (
            "npy",
            checked(move || numpy::read_npy(npy.as_slice(), &limits)),
        ),
        (
            "npz",
            checked(move || numpy::read_npz(Cursor::new(npz.as_slice()), &npz_limits)),
        ),
        (
            "digest",
            checked(move || Digest::of_reader(digested.as_slice(), |_| {})),
        ),
    ])
}

#[expect(clippy::panic, reason = "a bench that fails has nothing to tell")]
fn checked<T, E: Error>(mut call: impl FnMut() -> Result<T, E> + 'static) -> Box<dyn FnMut()> {
    Box::new(move || {
        black_box(call().unwrap_or_else(|error| panic!("{error}")));
    })
}
