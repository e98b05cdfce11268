//! Headers that travel on to the model, as parameters of the request.

use hyper::header::HeaderMap;
use nav_engine::Parameter;
use regex_lite::Regex;

use crate::refusal::Refusal;
use crate::wire::RESERVED;

/// The most bytes of a header that travels on.
const LONGEST: usize = 8 << 10;

/// Which headers travel on.
#[derive(Clone, Debug)]
pub struct HeaderPattern(Regex);

/// Why a pattern is none.
#[derive(Clone, Debug, thiserror::Error)]
#[error("`{pattern}` is no pattern for the names of headers")]
pub struct PatternError {
    pattern: String,
    #[source]
    source: regex_lite::Error,
}

impl HeaderPattern {
    /// Headers whose names, in lower case, hold what this regular expression matches.
    pub fn new(pattern: &str) -> Result<Self, PatternError> {
        let wrong = |source| PatternError {
            pattern: pattern.to_owned(),
            source,
        };
        let regex = Regex::new(pattern).map_err(wrong)?;
        Ok(Self(regex))
    }

    /// Puts the headers that travel on among the parameters. What a header says counts before what the body says of
    /// the same name: a proxy may have put it there, and a client cannot.
    pub(crate) fn forward(
        &self,
        headers: &HeaderMap,
        parameters: &mut Vec<(Box<str>, Parameter)>,
    ) -> Result<(), Refusal> {
        for (name, value) in headers {
            let name = name.as_str();
            if !self.0.is_match(name) {
                continue;
            }
            if name.starts_with(RESERVED) {
                let text = format!("header '{name}' has a name that is the server's own");
                return Err(Refusal::invalid(text));
            }
            let text = value.to_str().ok().filter(|text| text.len() <= LONGEST);
            let wrong = || {
                Refusal::invalid(format!(
                    "header '{name}' is no text of at most {LONGEST} bytes"
                ))
            };
            let value = Parameter::Text(text.ok_or_else(wrong)?.into());
            parameters.retain(|(known, _)| known.as_ref() != name);
            parameters.push((name.into(), value));
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use hyper::header::HeaderValue;

    use super::*;

    #[test]
    fn what_matches_travels_on_and_counts_before_the_body() {
        let pattern = HeaderPattern::new("^x-user|^x-tenant$").unwrap();
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-user", "ann"), ("x-tenant", "blue"), ("accept", "*/*")] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        let text = |text: &str| Parameter::Text(text.into());
        let mut parameters = vec![("x-user".into(), text("eve")), ("other".into(), text("o"))];
        pattern.forward(&headers, &mut parameters).unwrap();
        parameters.sort_by(|one, other| one.0.cmp(&other.0));
        let expected = [("other", "o"), ("x-tenant", "blue"), ("x-user", "ann")];
        let expected = expected.map(|(name, value)| (name.into(), text(value)));
        assert_eq!(parameters, expected);
    }

    #[test]
    fn names_of_the_servers_own_are_refused() {
        let pattern = HeaderPattern::new(".*").unwrap();
        let mut headers = HeaderMap::new();
        headers.insert("triton_x", HeaderValue::from_static("1"));
        assert!(pattern.forward(&headers, &mut Vec::new()).is_err());
        assert!(HeaderPattern::new("(").is_err());
    }
}
