//! What runs batches: made for each instance on that instance's own thread, and never leaving it.

use std::fmt;
use std::sync::Arc;

use nav_package_format::Signature;
use nav_runners::LoadError;

use crate::batch::Batch;
use crate::error::InferError;

/// A model that can be served: the weights, once, and a way to make executors.
pub trait Backend: fmt::Debug + Send + Sync {
    /// What the model takes and gives, with what is filled in for sequences. With a batch dimension, that is the first
    /// one of every tensor.
    fn signature(&self) -> &Signature;

    /// An executor for the calling thread, which is that of this instance. Called again after a panic.
    fn executor(&self, instance: usize) -> Result<Box<dyn Executor>, LoadError>;
}

/// One instance of a model.
pub trait Executor {
    /// Runs a batch and answers its calls. With an error, all that were not answered have failed together;
    /// they may be tried again in smaller batches.
    fn execute(&mut self, batch: &mut Batch) -> Result<(), InferError>;
}

impl<F: FnMut(&mut Batch) -> Result<(), InferError>> Executor for F {
    fn execute(&mut self, batch: &mut Batch) -> Result<(), InferError> {
        self(batch)
    }
}

/// A model that is code of this program.
pub struct Callable {
    signature: Signature,
    make: Box<Make>,
}

type Make = dyn Fn(usize) -> Result<Box<dyn Executor>, LoadError> + Send + Sync;

impl Callable {
    /// A model whose executors are made by `make`, which is told the number of the instance.
    pub fn new(
        signature: Signature,
        make: impl Fn(usize) -> Result<Box<dyn Executor>, LoadError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        Arc::new(Self {
            signature,
            make: Box::new(make),
        })
    }

    /// A model whose every instance calls this function.
    pub fn shared(
        signature: Signature,
        call: impl Fn(&mut Batch) -> Result<(), InferError> + Send + Sync + 'static,
    ) -> Arc<Self> {
        let call = Arc::new(call);
        Self::new(signature, move |_| {
            let call = Arc::clone(&call);
            Ok(Box::new(move |batch: &mut Batch| call(batch)))
        })
    }
}

impl Backend for Callable {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn executor(&self, instance: usize) -> Result<Box<dyn Executor>, LoadError> {
        (self.make)(instance)
    }
}

impl fmt::Debug for Callable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Callable")
            .field("signature", &self.signature)
            .finish_non_exhaustive()
    }
}
