//! Who is asked, and in which words.

use std::net::{SocketAddr, ToSocketAddrs};

use crate::error::PerfError;
use crate::tls::{Tls, TlsError, TlsOptions};

/// How tensors travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP/1.1, tensors in binary.
    Http,
    /// HTTP/1.1, tensors as JSON.
    HttpJson,
    /// gRPC, a call for each request.
    Grpc,
    /// gRPC, one stream for all requests of a connection.
    GrpcStream,
}

/// A server.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where it listens.
    pub address: SocketAddr,
    /// Its name, as requests say it.
    pub authority: String,
    /// How tensors travel.
    pub protocol: Protocol,
    /// What goes along with every request: headers, or metadata of gRPC.
    pub headers: Vec<(String, String)>,
    /// What connections are encrypted with, if they are.
    pub(crate) tls: Option<Tls>,
}

/// What may stand before an address, and whether it says that connections are encrypted.
const SCHEMES: &[(&str, bool)] = &[
    ("http://", false),
    ("grpc://", false),
    ("https://", true),
    ("grpcs://", true),
];

impl Protocol {
    /// Every protocol.
    pub const ALL: &'static [Self] = &[Self::Http, Self::HttpJson, Self::Grpc, Self::GrpcStream];

    /// What it is called.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::HttpJson => "http-json",
            Self::Grpc => "grpc",
            Self::GrpcStream => "grpc-stream",
        }
    }

    /// Whether it is one of gRPC.
    pub const fn is_grpc(self) -> bool {
        matches!(self, Self::Grpc | Self::GrpcStream)
    }

    /// What it is called where a connection begins that is encrypted.
    const fn application(self) -> &'static [u8] {
        if self.is_grpc() { b"h2" } else { b"http/1.1" }
    }

    /// The port where servers usually speak it.
    pub const fn usual_port(self) -> u16 {
        if self.is_grpc() { 8001 } else { 8000 }
    }
}

impl Target {
    /// The server at `HOST` or `HOST:PORT`, with `http://`, `grpc://`, `https://` or `grpcs://` before it or without.
    /// Connections are encrypted where the latter two or options say so.
    pub fn new(
        text: &str,
        protocol: Protocol,
        tls: Option<&TlsOptions>,
    ) -> Result<Self, PerfError> {
        let wrong = || PerfError::Address {
            text: text.to_owned(),
        };
        let found = SCHEMES
            .iter()
            .find_map(|(scheme, encrypts)| Some((text.strip_prefix(scheme)?, Some(*encrypts))));
        let (bare, encrypts) = found.unwrap_or((text, None));
        let usual = TlsOptions::default();
        let tls = match (encrypts, tls) {
            (Some(false), Some(_)) => {
                let address = text.to_owned();
                return Err(TlsError::Plain { address }.into());
            }
            (_, Some(options)) => Some(options),
            (Some(true), None) => Some(&usual),
            (_, None) => None,
        };
        let bare = bare.trim_end_matches('/');
        let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b'/';
        if bare.is_empty() || !bare.bytes().all(is_plain) {
            return Err(wrong());
        }
        let with_port = bare
            .rsplit_once(':')
            .filter(|(host, port)| !host.ends_with(':') && port.parse::<u16>().is_ok());
        let authority = if with_port.is_some() {
            bare.to_owned()
        } else {
            format!("{bare}:{}", protocol.usual_port())
        };
        let host = with_port.map_or(bare, |(host, _)| host);
        let tls = tls
            .map(|options| Tls::new(options, host, protocol.application()))
            .transpose()?;
        let mut found = authority
            .to_socket_addrs()
            .map_err(|source| PerfError::Lookup {
                host: bare.to_owned(),
                source,
            })?;
        let address = found.next().ok_or_else(wrong)?;
        Ok(Self {
            address,
            authority,
            protocol,
            headers: Vec::new(),
            tls,
        })
    }

    /// Whether connections are encrypted.
    pub const fn is_encrypted(&self) -> bool {
        self.tls.is_some()
    }

    /// The server at this address, in plain.
    pub fn at(address: SocketAddr, protocol: Protocol) -> Self {
        Self {
            address,
            authority: address.to_string(),
            protocol,
            headers: Vec::new(),
            tls: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_may_leave_out_what_is_usual() {
        let check = |text: &str, protocol, expected: Option<&str>| {
            let found = Target::new(text, protocol, None).ok();
            assert_eq!(found.map(|it| it.authority).as_deref(), expected, "{text}");
        };
        check("127.0.0.1", Protocol::Http, Some("127.0.0.1:8000"));
        check("127.0.0.1", Protocol::Grpc, Some("127.0.0.1:8001"));
        check("127.0.0.1:9", Protocol::Grpc, Some("127.0.0.1:9"));
        check("http://127.0.0.1:9/", Protocol::Http, Some("127.0.0.1:9"));
        check("[::1]", Protocol::Http, Some("[::1]:8000"));
        check("[::1]:9", Protocol::Http, Some("[::1]:9"));
        check("grpc://127.0.0.1:9", Protocol::Grpc, Some("127.0.0.1:9"));
        check("ftp://127.0.0.1:9", Protocol::Http, None);
        check("127.0.0.1/v2", Protocol::Http, None);
        check("", Protocol::Http, None);
        check("a b", Protocol::Http, None);
    }
}
