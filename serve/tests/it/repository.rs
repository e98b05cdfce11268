//! Model repositories: models that are loaded, changed, unloaded, broken, while others are served.

mod builtin;
mod control;
mod ensembles;
mod keeping;
mod overrides;
mod panicking;
mod place;
mod polling;
mod recorded;
mod sequences;
