//! Nothing is left behind, counted in a process that does nothing else.
#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use nav_adapter::{
    Array, Environment, Host, Package, PyTritonAdapter, Server, Triton, TritonConfig,
};
use nav_package_format::DType;
use nav_package_format::onnx::build::{dims, node, tensor};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};
use nav_package_format::{Shape, TensorData};
use nav_worker::WorkerCommand;
use nav_worker::child::{self, ChildError};

use place::{Place, TRACT, Told, host_with_onnxruntime};

#[expect(dead_code, reason = "it has more than this test uses")]
#[path = "../it/place.rs"]
mod place;

/// How often everything is done again.
const ROUNDS: usize = 50;
/// How much more memory a process may hold in the end, as allocators keep some: a quarter of what models left behind would take.
const SPARE: usize = 50 << 20;
/// Gives large memory back to the system as soon as it is freed. Otherwise glibc comes to keep blocks as large as the weights
/// of the model, in as many arenas as threads happened to meet: up to the double of `SPARE` was seen.
const ALLOCATOR: (&str, &str) = ("GLIBC_TUNABLES", "glibc.malloc.mmap_threshold=1048576");
/// For what ends by itself soon after it was dropped.
const PATIENCE: Duration = Duration::from_secs(20);
/// The width of the model, whose weights are that much squared.
const WIDTH: usize = 1024;

#[test]
#[ignore = "the child that the other test starts"]
fn child_worker() {
    match child::run(nav_runners::RUNNERS) {
        // Somebody ran the ignored tests.
        Err(ChildError::NotAWorker) => {}
        served => served.unwrap(),
    }
}

fn workers() -> WorkerCommand {
    WorkerCommand::new(std::env::current_exe().unwrap())
        .with_argument("child_worker")
        .with_argument("--exact")
        .with_argument("--ignored")
        .with_argument("--nocapture")
}

/// Four megabytes of weights.
fn model() -> ModelProto {
    let weights = vec![1.0_f32; WIDTH * WIDTH];
    let width = i64::try_from(WIDTH).unwrap();
    GraphProto::named("wide")
        .takes("x", DType::Fp32, &dims(&format!("batch,{WIDTH}")))
        .gives("y", DType::Fp32, &dims(&format!("batch,{WIDTH}")))
        .holds(tensor("w", &[width, width], &weights))
        .with(node("MatMul", &["x", "w"], &["y"]))
        .into_model()
}

/// What a process holds: descriptors, threads, children, mappings of what lies in this folder or is shared with workers,
/// and the files of the folder.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    descriptors: usize,
    threads: usize,
    children: usize,
    mappings: usize,
    files: usize,
}

impl Held {
    fn now(folder: &Path) -> Self {
        let count = |path: &str| std::fs::read_dir(path).unwrap().count();
        let maps = std::fs::read_to_string("/proc/self/maps").unwrap();
        let folder_name = folder.to_str().unwrap();
        let is_ours =
            |line: &&str| line.contains(folder_name) || line.contains("nav-shared-memory");
        Self {
            descriptors: count("/proc/self/fd"),
            threads: count("/proc/self/task"),
            children: children(),
            mappings: maps.lines().filter(is_ours).count(),
            files: files(folder),
        }
    }

    /// What is held when no more of anything is than at some time before, or what still is when patience has ended. The
    /// threads of a server that was dropped end by themselves, some of them a moment later.
    fn settled(folder: &Path, before: &Self) -> Self {
        let deadline = Instant::now() + PATIENCE;
        loop {
            let now = Self::now(folder);
            if now.is_within(before) || Instant::now() > deadline {
                return now;
            }
            std::thread::yield_now();
        }
    }

    fn is_within(&self, limit: &Self) -> bool {
        self.descriptors <= limit.descriptors
            && self.threads <= limit.threads
            && self.children <= limit.children
            && self.mappings <= limit.mappings
            && self.files <= limit.files
    }
}

/// Processes whose parent is this one, zombies too.
fn children() -> usize {
    let us = std::process::id().to_string();
    let is_child = |folder: &Path| {
        let stat = std::fs::read_to_string(folder.join("stat")).ok()?;
        // After the name, which may hold anything but is in brackets: the state, then the parent.
        let (_, after_name) = stat.rsplit_once(") ")?;
        (after_name.split(' ').nth(1)? == us).then_some(())
    };
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| is_child(&entry.unwrap().path()))
        .count()
}

fn files(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap();
    let below = |path: &Path| if path.is_dir() { files(path) } else { 0 };
    entries.map(|entry| 1 + below(&entry.unwrap().path())).sum()
}

/// The memory that this process holds, in bytes.
fn memory() -> usize {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.unwrap().trim().trim_end_matches(" kB");
    kilobytes.parse::<usize>().unwrap() << 10
}

/// Does something once, so that what is made once is there, and then so often that what it left behind would show.
fn check(what: &str, folder: &Path, mut round: impl FnMut()) {
    round();
    let (before, took) = (Held::now(folder), memory());
    (0..ROUNDS).for_each(|_| round());
    let after = Held::settled(folder, &before);
    assert!(
        after.is_within(&before),
        "{what}: {after:?}, not {before:?}"
    );
    assert_eq!((before.children, before.mappings), (0, 0), "{what}");
    let more = memory().saturating_sub(took);
    assert!(more < SPARE, "{what} left {more} bytes behind");
}

/// A runner is activated, asked and deactivated, and activated again and dropped as it is.
fn activate(package: &Path, host: &Host) {
    let package = Package::open_on(package, host).unwrap();
    let adapter = PyTritonAdapter::new(&package, &[]).unwrap();
    let mut runner = adapter.runner();
    let x = TensorData::new(DType::Fp32, Shape::from([1, WIDTH]), vec![0; 4 * WIDTH]).unwrap();
    runner.activate().unwrap();
    runner.infer(&[("x", x.view())]).unwrap();
    runner.deactivate();
    runner.activate().unwrap();
    let kept = runner.infer(&[("x", x.view())]).unwrap().into_outputs();
    drop((package, adapter, runner));
    assert_eq!(kept[0].bytes, x.bytes());
}

/// A server with sockets, and one without.
fn serve(path: &Path, host: &Host) {
    let package = Package::open_on(path, host).unwrap();
    let adapter = PyTritonAdapter::new(&package, &[]).unwrap();
    let config = TritonConfig {
        http_port: Some(0),
        grpc_port: Some(0),
        metrics_port: Some(0),
        ..TritonConfig::default()
    };
    let builder = Triton::builder(config).environment(Environment::default());
    let triton = builder.build().unwrap();
    let (inputs, outputs) = (adapter.inputs(), adapter.outputs());
    triton
        .bind("wide", adapter.runner(), inputs, outputs, adapter.config())
        .unwrap();
    triton.run().unwrap();
    drop(triton);
    let builder = Server::builder().model("wide", path).host(host.clone());
    let server = builder.start().unwrap();
    let x = Array::new([1, WIDTH], vec![0.0_f32; WIDTH]).unwrap();
    let model = server.model("wide").unwrap();
    assert!(model.infer_one([("x", x)]).is_ok());
}

#[test]
fn what_is_dropped_leaves_nothing_behind() {
    let (variable, value) = ALLOCATOR;
    let status = Command::new(std::env::current_exe().unwrap())
        .args(["everything_is_counted", "--exact", "--ignored"])
        .arg("--nocapture")
        .env(variable, value)
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
}

#[test]
#[ignore = "the process that the other test starts, whose allocator keeps little"]
fn everything_is_counted() {
    let place = Place::new();
    let folder = place.path("").canonicalize().unwrap();
    let threaded = Told {
        runner: "OnnxCPU",
        threads: Some(2),
        ..TRACT
    };
    let [on_tract, on_onnxruntime] = [(TRACT, "tract.nav"), (threaded, "onnxruntime.nav")]
        .map(|(told, name)| place.pack(name, &model(), (&[told], None)));
    let host = place.host();
    check("a runner", &folder, || activate(&on_tract, &host));
    check("a server", &folder, || serve(&on_tract, &host));
    let isolated = host.isolated(workers());
    check("a worker", &folder, || activate(&on_tract, &isolated));
    match host_with_onnxruntime(&place) {
        Ok(host) => {
            check("ONNX Runtime", &folder, || activate(&on_onnxruntime, &host));
            let isolated = host.isolated(workers());
            let round = || activate(&on_onnxruntime, &isolated);
            check("ONNX Runtime in a worker", &folder, round);
        }
        Err(error) => eprintln!("not tested: {error}"),
    }
}
