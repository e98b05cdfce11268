//! What a runner costs over a session of the crate `ort`, as a user of `ort` would write it.

use std::error::Error;
use std::hint::black_box;
use std::path::Path;

use nav_benches::interleaved::{self, Effort, Subject};
use nav_benches::record::Record;
use nav_benches::{models, runtimes};
use nav_package_format::{DType, Shape, TensorData};
use nav_runners::onnxruntime::library;
use nav_runners::{Outputs, RunError, RunnerHandle, Session, TensorDesc};
use ort::session::Session as OrtSession;
use ort::value::TensorRef;

const EFFORT: Effort = Effort {
    rounds: 500,
    calls: 100,
};

/// How much slower than `ort` a call of the handle may be, in microseconds.
const BAR: f64 = 10.0;

fn main() -> Result<(), Box<dyn Error>> {
    let file = tempfile::NamedTempFile::new()?;
    models::add().write(file.path())?;
    let mut subjects = subjects(file.path())?;
    let mut record = Record::new("runner_handle");
    record.add("", interleaved::medians(&mut subjects, EFFORT));
    let [raw, handle, session] = ["raw", "handle", "session"].map(|name| record.median(name));
    record.bar("handle minus raw, us", (handle - raw) / 1e3, BAR);
    record.result("handle over raw", handle / raw);
    record.result("session over raw", session / raw);
    interleaved::with_criterion("runner_handle", &mut subjects);
    Ok(record.print()?)
}

fn subjects(path: &Path) -> Result<Vec<Subject<'static>>, Box<dyn Error>> {
    let library = library::open_for_cpu(&runtimes::libraries())?;
    let mut raw = OrtSession::builder(&library.environment)?
        .with_intra_threads(1)?
        .commit_from_file(path)?;
    let mut handle = runtimes::onnx(path, Some(1));
    let mut session = handle.load()?.session()?;
    handle.activate()?;
    let numbers = [2.0_f32; 16];
    let bytes = numbers.iter().flat_map(|number| number.to_le_bytes());
    let input = TensorData::new(DType::Fp32, Shape::from([1, 16]), bytes.collect())?;
    let desc = TensorDesc {
        index: 0,
        dtype: input.dtype(),
        shape: input.shape().clone(),
        byte_size: input.bytes().len(),
    };
    let staged = input.bytes().to_vec();
    Ok(vec![
        ("raw", checked(move || run_raw(&mut raw, &numbers))),
        ("handle", checked(move || run_handle(&mut handle, &input))),
        (
            "session",
            checked(move || {
                black_box(run_session(session.as_mut(), &desc, &staged)?);
                Ok(())
            }),
        ),
    ])
}

type Outcome = Result<(), Box<dyn Error>>;

#[expect(clippy::panic, reason = "a bench that fails has nothing to tell")]
fn checked(mut call: impl FnMut() -> Outcome + 'static) -> Box<dyn FnMut()> {
    Box::new(move || call().unwrap_or_else(|error| panic!("{error}")))
}

fn run_raw(session: &mut OrtSession, numbers: &[f32; 16]) -> Outcome {
    let input = TensorRef::from_array_view(([1_usize, 16], numbers.as_slice()))?;
    let outputs = session.run(ort::inputs!["x" => input])?;
    let output = outputs.get("y").ok_or("there is no output")?;
    black_box(output.try_extract_tensor::<f32>()?);
    Ok(())
}

fn run_handle(handle: &mut RunnerHandle, input: &TensorData) -> Outcome {
    let outputs = handle.infer(&[("x", input.view())])?;
    black_box(outputs.get("y").ok_or("there is no output")?);
    Ok(())
}

fn run_session(
    session: &mut dyn Session,
    desc: &TensorDesc,
    input: &[u8],
) -> Result<Outputs, RunError> {
    for memory in session.stage(std::slice::from_ref(desc))? {
        memory.copy_from_slice(input);
    }
    session.run()
}
