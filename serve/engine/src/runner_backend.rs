//! A runner's model as a model of the engine: one session for each instance.
//!
//! Works for every runner, in this process or in another; knows none by name.

use std::sync::Arc;

use nav_package_format::Signature;
use nav_runners::{LoadError, Loaded, Outputs, Session, Tensor};

use crate::batch::Batch;
use crate::call::Call;
use crate::error::InferError;
use crate::executor::{Backend, Executor};
use crate::response::Response;
use crate::{gather, scatter};

/// Models of a runner, one for each device; instances take turns on them and share their weights.
#[derive(Debug)]
pub struct RunnerBackend {
    loaded: Vec<Arc<dyn Loaded>>,
    signature: Signature,
}

impl RunnerBackend {
    /// One loaded model, for all instances.
    pub fn new(loaded: Arc<dyn Loaded>) -> Arc<Self> {
        Arc::new(Self {
            signature: loaded.signature().clone(),
            loaded: vec![loaded],
        })
    }

    /// The same model on several devices: this one and others. Instance `n` is on device `n` modulo their
    /// number.
    pub fn across(
        first: Arc<dyn Loaded>,
        others: impl IntoIterator<Item = Arc<dyn Loaded>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            signature: first.signature().clone(),
            loaded: std::iter::once(first).chain(others).collect(),
        })
    }
}

impl Backend for RunnerBackend {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn executor(&self, instance: usize) -> Result<Box<dyn Executor>, LoadError> {
        let turn = instance.checked_rem(self.loaded.len()).unwrap_or(0);
        let Some(loaded) = self.loaded.get(turn) else {
            return Err(LoadError::Unavailable {
                runner: String::new(),
                reason: "no model is loaded".to_owned(),
                how_to_get_it: String::new(),
            });
        };
        Ok(Box::new(RunnerExecutor {
            session: Arc::clone(loaded).session()?,
            loaded: Arc::clone(loaded),
        }))
    }
}

struct RunnerExecutor {
    session: Box<dyn Session>,
    loaded: Arc<dyn Loaded>,
}

impl Executor for RunnerExecutor {
    fn execute(&mut self, batch: &mut Batch) -> Result<(), InferError> {
        let descs = gather::describe(batch.calls());
        let memory = self.session.stage(&descs)?;
        if !gather::copy(batch.calls(), memory) {
            return Err(InferError::model(
                "the runner lent memory of another size than the inputs have",
            ));
        }
        batch.note_staged();
        batch.release_inputs();
        let outputs = self.session.run()?;
        batch.note_ran();
        if batch.len() == 1 {
            let response = batch.call(0).map(|call| whole(call, outputs));
            if let Some(response) = response {
                batch.answer(0, Ok(response));
            }
            return Ok(());
        }
        self.scatter(batch, &outputs)
    }
}

impl RunnerExecutor {
    fn scatter(&self, batch: &mut Batch, outputs: &[Tensor]) -> Result<(), InferError> {
        let rows = batch.rows();
        let cutters = scatter::cutters(outputs, rows)
            .map_err(|position| self.wrong_rows(outputs.get(position), rows))?;
        let mut start = 0;
        for index in 0..batch.len() {
            let Some(call) = batch.call(index) else {
                break;
            };
            let range = start..start + call.rows();
            start = range.end;
            let wanted = outputs.iter().zip(&cutters);
            let wanted = wanted.filter(|(tensor, _)| call.wants(tensor.desc.index));
            let response = Response::new(wanted.map(|(_, cutter)| cutter.rows(range.clone())));
            batch.answer(index, Ok(response));
        }
        Ok(())
    }

    fn wrong_rows(&self, tensor: Option<&Tensor>, rows: usize) -> InferError {
        let spec = tensor.and_then(|tensor| self.loaded.signature().outputs.get(tensor.desc.index));
        InferError::Rows {
            output: spec.map_or_else(Box::default, |spec| spec.name.as_str().into()),
            shape: tensor
                .map(|tensor| tensor.desc.shape.to_string())
                .unwrap_or_default()
                .into(),
            rows,
        }
    }
}

/// The response to the only call of a batch: the outputs as they are.
fn whole(call: &Call, outputs: Outputs) -> Response {
    let mut outputs = outputs;
    outputs.retain(|tensor| call.wants(tensor.desc.index));
    Response::new(outputs)
}
