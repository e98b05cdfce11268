//! What this host is: processor, memory, GPUs. Facts that are read, never measured.

use std::collections::BTreeSet;
use std::fs;

use nav_runners::cuda::CudaError;
use nav_runners::gpu;
use serde::Serialize;

/// The host, as far as it matters to running models.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Host {
    /// The operating system and its version.
    pub system: String,
    /// The processor.
    pub cpu: Cpu,
    /// The memory.
    pub memory: Memory,
    /// The NVIDIA GPUs.
    pub gpus: Gpus,
}

/// The processor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Cpu {
    /// What its maker calls it.
    pub model: String,
    /// The architecture it is of.
    pub architecture: &'static str,
    /// Physical cores.
    pub cores: usize,
    /// Hardware threads that the system shows.
    pub threads: usize,
    /// Hardware threads that this process may use.
    pub usable_threads: usize,
    /// The instruction sets that matter to models, of those that it has.
    pub instruction_sets: Vec<&'static str>,
}

/// The memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Memory {
    /// All of it.
    pub total_bytes: u64,
    /// What could be had now without swapping.
    pub available_bytes: u64,
    /// What this process may use, if its control group sets a limit.
    pub limit_bytes: Option<u64>,
}

/// The NVIDIA GPUs. None is a normal answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "status")]
pub enum Gpus {
    /// The driver answered.
    Present {
        /// Its version.
        driver: String,
        /// The newest CUDA version that it serves.
        cuda: String,
        /// The devices.
        devices: Vec<Gpu>,
    },
    /// There is no driver.
    Absent,
    /// There is a driver that does not answer.
    Unusable {
        /// Its reason.
        reason: String,
    },
}

/// One GPU.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Gpu {
    /// Its number.
    pub index: u32,
    /// Its product name.
    pub name: String,
    /// All of its memory.
    pub memory_bytes: u64,
    /// How much of it nobody holds now, where the driver tells.
    pub free_bytes: Option<u64>,
    /// Its compute capability, as `9.0`.
    pub compute_capability: String,
}

/// Instruction sets by the name that people use and the flags of the kernel that mean them.
const INSTRUCTION_SETS: &[(&str, &[&str])] = &[
    ("AVX2", &["avx2"]),
    ("FMA", &["fma"]),
    ("F16C", &["f16c"]),
    ("AVX-512", &["avx512f"]),
    ("AVX-VNNI", &["avx_vnni"]),
    ("AVX512-VNNI", &["avx512_vnni"]),
    ("AVX512-BF16", &["avx512_bf16"]),
    ("AVX512-FP16", &["avx512_fp16"]),
    ("AMX", &["amx_tile"]),
    ("AMX-INT8", &["amx_int8"]),
    ("AMX-BF16", &["amx_bf16"]),
    ("NEON", &["asimd"]),
    ("DOTPROD", &["asimddp"]),
    ("I8MM", &["i8mm"]),
    ("BF16", &["bf16"]),
    ("SVE", &["sve"]),
    ("SVE2", &["sve2"]),
];

impl Host {
    /// Reads the facts.
    pub fn read() -> Self {
        let text = |path: &str| fs::read_to_string(path).unwrap_or_default();
        let release = text("/proc/sys/kernel/osrelease");
        Self {
            system: format!("{} {}", std::env::consts::OS, release.trim()),
            cpu: cpu(&text("/proc/cpuinfo")),
            memory: memory(&text("/proc/meminfo"), &text("/sys/fs/cgroup/memory.max")),
            gpus: gpus(),
        }
    }
}

fn cpu(cpuinfo: &str) -> Cpu {
    let fields = || cpuinfo.lines().filter_map(|line| line.split_once(':'));
    let value = |wanted: &str| {
        let found = fields().find(|(name, _)| name.trim() == wanted);
        found.map(|(_, value)| value.trim().to_owned())
    };
    // `flags` on x86, `Features` on ARM.
    let flags = value("flags")
        .or_else(|| value("Features"))
        .unwrap_or_default();
    let has = |flag: &&str| flags.split_ascii_whitespace().any(|known| known == *flag);
    let threads = fields()
        .filter(|(name, _)| name.trim() == "processor")
        .count();
    Cpu {
        cores: cores(cpuinfo).unwrap_or(threads),
        model: value("model name").unwrap_or_else(|| "unknown".to_owned()),
        architecture: std::env::consts::ARCH,
        threads,
        usable_threads: std::thread::available_parallelism().map_or(threads, usize::from),
        instruction_sets: INSTRUCTION_SETS
            .iter()
            .filter(|(_, flags)| flags.iter().all(has))
            .map(|&(name, _)| name)
            .collect(),
    }
}

/// Cores told apart by socket and number; nothing where the system does not number them.
fn cores(cpuinfo: &str) -> Option<usize> {
    let processors = cpuinfo
        .split("\n\n")
        .filter(|block| !block.trim().is_empty());
    let cores: Option<BTreeSet<(&str, &str)>> = processors
        .map(|block| {
            let value = |wanted: &str| {
                let mut fields = block.lines().filter_map(|line| line.split_once(':'));
                fields
                    .find(|(name, _)| name.trim() == wanted)
                    .map(|(_, value)| value.trim())
            };
            Some((value("physical id")?, value("core id")?))
        })
        .collect();
    cores.map(|cores| cores.len()).filter(|&count| count > 0)
}

fn memory(meminfo: &str, limit: &str) -> Memory {
    let kibibytes = |wanted: &str| {
        meminfo
            .lines()
            .filter_map(|line| line.split_once(':'))
            .find(|(name, _)| *name == wanted)
            .and_then(|(_, value)| value.trim().strip_suffix(" kB")?.trim().parse::<u64>().ok())
            .unwrap_or_default()
    };
    Memory {
        total_bytes: kibibytes("MemTotal").saturating_mul(1024),
        available_bytes: kibibytes("MemAvailable").saturating_mul(1024),
        limit_bytes: limit.trim().parse().ok(),
    }
}

fn gpus() -> Gpus {
    match gpu::gpus() {
        Ok(found) => Gpus::Present {
            driver: found.driver,
            cuda: found.cuda,
            devices: found
                .devices
                .into_iter()
                .map(|gpu| Gpu {
                    index: gpu.index,
                    name: gpu.name,
                    memory_bytes: gpu.memory_bytes,
                    free_bytes: gpu.free_bytes,
                    compute_capability: gpu.compute_capability,
                })
                .collect(),
        },
        Err(CudaError::NoDriver) => Gpus::Absent,
        Err(error) => Gpus::Unusable {
            reason: error.to_string(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_facts_are_read_from_either_architecture() {
        let x86 = "processor\t: 0\nmodel name\t: Some CPU\nflags\t\t: fpu avx2 avx512f avx512_vnni\n\
                   processor\t: 1\nmodel name\t: Some CPU\n";
        let read = cpu(x86);
        assert_eq!((read.model.as_str(), read.threads), ("Some CPU", 2));
        assert_eq!(read.instruction_sets, ["AVX2", "AVX-512", "AVX512-VNNI"]);
        assert_eq!(
            cpu("Features\t: fp asimd i8mm\n").instruction_sets,
            ["NEON", "I8MM"]
        );
        assert_eq!(cpu("").model, "unknown");
    }

    #[test]
    fn two_threads_of_one_core_are_one_core() {
        let block = |thread, socket, core| {
            format!("processor\t: {thread}\nphysical id\t: {socket}\ncore id\t: {core}\n\n")
        };
        let smt = [
            block(0, 0, 0),
            block(1, 0, 0),
            block(2, 0, 1),
            block(3, 1, 0),
        ]
        .concat();
        assert_eq!((cpu(&smt).threads, cpu(&smt).cores), (4, 3));
        assert_eq!(cpu("processor\t: 0\n\nprocessor\t: 1\n").cores, 2);
    }

    #[test]
    fn a_memory_limit_is_told_only_where_one_is_set() {
        let meminfo = "MemTotal:       24 kB\nMemAvailable:   12 kB\n";
        let read = memory(meminfo, "max\n");
        assert_eq!(
            (read.total_bytes, read.available_bytes),
            (24 * 1024, 12 * 1024)
        );
        assert_eq!(read.limit_bytes, None);
        assert_eq!(memory(meminfo, "4096\n").limit_bytes, Some(4096));
    }
}
