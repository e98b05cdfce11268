//! A server on a free port, and requests to it byte by byte.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use nav_engine::Engine;
use nav_serve::{
    AccessPolicy, Ended, Log, LogFormat, LogSettings, Repository, Server, ServerOptions, Stopper,
};

/// How long a test waits for what must come. Only a broken server makes it wait for so long.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A server that runs until this is dropped.
pub(crate) struct Subject {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: SocketAddr,
    pub(crate) metrics: SocketAddr,
    pub(crate) stopper: Stopper,
    thread: Option<JoinHandle<Ended>>,
}

/// What came back.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

/// Options for tests: free ports, open to everybody.
pub(crate) fn options() -> ServerOptions {
    ServerOptions {
        metrics: Some(free_port()),
        ..ServerOptions::default()
    }
    .everywhere(|endpoint| {
        endpoint.address = free_port();
        endpoint.access = AccessPolicy::default().managed();
    })
}

pub(crate) fn free_port() -> SocketAddr {
    (Ipv4Addr::LOCALHOST, 0).into()
}

impl Subject {
    pub(crate) fn start(engine: Engine, options: ServerOptions) -> Self {
        let log = Log::new(LogFormat::Text, LogSettings::default(), |_| {}).unwrap();
        Self::run(Server::bind(engine, &log, options).unwrap())
    }

    pub(crate) fn start_repository(repository: &Repository, options: ServerOptions) -> Self {
        let log = Log::new(LogFormat::Text, LogSettings::default(), |_| {}).unwrap();
        Self::run(Server::bind_repository(repository.clone(), &log, options).unwrap())
    }

    fn run(server: Server) -> Self {
        let http = server.http_address().unwrap().unwrap();
        let grpc = server.grpc_address().unwrap().unwrap();
        let metrics = server.metrics_address().unwrap().unwrap();
        let stopper = server.stopper();
        let (sender, started) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("server".to_owned())
            .spawn(move || server.run(|| sender.send(()).unwrap()).unwrap())
            .unwrap();
        started.recv_timeout(PATIENCE).unwrap();
        Self {
            http,
            grpc,
            metrics,
            stopper,
            thread: Some(thread),
        }
    }

    /// Stops it and waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        self.stopper.stop();
        self.thread.take().unwrap().join().unwrap()
    }

    /// Waits for its end, which something else brings about.
    pub(crate) fn ended(mut self) -> Ended {
        self.thread.take().unwrap().join().unwrap()
    }

    pub(crate) fn connect(&self) -> TcpStream {
        connect(self.http)
    }

    /// One request over a connection of its own; `None` when it is closed without an answer.
    pub(crate) fn send(&self, wire: &[u8]) -> Option<Reply> {
        let mut stream = self.connect();
        stream.write_all(wire).unwrap();
        receive(&mut stream)
    }

    pub(crate) fn get(&self, path: &str) -> Reply {
        let wire = format!("GET {path} HTTP/1.1\r\nHost: t\r\n\r\n");
        self.send(wire.as_bytes()).unwrap()
    }

    /// A request with these lines in its head, and this body.
    pub(crate) fn post(&self, path: &str, head: &[&str], body: &[u8]) -> Reply {
        self.send(&posted(path, head, body)).unwrap()
    }
}

impl Drop for Subject {
    fn drop(&mut self) {
        self.stopper.stop();
        self.stopper.stop();
    }
}

pub(crate) fn connect(address: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// The bytes of a request.
pub(crate) fn posted(path: &str, head: &[&str], body: &[u8]) -> Vec<u8> {
    let mut wire = format!(
        "POST {path} HTTP/1.1\r\nHost: t\r\nContent-Length: {}\r\n",
        body.len()
    );
    for line in head {
        wire.push_str(line);
        wire.push_str("\r\n");
    }
    wire.push_str("\r\n");
    let mut wire = wire.into_bytes();
    wire.extend_from_slice(body);
    wire
}

/// The next answer on a connection; `None` when it is closed without one.
pub(crate) fn receive(stream: &mut TcpStream) -> Option<Reply> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Ok(_) if head.is_empty() => return None,
            Err(error) if is_closed(&error) && head.is_empty() => return None,
            other => panic!("the head ends early: {other:?} after {head:?}"),
        }
    }
    let head = String::from_utf8(head).unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    let mut reply = Reply {
        status,
        head: head.to_ascii_lowercase(),
        body: Vec::new(),
    };
    if reply.header("transfer-encoding") == Some("chunked") {
        while let Some(chunk) = receive_chunk(stream) {
            reply.body.extend(chunk);
        }
        return Some(reply);
    }
    let length = reply.header("content-length").unwrap_or("0");
    reply.body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut reply.body).unwrap();
    Some(reply)
}

/// The head of the next answer, whose body is read chunk by chunk.
pub(crate) fn receive_head(stream: &mut TcpStream) -> String {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(receive_byte(stream));
    }
    String::from_utf8(head).unwrap()
}

/// The next chunk of a body; `None` for the last one.
pub(crate) fn receive_chunk(stream: &mut TcpStream) -> Option<Vec<u8>> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(receive_byte(stream));
    }
    let length = std::str::from_utf8(&line).unwrap().trim();
    let length = usize::from_str_radix(length, 16).unwrap();
    let mut chunk = vec![0; length + 2];
    stream.read_exact(&mut chunk).unwrap();
    chunk.truncate(length);
    Some(chunk).filter(|chunk| !chunk.is_empty())
}

fn receive_byte(stream: &mut TcpStream) -> u8 {
    let mut byte = [0];
    stream.read_exact(&mut byte).unwrap();
    byte[0]
}

/// A connection may be closed while what was sent is still unread.
fn is_closed(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset};
    matches!(
        error.kind(),
        BrokenPipe | ConnectionAborted | ConnectionReset
    )
}

impl Reply {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.head.lines();
        let line = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        Some(line.trim())
    }

    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }
}
