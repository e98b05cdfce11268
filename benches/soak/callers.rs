//! Whoever asks properly for all that a server offers, and looks at every number that comes back.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::time::Duration;

use crate::frames;
use crate::pace::Over;
use crate::place::{PACKAGE, WIDTH};
use crate::server::Addresses;
use crate::tally::Tally;
use crate::wire::{Client, Reply, position, posted};

/// How long from one thing to the next.
const GAP: Duration = Duration::from_millis(40);

/// One that goes on with everything in turns.
#[derive(Debug)]
pub(crate) struct Caller {
    at: Addresses,
    http: Client,
    metrics: Client,
    /// What the model of the package said first.
    first: Option<Vec<u8>>,
    memory: Memory,
}

/// Memory that is shared with the server.
#[derive(Debug)]
struct Memory {
    key: String,
    path: PathBuf,
    file: File,
}

impl Drop for Memory {
    fn drop(&mut self) {
        std::fs::remove_file(&self.path).ok();
    }
}

type Act = fn(&mut Caller, u64) -> Result<(), String>;

/// Everything, in the order in which it is done: what is there several times is done as often.
const ACTS: &[(&str, Act)] = &[
    ("infer, binary", Caller::binary),
    ("infer, JSON", Caller::json),
    ("infer, gRPC", Caller::grpc),
    ("package", Caller::package),
    ("ensemble", Caller::ensemble),
    ("kept response", Caller::kept),
    ("sequence", Caller::sequence),
    ("sequence that is left", Caller::left),
    ("generate_stream", Caller::stream),
    ("shared memory", Caller::shared),
    ("infer, binary", Caller::binary),
    ("large tensor", Caller::large),
    ("about", Caller::about),
    ("metrics", Caller::scraped),
];

/// What changes models, more seldom.
const CHANGES: &[(&str, Act)] = &[
    ("unload and load", Caller::reload),
    ("model that is brought", Caller::bring),
];

/// How many other things are done between two changes.
const BETWEEN: u64 = 25;

impl Caller {
    /// One for this server, with memory of this name.
    pub(crate) fn new(at: Addresses, name: &str) -> std::io::Result<Self> {
        let key = format!("nav_soak_{}_{name}", std::process::id());
        let path = PathBuf::from("/dev/shm").join(&key);
        let file = File::options()
            .read(true)
            .write(true)
            .create(true)
            .truncate(true)
            .open(&path)?;
        let memory = Memory { key, path, file };
        memory.file.set_len(4096)?;
        Ok(Self {
            at,
            http: Client::new(at.http),
            metrics: Client::new(at.metrics),
            first: None,
            memory,
        })
    }

    /// Goes on until it is over.
    pub(crate) fn go_on(&mut self, over: &Over, tally: &Tally) {
        let acts = ACTS.len() as u64;
        over.every(GAP, |round| {
            if round.is_multiple_of(BETWEEN) {
                self.act(CHANGES, round / BETWEEN, tally);
            }
            self.act(ACTS, round, tally);
            if round.is_multiple_of(acts * 97) {
                // Connections come and go as well.
                self.http = Client::new(self.at.http);
            }
        });
    }

    fn act(&mut self, acts: &[(&str, Act)], round: u64, tally: &Tally) {
        let turn = usize::try_from(round).unwrap_or_default() % acts.len();
        if let Some((name, act)) = acts.get(turn) {
            let outcome = act(self, round);
            tally.note(name, outcome);
        }
    }

    fn binary(&mut self, round: u64) -> Result<(), String> {
        let x = numbers(round);
        let reply = self.infer("rows", "", &x)?.with(200)?;
        ends_with(&reply, &x, |x| x + 1.0)
    }

    fn package(&mut self, _: u64) -> Result<(), String> {
        let reply = self.infer(PACKAGE, "", &[1.0, 2.0, 3.0, 4.0])?.with(200)?;
        let found = reply.body;
        let first = self.first.get_or_insert_with(|| found.clone());
        is(*first == found, "it answers otherwise than the first time")
    }

    fn ensemble(&mut self, round: u64) -> Result<(), String> {
        let x = numbers(round);
        let reply = self.infer("twice", "", &x)?.with(200)?;
        ends_with(&reply, &x, |x| x + 2.0)
    }

    /// Some are the same again and again, and others push them out.
    fn kept(&mut self, round: u64) -> Result<(), String> {
        let x = if round.is_multiple_of(2) {
            numbers(round % 7)
        } else {
            numbers(round)
        };
        let reply = self.infer_flat("kept", &x)?.with(200)?;
        ends_with(&reply, &x, |x| x)
    }

    /// Nobody keeps it, and it is larger than what sockets hold.
    fn large(&mut self, round: u64) -> Result<(), String> {
        let x: Vec<f32> = numbers(round).into_iter().cycle().take(1 << 18).collect();
        let reply = self.infer_flat("kept", &x)?.with(200)?;
        ends_with(&reply, &x, |x| x)
    }

    fn json(&mut self, round: u64) -> Result<(), String> {
        let x = numbers(round);
        let body = serde_json::json!({"inputs": [{"name": "x", "datatype": "FP32", "shape": [1, WIDTH], "data": x}]});
        let reply = self
            .http
            .post("/v2/models/rows/infer", body.to_string().as_bytes())?;
        let told: serde_json::Value =
            serde_json::from_slice(&reply.with(200)?.body).map_err(|error| error.to_string())?;
        let data = told.pointer("/outputs/0/data").and_then(|it| it.as_array());
        let found = data
            .into_iter()
            .flatten()
            .filter_map(serde_json::Value::as_f64);
        let same = found.eq(x.iter().map(|x| f64::from(x + 1.0)));
        is(same, "it is not what was asked for, and 1")
    }

    fn grpc(&mut self, round: u64) -> Result<(), String> {
        let x = numbers(round);
        let message = frames::infer("rows", &x);
        let answer = frames::call(self.at.grpc, "ModelInfer", &message)?;
        let expected = bytes(&x.map(|x| x + 1.0));
        is(
            position(&answer, &expected).is_some(),
            "the numbers are not there",
        )
    }

    fn sequence(&mut self, round: u64) -> Result<(), String> {
        let x = numbers(round);
        for part in 0..4_u8 {
            let flags = (part == 0, part == 3);
            let reply = self
                .infer("sums", &parameters(round + 1, flags), &x)?
                .with(200)?;
            ends_with(&reply, &x, |x| (0..part).fold(x, |sum, _| sum + x))?;
        }
        let gone = self.infer("sums", &parameters(round + 1, (false, false)), &x)?;
        gone.expect(400)
    }

    /// It never ends, until the server has had enough of it.
    fn left(&mut self, round: u64) -> Result<(), String> {
        let x = numbers(round);
        let name = round + (1 << 40);
        let reply = self
            .infer("sums", &parameters(name, (true, false)), &x)?
            .with(200)?;
        ends_with(&reply, &x, |x| x)
    }

    fn stream(&mut self, round: u64) -> Result<(), String> {
        let last = round % 100;
        let body = serde_json::json!({"IN": [1, 2, last]}).to_string();
        let path = "/v2/models/talk/generate_stream";
        let reply = self.http.post(path, body.as_bytes())?.with(200)?;
        let text = reply.text();
        let events = text.lines().filter_map(|line| line.strip_prefix("data: "));
        let found = events.filter_map(|event| {
            let event: serde_json::Value = serde_json::from_str(event).ok()?;
            event.get("OUT")?.as_u64()
        });
        is(found.eq([1, 2, last]), &format!("not these events: {text}"))
    }

    fn shared(&mut self, round: u64) -> Result<(), String> {
        let region = format!("region-{round}");
        let at = format!("/v2/systemsharedmemory/region/{region}");
        let register = format!(
            r#"{{"key":"{}","offset":0,"byte_size":4096}}"#,
            self.memory.key
        );
        self.http
            .post(&format!("{at}/register"), register.as_bytes())?
            .expect(200)?;
        let x = numbers(round);
        let write = self.memory.file.write_all_at(&bytes(&x), 0);
        write.map_err(|error| error.to_string())?;
        let place = |offset: usize| {
            format!(
                r#""parameters":{{"shared_memory_region":"{region}","shared_memory_offset":{offset},"shared_memory_byte_size":64}}"#
            )
        };
        let body = format!(
            r#"{{"inputs":[{{"name":"x","datatype":"FP32","shape":[1,16],{}}}],"outputs":[{{"name":"y",{}}}]}}"#,
            place(0),
            place(1024)
        );
        let reply = self.http.post("/v2/models/rows/infer", body.as_bytes())?;
        let unregistered = self.http.post(&format!("{at}/unregister"), b"")?;
        reply.expect(200)?;
        unregistered.expect(200)?;
        let mut found = [0; 4 * WIDTH];
        let read = self.memory.file.read_exact_at(&mut found, 1024);
        read.map_err(|error| error.to_string())?;
        is(
            found[..] == bytes(&x.map(|x| x + 1.0)),
            "other numbers are in the memory",
        )
    }

    fn about(&mut self, _: u64) -> Result<(), String> {
        for path in [
            "/v2",
            "/v2/health/live",
            "/v2/models/rows",
            "/v2/models/sums/config",
            "/v2/models/rows/stats",
        ] {
            self.http.get(path)?.expect(200)?;
        }
        self.http.post("/v2/repository/index", b"")?.expect(200)
    }

    fn scraped(&mut self, _: u64) -> Result<(), String> {
        let reply = self.metrics.get("/metrics")?.with(200)?;
        is(
            reply.text().contains("nv_inference_request_success"),
            "nothing is counted",
        )
    }

    fn reload(&mut self, round: u64) -> Result<(), String> {
        self.http
            .post("/v2/repository/models/coming/unload", b"")?
            .expect(200)?;
        self.infer("coming", "", &numbers(round))?.expect(404)?;
        self.http
            .post("/v2/repository/models/coming/load", b"")?
            .expect(200)?;
        let x = numbers(round);
        let reply = self.infer("coming", "", &x)?.with(200)?;
        ends_with(&reply, &x, |x| x + 1.0)
    }

    /// With a configuration and a file of the request.
    fn bring(&mut self, round: u64) -> Result<(), String> {
        let tensor = |name: &str| serde_json::json!({"name": name, "data_type": "TYPE_FP32", "dims": ["-1"]});
        let config = serde_json::json!({"backend": "identity", "input": [tensor("x")], "output": [tensor("y")]});
        let body =
            serde_json::json!({"parameters": {"config": config.to_string(), "file:1/any": "AAAA"}});
        self.http
            .post(
                "/v2/repository/models/brought/load",
                body.to_string().as_bytes(),
            )?
            .expect(200)?;
        let x = numbers(round);
        let reply = self.infer_flat("brought", &x)?.with(200)?;
        ends_with(&reply, &x, |x| x)?;
        self.http
            .post("/v2/repository/models/brought/unload", b"")?
            .expect(200)
    }

    /// Asks for a row.
    fn infer(&mut self, model: &str, parameters: &str, x: &[f32]) -> Result<Reply, String> {
        self.ask(model, (&format!("[1,{}]", x.len()), parameters), x)
    }

    fn infer_flat(&mut self, model: &str, x: &[f32]) -> Result<Reply, String> {
        self.ask(model, (&format!("[{}]", x.len()), ""), x)
    }

    /// Asks in binary, for an answer in binary.
    fn ask(
        &mut self,
        model: &str,
        (shape, parameters): (&str, &str),
        x: &[f32],
    ) -> Result<Reply, String> {
        let size = 4 * x.len();
        let header = format!(
            r#"{{"parameters":{{"binary_data_output":true{parameters}}},"inputs":[{{"name":"x","datatype":"FP32","shape":{shape},"parameters":{{"binary_data_size":{size}}}}}]}}"#
        );
        let line = format!("Inference-Header-Content-Length: {}\r\n", header.len());
        let body = [header.as_bytes(), &bytes(x)].concat();
        self.http
            .send(&posted(&format!("/v2/models/{model}/infer"), &line, &body))
    }
}

/// Numbers that differ from round to round.
fn numbers(round: u64) -> [f32; WIDTH] {
    let base = u16::try_from(round % 1000).unwrap_or_default();
    let mut x = [f32::from(base); WIDTH];
    for (position, x) in (0_u8..).zip(&mut x) {
        *x += f32::from(position) / 4.0;
    }
    x
}

pub(crate) fn bytes(x: &[f32]) -> Vec<u8> {
    x.iter().flat_map(|x| x.to_le_bytes()).collect()
}

fn ends_with(reply: &Reply, x: &[f32], expected: impl Fn(f32) -> f32) -> Result<(), String> {
    let expected: Vec<f32> = x.iter().map(|x| expected(*x)).collect();
    is(
        reply.body.ends_with(&bytes(&expected)),
        "other numbers came back",
    )
}

fn parameters(sequence: u64, (start, end): (bool, bool)) -> String {
    format!(r#","sequence_id":{sequence},"sequence_start":{start},"sequence_end":{end}"#)
}

fn is(right: bool, otherwise: &str) -> Result<(), String> {
    if right {
        Ok(())
    } else {
        Err(otherwise.to_owned())
    }
}
