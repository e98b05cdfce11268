//! Builds zip archives byte by byte, so that each can lie in its own way.

/// An entry, with all that its two headers say apart.
#[derive(Clone, Debug)]
pub(super) struct Zip {
    pub(super) content: Vec<u8>,
    pub(super) local: Header,
    pub(super) central: Header,
    pub(super) attributes: u32,
    pub(super) disk: u16,
    pub(super) comment: Vec<u8>,
    /// What comes after the content.
    pub(super) after: Vec<u8>,
    /// Where the directory says that it is; none for where it is.
    pub(super) offset: Option<u32>,
}

#[derive(Clone, Debug)]
pub(super) struct Header {
    pub(super) name: Vec<u8>,
    pub(super) flags: u16,
    pub(super) method: u16,
    pub(super) time: u32,
    pub(super) crc: u32,
    pub(super) packed: u32,
    pub(super) bytes: u32,
    pub(super) extra: Vec<u8>,
}

impl Zip {
    /// A stored file about which nothing is wrong.
    pub(super) fn file(name: &str, content: &[u8]) -> Self {
        Self::packed(name, content, content, 0)
    }

    /// A deflated one.
    pub(super) fn deflated(name: &str, content: &[u8]) -> Self {
        use std::io::Write;
        let level = flate2::Compression::best();
        let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), level);
        encoder.write_all(content).unwrap();
        Self::packed(name, content, &encoder.finish().unwrap(), 8)
    }

    fn packed(name: &str, content: &[u8], packed: &[u8], method: u16) -> Self {
        let header = Header {
            name: name.as_bytes().to_vec(),
            flags: if name.is_ascii() { 0 } else { 0x800 },
            method,
            time: 0x21_0000,
            crc: crc32fast::hash(content),
            packed: u32::try_from(packed.len()).unwrap(),
            bytes: u32::try_from(content.len()).unwrap(),
            extra: Vec::new(),
        };
        Self {
            content: packed.to_vec(),
            local: header.clone(),
            central: header,
            attributes: 0o100_644 << 16,
            disk: 0,
            comment: Vec::new(),
            after: Vec::new(),
            offset: None,
        }
    }

    /// With a change to both headers.
    pub(super) fn both(mut self, change: impl Fn(&mut Header)) -> Self {
        change(&mut self.local);
        change(&mut self.central);
        self
    }

    /// With a change.
    pub(super) fn with(mut self, change: impl Fn(&mut Self)) -> Self {
        change(&mut self);
        self
    }
}

impl Header {
    fn put(&self, target: &mut Vec<u8>) {
        target.extend([20, 0]);
        target.extend(self.flags.to_le_bytes());
        target.extend(self.method.to_le_bytes());
        target.extend(self.time.to_le_bytes());
        target.extend(self.crc.to_le_bytes());
        target.extend(self.packed.to_le_bytes());
        target.extend(self.bytes.to_le_bytes());
        target.extend(narrow(self.name.len()));
        target.extend(narrow(self.extra.len()));
    }
}

/// The numbers at the end of an archive.
#[derive(Clone, Copy, Debug)]
pub(super) struct End {
    pub(super) entries: u16,
    pub(super) bytes: u32,
    pub(super) offset: u32,
}

/// An archive of these entries.
pub(super) fn zip(entries: &[Zip]) -> Vec<u8> {
    zip_with(entries, |_| {})
}

/// One whose end says something else.
pub(super) fn zip_with(entries: &[Zip], change: impl Fn(&mut End)) -> Vec<u8> {
    let (body, directory) = parts(entries);
    let mut end = End {
        entries: u16::try_from(entries.len()).unwrap(),
        bytes: u32::try_from(directory.len()).unwrap(),
        offset: u32::try_from(body.len()).unwrap(),
    };
    change(&mut end);
    let mut bytes = body;
    bytes.extend(directory);
    put_end(&mut bytes, end);
    bytes
}

/// One with a wide end: its numbers of entries, bytes and offset, and where it is said to be.
pub(super) fn zip_wide(entries: &[Zip], change: impl Fn(&mut [u64; 4])) -> Vec<u8> {
    let (body, directory) = parts(entries);
    let mut numbers = [entries.len(), directory.len(), body.len(), 0];
    numbers[3] = body.len() + directory.len();
    let mut numbers = numbers.map(|number| number as u64);
    change(&mut numbers);
    let mut bytes = body;
    bytes.extend(directory);
    bytes.extend(b"PK\x06\x06");
    bytes.extend(44_u64.to_le_bytes());
    bytes.extend([45, 3, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    for number in [numbers[0], numbers[0], numbers[1], numbers[2]] {
        bytes.extend(number.to_le_bytes());
    }
    bytes.extend(b"PK\x06\x07\0\0\0\0");
    bytes.extend(numbers[3].to_le_bytes());
    bytes.extend([1, 0, 0, 0]);
    let unknown = End {
        entries: u16::MAX,
        bytes: u32::MAX,
        offset: u32::MAX,
    };
    put_end(&mut bytes, unknown);
    bytes
}

fn parts(entries: &[Zip]) -> (Vec<u8>, Vec<u8>) {
    let (mut body, mut directory) = (Vec::new(), Vec::new());
    for entry in entries {
        let offset = u32::try_from(body.len()).unwrap();
        let offset = entry.offset.unwrap_or(offset);
        body.extend(b"PK\x03\x04");
        entry.local.put(&mut body);
        body.extend(&entry.local.name);
        body.extend(&entry.local.extra);
        body.extend(&entry.content);
        body.extend(&entry.after);
        directory.extend(b"PK\x01\x02\x14\x03");
        entry.central.put(&mut directory);
        directory.extend(narrow(entry.comment.len()));
        directory.extend(entry.disk.to_le_bytes());
        directory.extend([0; 2]);
        directory.extend(entry.attributes.to_le_bytes());
        directory.extend(offset.to_le_bytes());
        directory.extend(&entry.central.name);
        directory.extend(&entry.central.extra);
        directory.extend(&entry.comment);
    }
    (body, directory)
}

fn put_end(bytes: &mut Vec<u8>, end: End) {
    bytes.extend(b"PK\x05\x06\0\0\0\0");
    bytes.extend(end.entries.to_le_bytes());
    bytes.extend(end.entries.to_le_bytes());
    bytes.extend(end.bytes.to_le_bytes());
    bytes.extend(end.offset.to_le_bytes());
    bytes.extend([0; 2]);
}

fn narrow(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap().to_le_bytes()
}
