//! What is logged: it cannot be changed by clients.

use crate::proto::{LogSettingsRequest, LogSettingsResponse};
use crate::refusal::{Refusal, RefusalKind};
use crate::state::State;

/// Tells what is logged, and changes it.
pub(super) fn settings(_: &State, _: &LogSettingsRequest) -> Result<LogSettingsResponse, Refusal> {
    let text = "settings of the log are not offered";
    Err(Refusal::new(RefusalKind::Unsupported, text))
}
