//! What makes two requests the same: the model, its version, every input, what is asked for and what is said.
//!
//! The hash only finds a candidate; the bytes decide.

use std::hash::{BuildHasher, Hasher};

use nav_package_format::Digest;

use crate::call::Call;
use crate::request::Parameter;

/// What tells a model from every other.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Identity {
    /// The digest of all that it is made of.
    Digest(Digest),
    /// Nothing is known of it, so that each load is a model of its own.
    Load(u64),
}

/// The key of a request: everything but the elements of its inputs, and a hash of those too.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheKey {
    pub(super) hash: u64,
    pub(super) head: Box<[u8]>,
}

impl CacheKey {
    /// The key of this call.
    pub(crate) fn new(
        identity: Identity,
        version: u64,
        call: &Call,
        hashes: &impl BuildHasher,
    ) -> Self {
        let mut head = Vec::with_capacity(128);
        match identity {
            Identity::Digest(digest) => {
                head.push(0);
                head.extend_from_slice(digest.as_bytes());
            }
            Identity::Load(number) => {
                head.push(1);
                number_of(&mut head, number);
            }
        }
        number_of(&mut head, version);
        length(&mut head, call.descs.len());
        for desc in &call.descs {
            length(&mut head, desc.index);
            text(&mut head, desc.dtype.name().as_bytes());
            length(&mut head, desc.shape.len());
            desc.shape
                .iter()
                .for_each(|&extent| length(&mut head, extent));
            length(&mut head, desc.byte_size);
        }
        length(&mut head, call.outputs.len());
        call.outputs
            .iter()
            .for_each(|&index| length(&mut head, index));
        for (name, value) in &call.parameters {
            text(&mut head, name.as_bytes());
            parameter(&mut head, value);
        }
        let mut state = hashes.build_hasher();
        state.write(&head);
        for frame in call.frames.iter().flatten() {
            state.write(frame);
        }
        Self {
            hash: state.finish(),
            head: head.into_boxed_slice(),
        }
    }

    /// One number of all that the request is, elements of inputs included.
    pub(crate) const fn hash(&self) -> u64 {
        self.hash
    }
}

// Every part says how long it is, so that no two different requests read the same.

fn number_of(head: &mut Vec<u8>, number: u64) {
    head.extend_from_slice(&number.to_le_bytes());
}

fn length(head: &mut Vec<u8>, length: usize) {
    head.extend_from_slice(&length.to_le_bytes());
}

fn text(head: &mut Vec<u8>, text: &[u8]) {
    length(head, text.len());
    head.extend_from_slice(text);
}

fn parameter(head: &mut Vec<u8>, value: &Parameter) {
    let (tag, bytes): (u8, [u8; 8]) = match value {
        Parameter::Bool(value) => (0, u64::from(*value).to_le_bytes()),
        Parameter::Int(value) => (1, value.to_le_bytes()),
        Parameter::Uint(value) => (2, value.to_le_bytes()),
        Parameter::Double(value) => (3, value.to_bits().to_le_bytes()),
        Parameter::Text(value) => {
            head.push(4);
            return text(head, value.as_bytes());
        }
    };
    head.push(tag);
    head.extend_from_slice(&bytes);
}
