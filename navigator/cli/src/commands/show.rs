//! `nav show`: what a package holds, how its variants did, and which one a strategy would take.

use std::path::PathBuf;

use clap::Args;
use nav_package_format::Signature;
use nav_package_format::archive::Limits;
use nav_package_format::package::manifest::Provenance;
use nav_package_format::package::{
    Choice, Evaluation, Manifest, Package, Record, Serving, Variant,
};
use serde::Serialize;

use crate::printer::Printer;
use crate::render;
use crate::strategy::StrategyArgs;

/// The arguments of `nav show`.
#[derive(Args, Debug)]
pub(crate) struct ShowArgs {
    /// The package, by this program or by Model Navigator (0.2.0 to 0.3.2).
    package: PathBuf,
    #[command(flatten)]
    strategy: StrategyArgs,
    /// Tell every batch that was measured, not only each variant's best.
    #[arg(long)]
    batches: bool,
    /// Print JSON.
    #[arg(long)]
    json: bool,
}

/// The version of the JSON that is printed.
const SCHEMA: u32 = 2;

/// What there is to show.
#[derive(Debug, Serialize)]
pub(crate) struct Shown<'a> {
    schema: u32,
    /// Whether every batch is told to people, or only each variant's best.
    #[serde(skip)]
    pub(crate) every_batch: bool,
    /// All that the package says of itself.
    #[serde(skip)]
    pub(crate) manifest: &'a Manifest,
    /// What wrote the package.
    pub(crate) written_by: String,
    /// The format of the package.
    pub(crate) format_version: String,
    /// What made it, and where it was measured.
    pub(crate) provenance: &'a Provenance,
    /// What the model takes and gives.
    pub(crate) signature: &'a Signature,
    /// The ways to run it that were tried.
    pub(crate) variants: Vec<ShownVariant<'a>>,
    /// How they did.
    pub(crate) evaluations: &'a [Evaluation],
    /// What was attempted.
    pub(crate) records: &'a [Record],
    /// What the strategy takes.
    pub(crate) choice: Option<Choice>,
    /// Why it takes nothing.
    pub(crate) no_choice: Option<String>,
    /// How a server runs it unless told otherwise.
    pub(crate) serving: Option<&'a Serving>,
    /// What is wrong with the package.
    pub(crate) warnings: Vec<String>,
}

/// A way to run the model.
#[derive(Debug, Serialize)]
pub(crate) struct ShownVariant<'a> {
    /// What it is.
    #[serde(flatten)]
    pub(crate) variant: &'a Variant,
    /// How large its model is with all that it refers to, if it is there.
    pub(crate) bytes: Option<u64>,
}

/// Opens, chooses, tells.
pub(crate) fn run(args: &ShowArgs) -> anyhow::Result<()> {
    let chosen = args.strategy.strategies()?;
    let package = Package::open(&args.package, &Limits::default())?;
    let chosen = chosen.or_as_served(package.manifest());
    let evaluations = package.evaluations();
    let (choice, no_choice) = match chosen.choose(&evaluations) {
        Ok(choice) => (Some(choice), None),
        Err(refused) => (None, Some(refused.to_string())),
    };
    let variants = package.variants().iter().map(|variant| ShownVariant {
        variant,
        bytes: package.model_bytes(variant),
    });
    let manifest = package.manifest();
    let shown = Shown {
        schema: SCHEMA,
        every_batch: args.batches,
        manifest,
        written_by: package.origin().to_string(),
        format_version: package.origin().format(),
        provenance: &manifest.provenance,
        signature: package.signature(),
        variants: variants.collect(),
        evaluations: &evaluations,
        records: &manifest.records,
        choice,
        no_choice,
        serving: manifest.serving.as_ref(),
        warnings: package.warnings().iter().map(ToString::to_string).collect(),
    };
    if args.json {
        Printer::json(&shown)?;
    } else {
        Printer::data(&render::package(&shown))?;
    }
    Ok(())
}
