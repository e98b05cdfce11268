//! Whether the models that are served are well: said when one is not, and for how long that is borne. Whoever restarts
//! servers that end gets one that stays ill.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::Duration;

use nav_engine::{InstanceState, Model};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::log::Level;
use crate::readiness::Known;
use crate::state::State;

/// How often models are looked at, at most.
const LOOK: Duration = Duration::from_secs(1);

/// A version of a model.
type Version = (String, u64);

/// How often to look for models that are not well, where that is borne for this long.
pub(crate) fn pause(limit: Option<Duration>) -> Duration {
    limit.map_or(LOOK, |limit| LOOK.min(limit / 4))
}

/// Tells of models that are not well for as long as it is polled. Ends when one was not ready for all of this time, if
/// that is to be borne no longer.
pub(crate) async fn watch(
    state: &State,
    mut known: watch::Receiver<Known>,
    limit: Option<Duration>,
) {
    let mut ill: BTreeMap<Version, Instant> = BTreeMap::new();
    loop {
        let now = known.borrow_and_update().ill.clone();
        ill.retain(|version, _| {
            let is_still = now.contains(version);
            if !is_still {
                // Or it is not served any more.
                tell(state, Level::Info, "model ready again", version);
            }
            is_still
        });
        for version in now {
            if let Entry::Vacant(new) = ill.entry(version) {
                tell(state, Level::Warning, "model not ready", new.key());
                new.insert(Instant::now());
            }
        }
        let first = ill.iter().min_by_key(|(_, since)| **since);
        let first = first.map(|(version, since)| (version.clone(), *since));
        let end = limit.zip(first);
        let end =
            end.and_then(|(limit, (version, since))| Some((version, since.checked_add(limit)?)));
        tokio::select! {
            // Whoever looks lives as long as this.
            _ = known.changed() => {}
            version = over(end) => {
                let event = "model stays not ready, the server ends";
                return tell(state, Level::Error, event, &version);
            }
        }
    }
}

/// What is over then; never, where nothing is.
async fn over(end: Option<(Version, Instant)>) -> Version {
    match end {
        Some((version, at)) => {
            sleep_until(at).await;
            version
        }
        None => std::future::pending().await,
    }
}

fn tell(state: &State, level: Level, event: &str, (name, version): &Version) {
    if let Ok(model) = state.engine.model(name, Some(*version)) {
        tell_of(state, level, event, &model);
    }
}

fn tell_of(state: &State, level: Level, event: &str, model: &Model) {
    let instances = model.health().instances;
    let told: Vec<String> = instances.iter().map(words).collect();
    let fields = [
        ("model", model.name().to_owned()),
        ("version", model.version().to_string()),
        ("instances", told.join("; ")),
    ];
    state.log.event(level, event, &fields);
}

fn words(instance: &InstanceState) -> String {
    match instance {
        InstanceState::Idle => "idle".to_owned(),
        InstanceState::Busy => "busy".to_owned(),
        InstanceState::Stuck { running } => {
            format!("stuck in a run of {:.1} s", running.as_secs_f64())
        }
        InstanceState::Lost { losses } => {
            format!("its process was lost {losses} times in a row")
        }
        InstanceState::Down { reason } => format!("it cannot be made again: {reason}"),
    }
}
