//! The rare frames: their bodies are JSON, of the same types that runners use inside a process.
//!
//! Knows what is said, not when: [`crate::parent`] and [`crate::child`] know that.

use nav_runners::{Libraries, LoadOptions, ModelFile};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::frame::{Frame, FrameError, FrameWriter, Kind};

/// The body of a `probe` frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ProbeRequest {
    pub(crate) runner: String,
    pub(crate) libraries: Libraries,
}

/// The body of a `load` frame.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct LoadRequest {
    pub(crate) runner: String,
    pub(crate) model: ModelFile,
    pub(crate) options: LoadOptions,
}

/// Why something cannot be said in a frame.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EncodeError {
    /// It has no JSON form; a path that is not UTF-8 has none.
    #[error("it cannot be told to another process: {0}")]
    Json(#[from] serde_json::Error),
    /// It takes too much room.
    #[error(transparent)]
    Frame(#[from] FrameError),
}

/// The whole frame that says `value`.
pub(crate) fn encode<'frame>(
    frame: &'frame mut FrameWriter,
    kind: Kind,
    value: &impl Serialize,
) -> Result<&'frame [u8], EncodeError> {
    let json = serde_json::to_vec(value)?;
    Ok(frame.begin(kind).raw(&json).finish()?)
}

/// What the body of a frame says.
pub(crate) fn decode<T: DeserializeOwned>(mut frame: Frame<'_>) -> Result<T, FrameError> {
    serde_json::from_slice(frame.remainder()).map_err(|error| frame.invalid("body", error))
}

#[cfg(test)]
mod tests {
    use nav_package_format::Format;
    use nav_runners::{InputError, LoadError, RunError};

    use super::*;

    fn round_trip<T: Serialize + DeserializeOwned>(value: &T) -> T {
        let mut writer = FrameWriter::default();
        let packet = encode(&mut writer, Kind::Load, value).unwrap();
        decode(Frame::parse(packet).unwrap()).unwrap()
    }

    #[test]
    fn errors_and_requests_cross_intact() {
        let request = LoadRequest {
            runner: "OnnxCPU".to_owned(),
            model: ModelFile {
                path: "/models/a.onnx".into(),
                format: Format::Onnx,
            },
            options: LoadOptions::default(),
        };
        assert_eq!(round_trip(&request), request);
        let error = LoadError::Format {
            runner: "OnnxCPU".to_owned(),
            format: Format::TorchScript,
        };
        assert_eq!(round_trip(&error), error);
        let error = RunError::Input(InputError::Missing {
            name: "x".to_owned(),
        });
        assert_eq!(round_trip(&error), error);
    }

    #[test]
    fn a_body_that_is_not_the_expected_json_is_refused() {
        let mut writer = FrameWriter::default();
        let packet = encode(&mut writer, Kind::Loaded, &[1, 2]).unwrap();
        let error = decode::<LoadError>(Frame::parse(packet).unwrap()).unwrap_err();
        let text = error.to_string();
        let start = "it sent a `loaded` frame with an invalid body: ";
        assert!(text.starts_with(start), "{text}");
    }
}
