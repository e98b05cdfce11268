//! One question to a server, and the answer, on a connection of its own. For what is asked between measurements.

use std::io::{ErrorKind, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use rustls::StreamOwned;

use crate::answer::{HttpCheck, OutputCheck};
use crate::drive::talk::{Reply, Talk};
use crate::error::PerfError;
use crate::failure::{Failed, Failure};
use crate::grpc::connection::{Asked, Connection, Kind};
use crate::grpc::messages::{AboutModel, framed};
use crate::http::exchange::Exchange;
use crate::http::request;
use crate::target::Target;

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(20);
/// What is read at once.
const MEMORY: usize = 64 << 10;

/// A connection, encrypted or not.
trait Stream: Read + Write {}

impl<T: Read + Write> Stream for T {}

/// The body of the answer to a question about a model over HTTP.
pub(crate) fn get(target: &Target, path: &str) -> Result<Result<Vec<u8>, Failed>, PerfError> {
    let request: Arc<[Vec<u8>]> = Arc::new([request::get(target, path)?]);
    let mut exchange = Exchange::new(request, HttpCheck::keeping());
    Ok(asked(target, &mut exchange).map(|()| exchange.into_kept()))
}

/// The message that a method of gRPC answers about a model.
pub(crate) fn call(
    target: &Target,
    method: &str,
    model: &AboutModel,
) -> Result<Result<Bytes, Failed>, PerfError> {
    let messages = vec![framed(model)?];
    let kind = (Kind::Question, OutputCheck::none());
    let mut connection = Connection::new(Asked::new(target, method, messages, kind)?);
    Ok(asked(target, &mut connection).map(|()| connection.answer))
}

fn asked(target: &Target, talk: &mut impl Talk) -> Result<(), Failed> {
    let until = Instant::now() + PATIENCE;
    let socket = TcpStream::connect_timeout(&target.address, PATIENCE).map_err(|error| {
        let kind = if error.kind() == ErrorKind::ConnectionRefused {
            Failure::Refused
        } else {
            Failure::Unreachable
        };
        Failed::new(kind, error.to_string())
    })?;
    let socket_too = socket.try_clone().map_err(closed)?;
    let mut stream: Box<dyn Stream> = match &target.tls {
        None => Box::new(socket_too),
        Some(tls) => Box::new(StreamOwned::new(tls.connection()?, socket_too)),
    };
    talk.opened();
    talk.ask(0);
    let mut memory = vec![0; MEMORY];
    loop {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(Failed::new(Failure::TimedOut, "while it was waited for"));
        }
        socket.set_read_timeout(Some(left)).map_err(closed)?;
        send(talk, &mut *stream)?;
        let reply = match stream.read(&mut memory) {
            Ok(0) => Some(talk.ended()?),
            Ok(count) => talk.received(memory.get(..count).unwrap_or_default())?,
            Err(error) if error.kind() == ErrorKind::WouldBlock => None,
            Err(error) => return Err(closed(error)),
        };
        match reply {
            None => {}
            Some(Reply { failed: None, .. }) => return Ok(()),
            Some(Reply {
                failed: Some(failed),
                ..
            }) => return Err(failed),
        }
    }
}

fn send(talk: &mut impl Talk, stream: &mut dyn Stream) -> Result<(), Failed> {
    loop {
        let bytes = talk.outgoing();
        if bytes.is_empty() {
            return Ok(());
        }
        let count = stream.write(bytes).map_err(closed)?;
        talk.sent(count);
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "it is handed over where errors are turned"
)]
fn closed(error: std::io::Error) -> Failed {
    Failed::new(Failure::Closed, error.to_string())
}
