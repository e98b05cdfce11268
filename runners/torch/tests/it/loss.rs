//! The worker killed while it works: every request gets an answer, and the next ones a new worker.

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use nav_package_format::{RunnerSettings, Shape};
use nav_runners::{RunError, Runner, TensorDesc};

use crate::support::{external, model, options};

const CLIENTS: usize = 4;

/// The children of this process that run this executable.
fn workers(executable: &Path) -> Vec<u32> {
    let own = std::process::id();
    let mut found = Vec::new();
    for task in std::fs::read_dir(format!("/proc/{own}/task")).unwrap() {
        let path = task.unwrap().path().join("children");
        let children = std::fs::read_to_string(path).unwrap_or_default();
        found.extend(
            children
                .split_whitespace()
                .filter_map(|it| it.parse::<u32>().ok()),
        );
    }
    found.retain(|child| {
        let running = std::fs::read_link(format!("/proc/{child}/exe"));
        running.is_ok_and(|running| running == executable)
    });
    found
}

#[test]
fn a_worker_killed_in_the_middle_of_its_work_answers_everyone() {
    // An executable of its own, so that no other test's worker is killed.
    let folder = tempfile::tempdir().unwrap();
    let mut options = options(&["image:FP32:batch,3,h,w"], RunnerSettings::default());
    let executable = folder.path().join("nav-runner-torch");
    let configured = &mut options.libraries.worker_executables;
    let built = configured.insert("nav-runner-torch".to_owned(), executable.clone());
    std::fs::copy(built.unwrap(), &executable).unwrap();
    let loaded = external("TorchScriptCPU").load(&model("cnn"), &options);
    let loaded = loaded.unwrap();
    let (lost, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let all_work = Barrier::new(CLIENTS + 1);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let loaded = Arc::clone(&loaded);
            scope.spawn(|| {
                let mut session = loaded.session().unwrap();
                let desc = TensorDesc {
                    index: 0,
                    dtype: nav_package_format::DType::Fp32,
                    shape: Shape::from([8, 3, 64, 64]),
                    byte_size: 8 * 3 * 64 * 64 * 4,
                };
                let mut ask = || {
                    session.stage(std::slice::from_ref(&desc))?;
                    session.run()
                };
                ask().unwrap();
                all_work.wait();
                // Until the loss was seen, every request ends with an answer or with the worker's true end.
                loop {
                    match ask() {
                        Ok(outputs) => assert_eq!(outputs.len(), 1),
                        // Who was idle meanwhile finds that it went before.
                        Err(
                            RunError::WorkerLost { cause, .. } | RunError::WorkerDown { cause, .. },
                        ) => {
                            assert!(cause.contains("signal 9"), "{cause}");
                            lost.fetch_add(1, Ordering::Relaxed);
                            break;
                        }
                        Err(other) => panic!("{other}"),
                    }
                }
                // The next request finds a new worker, once that is started.
                let outputs = std::iter::repeat_with(&mut ask).find_map(Result::ok);
                assert_eq!(outputs.unwrap().len(), 1);
                answered.fetch_add(1, Ordering::Relaxed);
            });
        }
        all_work.wait();
        for worker in workers(&executable) {
            let killed = std::process::Command::new("kill")
                .args(["-9", &worker.to_string()])
                .status();
            assert!(killed.unwrap().success());
        }
    });
    assert_eq!(lost.into_inner(), CLIENTS);
    assert_eq!(answered.into_inner(), CLIENTS);
}
