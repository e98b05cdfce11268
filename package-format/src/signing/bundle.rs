//! The envelope around a statement: a Sigstore bundle with a DSSE envelope, as JSON. Knows no key, and not
//! what the statement says.

use base64ct::{Base64, Encoding};
use serde::Serialize;

use super::error::SignatureError;
use super::json::{self, Node};
use super::statement::shown;

const MEDIA_TYPE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";
const PAYLOAD_TYPE: &str = "application/vnd.in-toto+json";

/// A signature and what it is of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bundle {
    /// Which key made it, if it says so: the SHA-256 of its PEM text.
    pub(super) hint: Option<String>,
    /// The statement.
    pub(super) payload: Vec<u8>,
    /// The signature of it, in DER.
    pub(super) signature: Vec<u8>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Written<'a> {
    media_type: &'static str,
    verification_material: Material<'a>,
    dsse_envelope: Envelope,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Material<'a> {
    public_key: Hint<'a>,
    tlog_entries: [(); 0],
}

#[derive(Serialize)]
struct Hint<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'a str>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Envelope {
    payload: String,
    payload_type: &'static str,
    signatures: [Signature; 1],
}

#[derive(Serialize)]
struct Signature {
    sig: String,
    keyid: &'static str,
}

impl Bundle {
    /// The bundle as JSON, the same for the same bundle.
    pub(super) fn to_json(&self) -> Result<Vec<u8>, serde_json::Error> {
        serde_json::to_vec(&Written {
            media_type: MEDIA_TYPE,
            verification_material: Material {
                public_key: Hint {
                    hint: self.hint.as_deref(),
                },
                tlog_entries: [],
            },
            dsse_envelope: Envelope {
                payload: Base64::encode_string(&self.payload),
                payload_type: PAYLOAD_TYPE,
                signatures: [Signature {
                    sig: Base64::encode_string(&self.signature),
                    keyid: "",
                }],
            },
        })
    }

    /// Reads a bundle. Nothing in it that is not signed may be anything else than what is known.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, SignatureError> {
        let json = json::parse(bytes).map_err(|source| SignatureError::Json {
            part: "the signature",
            source,
        })?;
        let root = Node::root(&json);
        let media_type = root.member("mediaType")?.text()?;
        if media_type != MEDIA_TYPE {
            return Err(SignatureError::Version {
                found: shown(media_type),
            });
        }
        root.only(&["mediaType", "verificationMaterial", "dsseEnvelope"])?;
        let hint = hint(&root.member("verificationMaterial")?)?;
        let envelope = root.member("dsseEnvelope")?;
        envelope.only(&["payload", "payloadType", "signatures"])?;
        let payload_type = envelope.member("payloadType")?.text()?;
        if payload_type != PAYLOAD_TYPE {
            return Err(SignatureError::Payload {
                found: shown(payload_type),
            });
        }
        let signature = envelope.member("signatures")?.only_item()?;
        signature.only(&["sig", "keyid"])?;
        if let Some(keyid) = signature.optional("keyid")?
            && !keyid.text()?.is_empty()
        {
            return Err(keyid.is_not("names a key in a way that is not supported"));
        }
        Ok(Self {
            hint,
            payload: base64(&envelope.member("payload")?)?,
            signature: base64(&signature.member("sig")?)?,
        })
    }

    /// The bytes that are signed: how DSSE joins the type and the payload.
    pub(super) fn message(&self) -> Vec<u8> {
        let (kind, length) = (PAYLOAD_TYPE, self.payload.len());
        let mut message = format!("DSSEv1 {} {kind} {length} ", kind.len()).into_bytes();
        message.extend_from_slice(&self.payload);
        message
    }
}

fn hint(material: &Node<'_>) -> Result<Option<String>, SignatureError> {
    for other in ["certificate", "x509CertificateChain"] {
        if material.optional(other)?.is_some() {
            return Err(SignatureError::Certificate);
        }
    }
    material.only(&["publicKey", "tlogEntries"])?;
    if let Some(entries) = material.optional("tlogEntries")?
        && !entries.list()?.is_empty()
    {
        return Err(entries.is_not("are of a log that is not supported"));
    }
    let key = material.member("publicKey")?;
    key.only(&["hint"])?;
    let hint = key.optional("hint")?;
    let hint = hint.map(|hint| hint.text()).transpose()?;
    Ok(hint.map(shown))
}

/// Decodes what has one spelling only.
fn base64(node: &Node<'_>) -> Result<Vec<u8>, SignatureError> {
    let bytes = Base64::decode_vec(node.text()?);
    bytes.map_err(|_| node.is_not("is no base64"))
}
