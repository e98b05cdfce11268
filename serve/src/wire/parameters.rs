//! The parameters of a request: those that the server heeds, and those that it passes on to the model.

use std::time::Duration;

use nav_engine::{Correlation, CorrelationId, Parameter};

use super::cursor::{Cursor, Kind};
use super::fault::Fault;
use super::members::boolean;

/// Names that begin like this are the server's own.
pub(crate) const RESERVED: &str = "triton_";

/// The most parameters that are passed on to a model.
pub(crate) const MOST_PARAMETERS: usize = 1024;

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

/// The parameters that the server heeds, over every protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Own {
    SequenceId,
    SequenceStart,
    SequenceEnd,
    Priority,
    Timeout,
}

impl Own {
    const ALL: &[Self] = &[
        Self::SequenceId,
        Self::SequenceStart,
        Self::SequenceEnd,
        Self::Priority,
        Self::Timeout,
    ];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::SequenceId => "sequence_id",
            Self::SequenceStart => "sequence_start",
            Self::SequenceEnd => "sequence_end",
            Self::Priority => "priority",
            Self::Timeout => "timeout",
        }
    }

    pub(crate) fn named(name: &str) -> Option<Self> {
        Self::ALL.iter().copied().find(|own| own.name() == name)
    }

    /// What its value must be in JSON.
    const fn kind(self) -> &'static str {
        match self {
            Self::SequenceId => "string",
            Self::SequenceStart | Self::SequenceEnd => "boolean",
            Self::Priority | Self::Timeout => "unsigned-integer",
        }
    }
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
        if name == "binary_data_output" {
            self.binary_data_output = boolean(cursor, "binary_data_output")?;
            return Ok(());
        }
        let value = value(cursor, name)?;
        match (Own::named(name), value) {
            (Some(own), value) => {
                let is_taken = value.is_some_and(|value| self.heed(own, value));
                is_taken.then_some(()).ok_or(Fault::Kind {
                    member: own.name(),
                    expected: own.kind(),
                })
            }
            (None, Some(value)) => self.pass(name, value),
            (None, None) => Err(wrong(name, "must be a string, a number or a truth value")),
        }
    }

    /// Takes one that the server heeds. Whether its value is of the right kind.
    pub(crate) fn heed(&mut self, own: Own, value: Parameter) -> bool {
        match (own, value) {
            (Own::SequenceId, Parameter::Text(text)) => {
                self.id = (!text.is_empty()).then_some(CorrelationId::Text(text));
            }
            (Own::SequenceStart, Parameter::Bool(start)) => self.start = start,
            (Own::SequenceEnd, Parameter::Bool(end)) => self.end = end,
            (Own::SequenceId | Own::Priority | Own::Timeout, value) => {
                let number = match value {
                    Parameter::Int(number) => u64::try_from(number).ok(),
                    Parameter::Uint(number) => Some(number),
                    _ => None,
                };
                let Some(number) = number else {
                    return false;
                };
                self.heed_number(own, number);
            }
            _ => return false,
        }
        true
    }

    fn heed_number(&mut self, own: Own, number: u64) {
        match own {
            Own::SequenceId => {
                self.id = (number != 0).then_some(CorrelationId::Number(number));
            }
            // A level beyond all others is no level, which means the default one.
            Own::Priority => self.priority = u32::try_from(number).unwrap_or(u32::MAX),
            _ => self.timeout = (number > 0).then(|| Duration::from_micros(number)),
        }
    }

    /// Takes one that is the model's, unless its name is the server's own.
    pub(crate) fn pass(&mut self, name: &str, value: Parameter) -> Result<(), Fault> {
        if name.starts_with(RESERVED) {
            return Err(wrong(name, "has a name that is the server's own"));
        }
        if self.others.len() >= MOST_PARAMETERS {
            return Err(Fault::Many {
                what: "parameters",
                limit: MOST_PARAMETERS,
            });
        }
        if self.others.iter().any(|(known, _)| known.as_ref() == name) {
            return Err(wrong(name, "is given twice"));
        }
        self.others.push((name.into(), value));
        Ok(())
    }

    /// The part that the request has in a sequence.
    pub(crate) fn correlation(&self) -> Option<Correlation> {
        Some(Correlation {
            id: self.id.clone()?,
            start: self.start,
            end: self.end,
            owner: None,
        })
    }
}

fn wrong(name: &str, reason: &'static str) -> Fault {
    Fault::Parameter {
        name: name.to_owned(),
        reason,
    }
}

/// The value that comes next; none where it is of no kind that a parameter has.
fn value(cursor: &mut Cursor<'_>, name: &str) -> Result<Option<Parameter>, Fault> {
    Ok(Some(match cursor.kind()? {
        Kind::Text => Parameter::Text(cursor.string()?.as_ref().into()),
        Kind::Bool => Parameter::Bool(cursor.boolean()?),
        Kind::Number => number(cursor.number()?, name)?,
        Kind::Object | Kind::Array | Kind::Null => {
            cursor.skip()?;
            return Ok(None);
        }
    }))
}

fn number(written: &str, name: &str) -> Result<Parameter, Fault> {
    if let Ok(number) = written.parse() {
        return Ok(Parameter::Int(number));
    }
    if let Ok(number) = written.parse() {
        return Ok(Parameter::Uint(number));
    }
    match written.parse::<f64>() {
        Ok(number) if number.is_finite() => Ok(Parameter::Double(number)),
        _ => Err(wrong(name, "is no number that can be passed on")),
    }
}
