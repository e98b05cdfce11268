//! The methods of all services, which path leads to which, and who may ask for it.

use crate::access::Operation;

/// What can be asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Method {
    ServerLive,
    ServerReady,
    ModelReady,
    ServerMetadata,
    ModelMetadata,
    ModelInfer,
    ModelStreamInfer,
    ModelConfig,
    ModelStatistics,
    RepositoryIndex,
    RepositoryModelLoad,
    RepositoryModelUnload,
    SystemMemoryStatus,
    SystemMemoryRegister,
    SystemMemoryUnregister,
    CudaMemoryStatus,
    CudaMemoryRegister,
    CudaMemoryUnregister,
    TraceSetting,
    LogSettings,
    HealthCheck,
    HealthWatch,
    Reflection,
    OldReflection,
}

/// The most bytes of a message that holds names and settings, of which far more than these become in memory.
const SMALL: usize = 1 << 20;

impl Method {
    /// The most bytes of a message, where `body` are the most of any.
    pub(super) fn limit(self, body: usize) -> usize {
        match self {
            Self::ModelInfer | Self::ModelStreamInfer | Self::RepositoryModelLoad => body,
            _ => body.min(SMALL),
        }
    }
}

/// The service of this protocol, as paths and health checks name it.
pub(super) const SERVICE: &str = "inference.GRPCInferenceService";

/// Each method: its service, its name there, and what it does, which not everybody may.
const METHODS: &[(&str, &str, Method, Operation)] = {
    use Method as M;
    use Operation as O;
    const HEALTH: &str = "grpc.health.v1.Health";
    const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";
    const OLD_REFLECTION: &str = "grpc.reflection.v1alpha.ServerReflection";
    #[rustfmt::skip]
    const METHODS: &[(&str, &str, Method, Operation)] = &[
        (SERVICE, "ServerLive", M::ServerLive, O::Health),
        (SERVICE, "ServerReady", M::ServerReady, O::Health),
        (SERVICE, "ModelReady", M::ModelReady, O::Health),
        (SERVICE, "ServerMetadata", M::ServerMetadata, O::Metadata),
        (SERVICE, "ModelMetadata", M::ModelMetadata, O::Metadata),
        (SERVICE, "ModelInfer", M::ModelInfer, O::Inference),
        (SERVICE, "ModelStreamInfer", M::ModelStreamInfer, O::Inference),
        (SERVICE, "ModelConfig", M::ModelConfig, O::ModelConfig),
        (SERVICE, "ModelStatistics", M::ModelStatistics, O::Statistics),
        (SERVICE, "RepositoryIndex", M::RepositoryIndex, O::ModelIndex),
        (SERVICE, "RepositoryModelLoad", M::RepositoryModelLoad, O::ModelRepository),
        (SERVICE, "RepositoryModelUnload", M::RepositoryModelUnload, O::ModelRepository),
        (SERVICE, "SystemSharedMemoryStatus", M::SystemMemoryStatus, O::SharedMemory),
        (SERVICE, "SystemSharedMemoryRegister", M::SystemMemoryRegister, O::SharedMemory),
        (SERVICE, "SystemSharedMemoryUnregister", M::SystemMemoryUnregister, O::SharedMemory),
        (SERVICE, "CudaSharedMemoryStatus", M::CudaMemoryStatus, O::SharedMemory),
        (SERVICE, "CudaSharedMemoryRegister", M::CudaMemoryRegister, O::SharedMemory),
        (SERVICE, "CudaSharedMemoryUnregister", M::CudaMemoryUnregister, O::SharedMemory),
        (SERVICE, "TraceSetting", M::TraceSetting, O::Trace),
        (SERVICE, "LogSettings", M::LogSettings, O::Logging),
        (HEALTH, "Check", M::HealthCheck, O::Health),
        (HEALTH, "Watch", M::HealthWatch, O::Health),
        (REFLECTION, "ServerReflectionInfo", M::Reflection, O::Metadata),
        (OLD_REFLECTION, "ServerReflectionInfo", M::OldReflection, O::Metadata),
    ];
    METHODS
};

/// What this path leads to, and what that does.
pub(super) fn method(path: &str) -> Option<(Method, Operation)> {
    let (service, name) = path.strip_prefix('/')?.split_once('/')?;
    let found = METHODS
        .iter()
        .find(|(of, known, ..)| *known == name && *of == service);
    found.map(|(_, _, method, operation)| (*method, *operation))
}

#[cfg(test)]
mod tests {
    use prost_reflect::DescriptorPool;

    use super::*;
    use crate::proto::SCHEMA;

    #[test]
    fn every_method_of_every_schema_leads_somewhere_once() {
        let schemas = [
            SCHEMA,
            tonic_health::pb::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET,
            tonic_reflection::pb::v1alpha::FILE_DESCRIPTOR_SET,
        ];
        let mut seen = Vec::new();
        for schema in schemas {
            let pool = DescriptorPool::decode(schema).unwrap();
            for service in pool.services() {
                for method in service.methods() {
                    let path = format!("/{}/{}", service.full_name(), method.name());
                    seen.push(super::method(&path).expect(&path).0);
                }
            }
        }
        assert_eq!(seen.len(), METHODS.len());
        for (_, name, method, _) in METHODS {
            let times = seen.iter().filter(|it| *it == method).count();
            assert_eq!(times, 1, "{name}");
        }
    }
}
