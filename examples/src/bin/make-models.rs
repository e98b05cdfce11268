//! Writes the models of the tour into a folder: `make-models FOLDER`.

use std::path::PathBuf;

use anyhow::Context;

fn main() -> anyhow::Result<()> {
    let folder = std::env::args_os().nth(1).map(PathBuf::from);
    let folder = folder.context("say which folder to write the models into")?;
    std::fs::create_dir_all(&folder)?;
    nav_examples::digits().write(&folder.join("digits.onnx"))?;
    Ok(())
}
