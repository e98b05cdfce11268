//! `nav report`: all that a package says, as one page of HTML.

use std::path::PathBuf;

use clap::Args;
use nav_navigator::report::{self, Subject};
use nav_package_format::archive::Limits;
use nav_package_format::package::Package;

use crate::printer::Printer;
use crate::strategy::StrategyArgs;

/// The arguments of `nav report`.
#[derive(Args, Debug)]
pub(crate) struct ReportArgs {
    /// The package, by this program or by Model Navigator (0.2.0 to 0.3.2).
    package: PathBuf,
    /// Where to write the page; what is there is replaced. Otherwise it is named like the package, with `.html`, and
    /// written into the working folder.
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
    #[command(flatten)]
    strategy: StrategyArgs,
}

/// Opens, chooses, writes, tells where.
pub(crate) fn run(args: &ReportArgs, printer: Printer) -> anyhow::Result<()> {
    let chosen = args.strategy.strategies()?;
    let package = Package::open(&args.package, &Limits::default())?;
    let chosen = chosen.or_as_served(package.manifest());
    let subject = Subject::of(&package, &chosen.strategies(), chosen.budget());
    let html = report::html(&subject)?;
    let output = args.output.clone().unwrap_or_else(|| {
        let name = args.package.file_name().unwrap_or_default();
        PathBuf::from(name).with_extension("html")
    });
    report::write(&output, &html)?;
    printer.note("the report needs nothing but itself; open it in any browser");
    Printer::data(&output.display().to_string())?;
    Ok(())
}
