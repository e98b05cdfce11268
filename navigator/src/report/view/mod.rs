//! The parts of the page as texts and numbers that only have to be set: what is said, not how it looks.

mod about;
mod correctness;
mod headline;
mod legend;
mod rejected;
mod serving;
mod table;

pub(super) use about::{About, about};
pub(super) use correctness::{Compared, correctness};
pub(super) use headline::{Headline, headline};
pub(super) use legend::{Entry, legend};
pub(super) use rejected::{Rejected, rejected};
pub(super) use serving::{Served, serving};
pub(super) use table::{Measured, Table, measured, table};
