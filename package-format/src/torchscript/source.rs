//! Reads text out of an archive: the name of the model's class and the head of its `forward`.
//!
//! Looks at characters only. Where they are not as expected, the answer is that nothing is known.

/// How much of a pickle is looked at, and of a file of code.
pub(super) const PICKLE_HEAD: u64 = 1 << 10;
pub(super) const CODE_HEAD: u64 = 1 << 20;
/// The longest head of a function that is given out.
const LONGEST_HEAD: usize = 16 << 10;

/// A class of the archive's code.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ClassName {
    module: String,
    name: String,
}

impl ClassName {
    /// The class of the model: the first that the pickle names, as text, right after its version mark.
    pub(super) fn of_pickle(head: &[u8]) -> Option<Self> {
        let text = head.strip_prefix(b"\x80\x02c")?;
        let mut lines = text.split(|&byte| byte == b'\n');
        let mut line = || identifier(lines.next()?);
        let (module, name) = (line()?, line()?);
        let ours = module == "__torch__" || module.starts_with("__torch__.");
        ours.then_some(Self { module, name })
    }

    /// Where its code is, below the archive's root.
    pub(super) fn code_path(&self) -> String {
        format!("code/{}.py", self.module.replace('.', "/"))
    }

    /// Its full name.
    pub(super) fn full_name(&self) -> String {
        format!("{}.{}", self.module, self.name)
    }

    /// The head of its `forward` in this code, on one line.
    pub(super) fn forward(&self, code: &str) -> Option<String> {
        let (_, class) = code.split_once(&format!("class {}(", self.name))?;
        let (class, _) = class.split_once("\nclass ").unwrap_or((class, ""));
        let (_, function) = class.split_once("  def forward(")?;
        let (head, _) = function.split_once(":\n")?;
        if head.len() > LONGEST_HEAD {
            return None;
        }
        let words: Vec<&str> = head.split_whitespace().collect();
        Some(format!("forward({}", words.join(" ")))
    }
}

fn identifier(bytes: &[u8]) -> Option<String> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.');
    let plain = !bytes.is_empty() && bytes.iter().all(allowed);
    let text = plain.then(|| std::str::from_utf8(bytes).ok())??;
    // Two dots would make a path that leads upward.
    (!text.contains("..")).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_class_is_the_first_that_the_pickle_names() {
        let check = |pickle: &[u8], expected: Option<&str>| {
            let found = ClassName::of_pickle(pickle).map(|class| class.code_path());
            assert_eq!(found.as_deref(), expected);
        };
        check(b"\x80\x02c__torch__\nNet\nq\x00", Some("code/__torch__.py"));
        let nested = b"\x80\x02c__torch__.a.___torch_mangle_3\nNet\nq";
        check(nested, Some("code/__torch__/a/___torch_mangle_3.py"));
        check(b"\x80\x02cos\nsystem\nq", None);
        check(b"\x80\x02c__torch__\n../Net\nq", None);
        check(b"\x80\x02c__torch__...\nNet\n", None);
        check(b"\x80\x02c__torch__", None);
        check(b"", None);
    }

    #[test]
    fn the_head_of_forward_is_that_of_the_right_class() {
        let class = ClassName {
            module: "__torch__".to_owned(),
            name: "Net".to_owned(),
        };
        let code = "class Other(Module):\n  def forward(self: Other) -> Tensor:\n    pass\n\
            class Net(Module):\n  w : Tensor\n  def forward(self: Net,\n    x: Tensor) -> Tensor:\n    return x\n\
            class Last(Module):\n  def forward(self: Last) -> int:\n    pass\n";
        let forward = class.forward(code);
        let expected = "forward(self: Net, x: Tensor) -> Tensor";
        assert_eq!(forward.as_deref(), Some(expected));
        assert_eq!(class.forward("class Net(Module):\n  pass\n"), None);
    }
}
