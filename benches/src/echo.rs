//! A runner that costs nothing: it gives back what it gets, with one copy.

use std::sync::Arc;

use bytes::Bytes;
use nav_package_format::{DType, Format, Signature, TensorSpec};
use nav_runners::{
    Libraries, LoadError, LoadOptions, Loaded, ModelFile, Outputs, Probe, RunError, Runner,
    Session, Staged, Tensor, TensorDesc,
};

/// The runner.
#[derive(Debug)]
pub struct Echo;

#[derive(Debug)]
struct EchoModel(Signature);

#[derive(Debug, Default)]
struct EchoSession {
    staged: Option<TensorDesc>,
    memory: Vec<u8>,
}

impl Runner for Echo {
    fn name(&self) -> &'static str {
        "Echo"
    }

    fn formats(&self) -> &'static [Format] {
        Format::ALL
    }

    fn probe(&self, _: &Libraries) -> Probe {
        Probe::Ready {
            version: String::new(),
            library: None,
            devices: Vec::new(),
        }
    }

    fn load(&self, _: &ModelFile, _: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        let spec = |name: &str| TensorSpec {
            name: name.to_owned(),
            dtype: DType::Fp32,
            dims: None,
            optional: false,
        };
        Ok(Arc::new(EchoModel(Signature {
            inputs: vec![spec("x")],
            outputs: vec![spec("y")],
        })))
    }
}

impl Loaded for EchoModel {
    fn signature(&self) -> &Signature {
        &self.0
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        Ok(Box::new(EchoSession::default()))
    }
}

impl Session for EchoSession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError> {
        self.staged = inputs.first().cloned();
        let size = self.staged.as_ref().map_or(0, |desc| desc.byte_size);
        self.memory.resize(size, 0);
        Ok(std::iter::once(&mut self.memory[..]).collect())
    }

    fn run(&mut self) -> Result<Outputs, RunError> {
        let desc = self.staged.clone().ok_or(RunError::NotStaged)?;
        let bytes = Bytes::copy_from_slice(&self.memory);
        Ok(std::iter::once(Tensor { desc, bytes }).collect())
    }
}
