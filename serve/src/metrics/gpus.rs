//! How busy graphics processors are, and how full. Looking takes milliseconds, so a thread of its own looks every other second, and who
//! asks gets what it saw last: neither requests nor scrapes wait for a driver.

use std::fmt::{Debug, Display};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use std::{io, thread};

use super::text::{head, line};

/// One graphics processor at one moment. What it does not tell is left out.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GpuReading {
    /// Its identity.
    pub uuid: String,
    /// The part of the time in which it computed, from 0 to 1.
    pub utilization: Option<f64>,
    /// All of its memory.
    pub memory_total_bytes: Option<u64>,
    /// What of it is taken.
    pub memory_used_bytes: Option<u64>,
    /// What it draws, in watts.
    pub power_watts: Option<f64>,
    /// What it may draw, in watts.
    pub power_limit_watts: Option<f64>,
    /// What it has drawn, in joules.
    pub energy_joules: Option<f64>,
}

/// Whoever can look at graphics processors.
pub trait ReadGpus: Debug + Send + Sync {
    /// All of them, as they are now.
    fn read(&self) -> Vec<GpuReading>;
}

/// What was last seen of graphics processors. Dropped, it looks no more.
#[derive(Debug)]
pub(crate) struct Gpus {
    seen: Arc<Mutex<Vec<GpuReading>>>,
    /// Nothing is ever sent: that it is gone is what the thread waits for.
    _until: mpsc::Sender<()>,
}

impl Gpus {
    /// Looks at once and again after each such time, while nobody waits for it.
    pub(crate) fn watch(source: Arc<dyn ReadGpus>, every: Duration) -> io::Result<Self> {
        let seen = Arc::default();
        let (until, gone) = mpsc::channel::<()>();
        let told: Arc<Mutex<Vec<GpuReading>>> = Arc::clone(&seen);
        let look = move || {
            loop {
                let now = source.read();
                *told.lock().unwrap_or_else(PoisonError::into_inner) = now;
                if gone.recv_timeout(every) != Err(RecvTimeoutError::Timeout) {
                    break;
                }
            }
        };
        let named = thread::Builder::new().name("nav-gpus".to_owned());
        named.spawn(look)?;
        Ok(Self {
            seen,
            _until: until,
        })
    }

    fn seen(&self) -> Vec<GpuReading> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }
}

/// What was last seen; what nobody tells is left out.
pub(super) fn write(out: &mut String, gpus: &Gpus) {
    written(out, &gpus.seen());
}

fn written(out: &mut String, seen: &[GpuReading]) {
    let gauge = |name| (name, "gauge");
    family(
        out,
        gauge("nv_gpu_utilization"),
        "GPU utilization rate [0.0 - 1.0)",
        seen,
        |it| it.utilization,
    );
    family(
        out,
        gauge("nv_gpu_memory_total_bytes"),
        "GPU total memory, in bytes",
        seen,
        |it| it.memory_total_bytes,
    );
    family(
        out,
        gauge("nv_gpu_memory_used_bytes"),
        "GPU used memory, in bytes",
        seen,
        |it| it.memory_used_bytes,
    );
    family(
        out,
        gauge("nv_gpu_power_usage"),
        "GPU power usage in watts",
        seen,
        |it| it.power_watts,
    );
    family(
        out,
        gauge("nv_gpu_power_limit"),
        "GPU power management limit in watts",
        seen,
        |it| it.power_limit_watts,
    );
    let energy = ("nv_energy_consumption", "counter");
    let help = "GPU energy consumption in joules since the driver was loaded";
    family(out, energy, help, seen, |it| it.energy_joules);
}

/// One metric of all that tell it; nothing where none does.
fn family<T: Display>(
    out: &mut String,
    kind: (&str, &str),
    help: &str,
    seen: &[GpuReading],
    value: impl Fn(&GpuReading) -> Option<T>,
) {
    let mut is_begun = false;
    for (reading, value) in seen.iter().filter_map(|it| Some((it, value(it)?))) {
        if !is_begun {
            head(out, kind, help);
            is_begun = true;
        }
        line(
            out,
            kind.0,
            &format!("gpu_uuid=\"{}\"", reading.uuid),
            value,
        );
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn what_a_gpu_does_not_tell_is_left_out() {
        let check = |seen: &[GpuReading], expected: &str| {
            let mut out = String::new();
            written(&mut out, seen);
            assert_eq!(out, expected);
        };
        check(&[], "");
        let busy = GpuReading {
            uuid: "GPU-1".to_owned(),
            utilization: Some(0.25),
            memory_total_bytes: Some(80),
            memory_used_bytes: Some(7),
            power_watts: Some(123.5),
            power_limit_watts: Some(700.0),
            energy_joules: Some(9.75),
        };
        let part = GpuReading {
            uuid: "GPU-2".to_owned(),
            memory_used_bytes: Some(8),
            ..GpuReading::default()
        };
        check(
            &[busy, part],
            "# HELP nv_gpu_utilization GPU utilization rate [0.0 - 1.0)\n\
             # TYPE nv_gpu_utilization gauge\n\
             nv_gpu_utilization{gpu_uuid=\"GPU-1\"} 0.25\n\
             # HELP nv_gpu_memory_total_bytes GPU total memory, in bytes\n\
             # TYPE nv_gpu_memory_total_bytes gauge\n\
             nv_gpu_memory_total_bytes{gpu_uuid=\"GPU-1\"} 80\n\
             # HELP nv_gpu_memory_used_bytes GPU used memory, in bytes\n\
             # TYPE nv_gpu_memory_used_bytes gauge\n\
             nv_gpu_memory_used_bytes{gpu_uuid=\"GPU-1\"} 7\n\
             nv_gpu_memory_used_bytes{gpu_uuid=\"GPU-2\"} 8\n\
             # HELP nv_gpu_power_usage GPU power usage in watts\n\
             # TYPE nv_gpu_power_usage gauge\n\
             nv_gpu_power_usage{gpu_uuid=\"GPU-1\"} 123.5\n\
             # HELP nv_gpu_power_limit GPU power management limit in watts\n\
             # TYPE nv_gpu_power_limit gauge\n\
             nv_gpu_power_limit{gpu_uuid=\"GPU-1\"} 700\n\
             # HELP nv_energy_consumption GPU energy consumption in joules since the driver was loaded\n\
             # TYPE nv_energy_consumption counter\n\
             nv_energy_consumption{gpu_uuid=\"GPU-1\"} 9.75\n",
        );
    }

    /// Has memory that fills by a byte with each look, and tells of each look.
    #[derive(Debug)]
    struct Filling {
        looks: AtomicUsize,
        told: Mutex<mpsc::Sender<()>>,
    }

    impl ReadGpus for Filling {
        fn read(&self) -> Vec<GpuReading> {
            let looks = self.looks.fetch_add(1, Ordering::Relaxed) + 1;
            self.told.lock().unwrap().send(()).ok();
            vec![GpuReading {
                memory_used_bytes: Some(looks as u64),
                ..GpuReading::default()
            }]
        }
    }

    #[test]
    fn it_looks_again_and_again_until_it_is_dropped() {
        let (told, looks) = mpsc::channel();
        let source = Arc::new(Filling {
            looks: AtomicUsize::new(0),
            told: Mutex::new(told),
        });
        let gpus = Gpus::watch(source, Duration::from_millis(1)).unwrap();
        // By the third look, what the second saw can be seen.
        assert_eq!(looks.iter().take(3).count(), 3);
        assert!(gpus.seen()[0].memory_used_bytes >= Some(2));
        drop(gpus);
        // The source goes with the thread, and so does the channel's other end: this would never end if it went on.
        while looks.recv().is_ok() {}
    }
}
