//! The bytes of a request to infer, made once and sent as they are.

use serde_json::{Map, Value, json};

use super::json_tensor::elements;
use crate::call::{Call, Parameter};
use crate::error::PerfError;
use crate::target::Target;

/// A request with its tensors in binary.
pub(crate) fn binary(target: &Target, call: &Call) -> Result<Vec<u8>, PerfError> {
    let inputs = call.inputs.iter().map(|(name, tensor)| {
        json!({
            "name": name,
            "shape": tensor.shape().iter().collect::<Vec<_>>(),
            "datatype": tensor.dtype().name(),
            "parameters": {"binary_data_size": tensor.bytes().len()},
        })
    });
    let mut header = Map::new();
    header.insert("inputs".to_owned(), inputs.collect());
    around(&mut header, call, true);
    let header = serde_json::to_vec(&header)?;
    let size: usize = call.inputs.iter().map(|(_, it)| it.bytes().len()).sum();
    let own = format!(
        "Content-Type: application/octet-stream\r\nInference-Header-Content-Length: {}\r\n",
        header.len()
    );
    let mut wire = post(target, call, &own, header.len() + size)?;
    wire.extend(header);
    for (_, tensor) in &call.inputs {
        wire.extend(tensor.bytes());
    }
    Ok(wire)
}

/// A request that is JSON throughout.
pub(crate) fn json_only(target: &Target, call: &Call) -> Result<Vec<u8>, PerfError> {
    let mut header = Map::new();
    // What `data` stands for is written by itself, as a tree of values would take many times the memory.
    let mut body = String::from("{\"inputs\":[");
    for (position, (name, tensor)) in call.inputs.iter().enumerate() {
        let shape: Vec<usize> = tensor.shape().iter().copied().collect();
        let about = json!({"name": name, "shape": shape, "datatype": tensor.dtype().name()});
        let about = about.to_string();
        body.push_str(if position > 0 { "," } else { "" });
        body.push_str(about.strip_suffix('}').unwrap_or(&about));
        body.push_str(",\"data\":[");
        elements(name, tensor, &mut body)?;
        body.push_str("]}");
    }
    body.push(']');
    around(&mut header, call, false);
    for (name, value) in header {
        let name = Value::String(name);
        body.extend([
            ",".to_owned(),
            name.to_string(),
            ":".to_owned(),
            value.to_string(),
        ]);
    }
    body.push('}');
    let own = "Content-Type: application/json\r\n";
    let mut wire = post(target, call, own, body.len())?;
    wire.extend(body.into_bytes());
    Ok(wire)
}

/// What a request says besides its inputs.
fn around(header: &mut Map<String, Value>, call: &Call, in_binary: bool) {
    if !call.outputs.is_empty() {
        let outputs = call.outputs.iter();
        let outputs =
            outputs.map(|name| json!({"name": name, "parameters": {"binary_data": in_binary}}));
        header.insert("outputs".to_owned(), outputs.collect());
    }
    let mut parameters: Map<String, Value> = call
        .parameters
        .iter()
        .map(|(name, value)| (name.clone(), value_of(value)))
        .collect();
    if in_binary && call.outputs.is_empty() {
        parameters.insert("binary_data_output".to_owned(), Value::Bool(true));
    }
    if !parameters.is_empty() {
        header.insert("parameters".to_owned(), Value::Object(parameters));
    }
}

fn value_of(parameter: &Parameter) -> Value {
    match parameter {
        Parameter::Bool(value) => json!(value),
        Parameter::Int(value) => json!(value),
        Parameter::Double(value) => json!(value),
        Parameter::Text(value) => json!(value),
    }
}

fn post(target: &Target, call: &Call, own: &str, size: usize) -> Result<Vec<u8>, PerfError> {
    let path = path_of(&call.model, call.version.as_deref(), "/infer")?;
    let headers = format!("{own}Content-Length: {size}\r\n");
    let mut wire = head(target, &format!("POST {path}"), &headers)?.into_bytes();
    wire.reserve_exact(size);
    Ok(wire)
}

/// The bytes of a request without a body.
pub(crate) fn get(target: &Target, path: &str) -> Result<Vec<u8>, PerfError> {
    Ok(head(target, &format!("GET {path}"), "")?.into_bytes())
}

/// The path of something about a model.
pub(crate) fn path_of(model: &str, version: Option<&str>, end: &str) -> Result<String, PerfError> {
    speakable("model", model)?;
    let version = version.map_or(Ok(String::new()), |version| {
        speakable("version", version)?;
        Ok::<_, PerfError>(format!("/versions/{version}"))
    })?;
    Ok(format!("/v2/models/{model}{version}{end}"))
}

fn speakable(what: &'static str, text: &str) -> Result<(), PerfError> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"/?#%".contains(&byte);
    if !text.is_empty() && text.bytes().all(is_plain) {
        return Ok(());
    }
    Err(PerfError::Unspeakable {
        what,
        text: text.to_owned(),
    })
}

fn head(target: &Target, line: &str, own: &str) -> Result<String, PerfError> {
    let mut head = format!("{line} HTTP/1.1\r\nHost: {}\r\n{own}", target.authority);
    for (name, value) in &target.headers {
        let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let fits = !name.is_empty() && name.bytes().all(is_token);
        let is_value = |byte: u8| byte == b' ' || byte.is_ascii_graphic();
        if !fits || !value.bytes().all(is_value) {
            // Its value may be a secret.
            return Err(PerfError::Unspeakable {
                what: "header",
                text: name.clone(),
            });
        }
        head.extend([name, ": ", value, "\r\n"]);
    }
    head.push_str("\r\n");
    Ok(head)
}

#[cfg(test)]
mod tests {
    use nav_package_format::{DType, Shape, TensorData};

    use super::*;
    use crate::target::Protocol;

    fn call() -> Call {
        let floats: Vec<u8> = [1.5_f32, -2.0]
            .iter()
            .flat_map(|it| it.to_le_bytes())
            .collect();
        let tensor = TensorData::new(DType::Fp32, Shape::from([1_usize, 2]), floats).unwrap();
        Call {
            model: "m".to_owned(),
            inputs: vec![("x".to_owned(), tensor)],
            ..Call::default()
        }
    }

    fn target() -> Target {
        let mut target = Target::at(([127, 0, 0, 1], 8000).into(), Protocol::Http);
        target.headers = vec![("token".to_owned(), "s".to_owned())];
        target
    }

    #[test]
    fn requests_say_how_long_they_are() {
        let check = |made: Vec<u8>, expected: &str| {
            let text: String = made.iter().map(|byte| char::from(*byte)).collect();
            let (head, body) = text.split_once("\r\n\r\n").unwrap();
            let length = body.chars().count();
            assert!(
                head.contains(&format!("\r\nContent-Length: {length}\r\n")),
                "{head}"
            );
            assert!(
                head.starts_with("POST /v2/models/m/infer HTTP/1.1\r\nHost: 127.0.0.1:8000\r\n")
            );
            assert!(head.ends_with("\r\ntoken: s"));
            assert!(body.starts_with(expected), "{body}");
        };
        check(
            binary(&target(), &call()).unwrap(),
            r#"{"inputs":[{"datatype":"FP32","name":"x","parameters":{"binary_data_size":8},"shape":[1,2]}],"parameters":{"binary_data_output":true}}"#,
        );
        check(
            json_only(&target(), &call()).unwrap(),
            r#"{"inputs":[{"datatype":"FP32","name":"x","shape":[1,2],"data":[1.5,-2.0]}]}"#,
        );
    }

    #[test]
    fn names_that_would_be_another_request_are_refused() {
        for model in ["", "a b", "a\r\nX: y", "a/b", "a?b"] {
            let named = Call {
                model: model.to_owned(),
                ..call()
            };
            let made = binary(&target(), &named);
            assert!(
                matches!(made, Err(PerfError::Unspeakable { .. })),
                "{model}"
            );
        }
        let mut hostile = target();
        hostile.headers = vec![("a".to_owned(), "b\r\nc: d".to_owned())];
        assert!(binary(&hostile, &call()).is_err());
    }
}
