//! The head of an answer: what must be known to find its end, and to check it.

use crate::failure::Failed;

/// The most fields of a head.
const MOST_FIELDS: usize = 64;
/// The most bytes of a head.
const LONGEST: usize = 64 << 10;

/// A head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Its bytes.
    pub(crate) length: usize,
    pub(crate) status: u16,
    pub(crate) body: Body,
    /// Whether the connection lives on.
    pub(crate) keeps_alive: bool,
    /// Bytes of JSON before binary tensors.
    pub(crate) json_length: Option<usize>,
    /// Whether it says when to come back.
    pub(crate) says_when: bool,
}

/// How the end of a body is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Body {
    Length(usize),
    Chunked,
    UntilClosed,
}

impl Head {
    /// The head of these bytes, if all of it is there.
    pub(crate) fn read(bytes: &[u8]) -> Result<Option<Self>, Failed> {
        let mut fields = [httparse::EMPTY_HEADER; MOST_FIELDS];
        let mut parsed = httparse::Response::new(&mut fields);
        let wrong = |why: String| Failed::broken(format!("no answer of HTTP: {why}"));
        let length = match parsed.parse(bytes) {
            Ok(httparse::Status::Complete(length)) => length,
            Ok(httparse::Status::Partial) if bytes.len() < LONGEST => return Ok(None),
            Ok(httparse::Status::Partial) => return Err(wrong("its head has no end".to_owned())),
            Err(error) => return Err(wrong(error.to_string())),
        };
        let status = parsed.code.unwrap_or_default();
        let mut head = Self {
            length,
            status,
            body: Body::UntilClosed,
            keeps_alive: parsed.version == Some(1),
            json_length: None,
            says_when: false,
        };
        for field in parsed.headers.iter() {
            head.note(field)?;
        }
        if matches!(status, 204 | 304) {
            head.body = Body::Length(0);
        }
        if head.body == Body::UntilClosed {
            head.keeps_alive = false;
        }
        Ok(Some(head))
    }

    fn note(&mut self, field: &httparse::Header<'_>) -> Result<(), Failed> {
        let is = |name: &str| field.name.eq_ignore_ascii_case(name);
        if is("content-length") {
            if self.body != Body::Chunked {
                self.body = Body::Length(number(field)?);
            }
        } else if is("transfer-encoding") {
            if !field.value.eq_ignore_ascii_case(b"chunked") {
                let text = "its body travels in a coding that was not asked for";
                return Err(Failed::broken(text));
            }
            self.body = Body::Chunked;
        } else if is("connection") {
            let says = |word: &[u8]| field.value.eq_ignore_ascii_case(word);
            if says(b"close") {
                self.keeps_alive = false;
            } else if says(b"keep-alive") {
                self.keeps_alive = true;
            }
        } else if is("inference-header-content-length") {
            self.json_length = Some(number(field)?);
        } else if is("retry-after") {
            self.says_when = true;
        }
        Ok(())
    }
}

fn number(field: &httparse::Header<'_>) -> Result<usize, Failed> {
    let text = std::str::from_utf8(field.value).ok();
    let number = text.and_then(|text| text.trim().parse().ok());
    number.ok_or_else(|| Failed::broken(format!("{} is no number", field.name)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn heads_tell_where_answers_end() {
        let check = |text: &str, expected: Option<(u16, Body, bool)>| {
            let found = Head::read(text.as_bytes()).unwrap();
            let found = found.map(|it| (it.status, it.body, it.keeps_alive));
            assert_eq!(found, expected, "{text}");
        };
        check("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n", None);
        check(
            "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n",
            Some((200, Body::Length(5), true)),
        );
        check(
            "HTTP/1.1 503 No\r\ntransfer-encoding: chunked\r\nConnection: close\r\n\r\n",
            Some((503, Body::Chunked, false)),
        );
        check(
            "HTTP/1.0 200 OK\r\n\r\n",
            Some((200, Body::UntilClosed, false)),
        );
        check(
            "HTTP/1.1 204 No\r\n\r\n",
            Some((204, Body::Length(0), true)),
        );
    }

    #[test]
    fn what_is_no_answer_is_told() {
        for text in [
            "SSH-2.0-x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n",
        ] {
            assert!(Head::read(text.as_bytes()).is_err(), "{text}");
        }
        let endless = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(LONGEST));
        assert!(Head::read(endless.as_bytes()).is_err());
    }
}
