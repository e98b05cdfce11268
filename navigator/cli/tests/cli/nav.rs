//! Running `nav` in a folder of its own, with a cache of its own and nothing of the caller's environment.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nav_package_format::onnx::build::{dims, node, tensor};
use nav_package_format::onnx::proto::{GraphProto, ModelProto};
use nav_package_format::{DType, Dim};
use tempfile::TempDir;

/// A place to run `nav` in.
pub(crate) struct Place {
    folder: TempDir,
}

/// How a run of `nav` ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// The exit code.
    pub(crate) code: i32,
    /// The data.
    pub(crate) stdout: String,
    /// The talk.
    pub(crate) stderr: String,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The cache folder of this place.
    pub(crate) fn cache(&self) -> PathBuf {
        self.path("cache")
    }

    /// Writes a file and gives its path.
    pub(crate) fn write(&self, name: &str, content: &[u8]) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, content).unwrap();
        path
    }

    /// `nav` with these arguments, not yet run.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_nav"));
        command
            .args(arguments)
            .current_dir(self.folder.path())
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("NAV_CACHE_FOLDER", self.cache())
            .env("NAV_OFFLINE", "1");
        command
    }

    /// Runs `nav`.
    pub(crate) fn nav(&self, arguments: &[&str]) -> Ended {
        Ended::of(&self.command(arguments).output().unwrap())
    }

    /// A model that doubles: `y = x + x`, with a batch axis.
    pub(crate) fn doubling_model(&self) -> PathBuf {
        let model = doubling(&dims("batch,2"));
        self.write("double.onnx", &model.to_bytes())
    }
}

/// `y = x + x` over this shape, and a constant so that there is a parameter.
pub(crate) fn doubling(shape: &[Dim]) -> ModelProto {
    GraphProto::named("double")
        .takes("x", DType::Fp32, shape)
        .holds(tensor("two", &[1], &[2.0_f32]))
        .with(node("Mul", &["x", "two"], &["y"]))
        .gives("y", DType::Fp32, shape)
        .into_model()
}

impl Ended {
    pub(crate) fn of(output: &Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    /// The data as JSON.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap()
    }

    /// Asserts the exit code and what the talk must hold.
    #[track_caller]
    pub(crate) fn expect(self, code: i32, said: &[&str]) -> Self {
        assert_eq!(self.code, code, "{self:?}");
        for text in said {
            assert!(
                self.stderr.contains(text),
                "`{text}` is not in {}",
                self.stderr
            );
        }
        self
    }
}

/// Where ONNX Runtime is installed for this user, as `--library` wants it: tests run in places of their own.
#[expect(
    clippy::disallowed_methods,
    reason = "only the environment knows where the user's runtimes are"
)]
#[expect(
    clippy::print_stderr,
    reason = "a test that was not run is said, not hidden"
)]
pub(crate) fn onnxruntime() -> Option<String> {
    let folder = |name: &str| std::env::var_os(name).map(PathBuf::from);
    let cache = folder("NAV_CACHE_FOLDER")
        .or_else(|| Some(folder("XDG_CACHE_HOME")?.join("nav")))
        .or_else(|| Some(folder("HOME")?.join(".cache/nav")))?;
    let runtime = nav_runners::VendorRuntime::Onnxruntime;
    let installed = cache
        .join("runtimes")
        .join(runtime.folder_name())
        .join("lib");
    let library = installed.join(runtime.main_library());
    let required = std::env::var("NAV_REQUIRE_RUNNERS").unwrap_or_default();
    assert!(
        library.is_file() || !required.contains("OnnxCPU"),
        "ONNX Runtime is not installed, and should be"
    );
    if !library.is_file() {
        eprintln!("not run: ONNX Runtime is not installed");
        return None;
    }
    Some(format!("onnxruntime={}", library.display()))
}

/// The names of what is in a folder; nothing when there is no folder.
pub(crate) fn listing(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<String> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}
