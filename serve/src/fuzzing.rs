//! Requests of any bytes, from the bytes to the answer, and configurations of any bytes, for the targets that look for
//! what breaks on the way, and for the benches of what that takes.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use nav_engine::{Engine, EngineOptions, Model, ModelSpec};
use prost::Message;

use crate::grpc;
use crate::proto::ModelInferRequest;
use crate::repository::configuration;
use crate::wire::{Asked, compose, compose_generated, raw, read, read_generate};

/// A model that requests are made to.
#[derive(Debug)]
pub struct Target {
    model: Arc<Model>,
    _engine: Engine,
}

impl Target {
    /// This model; `None` if it cannot be served.
    pub fn new(spec: ModelSpec) -> Option<Self> {
        let engine = Engine::new(EngineOptions::default()).ok()?;
        engine.load("model", 1, spec).ok()?;
        Some(Self {
            model: engine.model("model", None).ok()?,
            _engine: engine,
        })
    }

    /// A request over HTTP, whose JSON is as long as this; without JSON when that is nothing. Whether it was answered.
    pub fn http(&self, header: usize, body: &[u8]) -> bool {
        let (header, rest) = body.split_at_checked(header).unwrap_or((body, &[]));
        let rest = || VecDeque::from([Bytes::copy_from_slice(rest)]);
        let asked = if header.is_empty() {
            raw(rest(), &self.model)
        } else {
            read(header, rest(), &self.model)
        };
        asked.is_ok_and(|asked| self.answer(asked))
    }

    fn answer(&self, asked: Asked) -> bool {
        let Ok(response) = self.model.infer(asked.request).wait() else {
            return false;
        };
        let form = (&asked.wanted, &|_: &str| -> &[String] { &[] } as _);
        compose(&self.model, None, &response, form).is_ok()
    }

    /// A request to generate. Whether it was answered.
    pub fn generate(&self, body: &[u8]) -> bool {
        let Ok(request) = read_generate(body, &self.model) else {
            return false;
        };
        let answered = self.model.infer(request).wait();
        answered.is_ok_and(|response| compose_generated(&self.model, None, &response).is_ok())
    }

    /// A message over gRPC. Whether it was answered.
    pub fn grpc(&self, message: &[u8]) -> bool {
        let message = ModelInferRequest::decode(Bytes::copy_from_slice(message));
        let Some(asked) = message.ok().and_then(|it| grpc::read(it, &self.model)) else {
            return false;
        };
        let Ok(response) = self.model.infer(asked.request).wait() else {
            return false;
        };
        grpc::compose(&self.model, None, &response, &asked.wanted).is_ok()
    }
}

/// A `config.pbtxt`, read and checked and, when it can be read, written and read again. Whether it could be honoured.
pub fn config(text: &[u8]) -> bool {
    configuration(text)
}
