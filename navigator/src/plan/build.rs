//! Makes the plan.

use std::collections::BTreeMap;

use nav_package_format::{Device, Format, RunnerSettings, Signature};
use nav_runners::{Probe, Runner};

use super::candidate::{Candidate, Origin};
use super::document::{Batches, Plan, Unavailable};
use super::error::PlanError;
use super::extents::{Extents, SampleShapes};
use super::host_facts::HostFacts;
use super::open_dims::OpenDims;
use super::{cases, extents, knobs, waves};
use crate::convert::{self, Conversion};
use crate::inspect::Facts;
use crate::optimize::{ModelSource, Settings};

/// The batch besides the smallest that every candidate is measured at.
const SECOND_BATCH: usize = 8;

/// How much of the memory a step may take unless the user says otherwise, in percent.
const MEMORY_SHARE: u64 = 80;

/// The plan for a model on a host. `samples` are the names of those that the user gave, and their shapes.
pub fn build(
    source: &ModelSource,
    host: &HostFacts,
    settings: &Settings,
    samples: &[(String, SampleShapes)],
) -> Result<Plan, PlanError> {
    check_numbers(settings)?;
    let signature = signature(source)?;
    let open = OpenDims::of(signature, &settings.dims, !samples.is_empty())?;
    let format = source.inspection.format;
    let (ready, unavailable) = runners(format, host, settings)?;
    let batches = batches(&open, settings);
    let width = match &source.inspection.facts {
        Facts::Onnx(facts) => facts.width,
        // Nothing is known of it.
        Facts::TorchScript(_) => u64::MAX,
    };
    let (names, shapes): (Vec<String>, Vec<SampleShapes>) = samples.iter().cloned().unzip();
    let batching = (open.batch_axis, batches.all.as_slice());
    let extents = extents::of(signature, batching, &open.ranges, &shapes);
    let mut candidates = Vec::new();
    let mut waves = Vec::new();
    for &(name, device) in &ready {
        candidates.extend(first_candidates(format, (name, device), &extents, settings));
        waves.extend(waves::of(name, host, (signature, width), settings));
    }
    check_reference(&candidates, format, host)?;
    let most = host.memory_bytes / 100 * MEMORY_SHARE;
    Ok(Plan {
        schema: Plan::SCHEMA,
        model: source.digest(),
        format,
        signature: signature.clone(),
        batch_axis: open.batch_axis,
        cases: cases::first(&open, &batches.all, &names),
        dims: open.ranges,
        extents,
        candidates,
        waves,
        batches,
        goals: settings.goals.clone(),
        tolerances: settings.tolerances.clone(),
        seed: settings.seed,
        samples: names,
        time_budget: settings.time_budget,
        step_limit: settings.step_limit(),
        memory_limit: settings.memory_limit.unwrap_or(most),
        is_memory_limit_given: settings.memory_limit.is_some(),
        uncertainty: settings.uncertainty,
        python: settings.python.clone(),
        unavailable,
    })
}

fn check_numbers(settings: &Settings) -> Result<(), PlanError> {
    let lists = [
        ("a batch", &settings.batch_sizes),
        ("a number of threads", &settings.threads),
        ("a number of instances", &settings.instances),
        ("the largest batch", &vec![settings.max_batch]),
    ];
    match lists.into_iter().find(|(_, numbers)| numbers.contains(&0)) {
        Some((what, _)) => Err(PlanError::Zero { what }),
        None => Ok(()),
    }
}

fn signature(source: &ModelSource) -> Result<&Signature, PlanError> {
    if let Facts::Onnx(facts) = &source.inspection.facts
        && let Some(other) = facts.other_inputs.iter().chain(&facts.other_outputs).next()
    {
        return Err(PlanError::NotATensor {
            name: other.name.clone(),
            kind: other.kind.clone(),
        });
    }
    let format = source.inspection.format;
    source.signature().ok_or(PlanError::NoSignature { format })
}

/// That somebody runs the model itself, which everything is compared with.
fn check_reference(
    candidates: &[Candidate],
    format: Format,
    host: &HostFacts,
) -> Result<(), PlanError> {
    let is_untouched = |candidate: &Candidate| candidate.origin == Origin::Untouched;
    if candidates.iter().any(is_untouched) {
        return Ok(());
    }
    let mut runners: Vec<String> = candidates.iter().map(|it| it.runner.clone()).collect();
    runners.dedup();
    let mut ready = host.runners.iter().filter(|facts| facts.probe.is_ready());
    let other = ready.find(|facts| reads(&facts.name, format) && !runners.contains(&facts.name));
    Err(PlanError::NoReference {
        runners,
        format,
        other: other.map(|facts| facts.name.clone()),
    })
}

type Ready = Vec<(&'static str, Device)>;

/// The runners to try with the device of each, and those that cannot be tried.
fn runners(
    format: Format,
    host: &HostFacts,
    settings: &Settings,
) -> Result<(Ready, Vec<Unavailable>), PlanError> {
    let fitting: Vec<&'static str> = nav_worker::all_runners()
        .map(Runner::name)
        .filter(|&runner| {
            let mut conversions = convert::of(format, settings.python.is_some());
            reads(runner, format) || conversions.any(|conversion| conversion.runs_on(runner))
        })
        .collect();
    if let Some(name) = settings
        .runners
        .iter()
        .find(|name| !fitting.contains(&name.as_str()))
    {
        return Err(PlanError::UnknownRunner {
            name: name.clone(),
            format,
            known: fitting.into_iter().map(str::to_owned).collect(),
        });
    }
    let (mut ready, mut unavailable) = (Vec::new(), Vec::new());
    for name in fitting {
        if !settings.runners.is_empty() && !settings.runners.iter().any(|wanted| wanted == name) {
            continue;
        }
        match host
            .runners
            .iter()
            .find(|facts| facts.name == name)
            .map(|facts| &facts.probe)
        {
            Some(Probe::Ready { devices, .. }) => {
                ready.push((name, devices.first().copied().unwrap_or_default()));
            }
            Some(Probe::Missing {
                reason,
                how_to_get_it,
            }) => unavailable.push(Unavailable {
                runner: name.to_owned(),
                reason: reason.clone(),
                how_to_get_it: how_to_get_it.clone(),
            }),
            None => {}
        }
    }
    if ready.is_empty() {
        let missing = unavailable.into_iter().map(|one| (one.runner, one.reason));
        return Err(PlanError::NoRunner {
            format,
            missing: missing.collect(),
        });
    }
    // The reference comes first: on the processor, and the one that most others are compared with.
    ready.sort_by_key(|&(name, device)| (device != Device::Cpu, name != REFERENCE_RUNNER));
    Ok((ready, unavailable))
}

/// Whose outputs are the right ones, where it is ready.
pub(crate) const REFERENCE_RUNNER: &str = "OnnxCPU";

fn reads(runner: &str, format: Format) -> bool {
    let mut known = nav_worker::all_runners().filter(|known| known.name() == runner);
    known.any(|known| known.formats().contains(&format))
}

/// What is tried with a runner before it is known what leads.
fn first_candidates(
    format: Format,
    (runner, device): (&str, Device),
    extents: &BTreeMap<String, Extents>,
    settings: &Settings,
) -> Vec<Candidate> {
    let plain = Candidate::untouched(format.name(), runner, device);
    let levels = knobs::of(runner)
        .graph_levels
        .iter()
        .map(|&(level, name)| Candidate {
            variant: format!("{}-{name}", format.name()),
            settings: RunnerSettings {
                graph_level: Some(level),
                ..RunnerSettings::default()
            },
            ..plain.clone()
        });
    let conversions: Vec<&dyn Conversion> = convert::of(format, settings.python.is_some())
        .filter(|conversion| conversion.runs_on(runner))
        .collect();
    let converted = conversions.iter().map(|conversion| Candidate {
        variant: conversion.name().to_owned(),
        settings: conversion.settings(runner, extents),
        origin: Origin::Converted(conversion.name().to_owned()),
        ..plain.clone()
    });
    let is_replaced = conversions.iter().any(|one| one.replaces_untouched());
    if is_replaced || !reads(runner, format) {
        return converted.collect();
    }
    [plain.clone()]
        .into_iter()
        .chain(levels)
        .chain(converted)
        .collect()
}

fn batches(open: &OpenDims, settings: &Settings) -> Batches {
    if open.batch_axis.is_none() {
        return Batches {
            first: vec![None],
            all: vec![None],
            growing: false,
        };
    }
    let growing = settings.batch_sizes.is_empty();
    let mut all: Vec<usize> = if growing {
        let (least, most) = open
            .batch_range
            .map_or((1, settings.max_batch), |range| (range.min, range.max));
        let doubled = std::iter::successors(Some(least), |batch| batch.checked_mul(2));
        doubled
            .take_while(|&batch| batch < most)
            .chain([most])
            .collect()
    } else {
        settings.batch_sizes.clone()
    };
    all.sort_unstable();
    all.dedup();
    let second = all
        .iter()
        .copied()
        .find(|&batch| batch >= SECOND_BATCH)
        .or(all.last().copied());
    let mut first: Vec<Option<usize>> = [all.first().copied(), second].into_iter().collect();
    first.dedup();
    Batches {
        first,
        all: all.into_iter().map(Some).collect(),
        growing,
    }
}

#[cfg(test)]
mod tests;
