//! What is traced: told, and changed by those who may.

use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use serde_json::Value;

use crate::describe;
use crate::http::body::Frames;
use crate::http::receive::object;
use crate::http::reply::json;
use crate::refusal::Refusal;
use crate::state::State;
use crate::trace::Wanted;
use crate::wire::{separated, string};

/// All settings of this model, or of all, after those are changed that the body names.
pub(super) async fn setting(
    state: &State,
    model: Option<&str>,
    request: Request<Incoming>,
) -> Result<Response<Frames>, Refusal> {
    if let Some(model) = model {
        describe::find(&state.engine, model, None)?;
    }
    if *request.method() == Method::POST {
        let wanted = object(request.into_body(), state).await?;
        let wanted: Result<Vec<Wanted>, Refusal> = wanted.iter().map(wanted_of).collect();
        state.tracer.change(model, &wanted?)?;
    }
    let mut told = String::from("{");
    separated(
        &mut told,
        state.tracer.told(model),
        |out, (name, values)| {
            string(out, name);
            out.push(':');
            // Levels are several; everything else is one.
            if name == "trace_level" {
                out.push('[');
                separated(out, values, |out, value| string(out, &value));
                out.push(']');
            } else {
                separated(out, values, |out, value| string(out, &value));
            }
        },
    );
    told.push('}');
    Ok(json(told))
}

fn wanted_of((name, value): (&String, &Value)) -> Result<Wanted, Refusal> {
    let text = |value: &Value| match value {
        Value::String(text) => Ok(text.clone()),
        Value::Number(number) => Ok(number.to_string()),
        _ => Err(Refusal::invalid(format!("'{name}' is no string"))),
    };
    let values = match value {
        Value::Null => None,
        Value::Array(values) => Some(values.iter().map(text).collect::<Result<_, _>>()?),
        value => Some(vec![text(value)?]),
    };
    Ok((name.clone(), values))
}
