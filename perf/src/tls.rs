//! Connections that nobody else reads: whom a server is believed to be, and what it is shown. Knows no socket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use crate::failure::{Failed, Failure};

/// Where systems keep the authorities that they trust.
const OF_THE_SYSTEM: &[&str] = &[
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/ca-trust/extracted/pem/tls-ca-bundle.pem",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
];

/// How connections are encrypted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TlsOptions {
    /// The authorities that may vouch for the server, in PEM; those that the system trusts, if left out.
    pub authorities: Option<PathBuf>,
    /// A certificate to show, and its key, in PEM.
    pub certificate: Option<(PathBuf, PathBuf)>,
}

/// Why connections cannot be encrypted.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The address says that nothing is encrypted, and options say how it is.
    #[error("`{address}` is of a server that does not encrypt")]
    Plain {
        /// The address.
        address: String,
    },
    /// A certificate cannot be made out to such a server.
    #[error("`{host}` is no name of a server that a certificate could have")]
    Name {
        /// The name.
        host: String,
    },
    /// The system has no authorities where they usually are.
    #[error("this system keeps no list of authorities where others do; name a file")]
    NoAuthorities,
    /// A file holds no certificates, or no key.
    #[error("cannot read {} as PEM", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        source: pem::Error,
    },
    /// A file has no certificate that can be used.
    #[error("there is no certificate in {}", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// What is to be shown or trusted cannot be used.
    #[error("the certificates in {} cannot be used", path.display())]
    Unusable {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: rustls::Error,
    },
}

/// What connections to one server are encrypted with.
#[derive(Clone, Debug)]
pub(crate) struct Tls {
    config: Arc<ClientConfig>,
    name: ServerName<'static>,
}

impl Tls {
    /// For the server of this name, which speaks this protocol.
    pub(crate) fn new(options: &TlsOptions, host: &str, speaks: &[u8]) -> Result<Self, TlsError> {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let name = ServerName::try_from(bare.to_owned()).map_err(|_| TlsError::Name {
            host: host.to_owned(),
        })?;
        let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
        let shown = options.certificate.as_ref();
        let unusable = |source| TlsError::Unusable {
            path: shown.map(|(path, _)| path.clone()).unwrap_or_default(),
            source,
        };
        let builder = builder
            .with_safe_default_protocol_versions()
            .map_err(unusable)?
            .with_root_certificates(roots(options.authorities.as_deref())?);
        let mut config = match shown {
            None => builder.with_no_client_auth(),
            Some((certificate, key)) => {
                let chain = certificates(certificate)?;
                let key = PrivateKeyDer::from_pem_file(key).map_err(|source| TlsError::Pem {
                    path: key.clone(),
                    source,
                })?;
                let config = builder.with_client_auth_cert(chain, key);
                config.map_err(unusable)?
            }
        };
        config.alpn_protocols = vec![speaks.to_vec()];
        Ok(Self {
            config: Arc::new(config),
            name,
        })
    }

    /// A connection of which nothing has travelled.
    pub(crate) fn connection(&self) -> Result<ClientConnection, Failed> {
        let made = ClientConnection::new(Arc::clone(&self.config), self.name.clone());
        made.map_err(|error| Failed::new(Failure::Unreachable, error.to_string()))
    }
}

fn roots(authorities: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    if let Some(path) = authorities {
        for certificate in certificates(path)? {
            let added = roots.add(certificate);
            added.map_err(|source| TlsError::Unusable {
                path: path.to_owned(),
                source,
            })?;
        }
        return Ok(roots);
    }
    let path = OF_THE_SYSTEM.iter().map(Path::new).find(|it| it.is_file());
    let path = path.ok_or(TlsError::NoAuthorities)?;
    // Systems keep some that are too old to be understood.
    let (usable, _) = roots.add_parsable_certificates(certificates(path)?);
    if usable == 0 {
        return Err(TlsError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(roots)
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let read = CertificateDer::pem_file_iter(path).and_then(Iterator::collect);
    let certificates: Vec<_> = read.map_err(|source| TlsError::Pem {
        path: path.to_owned(),
        source,
    })?;
    if certificates.is_empty() {
        return Err(TlsError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(certificates)
}
