//! Graphics processors as the driver's management library sees them, for metrics.

use std::sync::Arc;

use nav_runners::monitor::Monitor;
use nav_serve::{GpuReading, ReadGpus};

#[derive(Debug)]
struct Monitored(Monitor);

impl ReadGpus for Monitored {
    fn read(&self) -> Vec<GpuReading> {
        let readings = self.0.readings().into_iter();
        let told = readings.map(|reading| GpuReading {
            uuid: reading.uuid,
            utilization: reading.utilization,
            memory_total_bytes: reading.memory_total_bytes,
            memory_used_bytes: reading.memory_used_bytes,
            power_watts: reading.power_watts,
            power_limit_watts: reading.power_limit_watts,
            energy_joules: reading.energy_joules,
        });
        told.collect()
    }
}

/// Who sees the graphics processors of this host; nobody where there is no driver, or none that tells.
pub fn gpus() -> Option<Arc<dyn ReadGpus>> {
    let monitor = Monitor::open().ok()?;
    Some(Arc::new(Monitored(monitor)))
}
