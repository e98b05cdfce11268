//! HTTP as bytes: requests as somebody writes them, whether they may or not, and what comes back.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take.
pub(crate) const PATIENCE: Duration = Duration::from_mins(1);

/// Whoever asks properly, over one connection for as long as that is good.
#[derive(Debug)]
pub(crate) struct Client {
    address: SocketAddr,
    stream: Option<TcpStream>,
}

/// What came back.
#[derive(Debug, Default)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) body: Vec<u8>,
}

impl Client {
    pub(crate) const fn new(address: SocketAddr) -> Self {
        Self {
            address,
            stream: None,
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Result<Reply, String> {
        self.send(format!("GET {path} HTTP/1.1\r\nHost: soak\r\n\r\n").as_bytes())
    }

    pub(crate) fn post(&mut self, path: &str, body: &[u8]) -> Result<Reply, String> {
        self.send(&posted(path, "", body))
    }

    /// Sends these bytes, and reads one answer.
    pub(crate) fn send(&mut self, wire: &[u8]) -> Result<Reply, String> {
        let stream = match self.stream.take() {
            Some(stream) => Ok(stream),
            None => connect(self.address),
        };
        let mut stream = stream.map_err(|error| format!("no connection: {error}"))?;
        stream
            .write_all(wire)
            .map_err(|error| format!("cannot be sent: {error}"))?;
        let reply = receive(&mut stream)?;
        self.stream = Some(stream);
        Ok(reply)
    }
}

impl Reply {
    /// Whether it has this status.
    pub(crate) fn expect(self, status: u16) -> Result<(), String> {
        self.with(status).map(drop)
    }

    /// Itself, if it has this status.
    pub(crate) fn with(self, status: u16) -> Result<Self, String> {
        if self.status == status {
            return Ok(self);
        }
        let text = self.text();
        let text: String = text.chars().take(300).collect();
        Err(format!("status {} and not {status}: {text}", self.status))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

pub(crate) fn connect(address: SocketAddr) -> std::io::Result<TcpStream> {
    let stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The bytes of a request with these lines in its head.
pub(crate) fn posted(path: &str, lines: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head =
        format!("POST {path} HTTP/1.1\r\nHost: soak\r\nContent-Length: {length}\r\n{lines}\r\n");
    [head.as_bytes(), body].concat()
}

/// One answer, whole.
pub(crate) fn receive(stream: &mut TcpStream) -> Result<Reply, String> {
    let mut bytes = Vec::new();
    let end = loop {
        if let Some(end) = position(&bytes, b"\r\n\r\n") {
            break end;
        }
        more(stream, &mut bytes)?;
    };
    let head = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).to_lowercase();
    let status = head.split(' ').nth(1).and_then(|it| it.parse().ok());
    let status = status.ok_or_else(|| format!("no status in {head:?}"))?;
    let mut rest = bytes.split_off(end + 4);
    if head.contains("transfer-encoding: chunked") {
        let body = chunks(stream, &mut rest)?;
        return Ok(Reply { status, body });
    }
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.and_then(|it| it.trim().parse().ok()).unwrap_or(0);
    while rest.len() < length {
        more(stream, &mut rest)?;
    }
    Ok(Reply { status, body: rest })
}

fn chunks(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<Vec<u8>, String> {
    let mut body = Vec::new();
    loop {
        let Some(end) = position(bytes, b"\r\n") else {
            more(stream, bytes)?;
            continue;
        };
        let line = String::from_utf8_lossy(bytes.get(..end).unwrap_or_default()).into_owned();
        let length = usize::from_str_radix(line.trim(), 16);
        let length = length.map_err(|_| format!("no length of a chunk: {line:?}"))?;
        while bytes.len() < end + 2 + length + 2 {
            more(stream, bytes)?;
        }
        let rest = bytes.split_off(end + 2 + length + 2);
        body.extend_from_slice(bytes.get(end + 2..end + 2 + length).unwrap_or_default());
        *bytes = rest;
        if length == 0 {
            return Ok(body);
        }
    }
}

fn more(stream: &mut TcpStream, bytes: &mut Vec<u8>) -> Result<(), String> {
    let mut piece = [0; 16 << 10];
    match stream.read(&mut piece) {
        Ok(0) => Err("closed before the answer was whole".to_owned()),
        Ok(count) => {
            bytes.extend_from_slice(piece.get(..count).unwrap_or_default());
            Ok(())
        }
        Err(error) => Err(format!("no whole answer: {error}")),
    }
}

/// Where a part begins.
pub(crate) fn position(bytes: &[u8], part: &[u8]) -> Option<usize> {
    bytes.windows(part.len()).position(|window| window == part)
}
