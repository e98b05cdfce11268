//! Whether the models that are served are well: said when one is not, and for how long that is borne. Whoever restarts
//! servers that end gets one that stays ill.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nav_engine::{InstanceState, Model};

use crate::log::Level;
use crate::state::State;

/// How often models are looked at, at most.
const LOOK: Duration = Duration::from_secs(1);

/// Looks at models for as long as it is polled. Ends when one was not ready for all of this time, if that is to be borne
/// no longer.
pub(crate) async fn watch(state: Arc<State>, limit: Option<Duration>) {
    let pause = limit.map_or(LOOK, |limit| LOOK.min(limit / 4));
    let mut ill: HashMap<(String, u64), Instant> = HashMap::new();
    loop {
        tokio::time::sleep(pause).await;
        let now = Instant::now();
        let models = state.engine.models();
        let mut still = HashMap::new();
        for model in models.iter().filter(|model| !model.health().is_ready) {
            let key = (model.name().to_owned(), model.version());
            let since = ill.remove(&key);
            if since.is_none() {
                tell(&state, Level::Warning, "model not ready", model);
            }
            let since = since.unwrap_or(now);
            if limit.is_some_and(|limit| now.duration_since(since) >= limit) {
                tell(
                    &state,
                    Level::Error,
                    "model stays not ready, the server ends",
                    model,
                );
                return;
            }
            still.insert(key, since);
        }
        // What is left was not ready and is, or is not served any more.
        for (name, version) in ill.keys() {
            if let Ok(model) = state.engine.model(name, Some(*version)) {
                tell(&state, Level::Info, "model ready again", &model);
            }
        }
        ill = still;
    }
}

fn tell(state: &State, level: Level, event: &str, model: &Model) {
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
