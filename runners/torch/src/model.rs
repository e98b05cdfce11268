//! A model in libtorch: loaded once, treated as its settings ask, run by any number of sessions.

use std::ffi::CString;
use std::sync::Arc;

use nav_package_format::{DType, Device, Dim, Shape, Signature, TensorSpec};
use nav_runners::runner::Declaration;
use nav_runners::{LoadError, LoadOptions, Loaded, ModelFile, RunError, Session, TensorDesc};

use crate::dtype::kind_of;
use crate::native::{self, Argument, Module};
use crate::outputs;
use crate::session::TorchSession;
use crate::settings::{Treatment, treatment};

/// The module, and what it takes and gives.
#[derive(Debug)]
pub(crate) struct TorchModel {
    pub(crate) runner: &'static str,
    pub(crate) module: Arc<Module>,
    pub(crate) signature: Signature,
    /// The names of the inputs, as `forward` has them.
    pub(crate) names: Vec<CString>,
    pub(crate) treatment: Treatment,
    pub(crate) device: Device,
}

impl TorchModel {
    /// Loads a model. Its file does not say what it takes, so the options must; what it gives is found by running it,
    /// where they do not say that either.
    pub(crate) fn load(
        runner: &'static str,
        model: &ModelFile,
        options: &LoadOptions,
    ) -> Result<Self, LoadError> {
        let refused = |reason: String| LoadError::Model {
            runner: runner.to_owned(),
            path: model.path.clone(),
            reason,
        };
        let treatment = treatment(&options.settings, options.device, runner)?;
        let Some(declared) = &options.declared else {
            let reason = "its file does not say what it takes, and nobody declared that";
            return Err(refused(reason.to_owned()));
        };
        let Declaration { signature, extents } = declared;
        check_types(runner, signature)?;
        set_threads(treatment);
        if options.device != Device::Cpu {
            native::allow_tf32(treatment.tf32).map_err(|error| refused(error.to_string()))?;
        }
        let loaded = Module::load(&model.path, gpu(runner, options.device)?);
        let mut module = loaded.map_err(|error| refused(error.to_string()))?;
        let arguments = module.arguments();
        let arguments = arguments.map_err(|error| refused(error.to_string()))?;
        check_arguments(signature, &arguments).map_err(refused)?;
        if treatment.channels_last {
            let done = module.channels_last();
            done.map_err(|error| refused(error.to_string()))?;
        }
        let rewritten = module.rewrite(treatment.rewriting);
        rewritten.map_err(|error| refused(format!("it cannot be rewritten: {error}")))?;
        let names = signature
            .inputs
            .iter()
            .map(|spec| CString::new(spec.name.as_str()));
        let names: Result<Vec<CString>, _> = names.collect();
        let mut model = Self {
            runner,
            module: Arc::new(module),
            signature: signature.clone(),
            names: names.map_err(|_| refused("an input's name holds a NUL".to_owned()))?,
            treatment,
            device: options.device,
        };
        if model.signature.outputs.is_empty() {
            let found = model.try_out(&|name| extents.get(name).copied().unwrap_or(1));
            model.signature.outputs = found.map_err(|error| refused(error.to_string()))?;
        }
        Ok(model)
    }

    /// What it gives, found by running it on zeros of these extents.
    fn try_out(&self, extent: &dyn Fn(&str) -> usize) -> Result<Vec<TensorSpec>, RunError> {
        let mut session = TorchSession::open(self)?;
        let mut descs = Vec::with_capacity(self.signature.inputs.len());
        for (index, spec) in self.signature.inputs.iter().enumerate() {
            let dims = spec.dims.iter().flatten().map(|dim| match dim {
                Dim::Fixed(fixed) => *fixed,
                Dim::Symbolic(name) => extent(name),
                Dim::Unknown => 1,
            });
            let shape = Shape::new(dims);
            let byte_size = shape.byte_size(spec.dtype).ok().flatten();
            descs.push(TensorDesc {
                index,
                dtype: spec.dtype,
                shape,
                byte_size: byte_size.unwrap_or(0),
            });
        }
        for memory in session.stage(&self.signature, &descs)? {
            memory.fill(0);
        }
        let given = session.run_raw(&self.names, &descs)?;
        outputs::specs(self.runner, &given)
    }
}

/// The number of the GPU as libtorch counts them: in a byte, in which a larger number would be that of another one.
fn gpu(runner: &str, device: Device) -> Result<Option<i8>, LoadError> {
    let Device::Cuda(number) = device else {
        return Ok(None);
    };
    let number = i8::try_from(number).map_err(|_| LoadError::Device {
        runner: runner.to_owned(),
        device,
    });
    number.map(Some)
}

/// Threads for operators are set for the calling thread, and for those that come later.
pub(crate) fn set_threads(treatment: Treatment) {
    if let Some(threads) = treatment.threads {
        tch::set_num_threads(threads);
    }
}

fn check_types(runner: &str, signature: &Signature) -> Result<(), LoadError> {
    let mut specs = signature.inputs.iter().chain(&signature.outputs);
    match specs.find(|spec| kind_of(spec.dtype).is_none()) {
        None => Ok(()),
        Some(spec) => Err(LoadError::DType {
            runner: runner.to_owned(),
            tensor: spec.name.clone(),
            dtype: spec.dtype.name().to_owned(),
        }),
    }
}

/// Whether `forward` takes the inputs that were declared, and needs no others.
fn check_arguments(signature: &Signature, arguments: &[Argument]) -> Result<(), String> {
    let known = || {
        let names = arguments.iter();
        let names: Vec<String> = names
            .map(|argument| format!("`{}: {}`", argument.name, argument.kind))
            .collect();
        format!("it takes {}", names.join(", "))
    };
    for spec in &signature.inputs {
        let argument = arguments.iter().find(|argument| argument.name == spec.name);
        match argument.map(|argument| argument.kind.as_str()) {
            Some("Tensor" | "Tensor?" | "Optional[Tensor]") => {}
            Some(kind) => {
                return Err(format!(
                    "its argument `{}` is of type {kind}, and only tensors can be given",
                    spec.name
                ));
            }
            None => return Err(format!("it has no input `{}`: {}", spec.name, known())),
        }
    }
    let missing = arguments
        .iter()
        .find(|argument| !argument.has_default && signature.input(&argument.name).is_none());
    match missing {
        None => Ok(()),
        Some(argument) => Err(format!(
            "its input `{}` was not declared: {}",
            argument.name,
            known()
        )),
    }
}

impl Loaded for TorchModel {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(OpenSession {
            session: TorchSession::open(&self).map_err(|error| LoadError::Unavailable {
                runner: self.runner.to_owned(),
                reason: error.to_string(),
                how_to_get_it: "try again when there is more memory".to_owned(),
            })?,
            staged: None,
            model: self,
        }))
    }
}

/// A session and the model that it is of.
#[derive(Debug)]
struct OpenSession {
    session: TorchSession,
    staged: Option<Vec<TensorDesc>>,
    model: Arc<TorchModel>,
}

impl Session for OpenSession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<nav_runners::Staged<'_>, RunError> {
        self.staged = None;
        let staged = self.session.stage(&self.model.signature, inputs)?;
        self.staged = Some(inputs.to_vec());
        Ok(staged)
    }

    fn run(&mut self) -> Result<nav_runners::Outputs, RunError> {
        let staged = self.staged.as_ref().ok_or(RunError::NotStaged)?;
        let given = self.session.run_raw(&self.model.names, staged)?;
        outputs::tensors(self.model.runner, &self.model.signature, given)
    }
}

/// An error of a run that libtorch gave a reason for.
pub(crate) fn failed(runner: &str, reason: &dyn std::fmt::Display) -> RunError {
    RunError::Runtime {
        runner: runner.to_owned(),
        reason: reason.to_string(),
    }
}

/// An element type that libtorch lacks.
pub(crate) fn no_type(runner: &str, tensor: &str, dtype: DType) -> RunError {
    RunError::DType {
        runner: runner.to_owned(),
        tensor: tensor.to_owned(),
        dtype,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn argument(name: &str, kind: &str, has_default: bool) -> Argument {
        Argument {
            name: name.to_owned(),
            kind: kind.to_owned(),
            has_default,
        }
    }

    #[test]
    fn a_number_that_no_gpu_has_is_refused_and_not_taken_for_another() {
        let check = |device, expected: Result<Option<i8>, &str>| {
            let found = gpu("T", device).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned));
        };
        check(Device::Cpu, Ok(None));
        check(Device::Cuda(0), Ok(Some(0)));
        check(Device::Cuda(127), Ok(Some(127)));
        check(Device::Cuda(256), Err("runner T does not run on cuda:256"));
        check(
            Device::Cuda(u32::MAX),
            Err("runner T does not run on cuda:4294967295"),
        );
    }

    #[test]
    fn what_is_declared_must_be_what_forward_takes() {
        let check = |names: &[&str], arguments: &[Argument], expected: Result<(), &str>| {
            let inputs = names.iter().map(|name| TensorSpec {
                name: (*name).to_owned(),
                dtype: DType::Fp32,
                dims: None,
                optional: false,
            });
            let signature = Signature {
                inputs: inputs.collect(),
                outputs: Vec::new(),
            };
            let found = check_arguments(&signature, arguments);
            assert_eq!(found, expected.map_err(str::to_owned));
        };
        let x = argument("x", "Tensor", false);
        let y = argument("y", "Tensor?", true);
        let both = [x.clone(), y];
        check(&["x"], &both, Ok(()));
        check(&["y", "x"], &both, Ok(()));
        check(
            &["y"],
            &both,
            Err("its input `x` was not declared: it takes `x: Tensor`, `y: Tensor?`"),
        );
        check(
            &["z"],
            std::slice::from_ref(&x),
            Err("it has no input `z`: it takes `x: Tensor`"),
        );
        check(
            &["x"],
            &[argument("x", "int", false)],
            Err("its argument `x` is of type int, and only tensors can be given"),
        );
    }
}
