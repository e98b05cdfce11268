//! Secrets, which come from files, so that no list of processes and no configuration that is shown holds them.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use anyhow::{Context, bail};

/// The most bytes of a secret.
const LONGEST: usize = 4096;

/// What is in the file, without the line break that editors put behind it.
pub(crate) fn secret(file: &Path) -> anyhow::Result<String> {
    let about = || format!("cannot read {}", file.display());
    let mut text = String::new();
    // Two more for the line break, and one to see that there is more.
    let most = u64::try_from(LONGEST).unwrap_or(u64::MAX) + 3;
    let mut begin = File::open(file).with_context(about)?.take(most);
    begin.read_to_string(&mut text).with_context(about)?;
    let secret = text.trim_end_matches(['\r', '\n']);
    let is_visible = |byte: u8| (b' '..=b'~').contains(&byte);
    if secret.is_empty() || secret.len() > LONGEST || !secret.bytes().all(is_visible) {
        bail!(
            "{} holds no secret that a header can carry: one line of plain characters",
            file.display()
        );
    }
    Ok(secret.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_one_line() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("secret");
        let check = |text: &str, expected: Option<&str>| {
            std::fs::write(&file, text).unwrap();
            assert_eq!(secret(&file).ok().as_deref(), expected, "{text:?}");
        };
        check("abc\r\n", Some("abc"));
        check("a b", Some("a b"));
        check("", None);
        check("a\nb", None);
        check("grün", None);
        check(&"a".repeat(LONGEST), Some(&"a".repeat(LONGEST)));
        check(&"a".repeat(LONGEST + 1), None);
        check(&"a".repeat(2 * LONGEST), None);
    }
}
