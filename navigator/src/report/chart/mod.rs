//! Charts: from measurements to points on paper, as plain numbers and paths. What draws them knows no
//! measurement, and this knows no markup.

mod batches;
mod front;
mod labels;
mod load;
mod marker;
mod path;
mod rows;
mod scale;
mod series;
mod shapes;

pub(super) use batches::{latency_by_batch, throughput_by_batch};
pub(super) use front::{Axis, front};
pub(super) use load::{latency_by_throughput, percentiles, throughput_by_load};
pub(super) use marker::marker;
pub(super) use rows::{latency_rows, throughput_rows};
pub(super) use series::{Drawn, select};
pub(super) use shapes::Chart;
