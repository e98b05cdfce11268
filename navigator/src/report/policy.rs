//! The content security policy of the page: its own style sheet, told by its digest, and nothing else.

use nav_package_format::Digest;

/// The policy of a page with this style sheet.
pub(super) fn policy(style: &str) -> String {
    let digest = Digest::of(style.as_bytes());
    format!(
        "default-src 'none'; style-src 'sha256-{}'; base-uri 'none'; form-action 'none'",
        base64(digest.as_bytes())
    )
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let group = (0..3).fold(0_usize, |group, at| {
            group << 8 | usize::from(three.get(at).copied().unwrap_or_default())
        });
        for digit in 0..4 {
            if digit > three.len() {
                text.push('=');
            } else {
                text.push(char::from(DIGITS[group >> (18 - 6 * digit) & 63]));
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_the_standard_one() {
        let check = |text: &str, expected: &str| assert_eq!(base64(text.as_bytes()), expected);
        check("", "");
        check("f", "Zg==");
        check("fo", "Zm8=");
        check("foo", "Zm9v");
        check("foobar\u{ff}", "Zm9vYmFyw78=");
    }

    #[test]
    fn the_policy_lets_in_nothing_but_the_style_sheet() {
        assert_eq!(
            policy(""),
            "default-src 'none'; style-src 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; \
             base-uri 'none'; form-action 'none'"
        );
    }
}
