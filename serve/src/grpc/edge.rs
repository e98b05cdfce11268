//! The edge: a request let in or refused, and led to its method.

use std::pin::pin;
use std::sync::Arc;
use std::time::Instant;

use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use hyper::{Request, Response, StatusCode};
use tokio::sync::watch;
use tokio::time::timeout_at;
use tonic::Code;

use super::call::{Call, too_late};
use super::methods::{Method, method};
use super::reflection::Reflection;
use super::reply::{self, Reply, refused};
use super::{
    control, cuda_memory, health, infer, logging, model, server, stream, system_memory, trace,
};
use crate::access::TOKEN_HEADER;
use crate::compression::Coding;
use crate::log::Level;
use crate::proto::{ServerLiveRequest, ServerMetadataRequest, ServerReadyRequest};
use crate::readiness::Readiness;
use crate::refusal::{Refusal, RefusalKind};
use crate::state::State;

/// What comes before the names of headers that open doors.
const PREFIX: &str = "triton-grpc-protocol-";

/// What requests are answered with.
#[derive(Debug)]
pub(crate) struct Edge {
    state: Arc<State>,
    /// How answers are compressed, where clients take that.
    coding: Option<Coding>,
    /// Whether connections are to end.
    closed: watch::Receiver<bool>,
    readiness: Arc<Readiness>,
    reflection: Reflection,
}

impl Edge {
    pub(crate) fn new(
        (state, readiness): (Arc<State>, Arc<Readiness>),
        coding: Option<Coding>,
        closed: watch::Receiver<bool>,
    ) -> Self {
        Self {
            readiness,
            reflection: Reflection::new(),
            state,
            coding,
            closed,
        }
    }

    /// Answers a request, whatever it is.
    pub(crate) async fn answer(self: Arc<Self>, request: Request<Incoming>) -> Response<Reply> {
        if !is_grpc(request.headers()) {
            let mut response = refused(&Refusal::invalid(
                "the content-type is not application/grpc",
            ));
            *response.status_mut() = StatusCode::UNSUPPORTED_MEDIA_TYPE;
            return response;
        }
        let began = Instant::now();
        let path = request.uri().path().to_owned();
        let answering = pin!(self.answer_if_allowed(request));
        let answered = self.state.contain(answering).await;
        let code = answered
            .as_ref()
            .map_or_else(|refusal| refusal.kind.code(), |_| Code::Ok);
        if self.state.log.tells(Level::Verbose) {
            let fields = [
                ("method", path.clone()),
                ("code", i32::from(code).to_string()),
                ("microseconds", began.elapsed().as_micros().to_string()),
            ];
            self.state.log.event(Level::Verbose, "call", &fields);
        }
        answered.unwrap_or_else(|refusal| {
            if code == Code::Internal {
                self.state.tell_fault(&path, &refusal.text);
            }
            refused(&refusal)
        })
    }

    async fn answer_if_allowed(
        &self,
        request: Request<Incoming>,
    ) -> Result<Response<Reply>, Refusal> {
        let Some((method, operation)) = method(request.uri().path()) else {
            let text = "there is no such method";
            return Err(Refusal::new(RefusalKind::Unsupported, text));
        };
        let headers = request.headers();
        let access = &self.state.grpc.access;
        access.check(operation, |name| credential(headers, name))?;
        if matches!(method, Method::Reflection | Method::OldReflection) {
            let is_old = method == Method::OldReflection;
            let answer = self.reflection.answer(request, is_old, self.closed.clone());
            return Ok(reply::other(Box::pin(answer).await));
        }
        let is_stream = method == Method::ModelStreamInfer;
        let messages = (is_stream, method.limit(self.state.limits.body));
        let call = Call::new(Arc::clone(&self.state), request, self.coding, messages)?;
        let deadline = call.deadline;
        let answering = pin!(async {
            match method {
                Method::ModelInfer => infer::infer(call).await,
                // Elsewhere, so that their states make that of an inference no larger.
                seldom => Box::pin(self.lead(seldom, call)).await,
            }
        });
        match deadline {
            Some(deadline) => {
                let answered = timeout_at(deadline, answering).await;
                answered.unwrap_or_else(|_| Err(too_late()))
            }
            None => answering.await,
        }
    }

    async fn lead(&self, method: Method, call: Call) -> Result<Response<Reply>, Refusal> {
        match method {
            Method::ServerLive => {
                call.answer(|_, _: &ServerLiveRequest| Ok(server::live()))
                    .await
            }
            Method::ServerReady => {
                call.answer(|state, _: &ServerReadyRequest| Ok(server::ready(state)))
                    .await
            }
            Method::ServerMetadata => {
                call.answer(|state, _: &ServerMetadataRequest| Ok(server::metadata(state)))
                    .await
            }
            Method::ModelReady => call.answer(model::ready).await,
            Method::ModelMetadata => call.answer(model::metadata).await,
            Method::ModelConfig => call.answer(model::config).await,
            Method::ModelStatistics => call.answer(model::statistics).await,
            Method::ModelStreamInfer => Ok(stream::stream(call, self.closed.clone())),
            Method::RepositoryIndex => call.answer(control::index).await,
            Method::RepositoryModelLoad => control::load(call).await,
            Method::RepositoryModelUnload => control::unload(call).await,
            Method::SystemMemoryStatus => call.answer(system_memory::status).await,
            Method::SystemMemoryRegister => call.answer(system_memory::register).await,
            Method::SystemMemoryUnregister => call.answer(system_memory::unregister).await,
            Method::CudaMemoryStatus => call.answer(cuda_memory::status).await,
            Method::CudaMemoryRegister => call.answer(cuda_memory::register).await,
            Method::CudaMemoryUnregister => call.answer(cuda_memory::unregister).await,
            Method::TraceSetting => call.answer(trace::setting).await,
            Method::LogSettings => call.answer(logging::settings).await,
            Method::HealthCheck => call.answer(health::check).await,
            Method::HealthWatch => health::watch(call, &self.readiness, self.closed.clone()).await,
            Method::ModelInfer | Method::Reflection | Method::OldReflection => {
                Err(Refusal::internal("this is answered elsewhere"))
            }
        }
    }
}

fn is_grpc(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
    content_type.is_some_and(|it| it.starts_with(b"application/grpc"))
}

/// What was sent under this name: with the prefix that this protocol has, or, for the token, without it too.
fn credential<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let plain = (name == TOKEN_HEADER).then(|| headers.get(name)).flatten();
    let sent = headers.get(format!("{PREFIX}{name}")).or(plain);
    sent.map(HeaderValue::as_bytes)
}
