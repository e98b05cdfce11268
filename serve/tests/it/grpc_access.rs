//! Who may do what over gRPC: every method, with and without a token.

use std::collections::BTreeSet;

use nav_serve::{AccessPolicy, Credential};
use prost_reflect::DescriptorPool;

use crate::models::engine;
use crate::rpc::{Client, path};
use crate::subject::{Subject, options};

const DENIED: i32 = 7;

fn with(access: AccessPolicy) -> (Subject, Client) {
    let options = options().everywhere(move |it| it.access = access.clone());
    let subject = Subject::start(engine(), options);
    let client = Client::connect(subject.grpc);
    (subject, client)
}

/// The methods that are refused to whoever sends this.
fn refused(client: &Client, metadata: &[(&str, &str)]) -> BTreeSet<String> {
    let schema = &include_bytes!("../../src/proto/schema.bin")[..];
    let pool = DescriptorPool::decode(schema).unwrap();
    let services: Vec<_> = pool.services().collect();
    let methods = services
        .iter()
        .flat_map(prost_reflect::ServiceDescriptor::methods);
    let names = methods.map(|method| method.name().to_owned());
    // What is refused is refused before there is a message.
    let is_refused = |name: &String| client.send(&path(name), metadata, []).code == DENIED;
    names.filter(is_refused).collect()
}

#[test]
fn every_method_that_changes_the_server_is_closed_to_those_without_the_token() {
    let management = [
        "RepositoryModelLoad",
        "RepositoryModelUnload",
        "SystemSharedMemoryStatus",
        "SystemSharedMemoryRegister",
        "SystemSharedMemoryUnregister",
        "CudaSharedMemoryStatus",
        "CudaSharedMemoryRegister",
        "CudaSharedMemoryUnregister",
        "TraceSetting",
        "LogSettings",
    ];
    let management: BTreeSet<String> = management.into_iter().map(str::to_owned).collect();
    let (_closed, client) = with(AccessPolicy::default());
    assert_eq!(refused(&client, &[]), management);
    let (_guarded, client) = with(AccessPolicy::default().with_token("abc"));
    assert_eq!(refused(&client, &[]), management);
    let wrong = [("triton-grpc-protocol-triton-access-token", "abd")];
    assert_eq!(refused(&client, &wrong), management);
    for name in [
        "triton-grpc-protocol-triton-access-token",
        "triton-access-token",
    ] {
        assert_eq!(refused(&client, &[(name, "abc")]), BTreeSet::new());
    }
}

#[test]
fn what_is_restricted_asks_for_its_key_with_the_prefix_of_the_protocol() {
    let key = Credential {
        header: "admin-key".to_owned(),
        secret: "1234".to_owned(),
    };
    let policy = AccessPolicy::default().managed();
    let (_subject, client) = with(policy.restricted("inference", &key).unwrap());
    let inference = ["ModelInfer", "ModelStreamInfer"].map(str::to_owned);
    let inference = BTreeSet::from(inference);
    assert_eq!(refused(&client, &[]), inference);
    assert_eq!(refused(&client, &[("admin-key", "1234")]), inference);
    let sent = [("triton-grpc-protocol-admin-key", "1234")];
    assert_eq!(refused(&client, &sent), BTreeSet::new());
}
