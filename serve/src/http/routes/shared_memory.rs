//! Memory that clients share: told of, registered, unregistered.

use hyper::body::Incoming;
use hyper::{Method, Request, Response, StatusCode};
use serde::Serialize;

use crate::describe;
use crate::http::body::Frames;
use crate::http::receive::receive;
use crate::http::reply::{JSON, serialized, typed};
use crate::proto::{cuda_shared_memory_status_response, system_shared_memory_status_response};
use crate::refusal::Refusal;
use crate::shared_memory::RegionError;
use crate::state::State;
use crate::wire::{join, read_cuda_registration, read_registration};

/// What a path leads to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Memory<'path> {
    kind: Kind,
    step: Step,
    region: Option<&'path str>,
}

/// Where memory is.
#[derive(Clone, Copy, Debug)]
enum Kind {
    System,
    Cuda,
}

/// What is done with it.
#[derive(Clone, Copy, Debug)]
enum Step {
    Status,
    Register,
    Unregister,
}

/// A region, as it is told of.
#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    key: &'a str,
    offset: u64,
    byte_size: u64,
}

/// A region on a CUDA device, as it is told of.
#[derive(Serialize)]
struct CudaEntry<'a> {
    name: &'a str,
    device_id: u64,
    byte_size: u64,
}

/// What the rest of a path leads to, behind the protocol's version.
pub(super) fn route<'path>(path: &[&'path str]) -> Option<Memory<'path>> {
    let (kind, rest) = path.split_first()?;
    let kind = match *kind {
        "systemsharedmemory" => Kind::System,
        "cudasharedmemory" => Kind::Cuda,
        _ => return None,
    };
    let (region, step) = match rest {
        ["region", region, step] if !region.is_empty() => (Some(*region), step),
        [step] => (None, step),
        _ => return None,
    };
    let step = match *step {
        "status" => Step::Status,
        "register" => Step::Register,
        "unregister" => Step::Unregister,
        _ => return None,
    };
    Some(Memory { kind, step, region })
}

impl Memory<'_> {
    /// The methods that it is asked with.
    pub(super) const fn methods(&self) -> &'static [Method] {
        match self.step {
            Step::Status => &[Method::GET],
            Step::Register | Step::Unregister => &[Method::POST],
        }
    }

    /// Does it.
    pub(super) async fn answer(
        self,
        state: &State,
        request: Request<Incoming>,
    ) -> Result<Response<Frames>, Refusal> {
        let regions = state.regions()?;
        match (self.step, self.kind) {
            (Step::Status, Kind::System) => {
                let told = describe::system_regions(regions, self.region)?;
                let entries: Vec<Entry<'_>> = told.regions.values().map(Entry::from).collect();
                return serialized(&entries);
            }
            (Step::Status, Kind::Cuda) => {
                let told = describe::cuda_regions(self.region)?;
                let entries: Vec<CudaEntry<'_>> =
                    told.regions.values().map(CudaEntry::from).collect();
                return serialized(&entries);
            }
            (Step::Unregister, Kind::System) => regions.unregister(self.region),
            // There are none.
            (Step::Unregister, Kind::Cuda) => {}
            (Step::Register, Kind::System) => {
                let name = self.region.ok_or(RegionError::Unnamed { kind: "system" })?;
                let body = body(request, state).await?;
                regions.register(read_registration(&body, name)?)?;
            }
            (Step::Register, Kind::Cuda) => {
                let name = self.region.ok_or(RegionError::Unnamed { kind: "cuda" })?;
                let body = body(request, state).await?;
                regions.register_cuda(read_cuda_registration(&body, name)?)?;
            }
        }
        Ok(typed(StatusCode::OK, JSON, []))
    }
}

async fn body(request: Request<Incoming>, state: &State) -> Result<bytes::Bytes, Refusal> {
    let body = receive(request.into_body(), None, state).await?;
    Ok(join(body.pieces.into_iter().collect()))
}

impl<'a> From<&'a system_shared_memory_status_response::RegionStatus> for Entry<'a> {
    fn from(region: &'a system_shared_memory_status_response::RegionStatus) -> Self {
        Self {
            name: &region.name,
            key: &region.key,
            offset: region.offset,
            byte_size: region.byte_size,
        }
    }
}

impl<'a> From<&'a cuda_shared_memory_status_response::RegionStatus> for CudaEntry<'a> {
    fn from(region: &'a cuda_shared_memory_status_response::RegionStatus) -> Self {
        Self {
            name: &region.name,
            device_id: region.device_id,
            byte_size: region.byte_size,
        }
    }
}
