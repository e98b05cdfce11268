//! What a configuration asks for and this server does otherwise: told when the model is loaded, never passed over.

use super::ConfigError;
use crate::proto::model_config::SchedulingChoice;
use crate::proto::model_sequence_batching::StrategyChoice;
use crate::proto::{
    ModelConfig, ModelInstanceGroup, ModelOptimizationPolicy, ModelSequenceBatching,
};

/// What is not as asked, each with its field. Fails where a model must not be served without it.
pub(crate) fn unhonoured(config: &ModelConfig) -> Result<Vec<String>, ConfigError> {
    if config.model_repository_agents.is_some() {
        let reason = "what agents check or change before a model is loaded cannot be left out";
        return Err(ConfigError::field("model_repository_agents", reason));
    }
    let mut told = Told(Vec::new());
    told.when(
        !config.batch_input.is_empty(),
        "batch_input",
        "clients must send these inputs themselves",
    );
    told.when(
        !config.batch_output.is_empty(),
        "batch_output",
        "outputs are given as the model gives them",
    );
    told.when(
        !config.runtime.is_empty(),
        "runtime",
        "the backend alone decides what runs the model",
    );
    told.when(
        !config.cc_model_filenames.is_empty(),
        "cc_model_filenames",
        "the same file is used on every device",
    );
    for name in config.metric_tags.keys().filter(|name| !is_label(name)) {
        told.when(
            true,
            &format!("metric_tags[{name}]"),
            "a label's name is of letters, digits and underscores",
        );
    }
    told.when(
        config
            .model_operations
            .as_ref()
            .is_some_and(|it| !it.op_library_filename.is_empty()),
        "model_operations",
        "no library is loaded for a model",
    );
    for (index, input) in config.input.iter().enumerate() {
        let field = |name: &str| format!("input[{index}].{name}");
        told.when(
            input.is_shape_tensor,
            &field("is_shape_tensor"),
            "it is sent as any other input",
        );
        told.when(
            input.allow_ragged_batch,
            &field("allow_ragged_batch"),
            "only requests of the same shape share a batch",
        );
        told.when(
            input.is_non_linear_format_io,
            &field("is_non_linear_format_io"),
            "elements are in the usual order",
        );
    }
    told.groups(&config.instance_group);
    if let Some(optimization) = &config.optimization {
        told.optimization(optimization);
    }
    match &config.scheduling_choice {
        Some(SchedulingChoice::SequenceBatching(sequence)) => told.sequence(sequence),
        Some(SchedulingChoice::DynamicBatching(dynamic)) => {
            told.when(
                config.max_batch_size == 0 && dynamic.max_queue_delay_microseconds > 0,
                "dynamic_batching.max_queue_delay_microseconds",
                "without max_batch_size there are no batches to wait for",
            );
        }
        _ => {}
    }
    Ok(told.0)
}

/// Whether a tag of this name can be a label of metrics.
pub(crate) fn is_label(name: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    !name.is_empty() && name.bytes().all(is_plain)
}

struct Told(Vec<String>);

impl Told {
    fn when(&mut self, is_asked: bool, field: &str, instead: &str) {
        if is_asked {
            self.0.push(format!("{field} is not honoured: {instead}"));
        }
    }

    fn groups(&mut self, groups: &[ModelInstanceGroup]) {
        for (index, group) in groups.iter().enumerate() {
            let field = |name: &str| format!("instance_group[{index}].{name}");
            self.when(
                group.rate_limiter.is_some(),
                &field("rate_limiter"),
                "every instance runs when it can",
            );
            self.when(
                !group.profile.is_empty(),
                &field("profile"),
                "the runtime chooses",
            );
            self.when(
                !group.secondary_devices.is_empty(),
                &field("secondary_devices"),
                "there are none",
            );
            self.when(
                !group.host_policy.is_empty(),
                &field("host_policy"),
                "there are no policies of hosts",
            );
            self.when(
                index > 0 && groups.first().is_some_and(|first| first.kind != group.kind),
                &field("kind"),
                "all instances are where the first group is",
            );
            self.when(
                group.gpus.len() > 1,
                &field("gpus"),
                "all instances are on the first one",
            );
        }
    }

    fn optimization(&mut self, optimization: &ModelOptimizationPolicy) {
        let is_graph = optimization.graph.is_some_and(|it| it.level != 0);
        let of = |name: &str| format!("optimization.{name}");
        self.when(is_graph, &of("graph"), "the runner's own settings hold");
        self.when(
            optimization.priority != 0,
            &of("priority"),
            "models share the host as its system lets them",
        );
        self.when(
            optimization.cuda.is_some(),
            &of("cuda"),
            "the runner's own settings hold",
        );
        let accelerators = optimization.execution_accelerators.as_ref();
        let has_some = accelerators.is_some_and(|it| {
            !it.gpu_execution_accelerator.is_empty() || !it.cpu_execution_accelerator.is_empty()
        });
        self.when(
            has_some,
            &of("execution_accelerators"),
            "the best runner that is ready is used",
        );
        self.when(
            optimization.eager_batching,
            &of("eager_batching"),
            "batches are formed when an instance is free",
        );
    }

    fn sequence(&mut self, sequence: &ModelSequenceBatching) {
        let of = |name: &str| format!("sequence_batching.{name}");
        self.when(
            sequence.iterative_sequence,
            &of("iterative_sequence"),
            "a request runs once",
        );
        if let Some(StrategyChoice::Direct(direct)) = &sequence.strategy_choice {
            let is_set = direct.minimum_slot_utilization > 0.0;
            self.when(
                is_set,
                &of("direct.minimum_slot_utilization"),
                "a batch waits for the delay at the most",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::config::of_text;

    #[test]
    fn what_is_not_as_asked_is_told_by_its_field() {
        let check = |text: &str, expected: &[&str]| {
            let config = of_text(text.as_bytes()).unwrap();
            let told = unhonoured(&config).unwrap();
            let fields: Vec<&str> = told
                .iter()
                .map(|text| text.split_once(" is not honoured: ").unwrap().0)
                .collect();
            assert_eq!(fields, expected, "{text}");
        };
        check("max_batch_size: 4 dynamic_batching { }", &[]);
        check(
            "batch_input { } batch_output { }",
            &["batch_input", "batch_output"],
        );
        check(
            "runtime: 'r' metric_tags { key: 'a' value: 'b' } metric_tags { key: 'a-b' value: 'c' }",
            &["runtime", "metric_tags[a-b]"],
        );
        check(
            "input { is_shape_tensor: true allow_ragged_batch: true }",
            &["input[0].is_shape_tensor", "input[0].allow_ragged_batch"],
        );
        check(
            "instance_group [ { kind: KIND_GPU gpus: [ 0, 1 ] }, { kind: KIND_CPU rate_limiter { } } ]",
            &[
                "instance_group[0].gpus",
                "instance_group[1].rate_limiter",
                "instance_group[1].kind",
            ],
        );
        check(
            "optimization { graph { level: 1 } cuda { } execution_accelerators { gpu_execution_accelerator { name: 'tensorrt' } } }",
            &[
                "optimization.graph",
                "optimization.cuda",
                "optimization.execution_accelerators",
            ],
        );
        check(
            "sequence_batching { control_input { } state { } direct { minimum_slot_utilization: 0.5 } }",
            &["sequence_batching.direct.minimum_slot_utilization"],
        );
        check(
            "dynamic_batching { max_queue_delay_microseconds: 1 }",
            &["dynamic_batching.max_queue_delay_microseconds"],
        );
        let config = of_text(b"model_repository_agents { agents { name: 'checksum' } }").unwrap();
        assert!(unhonoured(&config).is_err());
    }
}
