//! Models of texts, and those that give any number of responses.

use nav_engine::{
    Batch, Call, Callable, InferError, ModelOptions, ModelSpec, Parameter, Responder, Response,
};
use nav_package_format::{DType, Shape, Signature, strings};

use super::{Answered, integers, output, spec};

pub(crate) fn texts() -> Signature {
    Signature {
        inputs: vec![spec("text_input", DType::Bytes, &[1])],
        outputs: vec![spec("text_output", DType::Bytes, &[1])],
    }
}

fn text_of(call: &Call) -> String {
    let bytes = call.input(0).unwrap().contiguous();
    let texts = strings::decode(&bytes, 1).unwrap();
    String::from_utf8(texts[0].to_vec()).unwrap()
}

pub(crate) fn text(text: &str) -> Response {
    let bytes = strings::encode([text]).unwrap();
    Response::new([output(0, DType::Bytes, Shape::from([1]), bytes)])
}

/// The text, and a suffix if one is given.
pub(super) fn textecho(call: &Call) -> Answered {
    let mut said = text_of(call);
    let mut parameters = call.parameters().iter();
    if let Some((_, Parameter::Text(suffix))) =
        parameters.find(|(name, _)| name.as_ref() == "suffix")
    {
        said.push(' ');
        said.push_str(suffix);
    }
    Ok(text(&said))
}

/// A model that answers each call with whatever `say` sends.
fn decoupled(
    signature: Signature,
    say: impl Fn(&Call, &mut Responder) + Send + Sync + 'static,
) -> ModelSpec {
    let options = ModelOptions {
        decoupled: true,
        ..ModelOptions::default()
    };
    let run = move |batch: &mut Batch| {
        let calls: Vec<Call> = batch.calls().cloned().collect();
        for (index, call) in calls.iter().enumerate() {
            if let Some(mut responder) = batch.responder(index) {
                say(call, &mut responder);
                responder.end();
            }
        }
        Ok(())
    };
    ModelSpec::new(Callable::shared(signature, run), options)
}

/// Each word for itself; one of them is an error.
pub(super) fn textstream(signature: Signature) -> ModelSpec {
    decoupled(signature, |call, responder| {
        for word in text_of(call).split_whitespace() {
            let said = if word == "ERR" {
                Err(InferError::model("stream error"))
            } else {
                Ok(text(word))
            };
            if responder.send(said).is_err() {
                return;
            }
        }
    })
}

/// As many numbers as the input says.
pub(super) fn repeat(signature: Signature) -> ModelSpec {
    decoupled(signature, |call, responder| {
        for number in 0..integers(call, 0)[0] {
            let bytes = number.to_le_bytes().to_vec();
            let told = output(0, DType::Int32, Shape::from([1]), bytes);
            if responder.send(Ok(Response::new([told]))).is_err() {
                return;
            }
        }
    })
}
