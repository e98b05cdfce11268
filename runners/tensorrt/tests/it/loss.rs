//! A worker that is killed while sessions work.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use nav_runners::{RunError, Session};

use crate::double::{Counter, Host, infer};
use crate::values::{check_rows, doubled, rows};

const CLIENTS: usize = 4;

/// The processes that were told of this host's driver.
fn workers(host: &Host) -> Vec<u32> {
    let driver = host.path("libcuda.so.1").display().to_string();
    let told = format!("NAV_CUDA_DRIVER={driver}");
    let processes = std::fs::read_dir("/proc").unwrap();
    processes
        .filter_map(|entry| {
            let entry = entry.ok()?;
            let number = entry.file_name().to_str()?.parse().ok()?;
            let variables = std::fs::read(entry.path().join("environ")).ok()?;
            let mut variables = variables.split(|&byte| byte == 0);
            variables
                .any(|variable| variable == told.as_bytes())
                .then_some(number)
        })
        .collect()
}

#[test]
fn a_worker_killed_in_the_middle_of_its_work_answers_everyone_and_another_one_goes_on() {
    let host = Host::new(&[("latency_us", "500")]);
    let loaded = host.load(doubled(), &[("cuda.graph", "1")]).unwrap();
    let (lost, answered) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let all_work = Barrier::new(CLIENTS + 1);
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            let loaded = Arc::clone(&loaded);
            scope.spawn(|| {
                let mut session = loaded.session().unwrap();
                let ask = |session: &mut dyn Session| infer(session, &[rows(2, 1.0).0]);
                let first = ask(session.as_mut());
                all_work.wait();
                first.unwrap();
                loop {
                    match ask(session.as_mut()) {
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
                let again = std::iter::repeat_with(|| ask(session.as_mut()));
                assert!(again.into_iter().any(|outcome| outcome.is_ok()));
                check_rows(session.as_mut(), 3, 2.0);
                answered.fetch_add(1, Ordering::Relaxed);
            });
        }
        all_work.wait();
        let workers = workers(&host);
        assert_eq!(workers.len(), 1);
        for worker in workers {
            let mut kill = std::process::Command::new("kill");
            let killed = kill.args(["-9", &worker.to_string()]).status();
            assert!(killed.unwrap().success());
        }
    });
    let counts = (lost.into_inner(), answered.into_inner());
    assert_eq!(counts, (CLIENTS, CLIENTS));
    assert_eq!(host.count(Counter::Misuses), 0);
}
