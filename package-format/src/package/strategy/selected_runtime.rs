//! A runtime that the user named, if it was proved and measured; at its batch of most throughput.

use super::choice::{Choice, NoChoice, Runtime};
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
            let others = evaluations.iter().map(Runtime::of);
            let reason = "it is not the selected one";
            return Err(NoChoice::all_passed_over(self.name(), others, reason));
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
