//! What happened in models, as the statistics extension has it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use hyper::Response;
use nav_engine::{Model, ModelStatistics, Tally};
use serde::Serialize;

use super::Target;
use super::model::{find, serialized};
use crate::http::body::Frames;
use crate::http::refusal::Refusal;
use crate::state::State;

#[derive(Serialize)]
struct Statistics<'a> {
    model_stats: Vec<Of<'a>>,
}

#[derive(Serialize)]
struct Of<'a> {
    name: &'a str,
    version: String,
    last_inference: u64,
    inference_count: u64,
    execution_count: u64,
    inference_stats: Requests,
    response_stats: BTreeMap<String, Responses>,
    batch_stats: Vec<Batch>,
    memory_usage: [(); 0],
}

#[derive(Serialize)]
struct Requests {
    success: Count,
    fail: Count,
    queue: Count,
    compute_input: Count,
    compute_infer: Count,
    compute_output: Count,
    cache_hit: Count,
    cache_miss: Count,
}

#[derive(Serialize)]
struct Responses {
    success: Count,
    fail: Count,
}

#[derive(Serialize)]
struct Batch {
    #[serde(rename = "batch_size")]
    rows: usize,
    compute_input: Count,
    compute_infer: Count,
    compute_output: Count,
}

#[derive(Serialize)]
struct Count {
    count: u64,
    ns: u64,
}

impl From<Tally> for Count {
    fn from(tally: Tally) -> Self {
        Self {
            count: tally.count,
            ns: tally.ns,
        }
    }
}

/// Of one version of a model, or of all.
pub(super) fn of_model(state: &State, target: Target<'_>) -> Result<Response<Frames>, Refusal> {
    let one = find(state, target)?;
    let models = match target.version {
        Some(_) => vec![one],
        None => state.engine.versions(target.model),
    };
    serialized(&Statistics {
        model_stats: models.iter().map(|model| of(model)).collect(),
    })
}

/// Of every model.
pub(super) fn of_all(state: &State) -> Result<Response<Frames>, Refusal> {
    let mut models = state.engine.models();
    models.sort_by(|one, other| (one.name(), one.version()).cmp(&(other.name(), other.version())));
    serialized(&Statistics {
        model_stats: models.iter().map(|model| of(model)).collect(),
    })
}

fn of(model: &Model) -> Of<'_> {
    let all = model.statistics();
    Of {
        name: model.name(),
        version: model.version().to_string(),
        last_inference: milliseconds(all.last_inference),
        inference_count: all.inference_count,
        execution_count: all.execution_count,
        inference_stats: requests(&all),
        response_stats: responses(&all),
        batch_stats: batches(&all),
        memory_usage: [],
    }
}

fn requests(all: &ModelStatistics) -> Requests {
    Requests {
        success: all.success.into(),
        fail: all.fail.into(),
        queue: all.queue.into(),
        compute_input: all.compute_input.into(),
        compute_infer: all.compute_infer.into(),
        compute_output: all.compute_output.into(),
        cache_hit: all.cache_hit.into(),
        cache_miss: all.cache_miss.into(),
    }
}

fn responses(all: &ModelStatistics) -> BTreeMap<String, Responses> {
    let numbered = all.responses.iter().enumerate();
    let of = |(number, response): (usize, &nav_engine::ResponseStatistic)| {
        let responses = Responses {
            success: response.success.into(),
            fail: response.fail.into(),
        };
        (number.to_string(), responses)
    };
    numbered.map(of).collect()
}

fn batches(all: &ModelStatistics) -> Vec<Batch> {
    let of = |(&rows, batch): (&usize, &nav_engine::BatchStatistic)| Batch {
        rows,
        compute_input: batch.compute_input.into(),
        compute_infer: batch.compute_infer.into(),
        compute_output: batch.compute_output.into(),
    };
    all.batches.iter().map(of).collect()
}

fn milliseconds(time: Option<SystemTime>) -> u64 {
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
