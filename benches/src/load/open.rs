//! Requests over HTTP/1.1 that come when they are due, whatever became of those before: latencies count from then, so
//! that a server that stalls cannot hide.

use std::cell::RefCell;
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::LocalSet;

use super::http::{IDENTITY, wire};

/// What became of a request.
#[derive(Clone, Copy, Debug)]
pub struct Told {
    /// The status of its answer.
    pub status: u16,
    /// Whether the answer says when to come back.
    pub says_when: bool,
    /// How long it took from when it was due.
    pub milliseconds: f64,
    /// When it was answered, in seconds after the first was due.
    pub at: f64,
}

/// Connections on which nothing is under way.
type Idle = Rc<RefCell<Vec<TcpStream>>>;

/// Asks for the identity of sixteen numbers so often a second, for this long, and waits for all answers.
pub fn open(address: SocketAddr, rate: f64, time: Duration) -> io::Result<Vec<Told>> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    let local = LocalSet::new();
    runtime.block_on(local.run_until(async move {
        let wire: Rc<[u8]> = wire(&IDENTITY).into();
        let idle = Idle::default();
        let began = Instant::now();
        let pause = Duration::from_secs_f64(1.0 / rate);
        let mut due = began;
        let mut tasks = Vec::new();
        while due < began + time {
            tokio::time::sleep_until(due.into()).await;
            // Those that became due while this slept, which is as long as the clock's step at least.
            while due <= Instant::now() {
                let asking = ask(address, Rc::clone(&wire), Rc::clone(&idle), (began, due));
                tasks.push(tokio::task::spawn_local(asking));
                due += pause;
            }
        }
        let mut told = Vec::with_capacity(tasks.len());
        for task in tasks {
            told.push(task.await.map_err(io::Error::other)??);
        }
        Ok(told)
    }))
}

async fn ask(
    address: SocketAddr,
    wire: Rc<[u8]>,
    idle: Idle,
    (began, due): (Instant, Instant),
) -> io::Result<Told> {
    let known = idle.borrow_mut().pop();
    let mut stream = match known {
        Some(stream) => stream,
        None => TcpStream::connect(address).await?,
    };
    stream.set_nodelay(true)?;
    stream.write_all(&wire).await?;
    let (status, says_when) = answer(&mut stream).await?;
    idle.borrow_mut().push(stream);
    Ok(Told {
        status,
        says_when,
        milliseconds: due.elapsed().as_secs_f64() * 1e3,
        at: began.elapsed().as_secs_f64(),
    })
}

/// The status of the answer that comes next, and whether it says when to come back.
async fn answer(stream: &mut TcpStream) -> io::Result<(u16, bool)> {
    let mut bytes = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut bytes).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let text = String::from_utf8_lossy(&bytes).to_ascii_lowercase();
        let Some((head, _)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let field = |name: &str| head.lines().find_map(|line| line.strip_prefix(name));
        let length = field("content-length:").and_then(|length| length.trim().parse().ok());
        let length: usize = length.unwrap_or(0);
        if bytes.len() < head.len() + 4 + length {
            continue;
        }
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok());
        let status = status.ok_or_else(|| io::Error::other("an answer has no status"))?;
        return Ok((status, field("retry-after:").is_some()));
    }
}
