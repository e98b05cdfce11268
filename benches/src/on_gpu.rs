//! What is measured on a GPU and for how long: a network of the size of `ResNet-50` and an encoder of the size of BERT.

use std::error::Error;
use std::time::{Duration, Instant};

use nav_package_format::onnx::proto::ModelProto;
use nav_package_format::{DType, Shape};
use nav_runners::{Probe, Runner, Session, TensorDesc};

use crate::{encoder, residual, runtimes};

/// What each subject is measured at.
pub const BATCHES: [usize; 3] = [1, 8, 32];

/// How many turns each has.
pub const ROUNDS: usize = 7;

/// How long a turn is, about.
const TURN: Duration = Duration::from_millis(400);

/// What a bench comes to.
pub type Outcome<T> = Result<T, Box<dyn Error>>;

/// A model that is measured.
#[derive(Debug)]
pub struct Subject {
    /// What it is called.
    pub name: &'static str,
    /// Its input.
    pub input: &'static str,
    /// The model itself.
    pub model: fn() -> ModelProto,
    /// The type of the input.
    pub dtype: DType,
    /// Its extents after the batch.
    pub extents: &'static [usize],
}

/// All that is measured.
pub const SUBJECTS: [Subject; 2] = [
    Subject {
        name: "residual",
        input: "pixels",
        model: residual::residual,
        dtype: DType::Fp32,
        extents: &[3, 224, 224],
    },
    Subject {
        name: "encoder",
        input: "tokens",
        model: encoder::encoder,
        dtype: DType::Int64,
        extents: &[128],
    },
];

impl Subject {
    /// The shape of the input at a batch.
    pub fn shape(&self, batch: usize) -> Shape {
        Shape::new(std::iter::once(batch).chain(self.extents.iter().copied()))
    }

    /// The input at a batch, as a session is told of it.
    pub fn desc(&self, batch: usize) -> Outcome<TensorDesc> {
        let shape = self.shape(batch);
        let byte_size = shape.byte_size(self.dtype)?.unwrap_or(0);
        Ok(TensorDesc {
            index: 0,
            dtype: self.dtype,
            shape,
            byte_size,
        })
    }
}

/// Stages the input, once: what runners are compared with does not write its input again either.
pub fn fill(session: &mut dyn Session, desc: &TensorDesc) -> Outcome<()> {
    for memory in session.stage(std::slice::from_ref(desc))? {
        memory.fill(0);
    }
    Ok(())
}

/// How long so many calls take.
pub fn timed(calls: u32, mut call: impl FnMut() -> Outcome<()>) -> Outcome<Duration> {
    let began = Instant::now();
    for _ in 0..calls {
        call()?;
    }
    Ok(began.elapsed())
}

/// How many calls make a turn, where ten take this long.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is between 5 and 2000"
)]
pub fn calls_of_a_turn(ten: Duration) -> u32 {
    let one = ten.as_secs_f64() / 10.0;
    (TURN.as_secs_f64() / one).clamp(5.0, 2000.0) as u32
}

/// Says what was not measured.
#[expect(clippy::print_stderr, reason = "what was not measured must be said")]
pub fn say(text: &str) {
    eprintln!("{text}");
}

/// Whether a runner works here; why not is said.
pub fn is_ready(runner: &dyn Runner) -> bool {
    match runner.probe(&runtimes::libraries()) {
        Probe::Ready { .. } => true,
        Probe::Missing { reason, .. } => {
            say(&format!("{} was not measured: {reason}", runner.name()));
            false
        }
    }
}
