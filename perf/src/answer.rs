//! Whether an answer is one: it parses, has the outputs that it should have, and they have the elements that their
//! shapes say.

use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use nav_package_format::{DType, Shape};
use serde::Deserialize;

use crate::drive::talk::Reply;
use crate::failure::{Failed, Failure};
use crate::grpc::messages::{InferResponse, OutputTensor};
use crate::http::head::Head;

/// The most bytes of an answer that are kept to know an equal one by.
const MOST_KEPT: usize = 16 << 10;

/// Checks of what answers on one connection hold.
#[derive(Clone, Debug)]
pub(crate) struct OutputCheck {
    /// The outputs that must be there; none for whatever there is, `None` for looking at nothing.
    expected: Option<Arc<[String]>>,
}

/// Checks of answers of HTTP.
#[derive(Clone, Debug)]
pub(crate) struct HttpCheck {
    outputs: OutputCheck,
    /// The JSON of an answer that was right, and the bytes beside it. One that is equal is right too.
    known: (Vec<u8>, usize),
    /// The body of the last answer, if it is wanted.
    kept: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct Answer<'a> {
    #[serde(borrow, default)]
    outputs: Vec<Output<'a>>,
}

#[derive(Deserialize)]
struct Output<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    #[serde(borrow)]
    datatype: Cow<'a, str>,
    shape: Vec<usize>,
    #[serde(default)]
    parameters: OutputParameters,
    #[serde(default)]
    data: Option<Leaves>,
}

#[derive(Default, Deserialize)]
struct OutputParameters {
    binary_data_size: Option<usize>,
}

/// How many elements are in nested lists.
struct Leaves(usize);

impl OutputCheck {
    /// Outputs of these names must be there.
    pub(crate) fn of(expected: &[String]) -> Self {
        Self {
            expected: Some(expected.into()),
        }
    }

    /// Nothing is looked at.
    pub(crate) const fn none() -> Self {
        Self { expected: None }
    }

    pub(crate) const fn is_none(&self) -> bool {
        self.expected.is_none()
    }

    fn names<'a>(&self, has: impl Fn(&str) -> bool + 'a) -> Result<(), Failed> {
        let expected = self.expected.iter().flat_map(|names| names.iter());
        let mut missing = expected.filter(|name| !has(name));
        match missing.next() {
            None => Ok(()),
            Some(name) => Err(Failed::broken(format!("output `{name}` is not there"))),
        }
    }

    /// Whether a response of gRPC is one.
    pub(crate) fn response(&self, response: &InferResponse) -> Result<(), Failed> {
        if self.is_none() {
            return Ok(());
        }
        self.names(|name| response.outputs.iter().any(|it| it.name == name))?;
        let raw = &response.raw_output_contents;
        if raw.len() != response.outputs.len() && !raw.is_empty() {
            let text = format!(
                "{} outputs have the contents of {}",
                response.outputs.len(),
                raw.len()
            );
            return Err(Failed::broken(text));
        }
        for (output, contents) in response.outputs.iter().zip(raw) {
            sized(output, contents)?;
        }
        Ok(())
    }
}

fn sized(output: &OutputTensor, contents: &Bytes) -> Result<(), Failed> {
    let shape: Result<Vec<usize>, _> = output.shape.iter().copied().map(usize::try_from).collect();
    let shape = shape.map_err(|_| wrong(&output.name, "its shape makes no sense"))?;
    let size = size_of(&output.name, &output.datatype, &shape)?;
    if size.is_some_and(|size| size != contents.len()) {
        return Err(wrong(&output.name, "its shape and its contents differ"));
    }
    Ok(())
}

/// The bytes that elements of this type and shape take, where each takes the same.
fn size_of(name: &str, datatype: &str, shape: &[usize]) -> Result<Option<usize>, Failed> {
    let dtype: DType = datatype
        .parse()
        .map_err(|_| wrong(name, "its type is unknown"))?;
    let size = Shape::from(shape).byte_size(dtype);
    size.map_err(|_| wrong(name, "its shape makes no sense"))
}

fn wrong(name: &str, why: &str) -> Failed {
    Failed::broken(format!("output `{name}`: {why}"))
}

impl HttpCheck {
    /// Answers must have these outputs.
    pub(crate) const fn new(outputs: OutputCheck) -> Self {
        Self {
            outputs,
            known: (Vec::new(), 0),
            kept: None,
        }
    }

    /// Answers must be successes, and the last one is kept.
    pub(crate) fn keeping() -> Self {
        Self {
            kept: Some(Vec::new()),
            ..Self::status_only()
        }
    }

    pub(crate) fn into_kept(self) -> Vec<u8> {
        self.kept.unwrap_or_default()
    }

    /// Answers must be successes.
    pub(crate) const fn status_only() -> Self {
        Self::new(OutputCheck::none())
    }

    /// What an answer comes to.
    pub(crate) fn check(&mut self, head: &Head, body: &[u8]) -> Reply {
        if head.status != 200 {
            return Reply::failed(Failed {
                says_when: head.says_when,
                ..Failed::new(Failure::Status(head.status), told(body))
            });
        }
        if let Some(kept) = &mut self.kept {
            *kept = body.to_vec();
        }
        if self.outputs.is_none() {
            return Reply::answered();
        }
        match self.body(head.json_length, body) {
            Ok(()) => Reply::answered(),
            Err(failed) => Reply::failed(failed),
        }
    }

    fn body(&mut self, json_length: Option<usize>, body: &[u8]) -> Result<(), Failed> {
        let length = json_length.unwrap_or(body.len());
        let too_long = || Failed::broken("the header is longer than the answer");
        let (json, binary) = body.split_at_checked(length).ok_or_else(too_long)?;
        if !json.is_empty() && self.known.0 == json && self.known.1 == binary.len() {
            return Ok(());
        }
        let answer: Answer<'_> = serde_json::from_slice(json)
            .map_err(|error| Failed::broken(format!("no answer of the protocol: {error}")))?;
        self.outputs
            .names(|name| answer.outputs.iter().any(|it| it.name == name))?;
        let mut taken = 0_usize;
        for output in &answer.outputs {
            taken = taken.saturating_add(elements(output)?);
        }
        if taken != binary.len() {
            let text = format!("{} bytes of tensors, and {taken} are told", binary.len());
            return Err(Failed::broken(text));
        }
        if json.len() <= MOST_KEPT {
            self.known = (json.to_vec(), binary.len());
        }
        Ok(())
    }
}

/// The bytes that an output has beside the JSON.
fn elements(output: &Output<'_>) -> Result<usize, Failed> {
    let size = size_of(&output.name, &output.datatype, &output.shape)?;
    let binary = output.parameters.binary_data_size;
    let Some(Leaves(leaves)) = output.data else {
        // Outputs in memory that is shared have neither.
        let told = binary.unwrap_or_default();
        return match size {
            Some(size) if binary.is_some() && size != told => {
                Err(wrong(&output.name, "its shape and its size differ"))
            }
            _ => Ok(told),
        };
    };
    let count: Option<usize> = output
        .shape
        .iter()
        .try_fold(1_usize, |all, extent| all.checked_mul(*extent));
    if count != Some(leaves) {
        return Err(wrong(&output.name, "its shape and its data differ"));
    }
    Ok(0)
}

/// What an answer that is no success says.
fn told(body: &[u8]) -> String {
    #[derive(Deserialize)]
    struct Told<'a> {
        #[serde(borrow)]
        error: Cow<'a, str>,
    }
    match serde_json::from_slice::<Told<'_>>(body) {
        Ok(told) => told.error.into_owned(),
        Err(_) => String::from_utf8_lossy(body.get(..300).unwrap_or(body)).into_owned(),
    }
}

impl<'de> Deserialize<'de> for Leaves {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(Counting)
    }
}

/// Counts what is no list.
struct Counting;

impl<'de> serde::de::Visitor<'de> for Counting {
    type Value = Leaves;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("elements of a tensor")
    }

    fn visit_seq<A: serde::de::SeqAccess<'de>>(self, mut list: A) -> Result<Leaves, A::Error> {
        let mut count = 0;
        while let Some(Leaves(more)) = list.next_element()? {
            count += more;
        }
        Ok(Leaves(count))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Leaves, E> {
        Ok(Leaves(1))
    }

    fn visit_i64<E>(self, _: i64) -> Result<Leaves, E> {
        Ok(Leaves(1))
    }

    fn visit_u64<E>(self, _: u64) -> Result<Leaves, E> {
        Ok(Leaves(1))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Leaves, E> {
        Ok(Leaves(1))
    }

    fn visit_str<E>(self, _: &str) -> Result<Leaves, E> {
        Ok(Leaves(1))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::head::Body;

    fn checked(status: u16, json_length: Option<usize>, body: &str) -> Result<(), Failed> {
        let head = Head {
            length: 0,
            status,
            body: Body::Chunked,
            keeps_alive: true,
            json_length,
            says_when: true,
        };
        let mut check = HttpCheck::new(OutputCheck::of(&["y".to_owned()]));
        // The second is compared with the first.
        let first = check.check(&head, body.as_bytes()).failed;
        assert_eq!(check.check(&head, body.as_bytes()).failed, first);
        first.map_or(Ok(()), Err)
    }

    #[test]
    fn outputs_must_be_there_with_all_their_elements() {
        let check = |output: &str, binary: &str, right: bool| {
            let json = format!(r#"{{"model_name":"m","outputs":[{output}]}}"#);
            let length = (!binary.is_empty()).then_some(json.len());
            let found = checked(200, length, &format!("{json}{binary}"));
            assert_eq!(found.is_ok(), right, "{output}: {found:?}");
        };
        let float =
            |rest: &str| format!(r#"{{"name":"y","datatype":"FP32","shape":[1,2],{rest}}}"#);
        check(&float(r#""data":[1.0,2]"#), "", true);
        check(&float(r#""data":[[1.0,2]]"#), "", true);
        check(&float(r#""data":[1.0]"#), "", false);
        check(
            &float(r#""parameters":{"binary_data_size":8}"#),
            "12345678",
            true,
        );
        check(
            &float(r#""parameters":{"binary_data_size":8}"#),
            "1234567",
            false,
        );
        check(
            &float(r#""parameters":{"binary_data_size":4}"#),
            "1234",
            false,
        );
        check(
            r#"{"name":"z","datatype":"FP32","shape":[0],"data":[]}"#,
            "",
            false,
        );
        check(
            r#"{"name":"y","datatype":"FP33","shape":[0],"data":[]}"#,
            "",
            false,
        );
        check(
            r#"{"name":"y","datatype":"BYTES","shape":[2],"data":["a","b"]}"#,
            "",
            true,
        );
    }

    #[test]
    fn what_is_no_success_says_why() {
        let failed = checked(503, None, r#"{"error":"full"}"#).unwrap_err();
        assert_eq!(
            (failed.kind, &*failed.why, failed.says_when),
            (Failure::Status(503), "full", true)
        );
        let failed = checked(404, None, "nothing here").unwrap_err();
        assert_eq!(failed.to_string(), "status 404: nothing here");
        assert_eq!(
            checked(200, None, "hello").unwrap_err().kind,
            Failure::Broken
        );
        assert_eq!(
            checked(200, Some(9), "{}").unwrap_err().kind,
            Failure::Broken
        );
    }
}
