//! What is traced: not offered.

use crate::proto::{TraceSettingRequest, TraceSettingResponse};
use crate::refusal::{Refusal, RefusalKind};
use crate::state::State;

/// Tells what is traced, and changes it.
pub(super) fn setting(_: &State, _: &TraceSettingRequest) -> Result<TraceSettingResponse, Refusal> {
    let text = "tracing is not offered";
    Err(Refusal::new(RefusalKind::Unsupported, text))
}
