//! What a server says of a model: what it takes and gives, and what was done in it.

use std::time::Duration;

use bytes::Bytes;
use nav_package_format::{DType, Dim, Signature, TensorSpec};
use prost::Message;
use serde::Deserialize;

use crate::ask;
use crate::error::PerfError;
use crate::failure::Failed;
use crate::grpc::messages::{
    AboutModel, Configuration, InferenceStatistics, Metadata, ModelStatistics, OutputTensor,
    StatisticDuration, Statistics,
};
use crate::http::request::path_of;
use crate::target::Target;

/// A model as its server tells of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Described {
    /// What it takes and gives. The batch is an open first dimension.
    pub signature: Signature,
    /// The most rows of a batch; nothing where the server does not say.
    pub max_batch: Option<usize>,
    /// Whether a request gets any number of responses.
    pub decoupled: bool,
}

/// What a server did with requests to a model.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ServerSide {
    /// Requests that succeeded.
    pub succeeded: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that were answered from a cache.
    pub from_cache: u64,
    /// Rows that were inferred.
    pub rows: u64,
    /// Runs of the model.
    pub runs: u64,
    /// From arrival to answer, all of those that succeeded together.
    pub whole: Duration,
    /// In the queue.
    pub queue: Duration,
    /// Handing inputs to the model.
    pub compute_input: Duration,
    /// In the model.
    pub compute_infer: Duration,
    /// Passing outputs on.
    pub compute_output: Duration,
}

#[derive(Deserialize)]
struct MetadataJson {
    #[serde(default)]
    inputs: Vec<TensorJson>,
    #[serde(default)]
    outputs: Vec<TensorJson>,
}

#[derive(Deserialize)]
struct TensorJson {
    name: String,
    datatype: String,
    #[serde(default)]
    shape: Vec<i64>,
}

#[derive(Default, Deserialize)]
struct ConfigJson {
    #[serde(default)]
    max_batch_size: usize,
    #[serde(default)]
    model_transaction_policy: PolicyJson,
}

#[derive(Default, Deserialize)]
struct PolicyJson {
    #[serde(default)]
    decoupled: bool,
}

#[derive(Deserialize)]
struct StatisticsJson {
    model_stats: Vec<ModelJson>,
}

#[derive(Deserialize)]
struct ModelJson {
    #[serde(default)]
    inference_count: u64,
    #[serde(default)]
    execution_count: u64,
    #[serde(default)]
    inference_stats: SplitJson,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct SplitJson {
    success: TimesJson,
    fail: TimesJson,
    queue: TimesJson,
    compute_input: TimesJson,
    compute_infer: TimesJson,
    compute_output: TimesJson,
    cache_hit: TimesJson,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(default)]
struct TimesJson {
    count: u64,
    ns: u64,
}

/// What a server says of a model.
pub fn describe(
    target: &Target,
    model: &str,
    version: Option<&str>,
) -> Result<Described, PerfError> {
    let wrong = |failed: Failed| PerfError::Describe {
        address: target.address,
        model: model.to_owned(),
        failed,
    };
    if target.protocol.is_grpc() {
        let about = about(model, version);
        let metadata: Metadata = answered(target, "ModelMetadata", &about)?.map_err(wrong)?;
        // Whoever does not say how it is configured can still be asked.
        let config = answered::<Configuration>(target, "ModelConfig", &about)?.ok();
        let config = config.map(|it| it.config.unwrap_or_default());
        return Ok(Described {
            signature: signature(
                metadata.inputs.into_iter().map(tensor_of_message),
                metadata.outputs.into_iter().map(tensor_of_message),
            )
            .map_err(wrong)?,
            max_batch: config
                .as_ref()
                .map(|it| usize::try_from(it.max_batch_size).unwrap_or(0)),
            decoupled: config
                .and_then(|it| it.model_transaction_policy)
                .is_some_and(|it| it.decoupled),
        });
    }
    let path = |end| path_of(model, version, end);
    let metadata = ask::get(target, &path("")?)?.and_then(|body| json::<MetadataJson>(&body));
    let metadata = metadata.map_err(wrong)?;
    let config = ask::get(target, &path("/config")?)?;
    let config = config.and_then(|body| json::<ConfigJson>(&body)).ok();
    let tensor = |it: TensorJson| (it.name, it.datatype, it.shape);
    Ok(Described {
        signature: signature(
            metadata.inputs.into_iter().map(tensor),
            metadata.outputs.into_iter().map(tensor),
        )
        .map_err(wrong)?,
        max_batch: config.as_ref().map(|it| it.max_batch_size),
        decoupled: config.is_some_and(|it| it.model_transaction_policy.decoupled),
    })
}

/// What a server did with a model so far.
pub fn statistics(
    target: &Target,
    model: &str,
    version: Option<&str>,
) -> Result<ServerSide, PerfError> {
    let wrong = |failed: Failed| PerfError::Describe {
        address: target.address,
        model: model.to_owned(),
        failed,
    };
    if target.protocol.is_grpc() {
        let about = about(model, version);
        let told: Statistics = answered(target, "ModelStatistics", &about)?.map_err(wrong)?;
        return Ok(told.model_stats.iter().map(side_of_message).sum());
    }
    let body = ask::get(target, &path_of(model, version, "/stats")?)?;
    let told = body.and_then(|body| json::<StatisticsJson>(&body));
    Ok(told
        .map_err(wrong)?
        .model_stats
        .iter()
        .map(side_of_json)
        .sum())
}

fn about(model: &str, version: Option<&str>) -> AboutModel {
    AboutModel {
        name: model.to_owned(),
        version: version.unwrap_or_default().to_owned(),
    }
}

fn answered<M: Message + Default>(
    target: &Target,
    method: &str,
    about: &AboutModel,
) -> Result<Result<M, Failed>, PerfError> {
    let answer = ask::call(target, method, about)?;
    let decode = |bytes: Bytes| M::decode(bytes).map_err(|it| Failed::broken(it.to_string()));
    Ok(answer.and_then(decode))
}

fn json<'a, T: Deserialize<'a>>(body: &'a [u8]) -> Result<T, Failed> {
    serde_json::from_slice(body).map_err(|error| Failed::broken(error.to_string()))
}

type Tensor = (String, String, Vec<i64>);

fn tensor_of_message(message: OutputTensor) -> Tensor {
    (message.name, message.datatype, message.shape)
}

fn signature(
    inputs: impl Iterator<Item = Tensor>,
    outputs: impl Iterator<Item = Tensor>,
) -> Result<Signature, Failed> {
    let spec = |(name, datatype, shape): Tensor| -> Result<TensorSpec, Failed> {
        let dtype: DType = datatype
            .parse()
            .map_err(|_| Failed::broken(format!("`{name}` is of type `{datatype}`")))?;
        let dims = shape.into_iter();
        let dims = dims.map(|extent| usize::try_from(extent).map_or(Dim::Unknown, Dim::Fixed));
        Ok(TensorSpec {
            name,
            dtype,
            dims: Some(dims.collect()),
            optional: false,
        })
    };
    Ok(Signature {
        inputs: inputs.map(spec).collect::<Result<_, _>>()?,
        outputs: outputs.map(spec).collect::<Result<_, _>>()?,
    })
}

fn side_of_json(model: &ModelJson) -> ServerSide {
    let split = &model.inference_stats;
    let time = |times: TimesJson| Duration::from_nanos(times.ns);
    ServerSide {
        succeeded: split.success.count,
        failed: split.fail.count,
        from_cache: split.cache_hit.count,
        rows: model.inference_count,
        runs: model.execution_count,
        whole: time(split.success),
        queue: time(split.queue),
        compute_input: time(split.compute_input),
        compute_infer: time(split.compute_infer),
        compute_output: time(split.compute_output),
    }
}

fn side_of_message(model: &ModelStatistics) -> ServerSide {
    let InferenceStatistics {
        success,
        fail,
        queue,
        compute_input,
        compute_infer,
        compute_output,
        cache_hit,
    } = model.inference_stats.clone().unwrap_or_default();
    let times = |told: Option<StatisticDuration>| {
        let StatisticDuration { count, ns } = told.unwrap_or_default();
        TimesJson { count, ns }
    };
    side_of_json(&ModelJson {
        inference_count: model.inference_count,
        execution_count: model.execution_count,
        inference_stats: SplitJson {
            success: times(success),
            fail: times(fail),
            queue: times(queue),
            compute_input: times(compute_input),
            compute_infer: times(compute_infer),
            compute_output: times(compute_output),
            cache_hit: times(cache_hit),
        },
    })
}

impl ServerSide {
    /// What was done since then. A server that was started anew has done less than before, and then that is told.
    #[must_use]
    pub fn since(self, earlier: &Self) -> Self {
        let count = |now: u64, then: u64| now.saturating_sub(then);
        let time = |now: Duration, then: Duration| now.saturating_sub(then);
        Self {
            succeeded: count(self.succeeded, earlier.succeeded),
            failed: count(self.failed, earlier.failed),
            from_cache: count(self.from_cache, earlier.from_cache),
            rows: count(self.rows, earlier.rows),
            runs: count(self.runs, earlier.runs),
            whole: time(self.whole, earlier.whole),
            queue: time(self.queue, earlier.queue),
            compute_input: time(self.compute_input, earlier.compute_input),
            compute_infer: time(self.compute_infer, earlier.compute_infer),
            compute_output: time(self.compute_output, earlier.compute_output),
        }
    }

    /// A time of all requests together, as that of one.
    pub fn each(&self, time: Duration) -> Duration {
        let count = u32::try_from(self.succeeded).unwrap_or(u32::MAX);
        time.checked_div(count).unwrap_or_default()
    }
}

impl std::iter::Sum for ServerSide {
    fn sum<I: Iterator<Item = Self>>(sides: I) -> Self {
        sides.fold(Self::default(), |sum, more| Self {
            succeeded: sum.succeeded + more.succeeded,
            failed: sum.failed + more.failed,
            from_cache: sum.from_cache + more.from_cache,
            rows: sum.rows + more.rows,
            runs: sum.runs + more.runs,
            whole: sum.whole + more.whole,
            queue: sum.queue + more.queue,
            compute_input: sum.compute_input + more.compute_input,
            compute_infer: sum.compute_infer + more.compute_infer,
            compute_output: sum.compute_output + more.compute_output,
        })
    }
}
