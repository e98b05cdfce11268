//! Runners behind the engine: one copy in, none out, and the same answers in every company.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use nav_engine::{ErrorKind, FailureReason, InstanceState, ModelOptions, ModelSpec, RunnerBackend};
use nav_package_format::onnx::build::{dims, node, tensor};
use nav_package_format::onnx::proto::GraphProto;
use nav_package_format::{DType, Dim, Format, Signature, TensorSpec};
use nav_runners::tract_cpu::TractCpu;
use nav_runners::{
    LoadError, LoadOptions, Loaded, ModelFile, Outputs, RunError, Runner, Session, Staged, Tensor,
    TensorDesc,
};
use proptest::prelude::*;

use crate::subject::{NAME, answer, engine, request, signature};

/// Gives each byte back plus one, and how often the first byte of its row occurs in the row.
#[derive(Debug, Default)]
struct AddOne {
    signature: Signature,
    /// Whether its process is lost.
    is_lost: Arc<AtomicBool>,
    /// How many runs find that it is not back yet.
    absences: Arc<AtomicUsize>,
}

#[derive(Debug)]
struct AddOneSession {
    model: Arc<AddOne>,
    desc: Option<TensorDesc>,
    memory: Vec<u8>,
}

impl Loaded for AddOne {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(AddOneSession {
            model: self,
            desc: None,
            memory: Vec::new(),
        }))
    }
}

impl Session for AddOneSession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError> {
        self.desc = inputs.first().cloned();
        // Kept from run to run, as runners do: what was there before must not show.
        let size = inputs[0].byte_size;
        self.memory.resize(size.max(self.memory.len()), 0);
        Ok(std::iter::once(&mut self.memory[..size]).collect())
    }

    fn run(&mut self) -> Result<Outputs, RunError> {
        if self.model.is_lost.load(Ordering::SeqCst) {
            return Err(RunError::WorkerLost {
                runner: "Test".to_owned(),
                cause: "it was killed by signal 9".to_owned(),
            });
        }
        let less = |left: usize| left.checked_sub(1);
        let absences = &self.model.absences;
        if absences
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, less)
            .is_ok()
        {
            return Err(RunError::WorkerDown {
                runner: "Test".to_owned(),
                cause: "it was killed by signal 9".to_owned(),
                retry_after: Duration::from_millis(10),
            });
        }
        let desc = self.desc.clone().ok_or(RunError::NotStaged)?;
        let bytes = self.memory[..desc.byte_size]
            .iter()
            .map(|byte| byte.wrapping_add(1));
        let bytes: Bytes = bytes.collect();
        Ok(std::iter::once(Tensor { desc, bytes }).collect())
    }
}

fn spec(model: AddOne, options: ModelOptions) -> ModelSpec {
    ModelSpec::new(RunnerBackend::new(Arc::new(model)), options)
}

fn add_one() -> AddOne {
    AddOne {
        signature: signature(),
        is_lost: Arc::default(),
        absences: Arc::default(),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Each request has a value of its own in every byte, so that any byte of another one would show.
    #[test]
    fn every_request_gets_its_own_rows_in_every_company(
        sizes in prop::collection::vec((0_usize..4, 1_usize..4), 1..40),
        instances in 1_usize..3,
    ) {
        let engine = engine();
        let options = ModelOptions { instances, ..ModelOptions::batched(8) };
        engine.load(NAME, 1, spec(add_one(), options)).unwrap();
        let replies: Vec<_> = sizes
            .iter()
            .zip(0_u8..)
            .map(|(&(rows, width), canary)| {
                let shape = [rows, width];
                let request = nav_engine::Request::new();
                let bytes = vec![canary; rows * width];
                let request = request.with_input(0, DType::Uint8, shape, bytes);
                (engine.infer(NAME, None, request), shape, canary)
            })
            .collect();
        for (reply, shape, canary) in replies {
            let response = reply.wait().unwrap();
            let tensor = response.output(0).unwrap();
            prop_assert_eq!(&*tensor.desc.shape, &shape[..]);
            prop_assert_eq!(&tensor.bytes[..], &vec![canary + 1; shape[0] * shape[1]][..]);
        }
    }
}

/// A layer of a network, in the embedded runtime.
fn layer() -> Arc<dyn Loaded> {
    let weights: Vec<f32> = (0_u8..64).map(|it| f32::from(it).sin()).collect();
    let bias: Vec<f32> = (0_u8..8).map(|it| f32::from(it).cos()).collect();
    let graph = GraphProto::named("layer")
        .takes("x", DType::Fp32, &dims("n,8"))
        .holds(tensor("weights", &[8, 8], &weights))
        .holds(tensor("bias", &[8], &bias))
        .with(node("MatMul", &["x", "weights"], &["product"]))
        .with(node("Add", &["product", "bias"], &["sum"]))
        .with(node("Tanh", &["sum"], &["y"]))
        .gives("y", DType::Fp32, &dims("n,8"));
    let file = tempfile::NamedTempFile::new().unwrap();
    graph.into_model().write(file.path()).unwrap();
    let model = ModelFile {
        path: file.path().to_owned(),
        format: Format::Onnx,
    };
    TractCpu.load(&model, &LoadOptions::default()).unwrap()
}

/// FP32 rows that are different for every request.
fn floats(request: u16, rows: usize) -> Vec<u8> {
    let values = (0..8 * rows)
        .map(|it| (f32::from(request) + f32::from(u16::try_from(it).unwrap()) / 7.0).sin());
    values.flat_map(f32::to_le_bytes).collect()
}

#[test]
fn a_real_runtime_answers_the_same_in_a_batch_and_alone() {
    let engine = engine();
    let loaded = layer();
    for (name, options) in [
        ("alone", ModelOptions::default()),
        ("batched", ModelOptions::batched(16)),
    ] {
        let backend = RunnerBackend::new(Arc::clone(&loaded));
        engine
            .load(name, 1, ModelSpec::new(backend, options))
            .unwrap();
    }
    let ask = |name: &str, request: u16| {
        let rows = 1 + usize::from(request) % 3;
        let bytes = floats(request, rows);
        let request = nav_engine::Request::new().with_input("x", DType::Fp32, [rows, 8], bytes);
        engine.infer(name, None, request)
    };
    let batched: Vec<_> = (0..200).map(|it| ask("batched", it)).collect();
    for (request, reply) in (0..200).zip(batched) {
        let alone = ask("alone", request).wait().unwrap();
        let batched = reply.wait().unwrap();
        assert_eq!(batched.outputs, alone.outputs, "request {request}");
    }
    let statistics = engine.model("batched", None).unwrap().statistics();
    assert!(statistics.batches.keys().any(|&rows| rows > 3));
}

#[test]
fn a_lost_worker_answers_everyone_and_the_model_is_ready_when_it_is_back() {
    let engine = engine();
    let model = add_one();
    let is_lost = Arc::clone(&model.is_lost);
    let mut spec = spec(model, ModelOptions::batched(8));
    spec.warm_up = vec![request(&[1])];
    engine.load(NAME, 1, spec).unwrap();
    is_lost.store(true, Ordering::SeqCst);
    for _ in 0..3 {
        let error = answer(engine.infer(NAME, None, request(&[1]))).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Internal);
        assert!(error.to_string().contains("signal 9"), "{error}");
    }
    assert!(!engine.is_ready());
    let model = engine.model(NAME, None).unwrap();
    let states = model.health().instances;
    assert!(
        matches!(states[..], [InstanceState::Lost { .. }]),
        "{states:?}"
    );
    assert_eq!(model.statistics().failed(FailureReason::Backend), 3);
    is_lost.store(false, Ordering::SeqCst);
    assert_eq!(
        answer(engine.infer(NAME, None, request(&[1]))).unwrap(),
        [2]
    );
    assert!(engine.is_ready());
}

#[test]
fn requests_wait_for_a_lost_process_unless_it_is_lost_again_and_again() {
    let engine = engine();
    let model = add_one();
    let (is_lost, absences) = (Arc::clone(&model.is_lost), Arc::clone(&model.absences));
    engine
        .load(NAME, 1, spec(model, ModelOptions::batched(8)))
        .unwrap();
    let ask = || answer(engine.infer(NAME, None, request(&[1])));
    let lose = || {
        is_lost.store(true, Ordering::SeqCst);
        assert_eq!(ask().unwrap_err().kind(), ErrorKind::Internal);
        is_lost.store(false, Ordering::SeqCst);
    };
    lose();
    absences.store(1, Ordering::SeqCst);
    assert_eq!(ask().unwrap(), [2]);
    // Being away is no other loss.
    lose();
    absences.store(20, Ordering::SeqCst);
    while ask().is_err() {
        assert!(engine.is_ready());
    }
    for _ in 0..3 {
        lose();
    }
    absences.store(1, Ordering::SeqCst);
    let error = ask().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotReady);
    assert_eq!(error.retry_after(), Some(Duration::from_millis(10)));
    assert_eq!(ask().unwrap(), [2]);
}

#[test]
fn outputs_that_are_not_asked_for_are_left_out() {
    let engine = engine();
    let spec_of = |name: &str| TensorSpec {
        name: name.to_owned(),
        dtype: DType::Uint8,
        dims: Some(vec![Dim::Unknown, Dim::Unknown]),
        optional: false,
    };
    let mut model = add_one();
    model.signature.outputs.push(spec_of("z"));
    engine
        .load(NAME, 1, spec(model, ModelOptions::batched(8)))
        .unwrap();
    let mut wish = request(&[1]);
    wish.outputs.push("z".into());
    let response = engine.infer(NAME, None, wish).wait().unwrap();
    assert!(response.outputs.is_empty());
}

#[test]
fn a_model_without_room_for_a_batch_is_refused_when_it_is_to_have_one() {
    let mut model = add_one();
    model.signature.outputs[0].dims = Some(vec![Dim::Fixed(1), Dim::Unknown]);
    let error = engine()
        .load(NAME, 1, spec(model, ModelOptions::batched(8)))
        .unwrap_err();
    let expected = "`y` has dimensions [1,?], which have no open first one for a batch";
    assert_eq!(error.to_string(), expected);
}
