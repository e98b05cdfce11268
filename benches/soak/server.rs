//! `nav serve` as a process, with models of every kind, and what the system tells of it.

use std::error::Error;
use std::fs::{self, File};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use nav_benches::optimizing::nav;
use nav_benches::runtimes;
use nav_runners::VendorRuntime;

use crate::pace::Over;

/// How long a server may take to begin, and to end.
const PATIENCE: Duration = Duration::from_mins(1);

/// Where a server answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Addresses {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) metrics: SocketAddr,
}

/// A server, until this is dropped.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) name: &'static str,
    pub(crate) at: Addresses,
    folder: PathBuf,
    process: Child,
}

impl Server {
    /// Serves the models of this folder, with files of its own in another.
    pub(crate) fn start(
        name: &'static str,
        (models, package): (&Path, &Path),
        folder: &Path,
        more: &[&str],
    ) -> Result<Self, Box<dyn Error>> {
        let folder = folder.join(name);
        fs::create_dir_all(folder.join("temporary"))?;
        let ready = folder.join("ready");
        let library = runtimes::libraries().find(VendorRuntime::Onnxruntime)?;
        let options = "--model-control-mode explicit --load-model * --allow-management --allow-client-shm --cache-size 1048576 \
                       --http-port 0 --grpc-port 0 --metrics-port 0 --strict-readiness false --max-connections 512";
        let mut command = Command::new(nav()?);
        command
            .arg("serve")
            .args([models, package])
            .args(options.split_whitespace())
            .args(more)
            .arg(format!("--library=onnxruntime={}", library.display()))
            .arg("--ready-file")
            .arg(&ready)
            .env("NAV_CACHE_FOLDER", folder.join("cache"))
            .env("NAV_OFFLINE", "1")
            .env("TMPDIR", folder.join("temporary"))
            .stdin(Stdio::null())
            .stderr(File::create(folder.join("log"))?);
        let mut server = Self {
            name,
            at: Addresses {
                http: ([127, 0, 0, 1], 0).into(),
                grpc: ([127, 0, 0, 1], 0).into(),
                metrics: ([127, 0, 0, 1], 0).into(),
            },
            process: command.spawn()?,
            folder,
        };
        let until = Instant::now() + PATIENCE;
        let never = Over::default();
        while !ready.exists() {
            if server.process.try_wait()?.is_some() || Instant::now() > until {
                return Err(format!("the server does not begin: {}", server.last_words()).into());
            }
            never.wait_until(Instant::now() + Duration::from_millis(50));
        }
        let text = fs::read_to_string(&ready)?;
        let at = |edge: &str| {
            let line = text.lines().find_map(|line| line.strip_prefix(edge));
            let address = line.map(|line| line.trim().trim_start_matches("http://"));
            address.ok_or("an address is missing")
        };
        server.at.http = at("http ")?.parse()?;
        server.at.grpc = at("grpc ")?.parse()?;
        server.at.metrics = at("metrics ")?.parse()?;
        Ok(server)
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// Where it keeps files of its own.
    pub(crate) fn kept(&self) -> [PathBuf; 2] {
        ["cache", "temporary"].map(|name| self.folder.join(name))
    }

    /// How many files are there of what requests brought.
    pub(crate) fn left(&self) -> f64 {
        let entries = fs::read_dir(self.folder.join("cache/uploads"));
        u32::try_from(entries.map_or(0, Iterator::count)).map_or(f64::INFINITY, f64::from)
    }

    /// How it ended, if it did.
    pub(crate) fn has_ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().ok().flatten()
    }

    /// The last lines that it said.
    pub(crate) fn last_words(&self) -> String {
        let text = fs::read(self.folder.join("log")).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().rev().take(5).collect();
        lines.join(" / ")
    }

    /// Tells it to end, and waits for that.
    pub(crate) fn end(&mut self) -> Result<ExitStatus, Box<dyn Error>> {
        let status = Command::new("kill").arg(self.id().to_string()).status()?;
        if !status.success() {
            return Err("it cannot be told to end".into());
        }
        let until = Instant::now() + PATIENCE;
        let never = Over::default();
        while Instant::now() < until {
            if let Some(status) = self.process.try_wait()? {
                return Ok(status);
            }
            never.wait_until(Instant::now() + Duration::from_millis(50));
        }
        Err("it does not end".into())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().ok();
        self.process.wait().ok();
    }
}
