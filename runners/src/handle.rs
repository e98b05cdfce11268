//! The runner as users hold it: activate, infer with inputs by name, deactivate.

use std::sync::Arc;

use nav_package_format::{Device, Signature, TensorDataError, TensorView};
use smallvec::SmallVec;

use crate::error::{LoadError, RunError};
use crate::input::InputError;
use crate::runner::{LoadOptions, Loaded, ModelFile, Runner, Session};
use crate::tensor::{Outputs, Tensor, TensorDesc};

/// A runner and a model. Holds nothing heavy until it is activated.
#[derive(Debug)]
pub struct RunnerHandle {
    runner: Arc<dyn Runner>,
    model: ModelFile,
    options: LoadOptions,
    active: Option<Active>,
}

#[derive(Debug)]
struct Active {
    session: Box<dyn Session>,
    loaded: Arc<dyn Loaded>,
}

/// What an inference gave, by name or in the order of the signature.
#[derive(Clone, Debug)]
pub struct NamedOutputs<'handle> {
    signature: &'handle Signature,
    outputs: Outputs,
}

/// Why a handle gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InferError {
    /// `infer` before `activate`, or after `deactivate`.
    #[error("runner {runner} is not activated")]
    NotActivated {
        /// Which runner.
        runner: &'static str,
    },
    /// The run failed.
    #[error(transparent)]
    Run(#[from] RunError),
}

impl RunnerHandle {
    /// A handle that is not activated yet.
    pub fn new(runner: Box<dyn Runner>, model: ModelFile, options: LoadOptions) -> Self {
        Self {
            runner: runner.into(),
            model,
            options,
            active: None,
        }
    }

    /// Another handle of the same runner and model, that is not activated yet.
    #[must_use]
    pub fn afresh(&self) -> Self {
        Self {
            runner: Arc::clone(&self.runner),
            model: self.model.clone(),
            options: self.options.clone(),
            active: None,
        }
    }

    /// The model file.
    pub const fn model(&self) -> &ModelFile {
        &self.model
    }

    /// The runner.
    pub fn runner(&self) -> &dyn Runner {
        self.runner.as_ref()
    }

    /// Where and how the model is loaded.
    pub const fn options(&self) -> &LoadOptions {
        &self.options
    }

    /// The same with so many threads for one operator, where nothing is said of that.
    #[must_use]
    pub fn with_intra_threads(mut self, threads: usize) -> Self {
        self.options.settings.intra_threads.get_or_insert(threads);
        self
    }

    /// The same on another device, not activated yet.
    #[must_use]
    pub fn on(mut self, device: Device) -> Self {
        self.options.device = device;
        self.active = None;
        self
    }

    /// Loads the model for someone else to make sessions of. Leaves this handle as it is.
    pub fn load(&self) -> Result<Arc<dyn Loaded>, LoadError> {
        self.runner.load(&self.model, &self.options)
    }

    /// The model that it has loaded, or loads now, for someone else to make sessions of.
    pub fn into_loaded(self) -> Result<Arc<dyn Loaded>, LoadError> {
        match self.active {
            Some(active) => Ok(active.loaded),
            None => self.load(),
        }
    }

    /// Loads the model. Does nothing when it is loaded already.
    pub fn activate(&mut self) -> Result<(), LoadError> {
        if self.active.is_none() {
            let loaded = self.load()?;
            let session = Arc::clone(&loaded).session()?;
            self.active = Some(Active { session, loaded });
        }
        Ok(())
    }

    /// Gives everything back. A later `activate` loads the model again.
    pub fn deactivate(&mut self) {
        self.active = None;
    }

    /// What the model takes and gives, once it is loaded.
    pub fn signature(&self) -> Option<&Signature> {
        self.active.as_ref().map(|active| active.loaded.signature())
    }

    /// Runs once on these inputs, in any order.
    pub fn infer(
        &mut self,
        inputs: &[(&str, TensorView<'_>)],
    ) -> Result<NamedOutputs<'_>, InferError> {
        let Some(Active { session, loaded }) = &mut self.active else {
            return Err(InferError::NotActivated {
                runner: self.runner.name(),
            });
        };
        let signature = loaded.signature();
        let order = order(signature, inputs).map_err(RunError::Input)?;
        let descs: SmallVec<[TensorDesc; 4]> = order
            .iter()
            .map(|&(index, view)| TensorDesc {
                index,
                dtype: view.dtype(),
                shape: view.shape().clone(),
                byte_size: view.bytes().len(),
            })
            .collect();
        let staged = session.stage(&descs)?;
        for (memory, (_, view)) in staged.into_iter().zip(&order) {
            memory.copy_from_slice(view.bytes());
        }
        Ok(NamedOutputs {
            signature,
            outputs: session.run()?,
        })
    }
}

type Ordered<'inputs, 'data> = SmallVec<[(usize, &'inputs TensorView<'data>); 4]>;

/// The inputs in the order of the signature.
fn order<'inputs, 'data>(
    signature: &Signature,
    inputs: &'inputs [(&str, TensorView<'data>)],
) -> Result<Ordered<'inputs, 'data>, InputError> {
    let mut ordered = Ordered::with_capacity(inputs.len());
    for (name, view) in inputs {
        let unknown = || InputError::Unknown {
            name: (*name).to_owned(),
        };
        let (index, _) = signature.input(name).ok_or_else(unknown)?;
        ordered.push((index, view));
    }
    ordered.sort_by_key(|&(index, _)| index);
    Ok(ordered)
}

impl NamedOutputs<'_> {
    /// The output of this name, if the model has it and gave it.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        let (index, _) = self.signature.output(name)?;
        self.outputs
            .iter()
            .find(|tensor| tensor.desc.index == index)
    }

    /// Names and tensors, in the order of the signature.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Tensor)> {
        self.outputs.iter().filter_map(|tensor| {
            let spec = self.signature.outputs.get(tensor.desc.index)?;
            Some((spec.name.as_str(), tensor))
        })
    }

    /// Names and checked views, in the order of the signature.
    pub fn views(&self) -> Result<Vec<(&str, TensorView<'_>)>, TensorDataError> {
        self.iter()
            .map(|(name, tensor)| {
                let desc = &tensor.desc;
                Ok((
                    name,
                    TensorView::new(desc.dtype, &desc.shape, &tensor.bytes)?,
                ))
            })
            .collect()
    }

    /// The tensors alone.
    pub fn into_outputs(self) -> Outputs {
        self.outputs
    }
}
