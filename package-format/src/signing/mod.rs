//! Signatures of packages: who says that a file, or a folder of files, is what it should be.
//!
//! A signature is a file of its own, by the convention of `OpenSSF` model signing, so that its tools check
//! ours and we check theirs: a Sigstore bundle of version 0.3, in it a DSSE envelope, in it an in-toto
//! statement with the SHA-256 of every file, signed by a key on P-256. A package is signed as the whole file
//! that it is: there is no byte of it that a signature does not cover, and nothing of it is parsed before
//! the signature is known to hold. Only the envelope is read before that, strictly and within bounds.
//!
//! There is no clock here, no network, and no log of signatures: who trusts which key is said elsewhere, in
//! `trust`.

mod beside;
mod bundle;
mod contents;
mod differences;
mod error;
mod json;
mod key;
mod sign;
mod statement;
mod verify;

pub use beside::beside;
pub use contents::{Contents, ContentsError, Target};
pub use differences::Differences;
pub use error::SignatureError;
pub use key::{KeyError, KeyFault, PrivateKey, PublicKey, write_pair};
pub use sign::{sign, write};
pub use verify::{Authentic, DetachedSignature, Verified, open_target, verify};

#[cfg(test)]
mod tests;
