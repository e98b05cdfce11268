//! `nav keygen`: a new pair of keys to sign packages with.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::Args;
use nav_package_format::signing::{PrivateKey, write_pair};

use crate::printer::Printer;

/// The arguments of `nav keygen`.
#[derive(Args, Debug)]
pub(crate) struct KeygenArgs {
    /// How the two files are called: PREFIX.pem and PREFIX.pub. Neither may exist.
    #[arg(long, value_name = "PREFIX", default_value = "nav-key")]
    out: PathBuf,
}

/// Writes the pair, and says what to do with it. The fingerprint is data; the private key is never shown.
pub(crate) fn run(args: &KeygenArgs, printer: Printer) -> anyhow::Result<()> {
    let private = with_end(&args.out, ".pem");
    let public = with_end(&args.out, ".pub");
    let key = PrivateKey::generate()?;
    write_pair(&key, &private, &public)?;
    let (private, public) = (private.display(), public.display());
    printer.note(&format!(
        "{private} is the private key: whoever has it signs in your name, and there is no password on it"
    ));
    printer.note(&format!(
        "{public} is the public key: give it to those who verify, by a way they trust"
    ));
    printer.note(&format!(
        "next: `nav sign PACKAGE --key {private}`, then `nav verify PACKAGE --key {public}`"
    ));
    Printer::data(&key.public().fingerprint().to_string())?;
    Ok(())
}

/// The path with something after its last part, whatever dots are in that.
pub(crate) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut whole = OsString::from(path);
    whole.push(end);
    PathBuf::from(whole)
}
