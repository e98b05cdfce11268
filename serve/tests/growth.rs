//! What stays behind when models of a repository come and go. Alone in its process, since it looks at the process as a
//! whole.

#![expect(
    clippy::unwrap_used,
    reason = "a test that cannot go on panics where it stands"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nav_engine::{Engine, EngineOptions};
use nav_serve::{
    BackendFacts, Control, LoadParameters, Log, ModelOpener, OpenError, Opened, ParameterValue,
    Repository, RepositoryOptions, Source, UnloadParameters, Wanted,
};

/// Opens nothing: the server's own backends are enough.
#[derive(Debug)]
struct Nothing;

impl ModelOpener for Nothing {
    fn backends(&self) -> &[BackendFacts] {
        &[BackendFacts {
            name: "nothing",
            platform: "",
            file: "",
        }]
    }

    fn open(&self, _: &Wanted<'_>) -> Result<Opened, OpenError> {
        Err(OpenError::new("it opens nothing"))
    }
}

const CONFIG: &str = r#"{"backend":"BACKEND","max_batch_size":4,"dynamic_batching":{},"instance_group":[{"count":2}],"input":[{"name":"x","data_type":"TYPE_FP32","dims":[1]}],"output":[{"name":"y","data_type":"TYPE_FP32","dims":[1]}]}"#;

fn entries(folder: &str) -> usize {
    Path::new(folder).read_dir().unwrap().count()
}

fn resident() -> usize {
    let text = std::fs::read_to_string("/proc/self/statm").unwrap();
    let pages: usize = text.split(' ').nth(1).unwrap().parse().unwrap();
    pages * 4096
}

#[test]
fn a_thousand_loads_that_fail_and_a_thousand_that_do_not_leave_nothing_behind() {
    let folder = tempfile::tempdir().unwrap();
    let models = folder.path().join("models");
    std::fs::create_dir_all(models.join("m/1")).unwrap();
    let options = RepositoryOptions {
        sources: vec![Source::Folder(models)],
        control: Control::Explicit,
        startup: nav_serve::Startup::Named(Vec::new()),
        scratch: Some(folder.path().join("scratch")),
        ..RepositoryOptions::default()
    };
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let repository = Repository::new(engine, Arc::new(Nothing), (&Log::silent(), options)).unwrap();
    let parameters = |backend: &str| {
        let mut parameters =
            LoadParameters::default().with_config(CONFIG.replace("BACKEND", backend));
        let content = ParameterValue::Bytes(vec![0; 1000].into());
        parameters.set("file:1/weights", content).unwrap();
        parameters
    };
    let brought = [parameters("identity"), parameters("nothing")];
    let plain = ["identity", "nothing"]
        .map(|backend| LoadParameters::default().with_config(CONFIG.replace("BACKEND", backend)));
    let cycle = |index: usize| {
        let [good, bad] = if index.is_multiple_of(10) {
            &brought
        } else {
            &plain
        };
        repository.load("m", bad).unwrap_err();
        repository.load("m", good).unwrap();
        repository.unload("m", UnloadParameters::default()).unwrap();
    };
    (0..50).for_each(cycle);
    let settled = |threads: usize| {
        let until = Instant::now() + Duration::from_secs(20);
        // Threads of models that were unloaded end by themselves.
        while entries("/proc/self/task") > threads && Instant::now() < until {
            std::thread::yield_now();
        }
        (entries("/proc/self/task"), entries("/proc/self/fd"))
    };
    // This thread, that of the test harness and the engine's clock.
    let before = settled(3);
    let memory = resident();
    (0..1000).for_each(cycle);
    assert_eq!(settled(before.0), before);
    let grown = resident().saturating_sub(memory);
    assert!(grown < 16 << 20, "{grown} bytes more are resident");
    let scratch = folder.path().join("scratch");
    let server = scratch.read_dir().unwrap().next().unwrap().unwrap().path();
    assert_eq!(
        server.read_dir().unwrap().count(),
        1,
        "files of requests are left"
    );
}
