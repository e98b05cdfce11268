//! Certificates, as they are typed.

use std::path::PathBuf;

use clap::Args;
use nav_serve::TlsOptions;

/// The arguments about certificates.
#[derive(Args, Debug)]
pub(crate) struct SecureArgs {
    /// Encrypt connections, with the certificate in this file (PEM) and those up to its authority. Metrics stay plain.
    #[arg(long = "tls-certificate", requires = "key", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The key of the certificate (PEM).
    #[arg(long = "tls-key", requires = "certificate", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Let only clients in that show a certificate of one of the authorities in this file (PEM).
    #[arg(
        long = "tls-client-authorities",
        requires = "certificate",
        value_name = "FILE"
    )]
    client_authorities: Option<PathBuf>,
}

impl SecureArgs {
    /// Whether connections are to be encrypted.
    pub(super) const fn is_given(&self) -> bool {
        self.certificate.is_some()
    }

    /// What they come to.
    pub(super) fn options(&self) -> Option<TlsOptions> {
        Some(TlsOptions {
            certificate: self.certificate.clone()?,
            key: self.key.clone()?,
            client_authorities: self.client_authorities.clone(),
        })
    }
}
