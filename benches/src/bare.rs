//! The ceiling of a served model: the bare loop over its runner in this process.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use nav_package_format::{Shape, TensorData};
use nav_runners::{Loaded, TensorDesc};

/// Rows in a second, in batches of so many copies of this row, when nothing stands around the runner.
pub fn rows_a_second(
    loaded: &Arc<dyn Loaded>,
    row: &[(String, TensorData)],
    batch: usize,
    time: Duration,
) -> Result<f64, Box<dyn Error>> {
    let mut session = Arc::clone(loaded).session()?;
    let tensors: Vec<Vec<u8>> = row.iter().map(|(_, it)| it.bytes().repeat(batch)).collect();
    let described = row.iter().zip(&tensors).enumerate();
    let descs: Vec<TensorDesc> = described
        .map(|(index, ((_, tensor), bytes))| TensorDesc {
            index,
            dtype: tensor.dtype(),
            shape: Shape::new(std::iter::once(batch).chain(tensor.shape().iter().copied().skip(1))),
            byte_size: bytes.len(),
        })
        .collect();
    let mut once = || -> Result<(), Box<dyn Error>> {
        for (memory, bytes) in session.stage(&descs)?.into_iter().zip(&tensors) {
            memory.copy_from_slice(bytes);
        }
        session.run()?;
        Ok(())
    };
    once()?;
    let began = Instant::now();
    let mut rows = 0;
    while began.elapsed() < time {
        once()?;
        rows += batch;
    }
    Ok(rate(rows, began))
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows are small")]
fn rate(rows: usize, began: Instant) -> f64 {
    rows as f64 / began.elapsed().as_secs_f64()
}
