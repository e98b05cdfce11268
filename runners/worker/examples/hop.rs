//! Measures what it costs that a runner is in another process: the same runner here and there.
//!
//! `cargo run --release -p nav-worker --example hop [BYTES]` prints the median and the tail of each.
#![expect(clippy::print_stdout, reason = "printing is what it is for")]

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use nav_package_format::{DType, Format, Shape, Signature, TensorSpec};
use nav_runners::{
    Libraries, LoadError, LoadOptions, Loaded, ModelFile, Outputs, Probe, RunError, Runner,
    Session, Staged, Tensor, TensorDesc,
};
use nav_worker::{Isolated, WorkerCommand, child};

const ROUNDS: usize = 20_000;

fn main() -> Result<(), Box<dyn Error>> {
    let argument = std::env::args().nth(1);
    if argument.as_deref() == Some("child") {
        return Ok(child::run(&[&Identity])?);
    }
    let size = argument.map_or(Ok(4096), |size| size.parse())?;
    let command = WorkerCommand::new(std::env::current_exe()?).with_argument("child");
    let isolated = Isolated::new(&Identity, command);
    let runners: [(&str, &dyn Runner); 2] =
        [("in this process", &Identity), ("isolated", &isolated)];
    for (place, runner) in runners {
        let times = measure(runner, size)?;
        let at = |part: usize| times.get(times.len() * part / 1000).copied();
        let [median, tail, worst] = [500, 990, 999].map(|part| at(part).unwrap_or_default());
        println!("{size} bytes, {place}: median {median:?}, p99 {tail:?}, p99.9 {worst:?}");
    }
    Ok(())
}

/// The times of many runs, sorted.
fn measure(runner: &dyn Runner, size: usize) -> Result<Vec<Duration>, Box<dyn Error>> {
    let model = ModelFile {
        path: "identity".into(),
        format: Format::Onnx,
    };
    let mut session = runner.load(&model, &LoadOptions::default())?.session()?;
    let desc = TensorDesc {
        index: 0,
        dtype: DType::Uint8,
        shape: Shape::from([size]),
        byte_size: size,
    };
    let input = vec![7; size];
    let mut times = Vec::with_capacity(ROUNDS);
    for _ in 0..ROUNDS {
        let start = Instant::now();
        for slice in session.stage(std::slice::from_ref(&desc))? {
            slice.copy_from_slice(&input);
        }
        let outputs = session.run()?;
        times.push(start.elapsed());
        drop(outputs);
    }
    times.sort_unstable();
    Ok(times)
}

/// Gives back what it gets.
#[derive(Debug)]
struct Identity;

#[derive(Debug)]
struct IdentityModel(Signature);

#[derive(Debug)]
struct IdentitySession(Option<(TensorDesc, Vec<u8>)>);

impl Runner for Identity {
    fn name(&self) -> &'static str {
        "Identity"
    }

    fn formats(&self) -> &'static [Format] {
        Format::ALL
    }

    fn probe(&self, _: &Libraries) -> Probe {
        Probe::Ready {
            version: String::new(),
            library: None,
            devices: Vec::new(),
        }
    }

    fn load(&self, _: &ModelFile, _: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        let spec = TensorSpec {
            name: "x".to_owned(),
            dtype: DType::Uint8,
            dims: None,
            optional: false,
        };
        let inputs = vec![spec.clone()];
        let outputs = vec![spec];
        Ok(Arc::new(IdentityModel(Signature { inputs, outputs })))
    }
}

impl Loaded for IdentityModel {
    fn signature(&self) -> &Signature {
        &self.0
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(IdentitySession(None)))
    }
}

impl Session for IdentitySession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError> {
        let staged = |desc: &TensorDesc| (desc.clone(), vec![0; desc.byte_size]);
        self.0 = inputs.last().map(staged);
        Ok(self.0.iter_mut().map(|(_, bytes)| &mut bytes[..]).collect())
    }

    fn run(&mut self) -> Result<Outputs, RunError> {
        let (desc, bytes) = self.0.take().ok_or(RunError::NotStaged)?;
        let bytes = Bytes::from(bytes);
        Ok(Outputs::from_iter([Tensor { desc, bytes }]))
    }
}
