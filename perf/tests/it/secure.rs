//! Load over encrypted connections: the same as over plain ones, and nothing for servers that cannot be believed.

use std::path::PathBuf;

use nav_perf::{Described, Failure, Load, PerfError, Protocol, Target, TlsOptions, describe};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use tempfile::TempDir;

use crate::servers::{Served, brief, call, identity_behind, measured};

const FEW: Load = Load::Closed { concurrency: 4 };

/// An authority, and files that it signed.
struct Authority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    folder: TempDir,
}

impl Authority {
    fn new() -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("ca.pem"), issuer.pem()).unwrap();
        Self { issuer, folder }
    }

    /// A certificate and its key, in files of this name.
    fn sign(&self, name: &str) -> (PathBuf, PathBuf) {
        let key = KeyPair::generate().unwrap();
        let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        let path = |end: &str| self.folder.path().join(format!("{name}.{end}"));
        std::fs::write(path("pem"), certificate.pem()).unwrap();
        std::fs::write(path("key"), key.serialize_pem()).unwrap();
        (path("pem"), path("key"))
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("ca.pem")
    }

    /// A server with a certificate of this authority, for clients of those.
    fn serve(&self, clients: Option<&Self>) -> Served {
        let (certificate, key) = self.sign("server");
        identity_behind(Some(&nav_serve::TlsOptions {
            certificate,
            key,
            client_authorities: clients.map(Self::path),
        }))
    }

    /// A client that believes this authority, and shows this.
    fn believed(&self, certificate: Option<(PathBuf, PathBuf)>) -> TlsOptions {
        TlsOptions {
            authorities: Some(self.path()),
            certificate,
        }
    }
}

fn target(served: &Served, protocol: Protocol, options: &TlsOptions) -> Target {
    let plain = served.target(protocol);
    Target::new(&plain.authority, protocol, Some(options)).unwrap()
}

fn described(target: &Target) -> Result<Described, PerfError> {
    describe(target, "identity", None)
}

#[test]
fn a_server_is_measured_over_encrypted_connections_by_every_protocol() {
    let authority = Authority::new();
    let served = authority.serve(None);
    let numbers: Vec<f32> = vec![1.0; 300_000];
    for protocol in Protocol::ALL {
        let target = target(&served, *protocol, &authority.believed(None));
        let found = described(&target).unwrap();
        assert_eq!(found.max_batch, Some(8), "{}", protocol.name());
        // The larger is in many pieces, of either side.
        for numbers in [&numbers[..4], &numbers] {
            let level = measured(&target, &[call(numbers)], FEW, &brief());
            assert!(level.latencies.count() > 0, "{}", protocol.name());
            assert!(level.failures.is_empty(), "{:?}", level.failures);
        }
    }
}

#[test]
fn a_scheme_says_that_connections_are_encrypted() {
    let check = |scheme: &str, tls: Option<&TlsOptions>, expected: Option<bool>| {
        let target = Target::new(&format!("{scheme}127.0.0.1:9"), Protocol::Http, tls);
        let found = target.ok().map(|it| it.is_encrypted());
        assert_eq!(found, expected, "{scheme}");
    };
    let authority = Authority::new();
    let believed = authority.believed(None);
    check("", None, Some(false));
    check("", Some(&believed), Some(true));
    check("http://", None, Some(false));
    check("https://", Some(&believed), Some(true));
    check("grpcs://", Some(&believed), Some(true));
    // Whoever says both means one of them, and nobody knows which.
    check("http://", Some(&believed), None);
    check("grpc://", Some(&believed), None);
    let nothing = TlsOptions {
        authorities: Some(authority.folder.path().join("none.pem")),
        certificate: None,
    };
    check("https://", Some(&nothing), None);
}

#[test]
fn a_server_of_an_unknown_authority_is_told_nothing() {
    let served = Authority::new().serve(None);
    let other = Authority::new();
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let target = target(&served, protocol, &other.believed(None));
        assert!(described(&target).is_err());
        let level = measured(&target, &[call(&[1.0])], FEW, &brief());
        let [(Failure::Unreachable, tally)] = &level.failures[..] else {
            panic!("{:?}", level.failures);
        };
        assert!(
            tally.example.why.contains("certificate"),
            "{}",
            tally.example
        );
        assert_eq!(level.latencies.count(), 0);
    }
}

#[test]
fn a_client_shows_its_certificate_where_it_must() {
    let (authority, clients) = (Authority::new(), Authority::new());
    let served = authority.serve(Some(&clients));
    for protocol in [Protocol::Http, Protocol::Grpc] {
        let check = |shown, expected: bool| {
            let target = target(&served, protocol, &authority.believed(shown));
            assert_eq!(described(&target).is_ok(), expected);
            let level = measured(&target, &[call(&[1.0])], FEW, &brief());
            assert_eq!(level.latencies.count() > 0, expected);
            assert_eq!(level.failures.is_empty(), expected, "{:?}", level.failures);
        };
        check(Some(clients.sign("known")), true);
        check(Some(authority.sign("other")), false);
        check(None, false);
    }
}

#[test]
fn a_server_that_encrypts_does_not_answer_in_plain_nor_a_plain_one_encrypted() {
    let authority = Authority::new();
    let (secure, plain) = (authority.serve(None), identity_behind(None));
    for protocol in [Protocol::Http, Protocol::Grpc] {
        assert!(described(&secure.target(protocol)).is_err());
        let target = target(&plain, protocol, &authority.believed(None));
        assert!(described(&target).is_err());
    }
}
