//! `nav sign`: a signature beside a package, by the convention of `OpenSSF` model signing.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use nav_package_format::archive::{Archive, Entry, Limits};
use nav_package_format::package::Package;
use nav_package_format::signing::{
    self, Contents, DetachedSignature, PrivateKey, Target, open_target,
};

use crate::exit::UsageError;
use crate::printer::Printer;

/// The arguments of `nav sign`.
#[derive(Args, Debug)]
pub(crate) struct SignArgs {
    /// The package, or the folder that one was unpacked into.
    package: PathBuf,
    /// The private key, on the curve P-256, as PEM.
    #[arg(long, value_name = "FILE")]
    key: PathBuf,
    /// Where the signature goes [PACKAGE.sig].
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

/// Checks the package, then signs every byte of it. What is broken is not signed.
pub(crate) fn run(args: &SignArgs, printer: Printer) -> anyhow::Result<()> {
    let key = PrivateKey::read(&args.key)?;
    warn_of_readers(&args.key, printer);
    let output = match &args.output {
        Some(output) => output.clone(),
        None => beside(&args.package)?,
    };
    check_output(&output)?;
    let file = open_target(&args.package)?;
    let bar = printer.bytes_bar();
    let target = if let Some(file) = &file {
        let archive = Archive::from_file(file.try_clone()?, &Limits::default())?;
        bar.set_length(2 * archive.entries().map(Entry::bytes).sum::<u64>());
        let package = Package::from_archive(archive)?;
        package.verify(&mut |seen| bar.set_position(seen))?;
        Target::File(file, &args.package)
    } else {
        check_outside(&output, &args.package)?;
        Target::Folder(&args.package)
    };
    let before = bar.position();
    let contents = Contents::of(target, &mut |seen| bar.set_position(before + seen))?;
    bar.finish_and_clear();
    signing::write(&output, &signing::sign(&contents, &key)?)?;
    printer.note(&format!(
        "{} is the signature of {} by key {}",
        output.display(),
        args.package.display(),
        key.public().fingerprint()
    ));
    Ok(())
}

/// Where the signature of a package is, unless something else is said.
pub(crate) fn beside(package: &Path) -> anyhow::Result<PathBuf> {
    let path = signing::beside(package);
    let path = path.with_context(|| format!("cannot resolve {}", package.display()))?;
    let nameless = || {
        UsageError(format!(
            "{} has no name: say where its signature is",
            package.display()
        ))
    };
    Ok(path.ok_or_else(nameless)?)
}

/// Only a signature is written over: a slip of the hand must not cost a key or a package.
fn check_output(output: &Path) -> anyhow::Result<()> {
    if fs::symlink_metadata(output).is_ok() && DetachedSignature::read(output).is_err() {
        let text = format!(
            "{} exists and is no signature, so it is not overwritten",
            output.display()
        );
        return Err(UsageError(text).into());
    }
    Ok(())
}

/// A signature in the folder that it is of would change that folder.
fn check_outside(output: &Path, folder: &Path) -> anyhow::Result<()> {
    let parent = match output.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let resolve = |path: &Path| {
        fs::canonicalize(path).with_context(|| format!("cannot open {}", path.display()))
    };
    if resolve(parent)?.starts_with(resolve(folder)?) {
        let text = format!(
            "{} is in the folder that is signed, which it would change",
            output.display()
        );
        return Err(UsageError(text).into());
    }
    Ok(())
}

fn warn_of_readers(key: &Path, printer: Printer) {
    let mode = fs::metadata(key).map_or(0, |found| found.mode());
    if mode & 0o077 != 0 {
        printer.note(&format!(
            "{} can be read by others: `chmod 600` ends that",
            key.display()
        ));
    }
}
