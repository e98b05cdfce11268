//! The report: all that a package says, as one page of HTML that needs nothing but itself.
//!
//! It has no script and reaches for nothing outside, so it reads the same on a desk without a network, in print
//! and in ten years. All that comes from the package is escaped.

mod chart;
mod command;
mod compare;
mod error;
mod load;
mod page;
mod policy;
mod subject;
mod view;
mod words;
mod write;

pub use compare::{
    LargestError, SpeedUp, alongside, busiest, is_chosen, largest_error, milliseconds, speed_up,
    told, untouched, went_wrong,
};
pub use error::ReportError;
pub use load::{LoadPoint, LoadReport, load_html};
pub use page::html;
pub use subject::Subject;
pub use write::write;

#[cfg(test)]
mod tests;
#[cfg(test)]
mod well_formed;
