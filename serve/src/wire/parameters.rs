//! The parameters of a request: those that the server heeds, and those that it passes on to the model.

use std::time::Duration;

use nav_engine::{Correlation, CorrelationId, Parameter};

use super::cursor::{Cursor, Kind};
use super::fault::Fault;
use super::members::{boolean, unsigned};

/// Names that begin like this are the server's own.
pub(crate) const RESERVED: &str = "triton_";

/// What a request says beside its tensors.
#[derive(Debug, Default)]
pub(crate) struct Parameters {
    pub(crate) binary_data_output: bool,
    pub(crate) priority: u32,
    pub(crate) timeout: Option<Duration>,
    pub(crate) others: Vec<(Box<str>, Parameter)>,
    id: Option<CorrelationId>,
    start: bool,
    end: bool,
}

impl Parameters {
    /// Reads the object that comes next.
    pub(crate) fn read(&mut self, cursor: &mut Cursor<'_>) -> Result<(), Fault> {
        if cursor.kind()? != Kind::Object {
            return Err(Fault::ParametersKind);
        }
        cursor.object(&mut |cursor, name| self.member(cursor, &name))
    }

    /// Reads the value of this one, which comes next.
    pub(crate) fn member(&mut self, cursor: &mut Cursor<'_>, name: &str) -> Result<(), Fault> {
        match name {
            "sequence_id" => self.id = correlation_id(cursor)?,
            "sequence_start" => self.start = boolean(cursor, "sequence_start")?,
            "sequence_end" => self.end = boolean(cursor, "sequence_end")?,
            "priority" => {
                // A level beyond all others is no level, which means the default one.
                self.priority = u32::try_from(unsigned(cursor, "priority")?).unwrap_or(u32::MAX);
            }
            "timeout" => {
                let micros = unsigned(cursor, "timeout")?;
                self.timeout = (micros > 0).then(|| Duration::from_micros(micros));
            }
            "binary_data_output" => {
                self.binary_data_output = boolean(cursor, "binary_data_output")?;
            }
            _ => {
                let value = value(cursor, name)?;
                self.others.push((name.into(), value));
            }
        }
        Ok(())
    }

    /// The part that the request has in a sequence.
    pub(crate) fn correlation(&self) -> Option<Correlation> {
        Some(Correlation {
            id: self.id.clone()?,
            start: self.start,
            end: self.end,
        })
    }
}

fn correlation_id(cursor: &mut Cursor<'_>) -> Result<Option<CorrelationId>, Fault> {
    match cursor.kind()? {
        Kind::Text => {
            let text = cursor.string()?;
            Ok((!text.is_empty()).then(|| CorrelationId::Text(text.as_ref().into())))
        }
        Kind::Number => {
            let number = unsigned(cursor, "sequence_id")?;
            Ok((number != 0).then_some(CorrelationId::Number(number)))
        }
        _ => Err(Fault::Kind {
            member: "sequence_id",
            expected: "string",
        }),
    }
}

fn value(cursor: &mut Cursor<'_>, name: &str) -> Result<Parameter, Fault> {
    let wrong = |reason| Fault::Parameter {
        name: name.to_owned(),
        reason,
    };
    if name.starts_with(RESERVED) {
        return Err(wrong("has a name that is the server's own"));
    }
    match cursor.kind()? {
        Kind::Text => Ok(Parameter::Text(cursor.string()?.as_ref().into())),
        Kind::Bool => Ok(Parameter::Bool(cursor.boolean()?)),
        Kind::Number => {
            let written = cursor.number()?;
            if let Ok(number) = written.parse() {
                return Ok(Parameter::Int(number));
            }
            if let Ok(number) = written.parse() {
                return Ok(Parameter::Uint(number));
            }
            let number: f64 = written
                .parse()
                .map_err(|_| wrong("is no number that can be passed on"))?;
            if number.is_finite() {
                Ok(Parameter::Double(number))
            } else {
                Err(wrong("is no number that can be passed on"))
            }
        }
        Kind::Object | Kind::Array | Kind::Null => {
            Err(wrong("must be a string, a number or a truth value"))
        }
    }
}
