//! Runners for tests: one that gives back what it gets, one that adds, and one that fails on request.

use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use nav_package_format::{DType, Device, Format, Shape, Signature, TensorSpec};
use nav_runners::input::check_inputs;
use nav_runners::{
    Libraries, LoadError, LoadOptions, Loaded, ModelFile, Outputs, Probe, RunError, Runner,
    Session, Staged, Tensor, TensorDesc,
};
use nav_worker::child::{self, ChildError};
use nav_worker::parent::{INHERITED_ENVIRONMENT, SET_ENVIRONMENT};

/// What the child of the tests serves.
pub(crate) const RUNNERS: &[&dyn Runner] = &[IDENTITY, ADD, FAULTY];

/// Gives back each of its 14 optional inputs, one for each element type.
pub(crate) const IDENTITY: &dyn Runner = &TestRunner {
    name: "Identity",
    signature: || {
        let of_type = |&dtype: &DType| spec(dtype.name(), dtype, true);
        let all: Vec<_> = DType::ALL.iter().map(of_type).collect();
        signature(all.clone(), all)
    },
    run: |_, inputs| Ok(inputs.to_vec()),
};

/// Adds two tensors.
pub(crate) const ADD: &dyn Runner = &TestRunner {
    name: "Add",
    signature: || {
        let inputs = ["a", "b"].map(|name| spec(name, DType::Fp32, false));
        signature(inputs.into(), vec![spec("y", DType::Fp32, false)])
    },
    run: |_, inputs| {
        let [a, b] = inputs else { unreachable!() };
        let numbers = |tensor: &Tensor| -> Vec<f32> {
            let chunks = tensor.bytes.as_chunks::<4>().0;
            chunks.iter().copied().map(f32::from_le_bytes).collect()
        };
        let sums = numbers(a).into_iter().zip(numbers(b)).map(|(a, b)| a + b);
        let bytes = sums.flat_map(f32::to_le_bytes).collect();
        let desc = a.desc.clone();
        Ok(vec![Tensor { desc, bytes }])
    },
};

/// Does what its one number says; see [`Fault`].
pub(crate) const FAULTY: &dyn Runner = &TestRunner {
    name: "Faulty",
    signature: || {
        let number = |name| vec![spec(name, DType::Int64, false)];
        signature(number("x"), number("y"))
    },
    run: |path, inputs| {
        let [x] = inputs else { unreachable!() };
        let number = i64::from_le_bytes(x.bytes[..].try_into().unwrap());
        let y = |number: i64| Tensor {
            desc: x.desc.clone(),
            bytes: Bytes::copy_from_slice(&number.to_le_bytes()),
        };
        match Fault::ALL.iter().find(|fault| **fault as i64 == number) {
            None => Ok(vec![y(number)]),
            Some(Fault::ProcessId) => Ok(vec![y(std::process::id().into())]),
            Some(Fault::CountVariables) => {
                let set = SET_ENVIRONMENT.iter().map(|(name, _)| *name);
                let documented: Vec<&str> =
                    INHERITED_ENVIRONMENT.iter().copied().chain(set).collect();
                let known = |name: &std::ffi::OsStr| documented.iter().any(|&it| name == it);
                let foreign = std::env::vars_os().filter(|(name, _)| !known(name));
                Ok(vec![y(foreign.count().try_into().unwrap())])
            }
            Some(Fault::LieAboutSize) => {
                let mut output = y(0);
                output.desc.byte_size = 7;
                Ok(vec![output])
            }
            Some(Fault::Fail) => Err(RunError::DType {
                runner: "Faulty".to_owned(),
                tensor: "y".to_owned(),
                dtype: DType::Bf16,
            }),
            Some(Fault::FailAtLength) => Err(RunError::Runtime {
                runner: "Faulty".to_owned(),
                reason: "x".repeat(1 << 20),
            }),
            Some(Fault::Panic) => panic!("as it was told to"),
            Some(Fault::Abort) => {
                eprintln!("one line\nterminate called after throwing");
                std::process::abort()
            }
            Some(Fault::Exit) => exit(3),
            Some(Fault::Hang) => hang(path),
        }
    },
};

/// What [`FAULTY`] does for the number of each of these. Any other number it gives back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    ProcessId = 1000,
    /// Those that a child should not have.
    CountVariables,
    LieAboutSize,
    Fail,
    FailAtLength,
    Panic,
    Abort,
    Exit,
    Hang,
}

impl Fault {
    const ALL: &'static [Self] = &[
        Self::ProcessId,
        Self::CountVariables,
        Self::LieAboutSize,
        Self::Fail,
        Self::FailAtLength,
        Self::Panic,
        Self::Abort,
        Self::Exit,
        Self::Hang,
    ];
}

/// The body of the child.
pub(crate) fn serve() {
    match child::run(RUNNERS) {
        // Somebody ran the ignored tests.
        Err(ChildError::NotAWorker) => {}
        served => served.unwrap(),
    }
}

#[expect(clippy::disallowed_methods, reason = "what a vendor's library may do")]
#[expect(clippy::exit, reason = "what a vendor's library may do")]
fn exit(code: i32) -> ! {
    std::process::exit(code)
}

/// Tells whoever listens at the model's path that it is there, and stays.
fn hang(path: &Path) -> ! {
    let _told = UnixStream::connect(path);
    loop {
        std::thread::park();
    }
}

type Run = fn(&Path, &[Tensor]) -> Result<Vec<Tensor>, RunError>;

#[derive(Debug)]
struct TestRunner {
    name: &'static str,
    signature: fn() -> Signature,
    run: Run,
}

#[derive(Debug)]
struct TestModel {
    path: PathBuf,
    signature: Signature,
    run: Run,
}

#[derive(Debug)]
struct TestSession {
    model: Arc<TestModel>,
    staged: Vec<(TensorDesc, Vec<u8>)>,
}

impl Runner for TestRunner {
    fn name(&self) -> &'static str {
        self.name
    }

    fn formats(&self) -> &'static [Format] {
        &[Format::Onnx]
    }

    fn probe(&self, _: &Libraries) -> Probe {
        Probe::Ready {
            version: "1.2.3".to_owned(),
            library: None,
            devices: vec![Device::Cpu],
        }
    }

    /// The model's file name says how loading goes.
    fn load(&self, model: &ModelFile, _: &LoadOptions) -> Result<Arc<dyn Loaded>, LoadError> {
        match model.path.file_name().and_then(|name| name.to_str()) {
            Some("refused") => Err(LoadError::Format {
                runner: self.name.to_owned(),
                format: model.format,
            }),
            Some("refused-at-length") => Err(LoadError::Unreadable {
                path: model.path.clone(),
                reason: "x".repeat(1 << 20),
            }),
            Some("hangs") => hang(&model.path),
            Some("panics") => panic!("at loading"),
            Some("aborts") => std::process::abort(),
            Some("goes") if !model.path.exists() => Err(LoadError::Unreadable {
                path: model.path.clone(),
                reason: "it is gone".to_owned(),
            }),
            _ => Ok(Arc::new(TestModel {
                path: model.path.clone(),
                signature: (self.signature)(),
                run: self.run,
            })),
        }
    }
}

impl Loaded for TestModel {
    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn session(self: Arc<Self>) -> Result<Box<dyn Session>, LoadError> {
        if self.path.ends_with("without-sessions") {
            return Err(LoadError::Setting {
                runner: "Identity".to_owned(),
                setting: "arena".to_owned(),
                reason: "none today".to_owned(),
            });
        }
        let staged = Vec::new();
        Ok(Box::new(TestSession {
            model: self,
            staged,
        }))
    }
}

impl Session for TestSession {
    fn stage(&mut self, inputs: &[TensorDesc]) -> Result<Staged<'_>, RunError> {
        check_inputs(&self.model.signature, inputs)?;
        let memory = |desc: &TensorDesc| (desc.clone(), vec![0; desc.byte_size]);
        self.staged = inputs.iter().map(memory).collect();
        Ok(self
            .staged
            .iter_mut()
            .map(|(_, bytes)| &mut bytes[..])
            .collect())
    }

    fn run(&mut self) -> Result<Outputs, RunError> {
        let tensor = |(desc, bytes): &(TensorDesc, Vec<u8>)| Tensor {
            desc: desc.clone(),
            bytes: Bytes::copy_from_slice(bytes),
        };
        let inputs: Vec<_> = self.staged.iter().map(tensor).collect();
        Ok((self.model.run)(&self.model.path, &inputs)?.into())
    }
}

fn signature(inputs: Vec<TensorSpec>, outputs: Vec<TensorSpec>) -> Signature {
    Signature { inputs, outputs }
}

fn spec(name: &str, dtype: DType, optional: bool) -> TensorSpec {
    TensorSpec {
        name: name.to_owned(),
        dtype,
        dims: None,
        optional,
    }
}

/// A tensor with these bytes.
pub(crate) fn tensor(index: usize, dtype: DType, shape: &[usize], bytes: Vec<u8>) -> Tensor {
    let desc = TensorDesc {
        index,
        dtype,
        shape: Shape::from(shape),
        byte_size: bytes.len(),
    };
    let bytes = Bytes::from(bytes);
    Tensor { desc, bytes }
}
