//! PEM as text: which blocks a file has, by their labels. Decodes nothing.

use super::error::KeyFault;

/// A block, from its first line to its last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block<'a> {
    pub(super) label: &'a str,
    pub(super) text: &'a str,
}

const BEGIN: &str = "-----BEGIN ";
const DASHES: &str = "-----";

/// The one block of a file that is not just about a curve, as what openssl writes before a key is.
pub(super) fn only_block(text: &str) -> Result<Block<'_>, KeyFault> {
    let mut found = None;
    let mut rest = text;
    while let Some(at) = rest.find(BEGIN) {
        let (_, start) = rest.split_at(at);
        let block = first_block(start).ok_or(KeyFault::Damaged)?;
        let (_, after) = start.split_at(block.text.len());
        rest = after;
        if block.label == "EC PARAMETERS" {
            continue;
        }
        if found.replace(block).is_some() {
            return Err(KeyFault::Several);
        }
    }
    found.ok_or(KeyFault::NotPem)
}

fn first_block(start: &str) -> Option<Block<'_>> {
    let (label, _) = start.strip_prefix(BEGIN)?.split_once(DASHES)?;
    let end = format!("-----END {label}-----");
    let (text, _) = start.split_at(start.find(&end)? + end.len());
    Some(Block { label, text })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn there_is_one_block_besides_that_of_a_curve() {
        let check = |text: &str, expected: Result<&str, KeyFault>| {
            assert_eq!(only_block(text).map(|block| block.label), expected);
        };
        let block = |label: &str| format!("-----BEGIN {label}-----\nAA==\n-----END {label}-----\n");
        check("", Err(KeyFault::NotPem));
        check("ssh-rsa AAAA", Err(KeyFault::NotPem));
        check(&block("PUBLIC KEY"), Ok("PUBLIC KEY"));
        let with_curve = block("EC PARAMETERS") + &block("EC PRIVATE KEY");
        check(&with_curve, Ok("EC PRIVATE KEY"));
        check(&block("EC PARAMETERS"), Err(KeyFault::NotPem));
        check(&block("PUBLIC KEY").repeat(2), Err(KeyFault::Several));
        check("-----BEGIN PUBLIC KEY-----\nAA==", Err(KeyFault::Damaged));
        check("-----BEGIN ", Err(KeyFault::Damaged));
    }
}
