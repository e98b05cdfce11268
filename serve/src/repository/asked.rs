//! Changes that clients ask for, over any protocol: whether they may, a bounded number at a time, off the threads that
//! serve sockets.

use std::sync::LazyLock;
use std::time::Duration;

use tokio::sync::Semaphore;

use super::control::Repository;
use super::failure::LoadFailure;
use super::options::Control;
use super::parameters::{LoadParameters, ParameterError, UnloadParameters};
use crate::aside::aside_if;
use crate::refusal::{Refusal, RefusalKind};

/// How many changes run at a time, in all servers of a process; others wait.
const AT_A_TIME: usize = 4;
/// When to ask again for a change of a model that is being changed.
const AGAIN: Duration = Duration::from_secs(1);

static TURNS: LazyLock<Semaphore> = LazyLock::new(|| Semaphore::new(AT_A_TIME));

impl Repository {
    /// The repository of a server, if clients may change it.
    pub(crate) fn controlled(repository: Option<&Self>) -> Result<&Self, Refusal> {
        let explicit = repository.filter(|it| it.control() == Control::Explicit);
        explicit.ok_or_else(Refusal::control)
    }

    /// Loads a model for a client.
    pub(crate) async fn load_asked(
        &self,
        name: &str,
        parameters: LoadParameters,
    ) -> Result<(), Refusal> {
        let name = name.to_owned();
        self.aside(move |repository| repository.load(&name, &parameters))
            .await
    }

    /// Unloads a model for a client.
    pub(crate) async fn unload_asked(
        &self,
        name: &str,
        parameters: UnloadParameters,
    ) -> Result<(), Refusal> {
        let name = name.to_owned();
        self.aside(move |repository| repository.unload(&name, parameters))
            .await
    }

    async fn aside(
        &self,
        change: impl FnOnce(&Self) -> Result<(), LoadFailure> + Send + 'static,
    ) -> Result<(), Refusal> {
        // It is never closed.
        let turn = TURNS.acquire().await.ok();
        let repository = self.clone();
        let changing = move || {
            let changed = change(&repository);
            drop(turn);
            changed.map_err(|failure| repository.refusal(&failure))
        };
        aside_if(true, changing).await?
    }

    fn refusal(&self, failure: &LoadFailure) -> Refusal {
        let text = self.inner.told(failure);
        match failure {
            LoadFailure::Unknown { .. } => Refusal::new(RefusalKind::NotFound, text),
            LoadFailure::Busy { .. } => Refusal {
                retry_after: Some(AGAIN),
                ..Refusal::new(RefusalKind::Unavailable, text)
            },
            _ => Refusal::invalid(text),
        }
    }
}

impl From<ParameterError> for Refusal {
    fn from(error: ParameterError) -> Self {
        Self::invalid(error.to_string())
    }
}
