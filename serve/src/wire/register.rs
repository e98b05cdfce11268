//! A request to register shared memory: a few members of one object.

use base64ct::{Base64, Encoding};

use super::cursor::{Cursor, Kind};
use super::fault::Fault;
use super::members::{expect, text, unsigned};
use crate::shared_memory::{CudaRegistration, Registration};

/// Reads what the region of this name is to be.
pub(crate) fn read_registration(body: &[u8], name: &str) -> Result<Registration, Fault> {
    let (mut key, mut offset, mut byte_size) = (None, 0, None);
    members(body, &mut |cursor, name| {
        match name {
            "key" => key = Some(text(cursor, "key")?.as_ref().into()),
            "offset" => offset = unsigned(cursor, "offset")?,
            "byte_size" => byte_size = Some(unsigned(cursor, "byte_size")?),
            _ => {
                cursor.skip()?;
            }
        }
        Ok(())
    })?;
    Ok(Registration {
        name: name.into(),
        key: key.ok_or(unregistered("key"))?,
        offset,
        byte_size: byte_size.ok_or(unregistered("byte_size"))?,
    })
}

/// Reads what the region of this name is to be, on a CUDA device.
pub(crate) fn read_cuda_registration(body: &[u8], name: &str) -> Result<CudaRegistration, Fault> {
    let (mut handle, mut device, mut byte_size) = (None, None, None);
    members(body, &mut |cursor, name| {
        match name {
            "raw_handle" => {
                expect(cursor, Kind::Object, ("raw_handle", "object"))?;
                cursor.object(&mut |cursor, name| {
                    if name == "b64" {
                        let text = text(cursor, "b64")?;
                        // What is no base64 is no handle either, and is told so.
                        handle = Some(Base64::decode_vec(&text).unwrap_or_default());
                        return Ok(());
                    }
                    cursor.skip().map(drop)
                })?;
            }
            "device_id" => device = Some(unsigned(cursor, "device_id")?),
            "byte_size" => byte_size = Some(unsigned(cursor, "byte_size")?),
            _ => {
                cursor.skip()?;
            }
        }
        Ok(())
    })?;
    let device = device.ok_or(unregistered("device_id"));
    Ok(CudaRegistration {
        name: name.into(),
        handle: handle.ok_or(unregistered("raw_handle"))?,
        device: i64::try_from(device?).unwrap_or(i64::MAX),
        byte_size: byte_size.ok_or(unregistered("byte_size"))?,
    })
}

fn members(
    body: &[u8],
    member: &mut dyn FnMut(&mut Cursor<'_>, &str) -> Result<(), Fault>,
) -> Result<(), Fault> {
    let mut cursor = Cursor::new(body);
    if cursor.kind()? != Kind::Object {
        return Err(cursor.wrong("the request is no object"));
    }
    cursor.object(&mut |cursor, name| member(cursor, &name))?;
    cursor.end()
}

const fn unregistered(member: &'static str) -> Fault {
    Fault::Register { member }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_or_wrong_is_said() {
        let check = |json: &str, expected: Result<(&str, u64, u64), &str>| {
            let read = read_registration(json.as_bytes(), "r");
            let read = read.map_err(|fault| fault.to_string());
            let read = read
                .as_ref()
                .map(|it| (it.key.as_ref(), it.offset, it.byte_size));
            assert_eq!(read.map_err(String::as_str), expected);
        };
        check(
            r#"{"byte_size":64,"key":"/k","other":[1]}"#,
            Ok(("/k", 0, 64)),
        );
        check(
            r#"{"key":"/k","offset":9223372036854775808,"byte_size":18446744073709551615}"#,
            Ok(("/k", 1 << 63, u64::MAX)),
        );
        check(
            r#"{"byte_size":64}"#,
            Err("Shared memory register request has no 'key' field"),
        );
        check(
            r#"{"key":"/k"}"#,
            Err("Shared memory register request has no 'byte_size' field"),
        );
        let negative = "Unable to parse 'byte_size': attempt to access JSON non-unsigned-integer as unsigned-integer";
        check(r#"{"key":"/k","byte_size":-1}"#, Err(negative));
        check(
            r#"{"key":"/k","byte_size":18446744073709551616}"#,
            Err(negative),
        );
        check(
            "",
            Err("failed to parse the request JSON buffer: The document is empty. at 0"),
        );
    }
}
