//! `nav __serving`: a variant measured through the server's own engine and batching, in a process of its own.
//!
//! Requests of one row come as fast as they are answered, as many at once as fill every instance twice: what a
//! server under load sees. The latency is that of a request, its waiting included.

use std::collections::VecDeque;
use std::io::{Read, Write};
use std::process::{ChildStdin, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, anyhow, bail};
use bytes::Bytes;
use nav_engine::{
    Engine, EngineOptions, ModelOptions, ModelSpec, ReplyFuture, Request, RunnerBackend,
};
use nav_navigator::profile::summarize;
use nav_navigator::serving::{ServingMeasurer, ServingTrial};
use nav_package_format::numpy::{Limits, NumpyFile, read_file};
use nav_package_format::package::Measurement;
use nav_package_format::{Shape, TensorData};
use nav_worker::{Life, WorkerCommand};

use crate::printer::Printer;

/// The most that a trial may be written in.
const MOST: u64 = 16 << 20;
/// How long a process may take beyond the time that it measures.
const PATIENCE: Duration = Duration::from_mins(1);
/// What requests are answered before any counts.
const WARM_UP: u32 = 4;
/// In how many slices the time is divided, which tell how much it varies.
const SLICES: usize = 8;
/// The uncertainty above which a measurement is called noisy.
const GOAL: f64 = 0.02;

/// Measures in a process of its own: this program, told to.
#[derive(Debug)]
pub(crate) struct InAnotherProcess {
    /// This program.
    pub(crate) command: WorkerCommand,
}

impl ServingMeasurer for InAnotherProcess {
    fn measure(&self, trial: &ServingTrial) -> Result<Measurement, String> {
        self.ask(trial).map_err(|error| format!("{error:#}"))
    }
}

impl InAnotherProcess {
    fn ask(&self, trial: &ServingTrial) -> anyhow::Result<Measurement> {
        let mut child = self
            .command
            .to_process()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()?;
        let input = child.stdin.take().context("it has no standard input")?;
        let output = child.stdout.take().context("it has no standard output")?;
        let (life, _watcher) = Life::watch(child)?;
        let written = write(input, trial);
        let limit = trial.budget + PATIENCE;
        if !life.wait(limit) {
            life.condemn(&format!("it took longer than {} s", limit.as_secs()));
        }
        let mut answer = Vec::new();
        output.take(MOST).read_to_end(&mut answer)?;
        if let (Ok(()), Ok(measurement)) = (written, serde_json::from_slice(&answer)) {
            return Ok(measurement);
        }
        // Its own end says more than what it failed to say.
        life.wait(PATIENCE);
        Err(anyhow!("{}", life.cause()))
    }
}

/// The end of the input tells that the trial is whole.
fn write(mut input: ChildStdin, trial: &ServingTrial) -> anyhow::Result<()> {
    input.write_all(&serde_json::to_vec(trial)?)?;
    Ok(())
}

/// Reads a trial, measures, tells.
pub(crate) fn run() -> anyhow::Result<()> {
    let mut text = Vec::new();
    std::io::stdin().take(MOST).read_to_end(&mut text)?;
    let trial: ServingTrial = serde_json::from_slice(&text)?;
    Printer::json(&measure(&trial)?)?;
    Ok(())
}

fn measure(trial: &ServingTrial) -> anyhow::Result<Measurement> {
    let runner = nav_worker::all_runners()
        .find(|runner| runner.name() == trial.runner)
        .with_context(|| format!("there is no runner `{}`", trial.runner))?;
    let loaded = runner.load(&trial.model, &trial.options)?;
    let serving = &trial.serving;
    let options = ModelOptions::from(serving);
    let requests = 2 * options.max_batch.max(1) * options.instances;
    let engine = Engine::new(EngineOptions::default())?;
    engine.load(
        "model",
        1,
        ModelSpec::new(RunnerBackend::new(loaded), options),
    )?;
    let request = request(trial)?;
    let load = Load {
        engine: &engine,
        request: &request,
        requests,
    };
    load.run(Until::Answered(
        WARM_UP.saturating_mul(u32::try_from(requests)?),
    ))?;
    let mut slices = Vec::new();
    let started = Instant::now();
    for slice in 1..=SLICES {
        let until = started + trial.budget * u32::try_from(slice)? / u32::try_from(SLICES)?;
        slices.push(load.run(Until::Time(until))?);
    }
    let took = started.elapsed().as_secs_f64();
    let answered: usize = slices.iter().map(Vec::len).sum();
    let measured =
        summarize(&slices, serving.max_batch, 1, GOAL).context("nothing was answered")?;
    Ok(Measurement {
        // What was done in the time that it took, not what one request alone would allow.
        throughput: f64::from(u32::try_from(answered)?) / took,
        ..measured
    })
}

/// One request of one row.
fn request(trial: &ServingTrial) -> anyhow::Result<Request> {
    let read = read_file(&trial.inputs, &Limits::default())?;
    let NumpyFile::Many(tensors) = read else {
        bail!("{} holds no named arrays", trial.inputs.display());
    };
    let mut request = Request::new();
    for (name, tensor) in tensors {
        let tensor = match trial.serving.max_batch {
            Some(_) => first_row(tensor)?,
            None => tensor,
        };
        let (dtype, shape) = (tensor.dtype(), tensor.shape().clone());
        request = request.with_input(&*name, dtype, shape, Bytes::from(tensor.into_bytes()));
    }
    Ok(request)
}

fn first_row(tensor: TensorData) -> anyhow::Result<TensorData> {
    let mut extents = tensor.shape().to_vec();
    let rows = extents
        .first()
        .copied()
        .context("an input has no batch axis")?;
    if rows <= 1 {
        return Ok(tensor);
    }
    let dtype = tensor.dtype();
    if dtype.element_size().is_none() {
        bail!("samples of strings must have one row each to be measured in the server");
    }
    if let Some(first) = extents.first_mut() {
        *first = 1;
    }
    let mut bytes = tensor.into_bytes();
    bytes.truncate(bytes.len() / rows);
    Ok(TensorData::new(
        dtype,
        Shape::from(extents.as_slice()),
        bytes,
    )?)
}

/// Requests that come as fast as they are answered.
struct Load<'a> {
    engine: &'a Engine,
    request: &'a Request,
    requests: usize,
}

/// When a load ends.
#[derive(Clone, Copy)]
enum Until {
    Answered(u32),
    Time(Instant),
}

impl Load<'_> {
    /// The latencies of the requests that were answered, in milliseconds.
    fn run(&self, until: Until) -> anyhow::Result<Vec<f64>> {
        let mut under_way: VecDeque<(Instant, ReplyFuture)> = VecDeque::new();
        let mut latencies = Vec::new();
        loop {
            let is_over = match until {
                Until::Answered(count) => latencies.len() >= usize::try_from(count)?,
                Until::Time(time) => Instant::now() >= time,
            };
            while !is_over && under_way.len() < self.requests {
                let reply = self.engine.infer("model", None, self.request.clone());
                under_way.push_back((Instant::now(), reply));
            }
            let Some((asked, reply)) = under_way.pop_front() else {
                return Ok(latencies);
            };
            reply.wait()?;
            latencies.push(asked.elapsed().as_secs_f64() * 1e3);
        }
    }
}
