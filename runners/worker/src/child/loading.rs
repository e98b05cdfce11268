//! Loading a model and probing a runner in the child, and telling the parent how it went.
//!
//! Both may take long or hang, so they are done on threads of their own.

use std::sync::{Arc, OnceLock};

use nav_runners::{LoadError, Loaded, Probe, RunError, Runner};
use serde::Serialize;

use super::contain::contain;
use crate::control::{self, EncodeError, LoadRequest, ProbeRequest};
use crate::frame::{FrameWriter, Kind};
use crate::socket::Socket;

const HOW_TO_GET_IT: &str = "install the worker that comes with this version of nav";

/// What answers `probe` and `load` frames.
#[derive(Clone, Debug)]
pub(super) struct LoadingDesk {
    pub(super) runners: &'static [&'static dyn Runner],
    pub(super) socket: Arc<Socket>,
}

/// The model that this process holds.
#[derive(Clone, Debug)]
pub(super) struct Model {
    pub(super) loaded: Arc<dyn Loaded>,
    request: LoadRequest,
}

impl Model {
    /// The error for a run that failed for this reason.
    pub(super) fn failed(&self, reason: String) -> RunError {
        RunError::Runtime {
            runner: self.request.runner.clone(),
            reason,
        }
    }

    /// An error about this model that a frame can hold.
    pub(super) fn brief(&self, error: LoadError) -> LoadError {
        brief(error, &self.request)
    }

    /// The error for a model that fails for this reason before it is run.
    pub(super) fn refused(&self, reason: String) -> LoadError {
        refused(&self.request, reason)
    }
}

impl LoadingDesk {
    /// Tells the parent whether a runner works here.
    pub(super) fn answer_probe(&self, request: &ProbeRequest) {
        let missing = |reason| Probe::Missing {
            reason,
            how_to_get_it: HOW_TO_GET_IT.to_owned(),
        };
        let probe = match self.runner(&request.runner) {
            Some(runner) => contain(|| runner.probe(&request.libraries)).unwrap_or_else(missing),
            None => missing(format!("the worker has no runner {}", request.runner)),
        };
        // What no frame can hold is not answered, and the parent's patience ends.
        let _unsaid = self.say(Kind::Probed, &probe);
    }

    /// Loads a model, puts it where sessions find it, and tells the parent what it takes and gives.
    pub(super) fn answer_load(&self, request: &LoadRequest, place: &OnceLock<Model>) {
        let loaded = match self.load(request) {
            Ok(loaded) => loaded,
            Err(error) => return self.refuse(error, request),
        };
        let model = Model {
            loaded,
            request: request.clone(),
        };
        // Before the answer, upon which the parent asks for sessions.
        let model = place.get_or_init(|| model);
        if let Err(unsaid) = self.say(Kind::Loaded, model.loaded.signature()) {
            let reason = format!("its signature cannot be told: {unsaid}");
            self.refuse(model.refused(reason), request);
        }
    }

    fn load(&self, request: &LoadRequest) -> Result<Arc<dyn Loaded>, LoadError> {
        let Some(runner) = self.runner(&request.runner) else {
            return Err(LoadError::Unavailable {
                runner: request.runner.clone(),
                reason: "the worker does not have it".to_owned(),
                how_to_get_it: HOW_TO_GET_IT.to_owned(),
            });
        };
        let loaded = contain(|| runner.load(&request.model, &request.options));
        loaded.unwrap_or_else(|reason| Err(refused(request, reason)))
    }

    fn runner(&self, name: &str) -> Option<&'static dyn Runner> {
        let mut runners = self.runners.iter().copied();
        runners.find(|runner| runner.name() == name)
    }

    fn refuse(&self, error: LoadError, request: &LoadRequest) {
        // What was short enough to be asked about is short enough for an answer.
        let _said = self.say(Kind::LoadFailed, &brief(error, request));
    }

    /// Says something. A parent that cannot be reached is gone, as the main thread sees too.
    fn say(&self, kind: Kind, value: &impl Serialize) -> Result<(), EncodeError> {
        let mut frame = FrameWriter::default();
        let frame = control::encode(&mut frame, kind, value)?;
        let _gone = self.socket.send(frame, None, None);
        Ok(())
    }
}

/// The error itself, or one without its reason where that is too long for a frame.
fn brief(error: LoadError, request: &LoadRequest) -> LoadError {
    let mut frame = FrameWriter::default();
    if control::encode(&mut frame, Kind::LoadFailed, &error).is_ok() {
        return error;
    }
    refused(request, "its reason is too long to be told".to_owned())
}

fn refused(request: &LoadRequest, reason: String) -> LoadError {
    LoadError::Model {
        runner: request.runner.clone(),
        path: request.model.path.clone(),
        reason,
    }
}
