//! Which settings are worth trying with which runner: one table.

use nav_package_format::GraphLevel;

/// What is worth trying with a runner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Knobs {
    /// How much the graph is rewritten, other than by default, and what that is called as part of a variant's name.
    pub(super) graph_levels: &'static [(GraphLevel, &'static str)],
    /// Whether the number of threads can be set.
    pub(super) threads: bool,
    /// Whether waiting threads can be kept from spinning, and operators run side by side.
    pub(super) scheduling: bool,
    /// Whether several sessions can gain anything.
    pub(super) instances: bool,
    /// Entries that lay images out in another way, with what is added to the name of the variant.
    pub(super) layouts: &'static [Entry],
    /// Entries that let operators choose another precision.
    pub(super) precisions: &'static [Entry],
    /// Entries that have the device record what a run is, so that the host need not start every operator again.
    pub(super) recordings: &'static [Entry],
}

/// A free-form entry that is worth trying.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// What is added to the name of the variant.
    pub(super) suffix: &'static str,
    /// Its key.
    pub(super) key: &'static str,
    /// Its value.
    pub(super) value: &'static str,
}

/// A runner that is not in the table is run as it is.
const NONE: Knobs = Knobs {
    graph_levels: &[],
    threads: false,
    scheduling: false,
    instances: false,
    layouts: &[],
    precisions: &[],
    recordings: &[],
};

/// What libtorch can do with a module.
const TORCH_LEVELS: &[(GraphLevel, &str)] = &[
    (GraphLevel::Extended, "frozen"),
    (GraphLevel::All, "for-inference"),
];

const CHANNELS_LAST: Entry = Entry {
    suffix: "channels-last",
    key: "torch.memory_format",
    value: "channels_last",
};

const fn autocast(value: &'static str) -> Entry {
    Entry {
        suffix: value,
        key: "torch.autocast",
        value,
    }
}

/// Products of FP32 with ten bits of mantissa.
const fn tf32(key: &'static str) -> Entry {
    Entry {
        suffix: "tf32",
        key,
        value: "on",
    }
}

const CUDA_GRAPH: Entry = Entry {
    suffix: "cuda-graph",
    key: "cuda.graph",
    value: "1",
};

const KNOBS: &[(&str, Knobs)] = &[
    (
        "OnnxCUDA",
        Knobs {
            precisions: &[tf32("cuda.tf32")],
            recordings: &[CUDA_GRAPH],
            ..NONE
        },
    ),
    (
        "TensorRT",
        Knobs {
            recordings: &[CUDA_GRAPH],
            ..NONE
        },
    ),
    (
        "OnnxCPU",
        Knobs {
            graph_levels: &[
                (GraphLevel::None, "level-none"),
                (GraphLevel::Basic, "level-basic"),
                (GraphLevel::Extended, "level-extended"),
            ],
            threads: true,
            scheduling: true,
            instances: true,
            ..NONE
        },
    ),
    (
        "TorchScriptCPU",
        Knobs {
            graph_levels: TORCH_LEVELS,
            threads: true,
            instances: true,
            layouts: &[CHANNELS_LAST],
            ..NONE
        },
    ),
    (
        "TorchScriptCUDA",
        Knobs {
            graph_levels: TORCH_LEVELS,
            layouts: &[CHANNELS_LAST],
            precisions: &[tf32("torch.tf32"), autocast("bf16"), autocast("fp16")],
            ..NONE
        },
    ),
    (
        "TractCPU",
        Knobs {
            instances: true,
            ..NONE
        },
    ),
];

/// What is worth trying with the runner of this name.
pub(super) fn of(runner: &str) -> Knobs {
    let known = KNOBS.iter().find(|(name, _)| *name == runner);
    known.map_or(NONE, |&(_, knobs)| knobs)
}
