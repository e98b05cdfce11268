//! What is logged: told, and changed by those who may.

use std::collections::BTreeMap;

use crate::log::SettingValue;
use crate::proto::{
    LogSettingsRequest, LogSettingsResponse, log_settings_request, log_settings_response,
};
use crate::refusal::Refusal;
use crate::state::State;

/// All settings, after those are changed that the request names.
pub(super) fn settings(
    state: &State,
    asked: &LogSettingsRequest,
) -> Result<LogSettingsResponse, Refusal> {
    if !asked.settings.is_empty() {
        let wanted: Result<Vec<_>, Refusal> = asked.settings.iter().map(setting).collect();
        state.log.change(wanted?)?;
    }
    let told = state.log.settings().told().into_iter();
    let settings: BTreeMap<String, _> = told
        .map(|(name, value)| (name.to_owned(), told_as(value)))
        .collect();
    Ok(LogSettingsResponse { settings })
}

fn setting<'a>(
    (name, value): (&'a String, &log_settings_request::SettingValue),
) -> Result<(&'a str, SettingValue), Refusal> {
    use log_settings_request::setting_value::ParameterChoice as Choice;
    let value = match &value.parameter_choice {
        Some(Choice::BoolParam(value)) => SettingValue::Bool(*value),
        Some(Choice::Uint32Param(number)) => SettingValue::Uint(*number),
        Some(Choice::StringParam(text)) => SettingValue::Text(text.clone()),
        None => return Err(Refusal::invalid(format!("{name} has no value"))),
    };
    Ok((name, value))
}

fn told_as(value: SettingValue) -> log_settings_response::SettingValue {
    use log_settings_response::setting_value::ParameterChoice as Choice;
    let choice = match value {
        SettingValue::Bool(value) => Choice::BoolParam(value),
        SettingValue::Uint(number) => Choice::Uint32Param(number),
        SettingValue::Text(text) => Choice::StringParam(text),
    };
    log_settings_response::SettingValue {
        parameter_choice: Some(choice),
    }
}
