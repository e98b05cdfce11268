//! `PyTriton`, which carries a real Triton server, as a process beside this one.

use std::error::Error;
use std::io::{BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A server that runs until this is dropped.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    process: Child,
}

impl Peer {
    /// Starts it, with the models of this folder; none where there is no Python for it.
    #[expect(
        clippy::disallowed_methods,
        reason = "a bench has no settings of its own to be told by"
    )]
    pub(crate) fn start(folder: &Path) -> Result<Option<Self>, Box<dyn Error>> {
        let Some(python) = std::env::var_os("NAV_PEER_PYTHON") else {
            return Ok(None);
        };
        // The processes that it starts take the first Python there is.
        let folder_of_python = Path::new(&python).parent().unwrap_or(Path::new(""));
        let path = std::env::var_os("PATH").unwrap_or_default();
        let others = std::env::split_paths(&path);
        let path =
            std::env::join_paths(std::iter::once(folder_of_python.to_owned()).chain(others))?;
        let [http, grpc, metrics] = [free()?, free()?, free()?];
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/peer/serve.py");
        let mut process = Command::new(&python)
            .env("PATH", path)
            .arg(script)
            .arg(folder)
            .args([http, grpc, metrics].map(|at| at.port().to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("it has no standard output")?;
        let mut lines = BufReader::new(output).lines();
        if !lines.any(|line| line.is_ok_and(|line| line == "ready")) {
            return Err("PyTriton does not answer".into());
        }
        // What else it says is of no use, and must not fill a pipe that nobody empties.
        std::thread::spawn(move || lines.for_each(drop));
        Ok(Some(Self {
            http,
            grpc,
            process,
        }))
    }
}

/// An address that nobody has now.
fn free() -> std::io::Result<SocketAddr> {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()
}

impl Drop for Peer {
    fn drop(&mut self) {
        // The end of its input is what it ends with.
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}
