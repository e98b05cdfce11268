//! The repository of models that a host runs, for servers with and without sockets.

use std::sync::Arc;

use nav_engine::Engine;
use nav_serve::{Log, Repository, RepositoryError, RepositoryOptions};

use super::Opener;
use crate::host::{Host, HostError};

/// A repository whose models run on this host, or on that which the environment says. Nothing is loaded yet. Files that
/// come with requests are kept where the host keeps everything.
pub(crate) fn repository<E: From<HostError> + From<RepositoryError>>(
    host: Option<Host>,
    engine: Engine,
    (log, options): (&Log, RepositoryOptions),
) -> Result<Repository, E> {
    let host = host.map_or_else(Host::from_environment, Ok)?;
    let options = RepositoryOptions {
        scratch: Some(host.home().uploads()),
        ..options
    };
    let opener = Arc::new(Opener::new(host));
    Ok(Repository::new(engine, opener, (log, options))?)
}
