//! `nav verify`: whether every byte of a package is what it should be.

use std::path::PathBuf;

use clap::Args;
use nav_package_format::Digest;
use nav_package_format::archive::{Archive, Entry, Limits};
use serde::Serialize;

use crate::printer::Printer;
use crate::render;

/// The arguments of `nav verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The package.
    package: PathBuf,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;

#[derive(Debug, Serialize)]
struct Verified {
    schema: u32,
    files: Vec<VerifiedFile>,
}

/// A file whose content is what the archive says.
#[derive(Debug, Serialize)]
pub(crate) struct VerifiedFile {
    /// Its name.
    pub(crate) name: String,
    /// Its size.
    pub(crate) bytes: u64,
    /// The digest of its content.
    pub(crate) sha256: Digest,
}

/// Checks the structure of the archive and the content of every file. A package of Model Navigator has
/// checksums but no digests, so a fault is found and a forgery is not; that is said.
pub(crate) fn run(args: &VerifyArgs, printer: Printer) -> anyhow::Result<()> {
    let archive = Archive::open(&args.package, &Limits::default())?;
    let bar = printer.bytes_bar();
    bar.set_length(archive.entries().map(Entry::bytes).sum());
    let digests = archive.digests(&mut |seen| bar.set_position(seen));
    bar.finish_and_clear();
    let files = digests?
        .into_iter()
        .map(|(name, (bytes, sha256))| VerifiedFile {
            name,
            bytes,
            sha256,
        });
    let files: Vec<VerifiedFile> = files.collect();
    printer.note(&format!(
        "{} files are whole; the package is not signed and holds no digests of its own",
        files.len()
    ));
    if args.json {
        Printer::json(&Verified {
            schema: SCHEMA,
            files,
        })?;
    } else {
        Printer::data(&render::verified(&files))?;
    }
    Ok(())
}
