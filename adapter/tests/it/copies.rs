//! Where tensors lie on their way through a server in the program: nobody copies them but into the batch.

use std::error::Error;
use std::fmt;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use nav_adapter::opening::{FileWish, FindModels, Instead, Opener};
use nav_adapter::{Array, DType, RunnerHandle, Server};
use nav_worker::packaged::Prepared;

use crate::place::Place;
use crate::scripted::{scripted, spec};

/// Finds the runner that this makes.
struct Finds<F>(F);

impl<F> fmt::Debug for Finds<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Finds")
    }
}

impl<F: Fn() -> RunnerHandle + Send + Sync> FindModels for Finds<F> {
    fn file(&self, _: &FileWish<'_>) -> Result<RunnerHandle, Box<dyn Error + Send + Sync>> {
        Ok((self.0)())
    }

    fn package(&self, _: &Path) -> Result<Prepared, Box<dyn Error + Send + Sync>> {
        Err("it is a file".into())
    }
}

/// A server whose one model, `m`, is this runner's, with batches of so many rows that wait until they are whole.
fn server(
    place: &Place,
    runner: impl Fn() -> RunnerHandle + Send + Sync + 'static,
    max_batch: usize,
) -> Server {
    let path = place.path("m.onnx");
    std::fs::write(&path, "a model").unwrap();
    let opener = Opener::new(Finds(runner)).serving(Instead {
        max_batch: Some(max_batch),
        queue_delay: Some(Duration::from_hours(1)),
        ..Instead::default()
    });
    let builder = Server::builder().model("m", path).opener(Arc::new(opener));
    builder.start().unwrap()
}

#[test]
fn a_request_is_copied_into_the_batch_and_its_answer_not_at_all() {
    const COUNT: usize = 1000;
    let place = Place::new();
    // Each request has a row of its own number, and gets a row of its number plus 1.
    let row = |number: u8| vec![number; COUNT];
    let answer = Bytes::from([row(11), row(12), row(13)].concat());
    let lies = answer.as_ptr();
    let staged = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&staged);
    let runner = move || {
        let (answer, seen) = (answer.clone(), Arc::clone(&seen));
        let dims = [None, Some(COUNT)];
        let tensors = (
            spec("x", DType::Uint8, &dims),
            spec("y", DType::Uint8, &dims),
        );
        scripted(tensors, move |given| {
            seen.lock().unwrap().extend_from_slice(given.memory);
            answer.clone()
        })
    };
    let server = server(&place, runner, 3);
    let model = server.model("m").unwrap();
    let asked: Vec<_> = (10..13)
        .map(|number| {
            let array = Array::new([1, COUNT], row(number)).unwrap();
            model.infer([("x", array)]).unwrap()
        })
        .collect();
    for (place, mut responses) in asked.into_iter().enumerate() {
        let response = responses.next().unwrap().unwrap();
        let output = response.outputs["y"].bytes();
        // A part of what the runner gave, where it lies.
        assert_eq!(output.as_ptr(), lies.wrapping_add(place * COUNT));
        assert_eq!(output.len(), COUNT);
    }
    // All of them went into the one piece of memory that the runner lent for them.
    let staged = staged.lock().unwrap();
    assert_eq!(*staged, [[row(10), row(11), row(12)].concat()]);
}
