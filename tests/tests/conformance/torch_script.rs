//! The suites' graphs as TorchScript, for runners that read no ONNX: the code of a module with the same inputs, outputs and
//! constants. Knows the operators that suites use; any other is called by its own name, which libtorch then refuses.

use std::collections::BTreeMap;
use std::path::Path;

use nav_package_format::archive::ArchiveWriter;
use nav_package_format::onnx::ElementType;
use nav_package_format::onnx::proto::{
    AttributeProto, GraphProto, NodeProto, TensorProto, ValueInfoProto, type_proto,
};
use nav_package_format::{DType, TensorData};

use crate::case::Failure;

/// A pickle of an object of the class `__torch__.Model` without weights, and one of no constants.
const OBJECT: &[u8] =
    b"\x80\x02c__torch__\nModel\nq\x00)\x81}X\x08\x00\x00\x00trainingq\x01\x89sb.";
const NO_CONSTANTS: &[u8] = b"\x80\x02).";

/// Writes the graph as a TorchScript archive.
pub(crate) fn write(graph: &GraphProto, path: &Path) -> Result<(), Failure> {
    let code = Code::of(graph)?.text;
    let mut archive = ArchiveWriter::create(path)?;
    for (name, bytes) in [
        ("model/data.pkl", OBJECT),
        ("model/code/__torch__.py", code.as_bytes()),
        ("model/constants.pkl", NO_CONSTANTS),
        ("model/version", b"3\n"),
    ] {
        archive.add_bytes(name, bytes)?;
    }
    Ok(archive.finish()?)
}

/// Code that is being written, and what the values of the graph are called in it.
struct Code<'a> {
    graph: &'a GraphProto,
    text: String,
    names: BTreeMap<String, String>,
    /// Where constants have to be: an expression.
    device: String,
}

impl<'a> Code<'a> {
    fn of(graph: &'a GraphProto) -> Result<Self, Failure> {
        let constant = |name: &str| graph.initializer.iter().any(|held| held.name() == name);
        let inputs: Vec<&str> = graph
            .input
            .iter()
            .map(ValueInfoProto::name)
            .filter(|name| !constant(name))
            .collect();
        if let Some(name) = inputs.iter().find(|name| !is_identifier(name)) {
            return Err(Failure(format!("TorchScript has no input called {name:?}")));
        }
        let mut code = Code {
            graph,
            text: String::from(
                "class Model(Module):\n  __parameters__ = []\n  __buffers__ = []\n  training : bool\n",
            ),
            names: inputs
                .iter()
                .map(|&name| (name.to_owned(), name.to_owned()))
                .collect(),
            device: inputs.first().map_or_else(
                || "torch.device(\"cpu\")".to_owned(),
                |first| format!("ops.prim.device({first})"),
            ),
        };
        let arguments = inputs.iter().map(|name| format!(",\n    {name}: Tensor"));
        let arguments: String = arguments.collect();
        code.line(&format!(
            "  def forward(self: __torch__.Model{arguments}) -> Dict[str, Tensor]:"
        ));
        for tensor in &graph.initializer {
            let expression = code.constant(tensor)?;
            code.define(tensor.name(), &expression);
        }
        for node in &graph.node {
            let expression = code.expression(node)?;
            let output = node.output.first().cloned().unwrap_or_default();
            code.define(&output, &expression);
        }
        let outputs: Result<Vec<String>, Failure> = graph
            .output
            .iter()
            .map(|output| {
                Ok(format!(
                    "{:?}: {}",
                    output.name(),
                    code.name(output.name())?
                ))
            })
            .collect();
        code.line(&format!("    return {{{}}}", outputs?.join(", ")));
        Ok(code)
    }

    fn line(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    fn define(&mut self, name: &str, expression: &str) {
        let variable = format!("value_{}", self.names.len());
        self.line(&format!("    {variable} = {expression}"));
        self.names.insert(name.to_owned(), variable);
    }

    fn name(&self, name: &str) -> Result<&str, Failure> {
        let known = self.names.get(name).map(String::as_str);
        known.ok_or_else(|| Failure(format!("nothing in the graph is called `{name}`")))
    }

    fn constant(&self, tensor: &TensorProto) -> Result<String, Failure> {
        let dtype = element_of(tensor.data_type())?;
        let number = scalar_type(dtype)?;
        let device = &self.device;
        let dims = &tensor.dims;
        if dims.contains(&0) {
            return Ok(format!(
                "torch.zeros({dims:?}, dtype={number}, device={device})"
            ));
        }
        let elements = elements(tensor, dtype)?.join(", ");
        Ok(format!(
            "torch.reshape(torch.tensor([{elements}], dtype={number}, device={device}), {dims:?})"
        ))
    }

    /// The whole numbers of a constant.
    fn numbers(&self, name: &str) -> Option<Vec<i64>> {
        let mut held = self.graph.initializer.iter();
        let tensor = held.find(|tensor| tensor.name() == name)?;
        let bytes = tensor.raw_data.as_ref()?;
        let numbers = bytes.as_chunks::<8>().0.iter();
        Some(numbers.map(|&bytes| i64::from_le_bytes(bytes)).collect())
    }

    fn expression(&self, node: &NodeProto) -> Result<String, Failure> {
        let names: Result<Vec<&str>, Failure> = node
            .input
            .iter()
            .filter(|name| !name.is_empty())
            .map(|name| self.name(name))
            .collect();
        let names = names?;
        let all = names.join(", ");
        let first = names.first().copied().unwrap_or_default();
        let second = names.get(1).copied().unwrap_or_default();
        let axis = int(node, "axis").unwrap_or(0);
        let operator = node.op_type();
        Ok(match operator {
            "Identity" => first.to_owned(),
            "Div" if self.is_whole(node) => {
                format!("torch.div({all}, rounding_mode=\"trunc\")")
            }
            "Mod" => format!("torch.remainder({all})"),
            "And" | "Or" | "Xor" | "Not" => {
                format!("torch.logical_{}({all})", operator.to_lowercase())
            }
            "Equal" => format!("torch.eq({all})"),
            "Greater" => format!("torch.gt({all})"),
            "Gemm" => gemm(node, &names),
            "Conv" => convolution(node, &all, names.len()),
            "MaxPool" => format!(
                "torch.max_pool2d({first}, {:?}, {:?})",
                ints(node, "kernel_shape"),
                ints(node, "strides")
            ),
            "GlobalAveragePool" => format!("torch.mean({first}, [2, 3], True)"),
            "ArgMax" => format!("torch.argmax({first}, {axis}, {})", keeps(node)),
            "Softmax" => format!("torch.softmax({first}, {axis})"),
            "Concat" => format!("torch.cat([{all}], {axis})"),
            "Shape" => format!("torch.tensor(torch.size({first}))"),
            "Reshape" => self.reshape(node, first),
            "Gather" => format!(
                "torch.reshape(torch.index_select({first}, 0, torch.reshape({second}, [-1])), \
                 torch.add(torch.size({second}), torch.slice(torch.size({first}), 1)))"
            ),
            "Cast" => {
                let to = i32::try_from(int(node, "to").unwrap_or(0)).unwrap_or(0);
                format!("torch.to({first}, {})", scalar_type(element_of(to)?)?)
            }
            reduction if reduction.starts_with("Reduce") => self.reduction(node, first),
            "Add" | "Sub" | "Mul" | "Div" | "Relu" | "Abs" | "Neg" | "Floor" | "Exp" | "Tanh"
            | "Sigmoid" | "Sqrt" | "MatMul" | "Where" => {
                format!("torch.{}({all})", operator.to_lowercase())
            }
            unknown => format!("torch.{unknown}({all})"),
        })
    }

    /// Whether the first input of a node holds whole numbers.
    fn is_whole(&self, node: &NodeProto) -> bool {
        let name = node.input.first().map(String::as_str).unwrap_or_default();
        let mut inputs = self.graph.input.iter();
        let input = inputs.find(|input| input.name() == name);
        let kind = input.and_then(|input| input.r#type.as_ref()?.value.as_ref());
        match kind {
            Some(type_proto::Value::TensorType(tensor)) => {
                element_of(tensor.elem_type()).is_ok_and(|dtype| !dtype.is_float())
            }
            _ => false,
        }
    }

    fn reshape(&self, node: &NodeProto, first: &str) -> String {
        let target = node.input.get(1).and_then(|name| self.numbers(name));
        let extents = target.unwrap_or_default().into_iter().enumerate();
        let extents: Vec<String> = extents
            .map(|(axis, extent)| match extent {
                0 => format!("torch.size({first}, {axis})"),
                _ => extent.to_string(),
            })
            .collect();
        format!("torch.reshape({first}, [{}])", extents.join(", "))
    }

    fn reduction(&self, node: &NodeProto, first: &str) -> String {
        let function = match node.op_type() {
            "ReduceSum" => "sum",
            "ReduceMean" => "mean",
            "ReduceMax" => "amax",
            "ReduceMin" => "amin",
            _ => "prod",
        };
        let axes = node.input.get(1).and_then(|name| self.numbers(name));
        let keeps = keeps(node);
        match axes.as_deref() {
            None => format!("torch.{function}({first})"),
            Some([one]) if function == "prod" => format!("torch.prod({first}, {one}, {keeps})"),
            Some(axes) => format!("torch.{function}({first}, {axes:?}, {keeps})"),
        }
    }
}

fn gemm(node: &NodeProto, names: &[&str]) -> String {
    let turned = |position: usize, attribute: &str| {
        let name = names.get(position).copied().unwrap_or_default();
        match int(node, attribute) {
            Some(1) => format!("torch.t({name})"),
            _ => name.to_owned(),
        }
    };
    let (a, b) = (turned(0, "transA"), turned(1, "transB"));
    let (alpha, beta) = (float(node, "alpha"), float(node, "beta"));
    match names.get(2) {
        Some(c) => format!("torch.addmm({c}, {a}, {b}, beta={beta:?}, alpha={alpha:?})"),
        None => format!("torch.mul(torch.mm({a}, {b}), {alpha:?})"),
    }
}

fn convolution(node: &NodeProto, all: &str, count: usize) -> String {
    let bias = if count > 2 { "" } else { ", None" };
    let pads = ints(node, "pads");
    let pads = pads.get(..2).unwrap_or(&[0, 0]);
    let (strides, group) = (ints(node, "strides"), int(node, "group").unwrap_or(1));
    format!("torch.conv2d({all}{bias}, {strides:?}, {pads:?}, [1, 1], {group})")
}

fn is_identifier(name: &str) -> bool {
    let plain = |character: char| character.is_ascii_alphanumeric() || character == '_';
    !name.is_empty() && name.chars().all(plain) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn int(node: &NodeProto, name: &str) -> Option<i64> {
    let mut attributes = node.attribute.iter();
    attributes
        .find(|attribute| attribute.name() == name)
        .map(AttributeProto::i)
}

fn ints(node: &NodeProto, name: &str) -> Vec<i64> {
    let mut attributes = node.attribute.iter();
    attributes
        .find(|attribute| attribute.name() == name)
        .map(|attribute| attribute.ints.clone())
        .unwrap_or_default()
}

fn float(node: &NodeProto, name: &str) -> f32 {
    let mut attributes = node.attribute.iter();
    attributes
        .find(|attribute| attribute.name() == name)
        .map_or(1.0, AttributeProto::f)
}

/// `keepdims`, which is on where it is not said.
fn keeps(node: &NodeProto) -> &'static str {
    match int(node, "keepdims") {
        Some(0) => "False",
        _ => "True",
    }
}

fn element_of(number: i32) -> Result<DType, Failure> {
    let known = ElementType(number).dtype();
    known.ok_or_else(|| {
        Failure(format!(
            "no tensor of TorchScript has elements of type {number}"
        ))
    })
}

/// The number that TorchScript has for an element type.
fn scalar_type(dtype: DType) -> Result<u8, Failure> {
    Ok(match dtype {
        DType::Uint8 => 0,
        DType::Int8 => 1,
        DType::Int16 => 2,
        DType::Int32 => 3,
        DType::Int64 => 4,
        DType::Fp16 => 5,
        DType::Fp32 => 6,
        DType::Fp64 => 7,
        DType::Bool => 11,
        DType::Bf16 => 15,
        DType::Uint16 | DType::Uint32 | DType::Uint64 | DType::Bytes => {
            return Err(Failure(format!("TorchScript has no constants of {dtype}")));
        }
    })
}

/// The elements of a constant as TorchScript writes them.
fn elements(tensor: &TensorProto, dtype: DType) -> Result<Vec<String>, Failure> {
    let raw = tensor.raw_data.as_deref().unwrap_or_default();
    let shape = tensor
        .dims
        .iter()
        .map(|&extent| usize::try_from(extent).unwrap_or(0));
    let data = TensorData::new(dtype, nav_package_format::Shape::new(shape), raw.to_vec())?;
    let size = dtype.element_size().unwrap_or(1);
    let texts = data
        .bytes()
        .chunks(size)
        .map(|element| text_of(element, dtype));
    texts.collect()
}

fn text_of(element: &[u8], dtype: DType) -> Result<String, Failure> {
    let text = match dtype {
        DType::Fp32 => element.try_into().ok().map(f32::from_le_bytes).map(real),
        DType::Fp64 => element.try_into().ok().map(f64::from_le_bytes).map(real),
        DType::Int64 => element.try_into().ok().map(i64::from_le_bytes).map(whole),
        DType::Int32 => element.try_into().ok().map(i32::from_le_bytes).map(whole),
        DType::Uint8 => element.try_into().ok().map(u8::from_le_bytes).map(whole),
        DType::Bool => element
            .first()
            .map(|&byte| if byte == 0 { "False" } else { "True" }.to_owned()),
        _ => None,
    };
    text.ok_or_else(|| Failure(format!("no constant of {dtype} is written yet")))
}

fn real(number: impl std::fmt::Debug) -> String {
    format!("{number:?}")
}

fn whole(number: impl std::fmt::Display) -> String {
    number.to_string()
}
