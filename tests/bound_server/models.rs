//! The functions that are served.

use nav_adapter::{
    Array, BindOptions, DType, Failure, FirstValue, InferFunc, Inputs, ModelConfig, Outputs,
    Parameter, Request, Tensor, Triton, TritonError, batch, decoupled, fill_optionals,
    group_by_values, sample,
};

type Function = fn(Inputs) -> Result<Outputs, Failure>;

/// Binds all of them.
pub(crate) fn bind(triton: &Triton) -> Result<(), TritonError> {
    bind_plain(triton)?;
    bind_failing(triton)?;
    bind_special(triton)
}

fn rows(name: &str, dtype: DType) -> [Tensor; 1] {
    [Tensor::new(dtype, [-1]).named(name)]
}

fn floats(name: &str) -> [Tensor; 1] {
    rows(name, DType::Fp32)
}

fn texts(name: &str) -> [Tensor; 1] {
    rows(name, DType::Bytes)
}

fn bind_plain(triton: &Triton) -> Result<(), TritonError> {
    let batched = ModelConfig::default;
    let decoupled = || ModelConfig {
        batching: false,
        decoupled: true,
        ..ModelConfig::default()
    };
    triton.bind(
        "shout",
        batch(|it| shout(&it)),
        texts("text"),
        texts("loud"),
        batched(),
    )?;
    triton.bind("words", words(), texts("text"), texts("word"), decoupled())?;
    triton.bind(
        "count",
        count(),
        rows("x", DType::Int32),
        rows("y", DType::Int32),
        decoupled(),
    )?;
    let numbers = || [(); 2].map(|()| Tensor::new(DType::Int32, [-1]));
    triton.bind(
        "add_sub",
        batch(|it| add_sub(&it)),
        numbers(),
        numbers(),
        batched(),
    )?;
    let cached = ModelConfig {
        response_cache: true,
        ..batched()
    };
    triton.bind("counted", counted(), floats("x"), floats("asked"), cached)?;
    Ok(())
}

fn bind_failing(triton: &Triton) -> Result<(), TritonError> {
    let batched = ModelConfig::default;
    let failing: [(&str, Function); 4] = [
        ("fails", |_| Err(Failure::new("model says no"))),
        ("refuses", |_| Err(Failure::invalid("the request is wrong"))),
        ("panics", |inputs| Ok(refused(inputs.array("x")?).into())),
        ("ends", |_| {
            Err(Failure::unrecoverable("the device is gone"))
        }),
    ];
    for (name, function) in failing {
        triton.bind(name, batch(function), floats("x"), floats("y"), batched())?;
    }
    let strict = || BindOptions {
        strict: true,
        ..BindOptions::default()
    };
    let doubles = batch(|inputs| Ok([("y", inputs.array("x")?.map(|it: f32| f64::from(it))?)]));
    triton.bind("strict", doubles, floats("x"), floats("y"), strict())?;
    Ok(())
}

fn bind_special(triton: &Triton) -> Result<(), TritonError> {
    let batched = ModelConfig::default;
    let scaled = [
        Tensor::new(DType::Fp32, [-1]).named("x"),
        Tensor::new(DType::Fp32, [1]).named("scale").optional(),
    ];
    triton.bind("scale", scale(), scaled, floats("y"), batched())?;
    let (inputs, outputs) = every_type();
    triton.bind(
        "alltypes",
        sample(|it| Ok(echo(&it))),
        inputs,
        outputs,
        batched(),
    )?;
    triton.bind(
        "told",
        sample(|it| told(&it)),
        floats("x"),
        texts("told"),
        batched(),
    )?;
    let single = ModelConfig {
        batching: false,
        ..ModelConfig::default()
    };
    let negate = sample(|request: Request| Ok(request.array("x")?.map(|it: f32| -it)?));
    triton.bind("single", negate, floats("x"), floats("y"), single)?;
    let second = BindOptions {
        version: 2,
        ..BindOptions::default()
    };
    for (version, more) in [(BindOptions::default(), 1.0), (second, 2.0)] {
        let add = batch(move |inputs| Ok(inputs.array("x")?.map(|it: f32| it + more)?));
        triton.bind("versions", add, floats("x"), floats("y"), version)?;
    }
    Ok(())
}

#[expect(clippy::panic, reason = "that is what it is for")]
fn refused(array: &Array) -> Array {
    panic!("it cannot bear {}", array.shape())
}

fn shout(inputs: &Inputs) -> Result<[(&'static str, Array); 1], Failure> {
    let texts = inputs.array("text")?;
    let loud = texts.texts()?.into_iter().map(str::to_uppercase);
    Ok([("loud", Array::strings(texts.shape().clone(), loud)?)])
}

/// A response for each word; `ERR` alone is an error among them.
fn words() -> impl Into<InferFunc> {
    decoupled(|request| {
        let text = request.texts("text")?.concat();
        let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
        Ok(words.into_iter().map(|word| match word.as_str() {
            "ERR" => Err(Failure::new("stream error")),
            _ => Ok([("word", Array::strings([1], [word])?)]),
        }))
    })
}

/// As many responses as the input says.
fn count() -> impl Into<InferFunc> {
    decoupled(|request| {
        let count = request.first::<i32>("x")?;
        Ok((0..count).map(|it| Ok([Array::new([1], [it])?])))
    })
}

fn add_sub(inputs: &Inputs) -> Result<[Array; 2], Failure> {
    let (a, b) = (inputs.array("INPUT_1")?, inputs.array("INPUT_2")?);
    let sum = a.zip(b, |a: i32, b: i32| a.wrapping_add(b))?;
    Ok([sum, a.zip(b, |a: i32, b: i32| a.wrapping_sub(b))?])
}

/// How often it was asked.
fn counted() -> impl Into<InferFunc> {
    let mut asked = 0_u16;
    batch(move |inputs| {
        asked += 1;
        let told = vec![f32::from(asked); inputs.rows()];
        Ok([Array::new([inputs.rows(), 1], told)?])
    })
}

/// `x` times `scale`, which is 2 unless it is given.
fn scale() -> impl Into<InferFunc> {
    let default = Array::new([1], [2.0_f32]);
    let scale = FirstValue::of(["scale"]).within(|inputs: Inputs| {
        let scale = inputs.first::<f32>("scale")?;
        Ok([("y", inputs.array("x")?.map(|it: f32| it * scale)?)])
    });
    let defaults = default.into_iter().map(|it| ("scale", it));
    fill_optionals(defaults, batch(group_by_values(["scale"], scale)))
}

/// An input and an output for each type, all of which may be left out.
fn every_type() -> (Vec<Tensor>, Vec<Tensor>) {
    let tensor =
        |letter: &str, dtype: DType| Tensor::new(dtype, [-1]).named(format!("{letter}_{dtype}"));
    let types = || DType::ALL.iter().copied();
    (
        types().map(|it| tensor("I", it).optional()).collect(),
        types().map(|it| tensor("O", it)).collect(),
    )
}

fn echo(request: &Request) -> Vec<(String, Array)> {
    let outputs = request
        .iter()
        .map(|(name, array)| (name.replace("I_", "O_"), array.clone()));
    outputs.collect()
}

/// What else a request says.
fn told(request: &Request) -> Result<[Array; 1], Failure> {
    let parameters = request.parameters().iter().map(|(name, value)| {
        let value = match value {
            Parameter::Bool(value) => value.to_string(),
            Parameter::Int(value) => value.to_string(),
            Parameter::Uint(value) => value.to_string(),
            Parameter::Double(value) => value.to_string(),
            Parameter::Text(value) => value.to_string(),
        };
        format!("{name}={value}")
    });
    let mut told: Vec<String> = parameters.collect();
    told.sort_unstable();
    told.insert(0, request.id().unwrap_or_default().to_owned());
    let count = told.len();
    Ok([Array::strings([1, count], told)?])
}
