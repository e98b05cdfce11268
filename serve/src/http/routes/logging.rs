//! What is logged: told, and changed by those who may.

use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use serde_json::Value;

use crate::http::body::Frames;
use crate::http::receive::object;
use crate::http::reply::json;
use crate::log::SettingValue;
use crate::refusal::Refusal;
use crate::state::State;
use crate::wire::{integer, separated, string};

/// All settings, after those are changed that the body names.
pub(super) async fn logging(
    state: &State,
    request: Request<Incoming>,
) -> Result<Response<Frames>, Refusal> {
    if *request.method() == Method::POST {
        let wanted = object(request.into_body(), state).await?;
        let wanted: Result<Vec<_>, Refusal> = wanted.iter().map(setting).collect();
        state.log.change(wanted?)?;
    }
    let mut told = String::from("{");
    separated(
        &mut told,
        state.log.settings().told(),
        |out, (name, value)| {
            string(out, name);
            out.push(':');
            match value {
                SettingValue::Bool(value) => integer(out, value),
                SettingValue::Uint(number) => integer(out, number),
                SettingValue::Text(text) => string(out, &text),
            }
        },
    );
    told.push('}');
    Ok(json(told))
}

fn setting<'a>((name, value): (&'a String, &Value)) -> Result<(&'a str, SettingValue), Refusal> {
    let value = match value {
        Value::Bool(value) => SettingValue::Bool(*value),
        Value::String(text) => SettingValue::Text(text.clone()),
        Value::Number(number) => {
            let number = number.as_u64().and_then(|it| u32::try_from(it).ok());
            let wrong = || Refusal::invalid(format!("{name} is no number that it can be"));
            SettingValue::Uint(number.ok_or_else(wrong)?)
        }
        _ => {
            return Err(Refusal::invalid(format!(
                "{name} is no value that it can be"
            )));
        }
    };
    Ok((name, value))
}
