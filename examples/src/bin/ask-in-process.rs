//! Serves a model repository to itself, without sockets, and asks a model of it: `ask-in-process REPOSITORY`.

#![expect(clippy::print_stdout, reason = "an example shows what it did")]

use anyhow::Context;
use nav_adapter::{Array, Server};

fn main() -> anyhow::Result<()> {
    let repository = std::env::args_os().nth(1).context("say which repository")?;
    let server = Server::builder().model_repository(repository).start()?;
    for ((name, version), status) in server.models() {
        println!("{name} {version:?}: {status:?}");
    }
    let digits = server.model("digits")?;
    let pixels = Array::new([1, 64], vec![0.5_f32; 64])?;
    // One response, or any number from a decoupled model.
    for response in digits.infer([("pixels", pixels)])? {
        let outputs = response?.outputs;
        println!("digit {:?}", outputs["digit"].to_vec::<i64>()?);
        println!("of {:?}", outputs["probabilities"].elements::<f32>()?);
    }
    Ok(())
}
