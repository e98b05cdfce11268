//! A callable as a model of the engine: each instance has one of its own, and runs it on its own thread.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use nav_engine::{Backend, Batch, Executor, InferError, LoadError, Responder, Response};
use nav_package_format::Signature;

use super::answers::{Answer, Answers, Infer, Round, Stream, check_count};
use super::checks::{Asked, Declared};
use super::context::Context;
use super::request::Request;
use crate::failure::Failure;

/// A callable, held by whoever runs it. It outlives a panic and a server.
pub(crate) type SharedCallable = Arc<Mutex<Box<dyn Infer>>>;

/// What is told of a failure after which nothing goes right.
pub(crate) type Fatal = Arc<dyn Fn(&Failure) + Send + Sync>;

/// Callables of one model, one for each instance.
pub(crate) struct CallableBackend {
    callables: Vec<SharedCallable>,
    context: Context,
    declared: Arc<Declared>,
    fatal: Fatal,
}

impl CallableBackend {
    pub(crate) fn new(
        callables: Vec<SharedCallable>,
        context: Context,
        (signature, is_strict): (Signature, bool),
        fatal: Fatal,
    ) -> Self {
        let declared = Declared {
            model: Arc::clone(&context.model),
            signature,
            is_strict,
            is_batched: context.config.batching,
            is_decoupled: context.config.decoupled,
        };
        Self {
            callables,
            context,
            declared: Arc::new(declared),
            fatal,
        }
    }
}

impl Backend for CallableBackend {
    fn signature(&self) -> &Signature {
        &self.declared.signature
    }

    fn executor(&self, instance: usize) -> Result<Box<dyn Executor>, LoadError> {
        let callable = self.callables.get(instance);
        let callable = callable.ok_or_else(|| LoadError::Unavailable {
            runner: "callable".to_owned(),
            reason: format!("there is none for instance {instance}"),
            how_to_get_it: "give a list with one for each instance".to_owned(),
        })?;
        Ok(Box::new(CallableExecutor {
            callable: Arc::clone(callable),
            context: Arc::new(Context {
                instance,
                ..self.context.clone()
            }),
            declared: Arc::clone(&self.declared),
            fatal: Arc::clone(&self.fatal),
        }))
    }
}

impl fmt::Debug for CallableBackend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallableBackend")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

struct CallableExecutor {
    callable: SharedCallable,
    context: Arc<Context>,
    declared: Arc<Declared>,
    fatal: Fatal,
}

/// A request that gets its answers one by one.
struct Open {
    responder: Responder,
    asked: Asked,
}

impl Executor for CallableExecutor {
    fn execute(&mut self, batch: &mut Batch) -> Result<(), InferError> {
        let requests = batch.calls();
        let requests = requests.map(|call| Request::of_call(call, &self.context));
        let requests: Vec<Request> = requests.collect();
        let asked: Vec<Asked> = batch.calls().map(Asked::of).collect();
        batch.note_staged();
        let answers = {
            let mut callable = self.callable.lock().unwrap_or_else(PoisonError::into_inner);
            callable.infer(requests)
        };
        batch.note_ran();
        match answers.map_err(|failure| self.told(&failure))? {
            Answers::Each(answers) => self.answer(batch, answers, &asked),
            Answers::Streams(_) | Answers::Rounds(_) if !self.declared.is_decoupled => {
                let text = "it gives several answers, which only decoupled models do";
                Err(self.declared.fault(text).told())
            }
            Answers::Streams(streams) => {
                self.check_count(streams.len(), asked.len())
                    .map_err(|failure| failure.told())?;
                let open = opened(batch, asked);
                self.stream(open.into_iter().zip(streams).collect());
                Ok(())
            }
            Answers::Rounds(rounds) => {
                let open = opened(batch, asked);
                self.repeat(open, rounds);
                Ok(())
            }
        }
    }
}

impl CallableExecutor {
    /// Fails unless there are as many answers as requests.
    fn check_count(&self, answers: usize, requests: usize) -> Result<(), Failure> {
        let counted = check_count(answers, requests);
        counted.map_err(|failure| self.declared.fault(failure.message()))
    }

    /// Notes a failure on its way to whoever asked.
    fn told(&self, failure: &Failure) -> InferError {
        if failure.is_unrecoverable() {
            (self.fatal)(failure);
        }
        failure.told()
    }

    fn checked(&self, answer: Answer, asked: &Asked) -> Result<Response, InferError> {
        let checked = answer.and_then(|outputs| self.declared.response(outputs, asked));
        checked.map_err(|failure| self.told(&failure))
    }

    /// Answers each request once.
    fn answer(
        &self,
        batch: &mut Batch,
        answers: Vec<Answer>,
        asked: &[Asked],
    ) -> Result<(), InferError> {
        self.check_count(answers.len(), asked.len())
            .map_err(|failure| failure.told())?;
        for (index, (answer, asked)) in answers.into_iter().zip(asked).enumerate() {
            batch.answer(index, self.checked(answer, asked));
        }
        Ok(())
    }

    /// Answers each request as often as its stream does, in turns, until the last one ends.
    fn stream(&self, streams: Vec<(Option<Open>, Result<Stream, Failure>)>) {
        let mut running = Vec::new();
        for (open, stream) in streams {
            match (open, stream) {
                (Some(open), Ok(stream)) => running.push((open, stream)),
                (Some(open), Err(failure)) => open.responder.finish(Err(self.told(&failure))),
                (None, _) => {}
            }
        }
        while !running.is_empty() {
            let mut still = Vec::with_capacity(running.len());
            for (mut open, mut stream) in running {
                match stream.next() {
                    Some(answer) => {
                        let answer = self.checked(answer, &open.asked);
                        if open.responder.send(answer).is_ok() {
                            still.push((open, stream));
                        }
                    }
                    None => open.responder.end(),
                }
            }
            running = still;
        }
    }

    /// Answers all requests as often as there is a round, while anybody waits for answers.
    fn repeat(&self, open: Vec<Option<Open>>, rounds: Box<dyn Iterator<Item = Round>>) {
        let mut open = open;
        for round in rounds {
            let answers = round.and_then(|answers| {
                self.check_count(answers.len(), open.len())?;
                Ok(answers)
            });
            let answers = match answers {
                Ok(answers) => answers,
                Err(failure) => {
                    let error = self.told(&failure);
                    for open in open.into_iter().flatten() {
                        open.responder.finish(Err(error.clone()));
                    }
                    return;
                }
            };
            for (place, answer) in open.iter_mut().zip(answers) {
                let is_gone = place.as_mut().is_some_and(|open| {
                    let answer = self.checked(answer, &open.asked);
                    open.responder.send(answer).is_err()
                });
                if is_gone {
                    *place = None;
                }
            }
            if open.iter().all(Option::is_none) {
                return;
            }
        }
        for open in open.into_iter().flatten() {
            open.responder.end();
        }
    }
}

/// The duties to answer these requests; none for one that was answered.
fn opened(batch: &mut Batch, asked: Vec<Asked>) -> Vec<Option<Open>> {
    let asked = asked.into_iter().enumerate();
    let opened = asked.map(|(index, asked)| {
        let responder = batch.responder(index)?;
        Some(Open { responder, asked })
    });
    opened.collect()
}
