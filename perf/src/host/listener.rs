//! Whose socket it is that listens at an address of this machine.

use std::net::SocketAddr;
use std::path::Path;

/// The state of a socket that listens.
const LISTENING: &str = "0A";

/// The process that listens at this address, if it is one of this machine whose sockets this user may see.
pub fn listener_of(address: SocketAddr) -> Option<u32> {
    if !is_of_this_machine(address) {
        return None;
    }
    let tables = ["/proc/net/tcp", "/proc/net/tcp6"];
    let tables = tables.map(|path| std::fs::read_to_string(path).unwrap_or_default());
    let socket = tables
        .iter()
        .find_map(|table| listening(table, address.port()))?;
    let wanted = format!("socket:[{socket}]");
    let processes = std::fs::read_dir("/proc").ok()?;
    let mut numbers: Vec<u32> = processes
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .collect();
    numbers.sort_unstable();
    numbers
        .into_iter()
        .find(|number| holds(Path::new(&format!("/proc/{number}/fd")), &wanted))
}

/// Whether whatever listens there is reached without leaving this machine: an address that can be bound is ours.
fn is_of_this_machine(address: SocketAddr) -> bool {
    let any_port = SocketAddr::new(address.ip(), 0);
    address.ip().is_loopback() || std::net::TcpListener::bind(any_port).is_ok()
}

/// The number of the socket that listens on a port, of the system's table of sockets.
fn listening(table: &str, port: u16) -> Option<u64> {
    let port = format!(":{port:04X}");
    table.lines().skip(1).find_map(|line| {
        let mut words = line.split_whitespace();
        let local = words.nth(1)?;
        let state = words.nth(1)?;
        let socket = words.nth(5)?;
        let is_it = state == LISTENING && local.ends_with(&port);
        is_it.then(|| socket.parse().ok())?
    })
}

fn holds(folder: &Path, wanted: &str) -> bool {
    // Those of other users cannot be read.
    let Ok(open) = std::fs::read_dir(folder) else {
        return false;
    };
    open.flatten().any(|entry| {
        let link = std::fs::read_link(entry.path());
        link.is_ok_and(|link| link.to_str() == Some(wanted))
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_table_of_sockets_is_read() {
        let table = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n\
             0: 0100007F:1F40 0100007F:A001 01 00000000:00000000 00:00000000 00000000  1000        0 111 1 0 20 4 30 10 -1\n\
             1: 0100007F:1F40 00000000:0000 0A 00000000:00000000 00:00000000 00000000  1000        0 222 1 0 100 0 0 10 0\n";
        assert_eq!(listening(table, 8000), Some(222));
        assert_eq!(listening(table, 8001), None);
        assert_eq!(listening("", 8000), None);
    }

    #[test]
    fn a_listener_of_this_process_is_found() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        assert_eq!(listener_of(address), Some(std::process::id()));
        assert_eq!(listener_of(([192, 0, 2, 1], address.port()).into()), None);
    }
}
