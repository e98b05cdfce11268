//! What becomes of the rate and the memory of a server as models, connections and tensors grow. The server is a process of
//! its own, so that its memory is its own. `cargo bench -p nav-benches --bench growth`.

use std::error::Error;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use nav_benches::load::{closed_calls, zeros};
use nav_benches::record::Record;
use nav_benches::served;
use nav_engine::{Callable, ModelOptions, ModelSpec};
use nav_package_format::{DType, Dim, Signature, TensorSpec};
use nav_perf::{Call, Protocol};

/// How long each is asked.
const SLICE: Duration = Duration::from_secs(2);

const CONCURRENCY: usize = 16;

/// What makes this program the server: with this, and how many models it has.
const SERVE: &str = "--serve";

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip_while(|it| it != SERVE);
    if arguments.next().is_some() {
        let models = arguments.next().ok_or("how many models?")?;
        return serve(models.parse()?);
    }
    let mut record = Record::new("growth");
    for models in [1, 10, 100] {
        let server = Served::start(models)?;
        let calls: Result<Vec<Call>, _> = (0..models).map(|it| request(it, 16)).collect();
        server.ask(
            &mut record,
            &format!("{models} models"),
            (&calls?, CONCURRENCY),
        )?;
    }
    let server = Served::start(1)?;
    for connections in [1, 16, 256, 2000] {
        let name = format!("{connections} connections");
        server.ask(&mut record, &name, (&[request(0, 16)?], connections))?;
    }
    for (name, bytes) in [
        ("64 B", 64),
        ("4 KiB", 4 << 10),
        ("256 KiB", 256 << 10),
        ("4 MiB", 4 << 20),
        ("60 MiB", 60 << 20),
    ] {
        let server = Served::start(1)?;
        let calls = [request(0, bytes / 4)?];
        server.ask(
            &mut record,
            &format!("tensors of {name}, 1 at a time"),
            (&calls, 1),
        )?;
    }
    Ok(record.print()?)
}

fn name(model: usize) -> String {
    format!("model-{model}")
}

/// A row of so many zeros for a model.
fn request(model: usize, count: usize) -> Result<Call, Box<dyn Error>> {
    zeros(&name(model), ("x", &[count]), "y")
}

/// A server as a process, until this is dropped.
struct Served {
    address: SocketAddr,
    process: Child,
}

impl Served {
    fn start(models: usize) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(std::env::current_exe()?)
            .args([SERVE, &models.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process.stdout.take().ok_or("it has no standard output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let address = line.trim().parse()?;
        Ok(Self { address, process })
    }

    /// Asks these in turns, and notes the rate, the latency, and the memory of the server at its most.
    fn ask(
        &self,
        record: &mut Record,
        name: &str,
        (calls, concurrency): (&[Call], usize),
    ) -> Result<(), Box<dyn Error>> {
        let level = closed_calls((self.address, Protocol::Http), calls, concurrency, SLICE)?;
        record.result(&format!("{name}, per second"), level.throughput);
        let p99 = level.latencies.quantile(0.99).as_secs_f64() * 1e3;
        record.result(&format!("{name}, p99, ms"), p99);
        record.result(&format!("{name}, peak of memory, MB"), self.peak()?);
        Ok(())
    }

    fn peak(&self) -> Result<f64, Box<dyn Error>> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next());
        let kilobytes: f64 = kilobytes.ok_or("the system tells no memory")?.parse()?;
        Ok(kilobytes / 1024.0)
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        // The end of its input is what it ends with.
        drop(self.process.stdin.take());
        self.process.wait().ok();
    }
}

/// Serves so many identities, until the input ends.
#[expect(
    clippy::print_stdout,
    reason = "whoever started it reads where it answers"
)]
fn serve(models: usize) -> Result<(), Box<dyn Error>> {
    let spec = |name: &str| TensorSpec {
        name: name.to_owned(),
        dtype: DType::Fp32,
        dims: Some(vec![Dim::Unknown, Dim::Unknown]),
        optional: false,
    };
    let served = served::models((0..models).map(|model| {
        let signature = Signature {
            inputs: vec![spec("x")],
            outputs: vec![spec("y")],
        };
        let backend = Callable::shared(signature, served::echo);
        (
            name(model),
            ModelSpec::new(backend, ModelOptions::batched(16)),
        )
    }))?;
    println!("{}", served.http);
    std::io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
