//! A model in TensorRT: an engine on a device, run by any number of sessions.

use std::sync::Arc;

use nav_package_format::onnx::ModelFacts;
use nav_package_format::{Format, Signature};
use nav_runners::cuda::{Context as CudaContext, CudaError};
use nav_runners::{
    LoadError, LoadOptions, Loaded, ModelFile, Outputs, RunError, Session, Staged, TensorDesc,
};

use crate::build::Site;
use crate::dtype;
use crate::engine_file;
use crate::native::{Engine, EngineTensor, Extents, TensorRtError};
use crate::ports::{PortError, Ports};
use crate::session::TensorRtSession;
use crate::settings::treatment;

/// The engine, and what it takes and gives.
#[derive(Debug)]
pub(crate) struct TensorRtModel {
    pub(crate) runner: &'static str,
    pub(crate) engine: Arc<Engine>,
    pub(crate) ports: Ports,
    /// The least and the most extents of each input that the engine takes.
    pub(crate) ranges: Vec<Option<(Extents, Extents)>>,
    pub(crate) device: CudaContext,
    pub(crate) uses_graphs: bool,
}

/// A model file whose facts were read.
#[derive(Debug)]
pub(crate) enum Source {
    /// A graph, of which an engine is built.
    Graph(Signature),
    /// An engine.
    Plan(Vec<u8>),
}

impl Source {
    /// Reads what must be known before a runtime sees the file.
    pub(crate) fn read(
        model: &ModelFile,
        runner: &dyn nav_runners::Runner,
    ) -> Result<Self, LoadError> {
        if model.format == Format::Onnx {
            let facts = model.admit_onnx(runner)?;
            return Ok(Self::Graph(check_types(facts, runner)?));
        }
        if !runner.formats().contains(&model.format) {
            return Err(LoadError::Format {
                runner: runner.name().to_owned(),
                format: model.format,
            });
        }
        let plan = std::fs::read(&model.path).map_err(|error| model.refusal(&error, false))?;
        match engine_file::objection(&plan) {
            None => Ok(Self::Plan(plan)),
            Some(reason) => Err(LoadError::Unacceptable {
                path: model.path.clone(),
                reason,
            }),
        }
    }
}

impl TensorRtModel {
    /// Loads an engine, or builds it first.
    pub(crate) fn load(
        site: &Site<'_>,
        runner: &'static str,
        (model, source): (&ModelFile, &Source),
        options: &LoadOptions,
    ) -> Result<Self, LoadError> {
        let refused = |reason: String| LoadError::Model {
            runner: runner.to_owned(),
            path: model.path.clone(),
            reason,
        };
        let treatment = treatment(&options.settings, runner)?;
        let device = ready_device(site).map_err(|error| LoadError::Unavailable {
            runner: runner.to_owned(),
            reason: error.to_string(),
            how_to_get_it: "`nav doctor` lists the devices".to_owned(),
        })?;
        let (signature, engine) = match source {
            Source::Graph(signature) => {
                let built = site.build((model, signature), &treatment, options)?;
                let plan = built.plan.as_ref();
                if let Some(to) = &options.save_to {
                    let saved = engine_file::write(to, plan);
                    saved.map_err(|error| {
                        refused(format!(
                            "its engine cannot be saved in {}: {error}",
                            to.display()
                        ))
                    })?;
                }
                (signature, Engine::open(site.library, plan, &device))
            }
            Source::Plan(plan) => {
                let Some(declared) = &options.declared else {
                    let reason = "nobody declared what it takes and gives";
                    return Err(refused(reason.to_owned()));
                };
                (
                    &declared.signature,
                    Engine::open(site.library, plan, &device),
                )
            }
        };
        let engine = engine.map_err(|error| refused(error.to_string()))?;
        let tensors = engine.tensors();
        let tensors = tensors.map_err(|error| refused(error.to_string()))?;
        let ports = Ports::of(&tensors, signature).map_err(|error| match error {
            PortError::DType { tensor, dtype } => LoadError::DType {
                runner: runner.to_owned(),
                tensor,
                dtype,
            },
            other => refused(other.to_string()),
        })?;
        let ranges = ports.inputs.iter();
        let ranges = ranges.map(|port| port.as_ref().map(|port| range(&engine, port)));
        let ranges: Result<Vec<_>, _> = ranges.map(Option::transpose).collect();
        Ok(Self {
            runner,
            ranges: ranges.map_err(|error| refused(error.to_string()))?,
            engine: Arc::new(engine),
            ports,
            device,
            uses_graphs: treatment.cuda_graph,
        })
    }
}

/// Refuses what no engine could take or give before one is built, which takes minutes.
fn check_types(
    facts: ModelFacts,
    runner: &dyn nav_runners::Runner,
) -> Result<Signature, LoadError> {
    let other = facts.other_inputs.iter().chain(&facts.other_outputs);
    let other = other.map(|other| (&other.name, other.kind.clone()));
    let signature = facts.signature;
    let specs = signature.inputs.iter().chain(&signature.outputs);
    let unknown = specs.filter(|spec| dtype::number_of(spec.dtype).is_none());
    let unknown = unknown.map(|spec| (&spec.name, spec.dtype.to_string()));
    match other.chain(unknown).next() {
        Some((tensor, dtype)) => Err(LoadError::DType {
            runner: runner.name().to_owned(),
            tensor: tensor.clone(),
            dtype,
        }),
        None => Ok(signature),
    }
}

/// The extents that an input may have. Those that are fixed need no asking.
fn range(engine: &Engine, port: &EngineTensor) -> Result<(Extents, Extents), TensorRtError> {
    let is_open = port.extents.as_slice().iter().any(|&extent| extent < 0);
    if is_open {
        engine.range(&port.c_name)
    } else {
        Ok((port.extents, port.extents))
    }
}

/// The device, made the one that TensorRT works on for the calling thread.
fn ready_device(site: &Site<'_>) -> Result<CudaContext, CudaError> {
    let device = CudaContext::of_device(site.driver, site.device.number)?;
    device.make_current()?;
    Ok(device)
}

impl Loaded for TensorRtModel {
    fn signature(&self) -> &Signature {
        &self.ports.signature
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        let session = TensorRtSession::open(&self).map_err(|error| LoadError::Unavailable {
            runner: self.runner.to_owned(),
            reason: error.to_string(),
            how_to_get_it: "try again when there is more memory on the device".to_owned(),
        })?;
        Ok(Box::new(OpenSession {
            session,
            staged: None,
            model: self,
        }))
    }
}

/// A session and the model that it is of.
#[derive(Debug)]
struct OpenSession {
    session: TensorRtSession,
    staged: Option<Vec<TensorDesc>>,
    model: Arc<TensorRtModel>,
}

impl Session for OpenSession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError> {
        self.staged = None;
        let staged = self.session.stage(&self.model, inputs)?;
        self.staged = Some(inputs.to_vec());
        Ok(staged)
    }

    fn run(&mut self) -> Result<Outputs, RunError> {
        let staged = self.staged.as_ref().ok_or(RunError::NotStaged)?;
        self.session.run(&self.model, staged)
    }
}
