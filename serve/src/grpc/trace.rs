//! What is traced: told, and changed by those who may.

use std::collections::BTreeMap;

use crate::describe;
use crate::proto::{
    TraceSettingRequest, TraceSettingResponse, trace_setting_request, trace_setting_response,
};
use crate::refusal::Refusal;
use crate::state::State;
use crate::trace::Wanted;

/// All settings of this model, or of all, after those are changed that the request names.
pub(super) fn setting(
    state: &State,
    asked: &TraceSettingRequest,
) -> Result<TraceSettingResponse, Refusal> {
    let model = Some(asked.model_name.as_str()).filter(|name| !name.is_empty());
    if let Some(model) = model {
        describe::find(&state.engine, model, None)?;
    }
    if !asked.settings.is_empty() {
        let wanted: Vec<Wanted> = asked.settings.iter().map(wanted_of).collect();
        state.tracer.change(model, &wanted)?;
    }
    let told = state.tracer.told(model).into_iter();
    let settings: BTreeMap<String, _> = told
        .map(|(name, value)| {
            let value = trace_setting_response::SettingValue { value };
            (name.to_owned(), value)
        })
        .collect();
    Ok(TraceSettingResponse { settings })
}

/// A setting without a value is to be as it was at first.
fn wanted_of((name, value): (&String, &trace_setting_request::SettingValue)) -> Wanted {
    let values = (!value.value.is_empty()).then(|| value.value.clone());
    (name.clone(), values)
}
