//! gRPC: messages in and out, and the methods, one file for each kind.
//!
//! Messages are cut out of the body and written into it here, so that their limits are those of every other
//! protocol and large outputs are sent from where the runner wrote them. Knows nothing of sockets.

mod call;
mod contents;
mod control;
mod cuda_memory;
mod deadline;
mod edge;
mod framing;
mod health;
mod infer;
mod logging;
mod methods;
mod model;
mod receive;
mod reflection;
mod reply;
mod request;
mod response;
mod server;
mod stream;
mod system_memory;
mod trace;
mod turns;
mod unfold;

pub(crate) use edge::Edge;
#[cfg(feature = "fuzzing")]
pub(crate) use response::compose;

/// A message as it is read, if it can be.
#[cfg(feature = "fuzzing")]
pub(crate) fn read(
    message: crate::proto::ModelInferRequest,
    model: &nav_engine::Model,
) -> Option<crate::wire::Asked> {
    request::read(message, model)
        .ok()
        .map(|received| received.asked)
}
