//! `nav __worker`: the child side of an isolated runner.

/// Serves until the parent goes away.
pub(crate) fn run() -> anyhow::Result<()> {
    nav_worker::child::run(nav_runners::RUNNERS)?;
    Ok(())
}
