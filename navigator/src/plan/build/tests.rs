use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node};
use nav_package_format::onnx::proto::GraphProto;

use super::*;
use crate::optimize::DimRange;
use crate::plan::RunnerFacts;

fn source(shape: &str) -> ModelSource {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.onnx");
    let model = GraphProto::named("model")
        .takes("x", DType::Fp32, &dims(shape))
        .with(node("Neg", &["x"], &["y"]))
        .gives("y", DType::Fp32, &dims(shape))
        .into_model();
    model.write(&path).unwrap();
    ModelSource::open(&path).unwrap()
}

fn host(threads: usize, ready: &[&str]) -> HostFacts {
    let runners = ["OnnxCUDA", "OnnxCPU", "TractCPU"].map(|name| RunnerFacts {
        name: name.to_owned(),
        probe: if ready.contains(&name) {
            Probe::Ready {
                version: "1".to_owned(),
                library: None,
                devices: vec![Device::Cpu],
            }
        } else {
            Probe::Missing {
                reason: "it is not there".to_owned(),
                how_to_get_it: "get it".to_owned(),
            }
        },
    });
    HostFacts {
        system: "linux".to_owned(),
        processor: "a processor".to_owned(),
        cores: threads,
        threads,
        memory_bytes: 1000,
        gpus: Vec::new(),
        gpu_memory_bytes: None,
        runners: runners.into(),
    }
}

fn plan(shape: &str, settings: &Settings) -> Result<Plan, PlanError> {
    build(&source(shape), &host(2, &["OnnxCPU"]), settings, &[])
}

#[test]
fn what_is_tried_first_is_the_untouched_model_then_graph_levels_and_conversions() {
    let plan = plan("batch,3", &Settings::default()).unwrap();
    let names: Vec<String> = plan.candidates.iter().map(ToString::to_string).collect();
    assert_eq!(
        names,
        [
            "onnx on OnnxCPU",
            "onnx-level-none on OnnxCPU",
            "onnx-level-basic on OnnxCPU",
            "onnx-level-extended on OnnxCPU",
            "onnx-optimized on OnnxCPU",
        ]
    );
    let waves: Vec<&str> = plan.waves.iter().map(|wave| wave.name.as_str()).collect();
    assert_eq!(waves, ["threads and instances", "scheduling"]);
    let unavailable: Vec<&str> = plan
        .unavailable
        .iter()
        .map(|one| one.runner.as_str())
        .collect();
    assert!(unavailable.contains(&"OnnxCUDA"), "{unavailable:?}");
    assert_eq!(plan.memory_limit, 800);
}

#[test]
fn the_same_facts_give_the_same_plan_and_it_is_read_back() {
    let plan = plan("batch,3", &Settings::default()).unwrap();
    assert_eq!(
        super::tests::plan("batch,3", &Settings::default()).unwrap(),
        plan
    );
    let text = serde_json::to_string(&plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), plan);
}

#[test]
fn batches_double_up_to_the_largest_or_are_those_that_were_asked_for() {
    let check =
        |shape: &str, settings: &Settings, first: &[Option<usize>], all: &[Option<usize>]| {
            let batches = plan(shape, settings).unwrap().batches;
            assert_eq!(
                (batches.first.as_slice(), batches.all.as_slice()),
                (first, all)
            );
        };
    let up_to = |max_batch: usize| Settings {
        max_batch,
        ..Settings::default()
    };
    check(
        "batch,3",
        &up_to(12),
        &[Some(1), Some(8)],
        &[Some(1), Some(2), Some(4), Some(8), Some(12)],
    );
    check("batch,3", &up_to(1), &[Some(1)], &[Some(1)]);
    check("1,3", &up_to(12), &[None], &[None]);
    let exactly = Settings {
        batch_sizes: vec![6, 2],
        ..Settings::default()
    };
    check(
        "batch,3",
        &exactly,
        &[Some(2), Some(6)],
        &[Some(2), Some(6)],
    );
    let mut ranged = up_to(256);
    ranged
        .dims
        .insert("batch".to_owned(), DimRange { min: 4, max: 8 });
    check("batch,3", &ranged, &[Some(4), Some(8)], &[Some(4), Some(8)]);
}

#[test]
fn what_makes_no_sense_is_refused() {
    let check = |shape: &str, settings: &Settings, expected: &str| {
        assert_eq!(plan(shape, settings).unwrap_err().to_string(), expected);
    };
    let zero = Settings {
        threads: vec![0],
        ..Settings::default()
    };
    check("batch,3", &zero, "a number of threads must be at least 1");
    let other = Settings {
        runners: vec!["OnnxCUDA".to_owned()],
        ..Settings::default()
    };
    check(
        "batch,3",
        &other,
        "no runner for onnx models is ready (OnnxCUDA: it is not there)",
    );
}

#[test]
fn what_is_made_of_a_model_needs_somebody_to_run_the_model_itself() {
    let host = host_with(&[("OnnxCPU", Device::Cpu), ("TensorRT", Device::Cuda(0))]);
    let wanted = |runners: &[&str]| Settings {
        runners: runners.iter().map(|&name| name.to_owned()).collect(),
        ..Settings::default()
    };
    let plan = |runners: &[&str]| build(&source("batch,3"), &host, &wanted(runners), &[]);
    assert!(plan(&["TensorRT", "OnnxCPU"]).is_ok());
    let error = plan(&["TensorRT"]).unwrap_err();
    let expected = "the onnx model itself, which says what is right, is run by none of `TensorRT`";
    assert_eq!(error.to_string(), expected);
    let PlanError::NoReference { other, .. } = error else {
        panic!("{error}");
    };
    assert_eq!(other.as_deref(), Some("OnnxCPU"));
}

#[test]
fn torch_script_is_tried_on_its_runners_and_exported_where_there_is_a_python() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.pt");
    let model = include_bytes!("../../../../tests/data/torch/mlp.pt");
    std::fs::write(&path, model).unwrap();
    let mut source = ModelSource::open(&path).unwrap();
    let ready = Probe::Ready {
        version: "1".to_owned(),
        library: None,
        devices: vec![Device::Cpu],
    };
    let mut host = host(2, &["OnnxCPU"]);
    host.runners.push(RunnerFacts {
        name: "TorchScriptCPU".to_owned(),
        probe: ready,
    });
    let settings = Settings::default();
    let refused = build(&source, &host, &settings, &[]).unwrap_err();
    assert!(
        matches!(refused, PlanError::NoSignature { .. }),
        "{refused}"
    );
    let spec = |name: &str, text: &str| nav_package_format::TensorSpec {
        name: name.to_owned(),
        dtype: DType::Fp32,
        dims: Some(dims(text)),
        optional: false,
    };
    source.declared = Some(Signature {
        inputs: vec![spec("x", "batch,8")],
        outputs: vec![spec("output", "batch,4")],
    });
    let names = |settings: &Settings| -> Vec<String> {
        let plan = build(&source, &host, settings, &[]).unwrap();
        plan.candidates.iter().map(ToString::to_string).collect()
    };
    let torch = [
        "torch-script on TorchScriptCPU",
        "torch-script-frozen on TorchScriptCPU",
        "torch-script-for-inference on TorchScriptCPU",
    ];
    assert_eq!(names(&settings), torch);
    let with_python = Settings {
        python: Some(crate::convert::Python::new("/usr/bin/python3".into())),
        ..settings
    };
    let all: Vec<&str> = ["onnx-exported on OnnxCPU"]
        .into_iter()
        .chain(torch)
        .collect();
    assert_eq!(names(&with_python), all);
}

/// A host on which these runners are ready, each on its device, and the others are not.
fn host_with(ready: &[(&str, Device)]) -> HostFacts {
    let runners = nav_worker::all_runners().map(|runner| {
        let device = ready.iter().find(|(name, _)| *name == runner.name());
        let probe = match device {
            Some(&(_, device)) => Probe::Ready {
                version: "1".to_owned(),
                library: None,
                devices: vec![device],
            },
            None => Probe::Missing {
                reason: "there is no driver".to_owned(),
                how_to_get_it: "a GPU".to_owned(),
            },
        };
        RunnerFacts {
            name: runner.name().to_owned(),
            probe,
        }
    });
    HostFacts {
        runners: runners.collect(),
        ..host(2, &[])
    }
}

#[test]
fn a_host_with_a_gpu_tries_what_it_has_there_and_one_without_says_how_to_get_it() {
    let gpu = Device::Cuda(0);
    let with_gpu = host_with(&[
        ("OnnxTensorRT", gpu),
        ("OnnxCUDA", gpu),
        ("TorchScriptCUDA", gpu),
        ("OnnxCPU", Device::Cpu),
        ("TorchScriptCPU", Device::Cpu),
    ]);
    let without = host_with(&[("OnnxCPU", Device::Cpu), ("TorchScriptCPU", Device::Cpu)]);
    let images = "batch,3,8,8";
    let onnx = source(images);
    let mut torch = onnx.clone();
    torch.inspection.format = Format::TorchScript;
    let check = |source: &ModelSource, host: &HostFacts, tried: &[&str], missing: &[&str]| {
        let plan = build(source, host, &Settings::default(), &[]).unwrap();
        let untouched = plan.candidates.iter();
        let untouched = untouched.filter(|it| {
            it.origin == Origin::Untouched && it.settings == RunnerSettings::default()
        });
        let names: Vec<String> = untouched
            .map(|it| format!("{} on {}", it.runner, it.device))
            .collect();
        assert_eq!(names, tried);
        for name in missing {
            let told = plan.unavailable.iter().find(|one| one.runner == *name);
            let told = told.unwrap_or_else(|| panic!("nothing is said of {name}"));
            assert_eq!(
                (told.reason.as_str(), told.how_to_get_it.as_str()),
                ("there is no driver", "a GPU")
            );
        }
    };
    // The reference is on the processor, and comes first.
    let on_gpu = [
        "OnnxCPU on cpu",
        "OnnxTensorRT on cuda:0",
        "OnnxCUDA on cuda:0",
    ];
    check(&onnx, &with_gpu, &on_gpu, &[]);
    check(
        &onnx,
        &without,
        &["OnnxCPU on cpu"],
        &["TensorRT", "OnnxTensorRT", "OnnxCUDA"],
    );
    let on_gpu = ["TorchScriptCPU on cpu", "TorchScriptCUDA on cuda:0"];
    check(&torch, &with_gpu, &on_gpu, &[]);
    check(
        &torch,
        &without,
        &["TorchScriptCPU on cpu"],
        &["TorchScriptCUDA"],
    );
    // What precision and layout are worth is found out on the GPU alone.
    let plan = build(&torch, &with_gpu, &Settings::default(), &[]).unwrap();
    let waves = plan
        .waves
        .iter()
        .filter(|wave| wave.runner == "TorchScriptCUDA");
    let suffixes = waves.flat_map(|wave| wave.refinements.iter().map(|it| it.suffix.as_str()));
    assert_eq!(
        suffixes.collect::<Vec<_>>(),
        ["channels-last", "tf32", "bf16", "fp16"]
    );
}

#[test]
fn on_a_gpu_host_tensorrt_runs_engines_for_what_is_planned_instead_of_the_graph() {
    let mut host = host(2, &["OnnxCPU"]);
    host.runners.push(RunnerFacts {
        name: "TensorRT".to_owned(),
        probe: Probe::Ready {
            version: "11.4.0.106".to_owned(),
            library: None,
            devices: vec![Device::Cuda(0)],
        },
    });
    let settings = Settings {
        runners: ["TensorRT", "OnnxCPU"].map(str::to_owned).into(),
        max_batch: 32,
        ..Settings::default()
    };
    let plan = build(&source("batch,length"), &host, &settings, &[]).unwrap();
    let engines = plan.candidates.iter();
    let engines: Vec<&Candidate> = engines.filter(|it| it.runner == "TensorRT").collect();
    let names: Vec<String> = engines.iter().map(ToString::to_string).collect();
    assert_eq!(names, ["engine on TensorRT", "engine-tf32 on TensorRT"]);
    for candidate in engines {
        assert_eq!(candidate.device, Device::Cuda(0));
        let entries = &candidate.settings.config_entries;
        let extents = |name: &str| entries[&format!("tensorrt.extent.{name}")].as_str();
        assert_eq!(extents("batch"), "1:8:32");
        assert_eq!(extents("length"), "8:128:128");
    }
    let waves = plan.waves.iter().filter(|wave| wave.runner == "TensorRT");
    let waves: Vec<&str> = waves.map(|wave| wave.name.as_str()).collect();
    assert_eq!(waves, ["recording"]);
}

#[test]
fn the_shapes_of_samples_tell_what_engines_are_built_for() {
    let shape = |extents: [usize; 2]| {
        let shape = nav_package_format::Shape::from(extents);
        vec![("x".to_owned(), shape)]
    };
    let samples = [
        ("short".to_owned(), shape([1, 20])),
        ("long".to_owned(), shape([2, 300])),
    ];
    let settings = Settings {
        max_batch: 4,
        ..Settings::default()
    };
    let source = source("batch,anything");
    let plan = build(&source, &host(2, &["OnnxCPU"]), &settings, &samples).unwrap();
    let found = plan.extents["anything"];
    assert_eq!((found.least, found.usual, found.most), (20, 20, 300));
    let batch = plan.extents["batch"];
    assert_eq!((batch.least, batch.usual, batch.most), (1, 2, 4));
    assert_eq!(plan.samples, ["short", "long"]);
}
