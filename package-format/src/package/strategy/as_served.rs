//! What a package is to be served as: the choice that was made when it was made.

use super::Strategy;
use super::choice::{Choice, NoChoice, Runtime};
use crate::package::evaluation::Evaluation;
use crate::package::manifest::Manifest;

/// What a package is to be served as.
#[derive(Clone, Debug)]
pub struct AsServed(Choice);

impl AsServed {
    /// What this package is to be served as; nothing, where it does not say, or does not say why.
    pub fn of(manifest: &Manifest) -> Option<Self> {
        let serving = manifest.serving.as_ref()?;
        let choices = manifest.decisions.iter();
        let mut choices = choices.filter_map(|decision| decision.choice.clone());
        let choice = choices.find(|choice| choice.runtime == serving.runtime())?;
        Some(Self(Choice {
            max_batch: serving.max_batch,
            ..choice
        }))
    }
}

impl Strategy for AsServed {
    fn name(&self) -> String {
        "as-served".to_owned()
    }

    fn choose(&self, evaluations: &[Evaluation]) -> Result<Choice, NoChoice> {
        if evaluations.iter().any(|one| self.0.runtime.is_of(one)) {
            return Ok(self.0.clone());
        }
        Err(NoChoice::all_passed_over(
            self.name(),
            evaluations.iter().map(Runtime::of),
            "it is not what is served",
        ))
    }
}
