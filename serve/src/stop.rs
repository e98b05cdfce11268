//! Stopping a server: once to let it finish, twice to end it at once.

use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Stops a server from anywhere.
#[derive(Clone, Debug)]
pub struct Stopper {
    asked: Arc<watch::Sender<usize>>,
    /// Where the sockets of the server are looked after, and its signals.
    runtime: Handle,
}

impl Stopper {
    pub(crate) fn new(runtime: Handle) -> Self {
        Self {
            runtime,
            asked: Arc::new(watch::Sender::new(0)),
        }
    }

    /// The first time, the server takes no more requests, finishes what it has and ends; the second time,
    /// it ends at once.
    pub fn stop(&self) {
        self.asked.send_modify(|times| *times += 1);
    }

    /// Waits until it was asked to stop so many times.
    pub(crate) async fn asked(&self, times: usize) {
        let mut asked = self.asked.subscribe();
        // The sender lives as long as this.
        drop(asked.wait_for(|so_far| *so_far >= times).await);
    }

    /// Lets the signals that end programs stop the server instead, from now on.
    pub fn watch_signals(&self) -> std::io::Result<()> {
        let _entered = self.runtime.enter();
        for kind in [SignalKind::terminate(), SignalKind::interrupt()] {
            let mut signals = signal(kind)?;
            let stopper = self.clone();
            tokio::spawn(async move {
                while signals.recv().await.is_some() {
                    stopper.stop();
                }
            });
        }
        Ok(())
    }
}
