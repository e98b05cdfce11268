//! Whether a manifest makes sense: everything it names is there, once, and every number is one.

use std::collections::HashSet;

use super::document::Manifest;
use super::error::ManifestError;
use crate::archive::{Limits, check_name};
use crate::package::measurement::{Measurement, Percentile};
use crate::package::record::Record;
use crate::package::variant::{Variant, VariantFile};

/// The most sessions or threads that anyone means.
const MOST_INSTANCES: usize = 4096;

pub(super) fn check(manifest: &Manifest) -> Result<(), ManifestError> {
    files(manifest)?;
    references(manifest, "the model", &manifest.model.files)?;
    if manifest.model.files.is_empty() {
        return contradiction("the model has no file".to_owned());
    }
    variants(manifest)?;
    for record in &manifest.records {
        of_a_record(manifest, record)?;
    }
    serving(manifest)
}

fn contradiction<T>(reason: String) -> Result<T, ManifestError> {
    Err(ManifestError::Contradiction { reason })
}

/// Files are sorted, so that each is there once and can be found quickly.
fn files(manifest: &Manifest) -> Result<(), ManifestError> {
    let unsorted = manifest.files.windows(2).find_map(|pair| match pair {
        [first, second] if first.name >= second.name => Some(&second.name),
        _ => None,
    });
    match unsorted {
        Some(name) => contradiction(format!("file `{name}` is not in the order of names")),
        None => Ok(()),
    }
}

/// Names may be put below a folder, and their contents are in the package.
fn references(
    manifest: &Manifest,
    whose: &str,
    files: &[VariantFile],
) -> Result<(), ManifestError> {
    let mut names = HashSet::new();
    for file in files {
        if let Err(fault) = check_name(&file.name, &Limits::default()) {
            return contradiction(format!("{whose} has a file `{}`: {fault}", file.name));
        }
        if !names.insert(file.name.to_ascii_lowercase()) {
            return contradiction(format!("{whose} has two files `{}`", file.name));
        }
        if manifest.file(&file.entry).is_none() {
            return contradiction(format!(
                "{whose} needs `{}`, which is not among the files",
                file.entry
            ));
        }
    }
    Ok(())
}

fn variants(manifest: &Manifest) -> Result<(), ManifestError> {
    let mut seen = HashSet::new();
    for variant in &manifest.variants {
        let whose = format!("variant `{}`", variant.name);
        if variant.name.is_empty() || variant.runner.is_empty() {
            return contradiction(format!("{whose} lacks a name or a runner"));
        }
        if !seen.insert((&variant.name, &variant.runner)) {
            return contradiction(format!("{whose} is there twice"));
        }
        if variant.instances == 0 || variant.instances > MOST_INSTANCES {
            return contradiction(format!("{whose} has {} instances", variant.instances));
        }
        references(manifest, &whose, &variant.files)?;
    }
    Ok(())
}

fn of_a_record(manifest: &Manifest, record: &Record) -> Result<(), ManifestError> {
    let whose = format!(
        "the {} record of `{}` on {}",
        record.step, record.variant, record.runner
    );
    if Variant::find(&manifest.variants, &record.variant, &record.runner).is_none() {
        return contradiction(format!("{whose} is of no variant"));
    }
    match record.measurements.iter().find(|one| !is_plain(one)) {
        Some(_) => contradiction(format!("{whose} holds what is no measurement")),
        None => Ok(()),
    }
}

/// JSON has no word for what is not a number, and no time is negative.
fn is_plain(measurement: &Measurement) -> bool {
    let latency = &measurement.latency;
    let percentiles = Percentile::ALL.iter().map(|&at| latency.at(at));
    let mut numbers = percentiles.chain([
        latency.mean_ms,
        latency.deviation_ms,
        measurement.throughput,
        measurement.uncertainty.unwrap_or_default(),
    ]);
    let bounded = Percentile::ALL
        .iter()
        .all(|&at| measurement.latency_at_most(at).is_finite());
    bounded
        && numbers.all(|number| number.is_finite() && number >= 0.0)
        && measurement.batch != Some(0)
}

fn serving(manifest: &Manifest) -> Result<(), ManifestError> {
    let Some(serving) = &manifest.serving else {
        return Ok(());
    };
    if Variant::find(&manifest.variants, &serving.variant, &serving.runner).is_none() {
        return contradiction(format!(
            "`{}` on {} is to be served, which is no variant",
            serving.variant, serving.runner
        ));
    }
    if serving.instances == 0 || serving.instances > MOST_INSTANCES {
        return contradiction(format!("{} instances are to be served", serving.instances));
    }
    let largest = serving.max_batch.unwrap_or(1);
    let fits = |batch: &usize| (1..=largest).contains(batch);
    match serving.preferred_batches.iter().find(|batch| !fits(batch)) {
        Some(batch) => contradiction(format!(
            "batches of {batch} are preferred, and {largest} is the largest"
        )),
        None if largest == 0 => contradiction("the largest batch is 0".to_owned()),
        None => Ok(()),
    }
}
