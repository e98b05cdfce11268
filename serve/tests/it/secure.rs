//! Connections that are kept from others: who gets in, and that nobody gets in without.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;

use nav_serve::TlsOptions;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};

use crate::models::engine;
use crate::subject::{Subject, connect, options};

/// An authority, and files that it signed.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::self_signed(params, key).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// A certificate and its key, in files of this name.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = |end: &str| self.folder.path().join(format!("{name}.{end}"));
        std::fs::write(path("pem"), certificate.pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        (path("pem"), path("key"))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }
}

fn served(authority: &Authority, clients: Option<&Authority>) -> Subject {
    let (certificate, key) = authority.sign("server");
    let tls = TlsOptions {
        certificate,
        key,
        client_authorities: clients.map(Authority::path),
    };
    let options = options().everywhere(|it| it.tls = Some(tls.clone()));
    Subject::start(engine(), options)
}

/// What the server says to a client that shows this, if anything.
fn ask(
    subject: &Subject,
    authority: &Authority,
    shown: Option<(PathBuf, PathBuf)>,
) -> Option<String> {
    let mut roots = RootCertStore::empty();
    roots
        .add(CertificateDer::from_pem_file(authority.path()).unwrap())
        .unwrap();
    let config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots);
    let config = match shown {
        None => config.with_no_client_auth(),
        Some((certificate, key)) => {
            let chain = vec![CertificateDer::from_pem_file(certificate).unwrap()];
            let key = PrivateKeyDer::from_pem_file(key).unwrap();
            config.with_client_auth_cert(chain, key).unwrap()
        }
    };
    let name = ServerName::try_from("localhost").unwrap();
    let connection = ClientConnection::new(Arc::new(config), name).unwrap();
    let mut stream: StreamOwned<_, TcpStream> = StreamOwned::new(connection, connect(subject.http));
    let request = "GET /v2 HTTP/1.1\r\nHost: t\r\nConnection: close\r\n\r\n";
    stream.write_all(request.as_bytes()).ok()?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer).ok()?;
    Some(answer)
}

#[test]
fn a_server_with_a_certificate_speaks_to_nobody_in_plain() {
    let authority = Authority::new();
    let subject = served(&authority, None);
    let answer = ask(&subject, &authority, None).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK"), "{answer}");
    let mut plain = subject.connect();
    plain
        .write_all(b"GET /v2 HTTP/1.1\r\nHost: t\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    // Whether it is closed or reset, nothing of the protocol comes.
    plain.read_to_end(&mut answer).ok();
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
}

#[test]
fn clients_show_a_certificate_of_the_right_authority_where_they_must() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let subject = served(&authority, Some(&clients));
    let check = |shown, expected: bool| {
        let is_answered = ask(&subject, &authority, shown).is_some();
        assert_eq!(is_answered, expected);
    };
    check(Some(clients.sign("known")), true);
    check(Some(Authority::new().sign("other")), false);
    check(None, false);
}
