//! Connections that nobody else reads: certificates, who may connect, and certificates that are renewed while the
//! server runs. Where this is asked for there is no way around it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore, ServerConfig};
use tokio_rustls::server::TlsStream;

use crate::log::{Level, Log};

/// How often the files are looked at, in case they were renewed.
const LOOK: Duration = Duration::from_secs(10);

/// Where the certificates are, in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TlsOptions {
    /// The certificate of the server, and those up to its authority.
    pub certificate: PathBuf,
    /// Its key.
    pub key: PathBuf,
    /// The authorities whose certificates clients must show, if they must.
    pub client_authorities: Option<PathBuf>,
}

/// Why connections cannot be made secure.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file holds no certificates, or no key.
    #[error("cannot read {} as PEM", path.display())]
    Pem {
        /// Which.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        source: pem::Error,
    },
    /// A file holds nothing.
    #[error("there is no certificate in {}", path.display())]
    Empty {
        /// Which.
        path: PathBuf,
    },
    /// The certificate and the key do not belong together, or cannot be used.
    #[error("the certificate in {} cannot be used with the key in {}", certificate.display(), key.display())]
    Unusable {
        /// The certificate.
        certificate: PathBuf,
        /// The key.
        key: PathBuf,
        /// Why not.
        #[source]
        source: rustls::Error,
    },
    /// An authority cannot be trusted.
    #[error("the authorities in {} cannot be used: {reason}", path.display())]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why not.
        reason: String,
    },
}

/// Makes connections secure.
#[derive(Debug)]
pub(crate) struct Tls {
    options: TlsOptions,
    config: ArcSwap<ServerConfig>,
}

impl Tls {
    pub(crate) fn new(options: TlsOptions) -> Result<Self, TlsError> {
        let config = ArcSwap::from_pointee(config(&options)?);
        Ok(Self { options, config })
    }

    /// The connection when both sides have agreed.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        TlsAcceptor::from(self.config.load_full())
            .accept(stream)
            .await
    }

    /// Takes new certificates from files that have changed, for as long as it is polled. New ones that cannot be used
    /// leave those that are there.
    pub(crate) async fn renew(self: Arc<Self>, log: Log) {
        let mut seen = self.changed();
        loop {
            tokio::time::sleep(LOOK).await;
            let renewing = Arc::clone(&self);
            let last = seen.clone();
            let renewed = tokio::task::spawn_blocking(move || renewing.renew_once(&last));
            let Ok((now, renewed)) = renewed.await else {
                continue;
            };
            seen = now;
            match renewed {
                None => {}
                Some(Ok(())) => log.event(Level::Info, "certificates renewed", &[]),
                Some(Err(error)) => {
                    let why = [("why", error.to_string())];
                    log.event(Level::Error, "certificates not renewed", &why);
                }
            }
        }
    }

    /// When the files were changed, and what came of it if that was since.
    fn renew_once(&self, last: &[Option<SystemTime>]) -> (Changed, Option<Result<(), TlsError>>) {
        let now = self.changed();
        if now == last {
            return (now, None);
        }
        let renewed = config(&self.options).map(|config| self.config.store(Arc::new(config)));
        (now, Some(renewed))
    }

    fn changed(&self) -> Changed {
        let options = &self.options;
        let files = [
            Some(&options.certificate),
            Some(&options.key),
            options.client_authorities.as_ref(),
        ];
        let time = |path: &PathBuf| path.metadata().and_then(|it| it.modified()).ok();
        files.into_iter().flatten().map(time).collect()
    }
}

/// When each file was changed.
type Changed = Vec<Option<SystemTime>>;

fn config(options: &TlsOptions) -> Result<ServerConfig, TlsError> {
    let provider = Arc::new(ring::default_provider());
    let unusable = |source| TlsError::Unusable {
        certificate: options.certificate.clone(),
        key: options.key.clone(),
        source,
    };
    let builder = ServerConfig::builder_with_provider(Arc::clone(&provider));
    let builder = builder
        .with_safe_default_protocol_versions()
        .map_err(unusable)?;
    let builder = match &options.client_authorities {
        None => builder.with_no_client_auth(),
        Some(path) => {
            let verifier = verifier(path, provider)?;
            builder.with_client_cert_verifier(verifier)
        }
    };
    let key = PrivateKeyDer::from_pem_file(&options.key).map_err(|source| TlsError::Pem {
        path: options.key.clone(),
        source,
    })?;
    let chain = certificates(&options.certificate)?;
    let mut config = builder.with_single_cert(chain, key).map_err(unusable)?;
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

fn verifier(
    path: &Path,
    provider: Arc<CryptoProvider>,
) -> Result<Arc<dyn rustls::server::danger::ClientCertVerifier>, TlsError> {
    let wrong = |reason: String| TlsError::Authorities {
        path: path.to_owned(),
        reason,
    };
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path)? {
        roots
            .add(certificate)
            .map_err(|error| wrong(error.to_string()))?;
    }
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    builder
        .build()
        .map_err(|error: VerifierBuilderError| wrong(error.to_string()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certificates_are_renewed_when_their_files_change_and_kept_when_the_new_ones_are_none() {
        let folder = tempfile::tempdir().unwrap();
        let options = TlsOptions {
            certificate: folder.path().join("server.pem"),
            key: folder.path().join("server.key"),
            client_authorities: None,
        };
        let write = || {
            let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
            std::fs::write(&options.certificate, made.cert.pem()).unwrap();
            std::fs::write(&options.key, made.signing_key.serialize_pem()).unwrap();
        };
        write();
        let tls = Tls::new(options.clone()).unwrap();
        let first = tls.config.load_full();
        let long_ago = vec![Some(SystemTime::UNIX_EPOCH), Some(SystemTime::UNIX_EPOCH)];
        let (now, renewed) = tls.renew_once(&tls.changed());
        assert!(renewed.is_none());
        write();
        let (_, renewed) = tls.renew_once(&long_ago);
        renewed.unwrap().unwrap();
        let second = tls.config.load_full();
        assert!(!Arc::ptr_eq(&first, &second));
        std::fs::write(&options.key, "nothing").unwrap();
        let (_, renewed) = tls.renew_once(&long_ago);
        let error = renewed.unwrap().unwrap_err();
        assert!(error.to_string().starts_with("cannot read"), "{error}");
        assert!(Arc::ptr_eq(&second, &tls.config.load_full()));
        assert_eq!(now.len(), 2);
    }
}
