//! `nav __serving`: a variant measured through the server's own engine and batching, in a process of its own.
//!
//! Requests of one row come as fast as they are answered, as many at once as fill every instance twice: what a
//! server under load sees. The latency is that of a request, its waiting included. It reads the trial from a line of its
//! input, says that it is ready when the model is loaded and warm, measures when the next line tells it to, and ends.

mod parent;

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::time::{Duration, Instant};

use anyhow::{Context, bail};
use bytes::Bytes;
use nav_engine::{
    Engine, EngineOptions, ModelOptions, ModelSpec, ReplyFuture, Request, RunnerBackend,
};
use nav_navigator::profile::summarize;
use nav_navigator::serving::ServingTrial;
use nav_navigator::step;
use nav_package_format::numpy::{Limits, NumpyFile, read_file};
use nav_package_format::package::Measurement;
use nav_package_format::{Shape, TensorData};

pub(crate) use self::parent::InOtherProcesses;
use crate::printer::Printer;

/// The most that a line may be long.
const MOST: u64 = 16 << 20;
/// What is said when the model is loaded and warm.
const READY: &str = "ready";
/// What is said to have it measured.
const GO: &str = "go";
/// In how many slices the time is divided, which tell how much it varies.
const SLICES: usize = 8;
/// After how many of them it may be sure enough.
const LEAST_SLICES: usize = 4;
/// The uncertainty above which a measurement is called noisy.
const GOAL: f64 = 0.02;

/// Reads a trial, measures, tells.
pub(crate) fn run() -> anyhow::Result<()> {
    step::die_with_parent();
    let mut told = BufReader::new(std::io::stdin().take(2 * MOST));
    let trial: ServingTrial = serde_json::from_slice(&line(&mut told)?)?;
    let trial = Trial::load(&trial)?;
    Printer::data(READY)?;
    anyhow::ensure!(
        line(&mut told)? == GO.as_bytes(),
        "nobody wants it measured"
    );
    Printer::data(&serde_json::to_string(&trial.measure()?)?)?;
    Ok(())
}

fn line(told: &mut impl BufRead) -> anyhow::Result<Vec<u8>> {
    let mut line = Vec::new();
    told.read_until(b'\n', &mut line)?;
    line.pop();
    Ok(line)
}

/// A trial whose model is loaded and warm.
struct Trial {
    engine: Engine,
    request: Request,
    requests: usize,
    batch: Option<usize>,
    budget: Duration,
}

impl Trial {
    fn load(trial: &ServingTrial) -> anyhow::Result<Self> {
        let runner = nav_worker::all_runners()
            .find(|runner| runner.name() == trial.runner)
            .with_context(|| format!("there is no runner `{}`", trial.runner))?;
        let loaded = runner.load(&trial.model, &trial.options)?;
        let options = ModelOptions::from(&trial.serving);
        let requests = 2 * options.max_batch.max(1) * options.instances;
        let engine = Engine::new(EngineOptions::default())?;
        let backend = RunnerBackend::new(loaded);
        engine.load("model", 1, ModelSpec::new(backend, options))?;
        let trial = Self {
            engine,
            request: request(trial)?,
            requests,
            batch: trial.serving.max_batch,
            budget: trial.budget,
        };
        let mut load = Load::of(&trial);
        load.answered(Until::Answered(requests))?;
        load.finish()?;
        Ok(trial)
    }

    fn measure(&self) -> anyhow::Result<Measurement> {
        let mut load = Load::of(self);
        // It was held since it was warm.
        load.answered(Until::Answered(self.requests))?;
        let mut slices = Vec::new();
        let started = Instant::now();
        let mut measured = None;
        for slice in 1..=SLICES {
            let until = started + self.budget * u32::try_from(slice)? / u32::try_from(SLICES)?;
            slices.push(load.answered(Until::Time(until))?);
            measured = summarize(&slices, self.batch, 1, GOAL);
            if slice >= LEAST_SLICES && measured.is_some_and(|measured| !measured.noisy) {
                break;
            }
        }
        let took = started.elapsed().as_secs_f64();
        load.finish()?;
        let answered: usize = slices.iter().map(Vec::len).sum();
        Ok(Measurement {
            // What was done in the time that it took, not what one request alone would allow.
            throughput: f64::from(u32::try_from(answered)?) / took,
            ..measured.context("nothing was answered")?
        })
    }
}

/// Requests that come as fast as they are answered, always as many at once, from one slice of time to the next.
struct Load<'a> {
    trial: &'a Trial,
    under_way: VecDeque<(Instant, ReplyFuture)>,
}

impl<'a> Load<'a> {
    const fn of(trial: &'a Trial) -> Self {
        Self {
            trial,
            under_way: VecDeque::new(),
        }
    }

    /// The latencies of requests that are answered, in milliseconds; of one at least.
    fn answered(&mut self, until: Until) -> anyhow::Result<Vec<f64>> {
        let mut latencies = Vec::new();
        loop {
            while self.under_way.len() < self.trial.requests {
                let request = self.trial.request.clone();
                let reply = self.trial.engine.infer("model", None, request);
                self.under_way.push_back((Instant::now(), reply));
            }
            let next = self.under_way.pop_front();
            let (asked, reply) = next.context("nothing was asked")?;
            reply.wait()?;
            latencies.push(asked.elapsed().as_secs_f64() * 1e3);
            let is_over = match until {
                Until::Answered(count) => latencies.len() >= count,
                Until::Time(time) => Instant::now() >= time,
            };
            if is_over {
                return Ok(latencies);
            }
        }
    }

    /// Waits for those that are under way, which do not count.
    fn finish(self) -> anyhow::Result<()> {
        for (_, reply) in self.under_way {
            reply.wait()?;
        }
        Ok(())
    }
}

/// When a load ends.
#[derive(Clone, Copy)]
enum Until {
    Answered(usize),
    Time(Instant),
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
