//! What the code of a model is given to run: calls that came together, and where their answers go.

use std::sync::Arc;
use std::time::Instant;

use crate::call::Call;
use crate::error::InferError;
use crate::job::BoxedJob;
use crate::lanes::Turn;
use crate::limits::Permit;
use crate::reply::{Gone, Reply};
use crate::response::Response;
use crate::statistics::Recorder;

/// Calls to be answered together. One that is not answered is answered for it, with the true reason.
#[derive(Debug)]
pub struct Batch {
    pub(crate) jobs: Vec<BoxedJob>,
    pub(crate) staged: Option<Instant>,
    pub(crate) ran: Option<Instant>,
    pub(crate) recorder: Arc<Recorder>,
}

/// How many responses may wait to be received before the model has to wait.
const STREAM_CAPACITY: usize = 16;

/// From how many bytes on the inputs of a call are given back before it runs.
const LARGE: usize = 8 << 20;

impl Batch {
    pub(crate) const fn new(jobs: Vec<BoxedJob>, recorder: Arc<Recorder>) -> Self {
        Self {
            jobs,
            staged: None,
            ran: None,
            recorder,
        }
    }

    /// How many calls there are.
    pub const fn len(&self) -> usize {
        self.jobs.len()
    }

    /// Whether there are none, which an executor never sees.
    pub const fn is_empty(&self) -> bool {
        self.jobs.is_empty()
    }

    /// How many rows they have together.
    pub fn rows(&self) -> usize {
        self.jobs.iter().map(|job| job.call.rows).sum()
    }

    /// The calls, in the order of their rows.
    pub fn calls(&self) -> impl ExactSizeIterator<Item = &Call> {
        self.jobs.iter().map(|job| &job.call)
    }

    /// The call of this number.
    pub fn call(&self, index: usize) -> Option<&Call> {
        Some(&self.jobs.get(index)?.call)
    }

    /// Whether nobody waits for the answer to this call any more.
    pub fn is_cancelled(&self, index: usize) -> bool {
        self.jobs.get(index).is_some_and(|job| job.is_cancelled())
    }

    /// Answers this call. The first answer counts.
    pub fn answer(&mut self, index: usize, result: Result<Response, InferError>) {
        if let Some(job) = self.jobs.get_mut(index)
            && !job.is_done()
        {
            job.answer = Some(result);
        }
    }

    /// Takes over the duty to answer this call, with any number of responses, from any thread. None if that
    /// was done, or if it is answered.
    pub fn responder(&mut self, index: usize) -> Option<Responder> {
        let job = self.jobs.get_mut(index)?;
        if job.is_done() {
            return None;
        }
        let model = Arc::clone(job.reply.as_ref()?.model());
        Some(Responder {
            model,
            reply: job.reply.take(),
            _permit: job.permit.take(),
            turn: job.turn.take(),
            rows: job.call.rows,
            arrived: job.arrived,
            began: Instant::now(),
            recorder: Arc::clone(&self.recorder),
            sent: 0,
        })
    }

    /// Notes that the inputs are where the model reads them.
    pub fn note_staged(&mut self) {
        self.staged = Some(Instant::now());
    }

    /// Gives back the inputs of a large call that is alone, so that they and the outputs are never there together. Nobody
    /// reads them once the model has a copy: the call is not run again, and no response of it is kept.
    pub(crate) fn release_inputs(&mut self) {
        if let [job] = self.jobs.as_mut_slice()
            && job.keep.is_none()
            && job.call.bytes() >= LARGE
        {
            job.call.release();
        }
    }

    /// Notes that the model has run, and that outputs are being passed on.
    pub fn note_ran(&mut self) {
        self.ran = Some(Instant::now());
    }
}

/// The duty to answer one call with any number of responses. It must be ended or finished; dropping it is an
/// error that the receiver gets to know.
#[derive(Debug)]
pub struct Responder {
    model: Arc<str>,
    reply: Option<Reply>,
    _permit: Option<Permit>,
    turn: Option<Turn>,
    rows: usize,
    arrived: Instant,
    began: Instant,
    recorder: Arc<Recorder>,
    sent: usize,
}

impl Responder {
    /// Gives one response, or one error, of several; blocks while the receiver is far behind.
    pub fn send(&mut self, result: Result<Response, InferError>) -> Result<(), Gone> {
        let result = self.settled(result);
        let is_success = result.is_ok();
        let Some(reply) = &self.reply else {
            return Err(Gone);
        };
        reply.send(result, STREAM_CAPACITY)?;
        self.recorder
            .response(self.sent, is_success, self.began.elapsed());
        self.sent += 1;
        Ok(())
    }

    /// Whether nobody waits for responses any more.
    pub fn is_cancelled(&self) -> bool {
        self.reply.as_ref().is_none_or(Reply::is_cancelled)
    }

    /// Gives the last response, or the error that there is instead.
    pub fn finish(mut self, result: Result<Response, InferError>) {
        self.close(Some(result));
    }

    /// Says that there are no more responses.
    pub fn end(mut self) {
        self.close(None);
    }

    /// A response without what the next request of its sequence needs.
    fn settled(&mut self, result: Result<Response, InferError>) -> Result<Response, InferError> {
        let mut response = result?;
        if let Some(turn) = &mut self.turn {
            turn.settle(&mut response)?;
        }
        Ok(response)
    }

    fn close(&mut self, last: Option<Result<Response, InferError>>) {
        let last = last.map(|last| self.settled(last));
        let Some(reply) = self.reply.take() else {
            return;
        };
        if let Some(last) = &last {
            self.recorder
                .response(self.sent, last.is_ok(), self.began.elapsed());
        }
        let error = match &last {
            Some(Err(error)) => Some(error.clone()),
            _ if reply.is_cancelled() => Some(InferError::Cancelled),
            _ => None,
        };
        self.recorder
            .streamed(self.rows, error.as_ref(), self.arrived, self.began);
        self.turn = None;
        match last {
            Some(result) => reply.finish(result),
            None => reply.end(),
        }
    }
}

impl Drop for Responder {
    fn drop(&mut self) {
        if self.reply.is_none() {
            return;
        }
        let model = Arc::clone(&self.model);
        let error = if std::thread::panicking() {
            InferError::Panicked {
                model,
                message: "while it was responding".into(),
            }
        } else {
            InferError::Unanswered { model }
        };
        self.close(Some(Err(error)));
    }
}
