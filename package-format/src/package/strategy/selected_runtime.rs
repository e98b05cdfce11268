//! A runtime that the user named, if it was proved and measured; at its batch of most throughput.

use super::choice::{Choice, NoChoice, PassedOver, Runtime};
use super::{MaxThroughput, Strategy};
use crate::package::evaluation::Evaluation;

/// The one that the user named.
#[derive(Clone, Debug)]
pub struct SelectedRuntime(pub Runtime);

impl Strategy for SelectedRuntime {
    fn name(&self) -> String {
        format!("selected {}", self.0)
    }

    fn choose(&self, evaluations: &[Evaluation]) -> Result<Choice, NoChoice> {
        let renamed = |refused| NoChoice {
            strategy: self.name(),
            ..refused
        };
        let selected = evaluations
            .iter()
            .find(|evaluation| Runtime::of(evaluation) == self.0);
        let Some(selected) = selected else {
            let reason = "it is not the selected one".to_owned();
            let others = evaluations.iter().map(Runtime::of);
            let passed_over = others
                .map(|runtime| PassedOver {
                    runtime,
                    reason: reason.clone(),
                })
                .collect();
            return Err(NoChoice {
                strategy: self.name(),
                passed_over,
            });
        };
        let choice = MaxThroughput
            .choose(std::slice::from_ref(selected))
            .map_err(renamed)?;
        Ok(Choice {
            why: format!("{} was selected", choice.runtime),
            ..choice
        })
    }
}
