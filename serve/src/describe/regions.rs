//! Which memory clients share with the server.

use crate::proto::system_shared_memory_status_response::RegionStatus;
use crate::proto::{CudaSharedMemoryStatusResponse, SystemSharedMemoryStatusResponse};
use crate::shared_memory::{RegionError, Regions};

/// All regions, or the one of this name.
pub(crate) fn system_regions(
    regions: &Regions,
    name: Option<&str>,
) -> Result<SystemSharedMemoryStatusResponse, RegionError> {
    let told = regions.told(name)?.into_iter().map(|region| {
        let status = RegionStatus {
            name: region.name.to_string(),
            key: region.key.to_string(),
            offset: region.offset,
            byte_size: region.byte_size,
        };
        (status.name.clone(), status)
    });
    Ok(SystemSharedMemoryStatusResponse {
        regions: told.collect(),
    })
}

/// All regions on CUDA devices, of which there are none yet.
pub(crate) fn cuda_regions(
    name: Option<&str>,
) -> Result<CudaSharedMemoryStatusResponse, RegionError> {
    match name {
        None => Ok(CudaSharedMemoryStatusResponse::default()),
        Some(name) => Err(RegionError::UnknownOf {
            kind: "cuda",
            name: name.into(),
        }),
    }
}
