//! `nav verify`: whether every byte of a package is what it should be, who says so, and whether it would be
//! loaded here.

mod models;

use std::path::{Path, PathBuf};

use anyhow::Context;
use clap::Args;
use indicatif::ProgressBar;
use nav_package_format::archive::{Archive, Entry, Limits};
use nav_package_format::package::{Origin, Package};
use nav_package_format::signing::{self, Contents, PublicKey, Target, Verified, open_target};
use nav_package_format::{Digest, TrustClass};
use serde::Serialize;

use self::models::{Asked, Content};
use super::sign::beside;
use crate::exit::UsageError;
use crate::printer::Printer;
use crate::render;
use crate::settings::Settings;
use crate::trust::TrustArgs;

/// The arguments of `nav verify`.
#[derive(Args, Debug)]
pub(crate) struct VerifyArgs {
    /// The package, or the folder that one was unpacked into.
    package: PathBuf,
    /// The public key that must have signed it.
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// Where the signature is [PACKAGE.sig].
    #[arg(long, value_name = "FILE")]
    signature: Option<PathBuf>,
    /// Print JSON.
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    trust: TrustArgs,
}

/// The version of the JSON that is printed.
const SCHEMA: u32 = 1;

#[derive(Debug, Serialize)]
struct Report {
    schema: u32,
    files: Vec<VerifiedFile>,
    /// The fingerprint of the key that was given, if one was and signed the package.
    signed_by: Option<Digest>,
    /// Files that the signer left out.
    uncovered: Vec<String>,
    /// The models that may be loaded here, if that was asked.
    models: Option<Vec<AdmittedModel>>,
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

/// A model that may be loaded here.
#[derive(Debug, Serialize)]
struct AdmittedModel {
    name: String,
    trust: TrustClass,
}

/// Checks the signature first, so that nothing is read out of a package that is not what was signed; then
/// the structure of the archive and the content of every file; then asks the trust policy.
pub(crate) fn run(args: &VerifyArgs, settings: &Settings, printer: Printer) -> anyhow::Result<()> {
    let policy = args.trust.policy()?;
    let file = open_target(&args.package)?;
    if file.is_none() && args.key.is_none() && policy.is_none() {
        let text = "a folder has nothing to be checked against: give --key or --trust-policy";
        return Err(UsageError(text.to_owned()).into());
    }
    let signature = match &args.signature {
        Some(signature) => signature.clone(),
        None => beside(&args.package)?,
    };
    let bar = printer.bytes_bar();
    let target = match &file {
        Some(file) => {
            bar.set_length(file.metadata()?.len());
            Target::File(file, &args.package)
        }
        None => Target::Folder(&args.package),
    };
    let verified = match &args.key {
        Some(key) => {
            let keys = [PublicKey::read(key)?];
            let seen = &mut |seen| bar.set_position(seen);
            Some(signing::verify(target, &signature, &keys, seen)?)
        }
        None => None,
    };
    let content = match &file {
        Some(file) => {
            let archive = Archive::from_file(file.try_clone()?, &Limits::default())?;
            Content::Package(Box::new(Package::from_archive(archive)?))
        }
        None => Content::Folder(&args.package),
    };
    let files = files(&content, &bar)?;
    bar.finish_and_clear();
    let asked = |policy| Asked {
        policy,
        target,
        package: &args.package,
        signature: &signature,
        settings,
    };
    let models = policy
        .as_ref()
        .map(|policy| models::admit(&asked(policy), &content, &files, printer))
        .transpose()?;
    let signed = Signed {
        by: verified.as_ref(),
        signature: &signature,
    };
    signed.say(&files, &content, printer);
    if args.json {
        Printer::json(&Report {
            schema: SCHEMA,
            signed_by: verified.as_ref().map(Verified::signer),
            uncovered: verified.map_or_else(Vec::new, |verified| verified.uncovered().to_vec()),
            files,
            models,
        })?;
    } else {
        Printer::data(&render::verified(&files))?;
    }
    Ok(())
}

/// The files, each read once.
fn files(content: &Content<'_>, bar: &ProgressBar) -> anyhow::Result<Vec<VerifiedFile>> {
    match content {
        Content::Package(package) => {
            bar.set_length(package.archive().entries().map(Entry::bytes).sum());
            let files = package.verify(&mut |seen| bar.set_position(seen))?;
            let files = files.into_iter().map(|file| VerifiedFile {
                name: file.name,
                bytes: file.bytes,
                sha256: file.sha256,
            });
            Ok(files.collect())
        }
        Content::Folder(folder) => {
            let target = Target::Folder(folder);
            let contents = Contents::of(target, &mut |seen| bar.set_position(seen))?;
            let files = contents.files().iter().map(|(name, sha256)| {
                let path = folder.join(name);
                let found = path.symlink_metadata();
                let found = found.with_context(|| format!("cannot read {}", path.display()))?;
                Ok(VerifiedFile {
                    name: name.clone(),
                    bytes: found.len(),
                    sha256: *sha256,
                })
            });
            files.collect()
        }
    }
}

/// What is known of the signer.
struct Signed<'a> {
    by: Option<&'a Verified>,
    signature: &'a Path,
}

impl Signed<'_> {
    fn say(&self, files: &[VerifiedFile], content: &Content<'_>, printer: Printer) {
        let count = files.len();
        let Some(verified) = self.by else {
            let more = self.what_is_missing(content);
            return printer.note(&format!("{count} files are whole; {more}"));
        };
        let signer = verified.signer();
        printer.note(&format!("{count} files are whole, signed by key {signer}"));
        for name in verified.uncovered() {
            printer.note(&format!("{name:?} is there, and the signer left it out"));
        }
    }

    /// A package of Model Navigator has checksums but no digests; digests without a signature find a fault
    /// and not a forgery.
    fn what_is_missing(&self, content: &Content<'_>) -> String {
        if self.signature.exists() {
            let path = self.signature.display();
            return format!("{path} was not checked against a key: give one with --key");
        }
        let has_digests = match content {
            Content::Package(package) => matches!(package.origin(), Origin::Nav { .. }),
            Content::Folder(_) => false,
        };
        if has_digests {
            "the package is not signed".to_owned()
        } else {
            "the package is not signed and holds no digests of its own".to_owned()
        }
    }
}
