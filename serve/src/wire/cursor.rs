//! A place in a JSON text, and the steps from there: no tree, no copy but of strings that hold escapes.
//!
//! Accepts `NaN`, `Infinity` and `-Infinity` where numbers may be, as this protocol has them bare.

use std::borrow::Cow;
use std::collections::HashSet;
use std::ops::Range;

use smallvec::SmallVec;

use super::fault::Fault;

/// How deep values may be nested.
const DEEPEST: usize = 100;

/// The most members of an object: their names are remembered while it is read.
const MOST_MEMBERS: usize = 16 << 10;

/// A place in a text.
#[derive(Clone, Debug)]
pub(crate) struct Cursor<'text> {
    text: &'text [u8],
    at: usize,
    depth: usize,
}

/// What a value begins like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Number,
    Bool,
    Null,
}

/// What steps over the value of a member, whose name it is told.
type Member<'a, 'text> =
    &'a mut dyn FnMut(&mut Cursor<'text>, Cow<'text, str>) -> Result<(), Fault>;

/// Fails unless this is one value, of bounded depth, in which no object has a member twice.
pub(crate) fn check_json(text: &[u8]) -> Result<(), Fault> {
    let mut cursor = Cursor::new(text);
    cursor.skip()?;
    cursor.end()
}

impl<'text> Cursor<'text> {
    /// The beginning of this text.
    pub(crate) const fn new(text: &'text [u8]) -> Self {
        Self {
            text,
            at: 0,
            depth: 0,
        }
    }

    /// The beginning of this part of the text.
    pub(crate) fn within(&self, range: Range<usize>) -> Self {
        Self {
            text: self.text.get(..range.end).unwrap_or_default(),
            at: range.start,
            depth: 0,
        }
    }

    pub(crate) const fn wrong(&self, what: &'static str) -> Fault {
        Fault::Json { what, at: self.at }
    }

    /// How many bytes follow.
    pub(crate) const fn rest(&self) -> usize {
        self.text.len().saturating_sub(self.at)
    }

    fn peek(&mut self) -> Option<u8> {
        while let Some(b' ' | b'\n' | b'\r' | b'\t') = self.text.get(self.at) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    /// Steps over this byte if it is next.
    pub(crate) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// The text must end here.
    pub(crate) fn end(&mut self) -> Result<(), Fault> {
        match self.peek() {
            None => Ok(()),
            Some(_) => Err(self.wrong("The document root must not be followed by other values.")),
        }
    }

    /// What comes next.
    pub(crate) fn kind(&mut self) -> Result<Kind, Fault> {
        match self.peek() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::Text),
            Some(b'-' | b'0'..=b'9' | b'N' | b'I') => Ok(Kind::Number),
            Some(b't' | b'f') => Ok(Kind::Bool),
            Some(b'n') => Ok(Kind::Null),
            None if self.text.is_empty() => Err(self.wrong("The document is empty.")),
            _ => Err(self.wrong("Invalid value.")),
        }
    }

    /// A truth value.
    pub(crate) fn boolean(&mut self) -> Result<bool, Fault> {
        if self.word(b"true") {
            return Ok(true);
        }
        if self.word(b"false") {
            return Ok(false);
        }
        Err(self.wrong("Invalid value."))
    }

    fn word(&mut self, word: &[u8]) -> bool {
        self.peek();
        let rest = self.text.get(self.at..).unwrap_or_default();
        let is_next = rest.starts_with(word);
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    /// A number as it is written.
    pub(crate) fn number(&mut self) -> Result<&'text str, Fault> {
        let written = self.digits()?;
        std::str::from_utf8(written).map_err(|_| self.wrong("Invalid value."))
    }

    /// A number as bytes.
    fn digits(&mut self) -> Result<&'text [u8], Fault> {
        self.peek();
        let start = self.at;
        let rest = self.text.get(start..).unwrap_or_default();
        let unsigned = usize::from(rest.first() == Some(&b'-'));
        let digits = rest.get(unsigned..).unwrap_or_default();
        let length = match digits.first() {
            Some(b'0'..=b'9') => number_length(digits),
            _ => name_length(digits),
        };
        let length = length.ok_or_else(|| self.wrong("Invalid value."))?;
        self.at = start + unsigned + length;
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    /// A string.
    pub(crate) fn string(&mut self) -> Result<Cow<'text, str>, Fault> {
        if !self.take(b'"') {
            return Err(self.wrong("Invalid value."));
        }
        let start = self.at;
        let (end, is_plain) = self.string_end()?;
        let inner = self.text.get(start..end).unwrap_or_default();
        let inner = std::str::from_utf8(inner).map_err(|error| Fault::Json {
            what: "Invalid encoding in string.",
            at: start + error.valid_up_to(),
        })?;
        if is_plain {
            return Ok(Cow::Borrowed(inner));
        }
        unescape(inner, start).map(Cow::Owned)
    }

    /// Where the string ends that begins here, and whether it holds no escapes. Steps over it.
    fn string_end(&mut self) -> Result<(usize, bool), Fault> {
        let mut is_plain = true;
        loop {
            match self.text.get(self.at) {
                Some(b'"') => {
                    self.at += 1;
                    return Ok((self.at - 1, is_plain));
                }
                Some(b'\\') => {
                    is_plain = false;
                    self.at += 2;
                    if self.at > self.text.len() {
                        self.at = self.text.len();
                    }
                }
                Some(0..0x20) => return Err(self.wrong("Invalid encoding in string.")),
                Some(_) => self.at += 1,
                None => {
                    self.at = self.text.len();
                    return Err(self.wrong("Missing a closing quotation mark in string."));
                }
            }
        }
    }

    /// Steps over a whole value, which is checked on the way. Where it lies.
    pub(crate) fn skip(&mut self) -> Result<Range<usize>, Fault> {
        self.peek();
        let start = self.at;
        self.skip_value()?;
        Ok(start..self.at)
    }

    fn skip_value(&mut self) -> Result<(), Fault> {
        match self.kind()? {
            Kind::Object => self.object(&mut |cursor, _| cursor.skip_value())?,
            Kind::Array => self.array(&mut Self::skip_value)?,
            Kind::Text => drop(self.string()?),
            Kind::Number => drop(self.digits()?),
            Kind::Bool => drop(self.boolean()?),
            Kind::Null if self.word(b"null") => {}
            Kind::Null => return Err(self.wrong("Invalid value.")),
        }
        Ok(())
    }

    /// Steps through an object; `member` must step over the value of each member.
    pub(crate) fn object(&mut self, member: Member<'_, 'text>) -> Result<(), Fault> {
        self.enter(b'{')?;
        if !self.take(b'}') {
            let mut seen = Names::default();
            loop {
                if self.peek() != Some(b'"') {
                    return Err(self.wrong("Missing a name for object member."));
                }
                let name = self.string()?;
                if !seen.insert(name.clone()) {
                    return Err(self.wrong("an object has a member twice"));
                }
                if seen.more.len() > MOST_MEMBERS {
                    return Err(self.wrong("an object has too many members"));
                }
                if !self.take(b':') {
                    return Err(self.wrong("Missing a colon after a name of object member."));
                }
                member(self, name)?;
                if self.take(b'}') {
                    break;
                }
                if !self.take(b',') {
                    return Err(self.wrong("Missing a comma or } after an object member."));
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    /// Steps through an array; `item` must step over each item.
    pub(crate) fn array(
        &mut self,
        item: &mut dyn FnMut(&mut Self) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.enter(b'[')?;
        if !self.take(b']') {
            loop {
                item(self)?;
                if self.take(b']') {
                    break;
                }
                if !self.take(b',') {
                    return Err(self.wrong("Missing a comma or ] after an array element."));
                }
            }
        }
        self.depth -= 1;
        Ok(())
    }

    fn enter(&mut self, byte: u8) -> Result<(), Fault> {
        if !self.take(byte) {
            return Err(self.wrong("Invalid value."));
        }
        self.depth += 1;
        if self.depth > DEEPEST {
            return Err(self.wrong("values are nested too deeply"));
        }
        Ok(())
    }
}

/// The names of the members of one object: a few are compared, more are hashed.
#[derive(Default)]
struct Names<'text> {
    few: SmallVec<[Cow<'text, str>; 8]>,
    more: HashSet<Cow<'text, str>>,
}

impl<'text> Names<'text> {
    /// Whether this one is new.
    fn insert(&mut self, name: Cow<'text, str>) -> bool {
        if self.few.contains(&name) || self.more.contains(&name) {
            return false;
        }
        if self.few.len() < self.few.inline_size() {
            self.few.push(name);
        } else {
            self.more.insert(name);
        }
        true
    }
}

/// How long the name of a number is that these bytes begin with.
fn name_length(bytes: &[u8]) -> Option<usize> {
    let names = [&b"NaN"[..], b"Infinity", b"Inf"];
    let name = names.iter().find(|name| bytes.starts_with(name));
    name.map(|name| name.len())
}

/// How long the number is that these bytes begin with, without its sign.
fn number_length(bytes: &[u8]) -> Option<usize> {
    let digits = |from: usize| {
        let rest = bytes.get(from..).unwrap_or_default();
        rest.iter().take_while(|byte| byte.is_ascii_digit()).count()
    };
    let whole = digits(0);
    if whole == 0 || (whole > 1 && bytes.first() == Some(&b'0')) {
        return None;
    }
    let mut length = whole;
    if bytes.get(length) == Some(&b'.') {
        let fraction = digits(length + 1);
        if fraction == 0 {
            return None;
        }
        length += 1 + fraction;
    }
    if let Some(b'e' | b'E') = bytes.get(length) {
        let sign = usize::from(matches!(bytes.get(length + 1), Some(b'+' | b'-')));
        let exponent = digits(length + 1 + sign);
        if exponent == 0 {
            return None;
        }
        length += 1 + sign + exponent;
    }
    Some(length)
}

/// A string without its escapes.
fn unescape(text: &str, start: usize) -> Result<String, Fault> {
    let wrong = |at: usize| Fault::Json {
        what: "Invalid escape character in string.",
        at: start + at,
    };
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        if character != '\\' {
            plain.push(character);
            continue;
        }
        let (_, escape) = characters.next().ok_or_else(|| wrong(at))?;
        plain.push(match escape {
            '"' | '\\' | '/' => escape,
            'b' => '\u{8}',
            'f' => '\u{c}',
            'n' => '\n',
            'r' => '\r',
            't' => '\t',
            'u' => unicode(&mut characters).ok_or_else(|| wrong(at))?,
            _ => return Err(wrong(at)),
        });
    }
    Ok(plain)
}

/// The character that four digits name, or two times four where it has two halves.
fn unicode(characters: &mut std::str::CharIndices<'_>) -> Option<char> {
    let mut unit = || {
        let mut value = 0;
        for _ in 0..4 {
            let (_, digit) = characters.next()?;
            value = value * 16 + digit.to_digit(16)?;
        }
        Some(value)
    };
    let first = unit()?;
    if !(0xd800..0xdc00).contains(&first) {
        return char::from_u32(first);
    }
    if (characters.next()?.1, characters.next()?.1) != ('\\', 'u') {
        return None;
    }
    let mut value = 0;
    for _ in 0..4 {
        value = value * 16 + characters.next()?.1.to_digit(16)?;
    }
    if !(0xdc00..0xe000).contains(&value) {
        return None;
    }
    char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (value - 0xdc00))
}

#[cfg(test)]
mod tests;
