//! `nav unpack`: the files of a package as a folder, checked on the way.

use std::fs;
use std::io;
use std::path::PathBuf;

use anyhow::Context;
use clap::Args;
use nav_package_format::archive::{ArchiveError, Entry, ExtractFolder, Limits};
use nav_package_format::package::Package;

use crate::exit::UsageError;
use crate::printer::Printer;

/// The arguments of `nav unpack`.
#[derive(Args, Debug)]
pub(crate) struct UnpackArgs {
    /// The package.
    package: PathBuf,
    /// The folder to make; it must not exist.
    folder: PathBuf,
}

/// Opens the package before it makes the folder, so that a bad package leaves nothing behind.
pub(crate) fn run(args: &UnpackArgs, printer: Printer) -> anyhow::Result<()> {
    let package = Package::open(&args.package, &Limits::default())?;
    match fs::create_dir(&args.folder) {
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let text = format!(
                "{} exists, and nothing is overwritten",
                args.folder.display()
            );
            return Err(UsageError(text).into());
        }
        made => made.with_context(|| format!("cannot create {}", args.folder.display()))?,
    }
    let extracted = extract(&package, args, printer);
    if extracted.is_err() {
        // The first error is the one to tell.
        drop(fs::remove_dir_all(&args.folder));
    }
    let count = extracted?;
    printer.note(&format!(
        "unpacked {count} files into {}",
        args.folder.display()
    ));
    Ok(())
}

fn extract(package: &Package, args: &UnpackArgs, printer: Printer) -> Result<usize, ArchiveError> {
    let archive = package.archive();
    let folder = ExtractFolder::open(&args.folder)?;
    let bar = printer.bytes_bar();
    bar.set_length(archive.entries().map(Entry::bytes).sum());
    let mut count = 0;
    for entry in archive.entries() {
        let before = bar.position();
        let digest = package
            .manifest()
            .file(entry.name())
            .map(|file| &file.sha256);
        archive.extract(entry.name(), digest, &folder, &mut |seen| {
            bar.set_position(before + seen);
        })?;
        count += 1;
    }
    bar.finish_and_clear();
    Ok(count)
}
