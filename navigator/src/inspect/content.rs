//! What a file is by its first bytes. Says nothing about whether the rest of it is sound.

use nav_package_format::Format;

/// How many bytes are looked at.
pub(super) const HEAD: usize = 16;

/// What the first bytes promise.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Content {
    /// A supported kind of model. ONNX has no mark of its own: this is what remains.
    Model(Format),
    /// Something known that is not supported.
    Other(&'static str),
}

/// Marks of other files, and where they stand.
const OTHERS: &[(usize, &[u8], &str)] = &[
    (0, b"\x89HDF", "an HDF5 file"),
    (0, b"GGUF", "a GGUF file"),
    (0, b"\x1f\x8b", "a gzip archive"),
    (0, b"\x7fELF", "a program or library"),
    (0, b"\x93NUMPY", "a NumPy array"),
    (4, b"TFL3", "a TensorFlow Lite model"),
    (4, b"ORTM", "a model in ONNX Runtime's own format"),
    (8, b"{\"", "a safetensors file: weights without a model"),
];

/// Tells a file by its first bytes.
pub(super) fn of_head(head: &[u8]) -> Content {
    // Pickles are left to the TorchScript side, which knows what to say about them.
    if matches!(head, [b'P', b'K', 3, 4, ..] | [0x80, 2..=5, ..]) {
        return Content::Model(Format::TorchScript);
    }
    if head.starts_with(b"ftrt") || head.starts_with(b"ptrt") {
        return Content::Model(Format::TensorRt);
    }
    let marked = |(at, mark, _): &&(usize, &[u8], _)| {
        let end = at + mark.len();
        head.get(*at..end) == Some(mark)
    };
    match OTHERS.iter().find(marked) {
        Some((_, _, kind)) => Content::Other(kind),
        None => Content::Model(Format::Onnx),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_told_by_its_mark() {
        let check = |head: &[u8], expected| assert_eq!(of_head(head), expected);
        check(b"PK\x03\x04....", Content::Model(Format::TorchScript));
        check(b"\x80\x02}q", Content::Model(Format::TorchScript));
        check(b"\x08\x0a\x12\x07pytorch", Content::Model(Format::Onnx));
        check(b"", Content::Model(Format::Onnx));
        check(b"ftrt\0\0", Content::Model(Format::TensorRt));
        check(b"\x1c\0\0\0TFL3", Content::Other("a TensorFlow Lite model"));
        check(
            b"\x40\0\0\0\0\0\0\0{\"w\":",
            Content::Other("a safetensors file: weights without a model"),
        );
    }
}
