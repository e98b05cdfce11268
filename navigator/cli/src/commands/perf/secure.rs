//! How connections to a server are encrypted, as it is typed.

use std::path::PathBuf;

use clap::Args;
use nav_perf::TlsOptions;

/// The arguments about certificates.
#[derive(Args, Debug)]
pub(crate) struct SecureArgs {
    /// Encrypt connections, as `https://` or `grpcs://` before the address and each of the options below do.
    #[arg(long)]
    tls: bool,
    /// Believe only servers that show a certificate of one of the authorities in this file (PEM); those that the system
    /// trusts, if left out.
    #[arg(long = "tls-authorities", value_name = "FILE")]
    authorities: Option<PathBuf>,
    /// Show the server the certificate in this file (PEM), with those up to its authority.
    #[arg(long = "tls-certificate", requires = "key", value_name = "FILE")]
    certificate: Option<PathBuf>,
    /// The key of the certificate (PEM).
    #[arg(long = "tls-key", requires = "certificate", value_name = "FILE")]
    key: Option<PathBuf>,
}

impl SecureArgs {
    /// What they come to; nothing where connections are encrypted only if the address says so.
    pub(super) fn options(&self) -> Option<TlsOptions> {
        let options = TlsOptions {
            authorities: self.authorities.clone(),
            certificate: self.certificate.clone().zip(self.key.clone()),
        };
        (self.tls || options != TlsOptions::default()).then_some(options)
    }
}
