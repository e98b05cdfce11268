//! A loaded model and its sessions, each on a thread of its own, as a server has them.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use nav_package_format::{Signature, TensorData, TensorDataError};
use nav_runners::{LoadError, Loaded, RunError, Runner, Session};
use nav_worker::contain;

use super::file::StepFile;
use super::inputs::Inputs;
use super::placement;

/// The most latencies of a session that one slice gives.
const MOST_LATENCIES: usize = 4096;

/// Why nothing was run.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// There is no such runner.
    #[error("there is no runner {runner}")]
    NoRunner {
        /// The name.
        runner: String,
    },
    /// The model cannot be loaded.
    #[error(transparent)]
    Load(#[from] LoadError),
    /// A run failed.
    #[error(transparent)]
    Run(#[from] RunError),
    /// An output is no tensor.
    #[error("output `{output}` cannot be used: {source}")]
    Output {
        /// The output.
        output: String,
        /// What is wrong.
        source: TensorDataError,
    },
    /// Code of a runtime panicked.
    #[error("{0}")]
    Panicked(String),
    /// A thread could not be started.
    #[error("cannot start a thread: {0}")]
    Thread(std::io::Error),
    /// A session's thread is gone.
    #[error("a session ended")]
    Gone,
}

/// A loaded model and its sessions.
#[derive(Debug)]
pub(super) struct Bench {
    signature: Signature,
    lanes: Vec<Sender<Job>>,
}

/// The outputs of a run, by name.
pub(super) type Outputs = Vec<(String, TensorData)>;

enum Job {
    Run(Arc<Inputs>, Sender<Result<Outputs, BenchError>>),
    Slice(Arc<Inputs>, Length, Sender<Result<Vec<u64>, BenchError>>),
}

/// How long a slice is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Length {
    pub(super) warm_up: Duration,
    pub(super) measured: Duration,
}

impl Bench {
    /// Loads the model of a step and opens its sessions.
    pub(super) fn load(step: &StepFile) -> Result<Self, BenchError> {
        let runner = runner(&step.runner)?;
        let loaded = contain(|| runner.load(&step.model, &step.options));
        let loaded = loaded.map_err(BenchError::Panicked)??;
        let signature = loaded.signature().clone();
        let mut lanes = Vec::with_capacity(step.instances);
        let threads = step.options.settings.intra_threads.unwrap_or(1);
        for number in 0..step.instances.max(1) {
            lanes.push(open_lane(number, threads, &loaded)?);
        }
        Ok(Self { signature, lanes })
    }

    /// What the runner says that the model takes and gives.
    pub(super) fn signature(&self) -> &Signature {
        &self.signature
    }

    /// One run.
    pub(super) fn run(&self, inputs: &Arc<Inputs>) -> Result<Outputs, BenchError> {
        let lane = self.lanes.first().ok_or(BenchError::Gone)?;
        let (reply, answer) = channel();
        lane.send(Job::Run(Arc::clone(inputs), reply))
            .map_err(|_| BenchError::Gone)?;
        answer.recv().map_err(|_| BenchError::Gone)?
    }

    /// Runs in all sessions side by side, and the latency of each run in nanoseconds.
    pub(super) fn measure(
        &self,
        inputs: &Arc<Inputs>,
        length: Length,
    ) -> Result<Vec<u64>, BenchError> {
        let (reply, answers) = channel();
        for lane in &self.lanes {
            let job = Job::Slice(Arc::clone(inputs), length, reply.clone());
            lane.send(job).map_err(|_| BenchError::Gone)?;
        }
        drop(reply);
        let mut latencies = Vec::new();
        for _ in &self.lanes {
            latencies.extend(answers.recv().map_err(|_| BenchError::Gone)??);
        }
        Ok(latencies)
    }
}

fn runner(name: &str) -> Result<&'static dyn Runner, BenchError> {
    let found = nav_worker::all_runners().find(|runner| runner.name() == name);
    found.ok_or_else(|| BenchError::NoRunner {
        runner: name.to_owned(),
    })
}

/// A session on a thread of its own, which ends when nobody has work for it any more. Each of them has so many threads.
fn open_lane(
    number: usize,
    threads: usize,
    loaded: &Arc<dyn Loaded>,
) -> Result<Sender<Job>, BenchError> {
    let (jobs, work) = channel();
    let (opened, is_open) = channel();
    let loaded = Arc::clone(loaded);
    let thread = std::thread::Builder::new().name(format!("nav-lane-{number}"));
    let started = thread.spawn(move || {
        let signature = loaded.signature().clone();
        match contain(|| loaded.session()) {
            Ok(Ok(session)) => {
                // Whoever opened the lane waits for this.
                let _heard = opened.send(Ok(()));
                serve_lane(session, &signature, number * threads, &work);
            }
            Ok(Err(error)) => drop(opened.send(Err(error.into()))),
            Err(panic) => drop(opened.send(Err(BenchError::Panicked(panic)))),
        }
    });
    started.map_err(BenchError::Thread)?;
    is_open.recv().map_err(|_| BenchError::Gone)??;
    Ok(jobs)
}

fn serve_lane(
    mut session: Box<dyn Session>,
    signature: &Signature,
    processor: usize,
    work: &Receiver<Job>,
) {
    for job in work {
        match job {
            Job::Run(inputs, reply) => {
                let run = contain(|| run(session.as_mut(), signature, &inputs));
                drop(reply.send(run.unwrap_or_else(|panic| Err(BenchError::Panicked(panic)))));
            }
            Job::Slice(inputs, length, reply) => {
                placement::begin_at(processor);
                let run = contain(|| slice(session.as_mut(), &inputs, length));
                drop(reply.send(run.unwrap_or_else(|panic| Err(BenchError::Panicked(panic)))));
            }
        }
    }
}

fn run(
    session: &mut dyn Session,
    signature: &Signature,
    inputs: &Inputs,
) -> Result<Outputs, BenchError> {
    stage(session, inputs)?;
    let outputs = session.run()?;
    let named = outputs.into_iter().map(|tensor| {
        let spec = signature.outputs.get(tensor.desc.index);
        let output = spec.map(|spec| spec.name.clone()).unwrap_or_default();
        match TensorData::new(tensor.desc.dtype, tensor.desc.shape, tensor.bytes.to_vec()) {
            Ok(data) => Ok((output, data)),
            Err(source) => Err(BenchError::Output { output, source }),
        }
    });
    named.collect()
}

fn stage(session: &mut dyn Session, inputs: &Inputs) -> Result<(), RunError> {
    let staged = session.stage(&inputs.descs)?;
    for (memory, (_, tensor)) in staged.into_iter().zip(&inputs.tensors) {
        memory.copy_from_slice(tensor.bytes());
    }
    Ok(())
}

/// Runs for a while. Copying inputs in counts, as it does for whoever serves.
fn slice(
    session: &mut dyn Session,
    inputs: &Inputs,
    length: Length,
) -> Result<Vec<u64>, BenchError> {
    let warming = Instant::now();
    while warming.elapsed() < length.warm_up {
        stage(session, inputs)?;
        drop(session.run()?);
    }
    let mut latencies = Vec::new();
    let start = Instant::now();
    let mut before = start;
    loop {
        stage(session, inputs)?;
        drop(session.run()?);
        let after = Instant::now();
        let latency = after.duration_since(before).as_nanos();
        latencies.push(u64::try_from(latency).unwrap_or(u64::MAX));
        if after.duration_since(start) >= length.measured || latencies.len() >= MOST_LATENCIES {
            return Ok(latencies);
        }
        before = after;
    }
}
