//! The literal in an array's header, read strictly: the three keys, each once, in any order.
//!
//! Only what NumPy writes is accepted; there are no escapes, no comments and no nesting, so no input can
//! make it recurse.

use super::error::HeaderError;

const DESCR: &str = "descr";
const FORTRAN_ORDER: &str = "fortran_order";
const SHAPE: &str = "shape";

/// What an array's header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Literal {
    /// The element type; `None` when it is a list of fields.
    pub(super) descr: Option<String>,
    /// Whether the first index runs fastest.
    pub(super) fortran_order: bool,
    /// The extents.
    pub(super) shape: Vec<u64>,
}

/// Reads the header's text, from its first brace to its last byte.
pub(super) fn parse(text: &[u8]) -> Result<Literal, HeaderError> {
    let mut cursor = Cursor { text, position: 0 };
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    cursor.skip_space();
    cursor.expect(b'{', "`{`")?;
    loop {
        cursor.skip_space();
        if cursor.accept(b'}') {
            break;
        }
        let key = cursor.string()?;
        cursor.skip_space();
        cursor.expect(b':', "`:`")?;
        cursor.skip_space();
        match key.as_str() {
            DESCR => {
                if !matches!(cursor.peek(), Some(b'\'' | b'"')) {
                    // A list of fields. Nothing after it matters, for it is not supported.
                    cursor.expect(b'[', "an element type")?;
                    return Ok(Literal {
                        descr: None,
                        fortran_order: false,
                        shape: Vec::new(),
                    });
                }
                set(&mut descr, DESCR, cursor.string()?)?;
            }
            FORTRAN_ORDER => set(&mut fortran_order, FORTRAN_ORDER, cursor.boolean()?)?,
            SHAPE => set(&mut shape, SHAPE, cursor.tuple()?)?,
            _ => return Err(HeaderError::UnknownKey { key }),
        }
        cursor.skip_space();
        if !cursor.accept(b',') {
            cursor.expect(b'}', "`,` or `}`")?;
            break;
        }
    }
    cursor.skip_space();
    if cursor.peek().is_some() {
        return Err(cursor.syntax("only padding"));
    }
    let missing = |key| HeaderError::MissingKey { key };
    Ok(Literal {
        descr: Some(descr.ok_or(missing(DESCR))?),
        fortran_order: fortran_order.ok_or(missing(FORTRAN_ORDER))?,
        shape: shape.ok_or(missing(SHAPE))?,
    })
}

fn set<T>(slot: &mut Option<T>, key: &'static str, value: T) -> Result<(), HeaderError> {
    match slot.replace(value) {
        Some(_) => Err(HeaderError::DuplicateKey { key }),
        None => Ok(()),
    }
}

struct Cursor<'a> {
    text: &'a [u8],
    position: usize,
}

impl Cursor<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.position).copied()
    }

    fn accept(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.position += usize::from(found);
        found
    }

    fn expect(&mut self, byte: u8, expected: &'static str) -> Result<(), HeaderError> {
        if self.accept(byte) {
            Ok(())
        } else {
            Err(self.syntax(expected))
        }
    }

    fn syntax(&self, expected: &'static str) -> HeaderError {
        HeaderError::Syntax {
            expected,
            position: self.position,
        }
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n')) {
            self.position += 1;
        }
    }

    /// A quoted string of plain characters. A backslash is none, so what is read is what was meant.
    fn string(&mut self) -> Result<String, HeaderError> {
        let quote = self.peek().filter(|byte| matches!(byte, b'\'' | b'"'));
        let quote = quote.ok_or_else(|| self.syntax("a quoted string"))?;
        self.position += 1;
        let mut string = String::new();
        loop {
            match self.peek() {
                Some(byte) if byte == quote => break,
                Some(byte @ b' '..=b'~') if byte != b'\\' => string.push(char::from(byte)),
                _ => return Err(self.syntax("a plain character or the closing quote")),
            }
            self.position += 1;
        }
        self.position += 1;
        Ok(string)
    }

    fn boolean(&mut self) -> Result<bool, HeaderError> {
        for (word, value) in [(&b"True"[..], true), (b"False", false)] {
            if self
                .text
                .get(self.position..)
                .is_some_and(|rest| rest.starts_with(word))
            {
                self.position += word.len();
                return Ok(value);
            }
        }
        Err(self.syntax("True or False"))
    }

    fn tuple(&mut self) -> Result<Vec<u64>, HeaderError> {
        self.expect(b'(', "`(`")?;
        let mut extents = Vec::new();
        loop {
            self.skip_space();
            if self.accept(b')') {
                return Ok(extents);
            }
            extents.push(self.number()?);
            self.skip_space();
            if !self.accept(b',') {
                // Without its comma, `(3)` is a number in Python.
                if extents.len() == 1 {
                    return Err(self.syntax("`,`"));
                }
                self.expect(b')', "`,` or `)`")?;
                return Ok(extents);
            }
        }
    }

    fn number(&mut self) -> Result<u64, HeaderError> {
        const EXPECTED: &str = "an extent of at most 64 bits";
        let mut number = None;
        while let Some(digit @ b'0'..=b'9') = self.peek() {
            let next = number.unwrap_or(0_u64).checked_mul(10);
            let next = next.and_then(|tens| tens.checked_add(u64::from(digit - b'0')));
            number = Some(next.ok_or_else(|| self.syntax(EXPECTED))?);
            self.position += 1;
        }
        let number = number.ok_or_else(|| self.syntax(EXPECTED))?;
        // Python 2 marked long numbers.
        self.accept(b'L');
        Ok(number)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_numpy_writes_is_read() {
        let check = |text: &str, descr: &str, fortran_order, shape: &[u64]| {
            let expected = Literal {
                descr: Some(descr.to_owned()),
                fortran_order,
                shape: shape.to_vec(),
            };
            assert_eq!(parse(text.as_bytes()), Ok(expected), "{text}");
        };
        check(
            "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }   \n",
            "<f4",
            false,
            &[2, 3],
        );
        check(
            "{'descr': '|b1', 'fortran_order': True, 'shape': (), }\n",
            "|b1",
            true,
            &[],
        );
        check(
            "{\"shape\":(3L,),\"fortran_order\":False,\"descr\":\">i8\"}",
            ">i8",
            false,
            &[3],
        );
        check(
            "{'descr': '<i8', 'fortran_order': False, 'shape': (18446744073709551615,)}",
            "<i8",
            false,
            &[u64::MAX],
        );
    }

    #[test]
    fn fields_are_told_apart_before_anything_else() {
        let text = b"{'descr': [('a', '|O')], 'fortran_order': False, 'shape': (1,), }\n";
        assert_eq!(parse(text).unwrap().descr, None);
    }

    #[test]
    fn everything_else_is_refused_and_said_where() {
        let check = |text: &str, expected: &str| {
            let error = parse(text.as_bytes()).unwrap_err();
            assert_eq!(error.to_string(), expected, "{text}");
        };
        check("", "expected `{` at byte 0");
        check("{", "expected a quoted string at byte 1");
        check("{}", "the key `descr` is missing");
        check(
            "{'descr': '<f4', 'shape': ()}",
            "the key `fortran_order` is missing",
        );
        check("{'shape': (), 'shape': ()}", "the key `shape` stands twice");
        check("{'eval': '1'}", "the key `eval` has no meaning");
        check("{'shape': (3)}", "expected `,` at byte 12");
        check(
            "{'shape': (-1,)}",
            "expected an extent of at most 64 bits at byte 11",
        );
        check(
            "{'shape': (18446744073709551616,)}",
            "expected an extent of at most 64 bits at byte 30",
        );
        check("{'fortran_order': 0}", "expected True or False at byte 18");
        check(
            "{'descr': '\\x3cf4'}",
            "expected a plain character or the closing quote at byte 11",
        );
        check(
            "{'descr': ('<f4', (2,))}",
            "expected an element type at byte 10",
        );
        check(
            "{'descr': '<f4', 'fortran_order': False, 'shape': ()} #",
            "expected only padding at byte 54",
        );
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in prop::collection::vec(any::<u8>(), 0..80)) {
            drop(parse(&text));
        }

        #[test]
        fn no_text_that_looks_like_a_header_makes_it_panic(text in "[{}()\\[\\]',: 0-9A-Zdescrfotanh_\\\\]{0,80}") {
            drop(parse(text.as_bytes()));
        }
    }
}
