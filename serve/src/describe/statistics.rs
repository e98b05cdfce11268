//! What happened in models, as the statistics extension has it.

use std::collections::BTreeMap;
use std::time::SystemTime;

use nav_engine::{BatchStatistic, Engine, Model, ResponseStatistic, Tally};

use super::find;
use crate::proto::{
    InferBatchStatistics, InferResponseStatistics, InferStatistics, ModelStatistics,
    ModelStatisticsResponse, StatisticDuration,
};
use crate::refusal::Refusal;

/// Of one version of a model, or of all.
pub(crate) fn of_model(
    engine: &Engine,
    name: &str,
    version: Option<u64>,
) -> Result<ModelStatisticsResponse, Refusal> {
    let one = find(engine, name, version)?;
    let models = match version {
        Some(_) => vec![one],
        None => engine.versions(name),
    };
    Ok(ModelStatisticsResponse {
        model_stats: models.iter().map(|model| of(model)).collect(),
    })
}

/// Of every model.
pub(crate) fn of_all(engine: &Engine) -> ModelStatisticsResponse {
    let mut models = engine.models();
    models.sort_by(|one, other| (one.name(), one.version()).cmp(&(other.name(), other.version())));
    ModelStatisticsResponse {
        model_stats: models.iter().map(|model| of(model)).collect(),
    }
}

fn of(model: &Model) -> ModelStatistics {
    let all = model.statistics();
    ModelStatistics {
        name: model.name().to_owned(),
        version: model.version().to_string(),
        last_inference: milliseconds(all.last_inference),
        inference_count: all.inference_count,
        execution_count: all.execution_count,
        inference_stats: Some(InferStatistics {
            success: duration(all.success),
            fail: duration(all.fail),
            queue: duration(all.queue),
            compute_input: duration(all.compute_input),
            compute_infer: duration(all.compute_infer),
            compute_output: duration(all.compute_output),
            cache_hit: duration(all.cache_hit),
            cache_miss: duration(all.cache_miss),
        }),
        batch_stats: all.batches.iter().map(batch).collect(),
        memory_usage: Vec::new(),
        response_stats: responses(&all.responses),
    }
}

#[expect(
    clippy::unnecessary_wraps,
    reason = "every member that is a message can be absent in protobuf"
)]
const fn duration(tally: Tally) -> Option<StatisticDuration> {
    Some(StatisticDuration {
        count: tally.count,
        ns: tally.ns,
    })
}

fn batch((rows, batch): (&usize, &BatchStatistic)) -> InferBatchStatistics {
    InferBatchStatistics {
        batch_size: u64::try_from(*rows).unwrap_or(u64::MAX),
        compute_input: duration(batch.compute_input),
        compute_infer: duration(batch.compute_infer),
        compute_output: duration(batch.compute_output),
    }
}

/// Responses of streams, by their number. What the engine does not tell apart is computing.
fn responses(responses: &[ResponseStatistic]) -> BTreeMap<String, InferResponseStatistics> {
    let of = |(number, response): (usize, &ResponseStatistic)| {
        let told = InferResponseStatistics {
            compute_infer: duration(response.success),
            compute_output: duration(Tally::default()),
            success: duration(response.success),
            fail: duration(response.fail),
            empty_response: duration(Tally::default()),
            cancel: duration(Tally::default()),
        };
        (number.to_string(), told)
    };
    responses.iter().enumerate().map(of).collect()
}

fn milliseconds(time: Option<SystemTime>) -> u64 {
    let since = time.and_then(|time| time.duration_since(SystemTime::UNIX_EPOCH).ok());
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}
