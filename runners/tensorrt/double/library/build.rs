//! Compiles the classes of the double against the vendor's headers, which `TENSORRT_INCLUDE_DIR` names. What those classes must have and the
//! double has not is made of the headers themselves: it says so when it is called.

use std::path::{Path, PathBuf};

/// The classes that the double has, and the header that declares what each must have.
const CLASSES: &[(&str, &str)] = &[
    ("NvInferImpl.h", "VHostMemory"),
    ("NvInferImpl.h", "VRuntime"),
    ("NvInferImpl.h", "VCudaEngine"),
    ("NvInferImpl.h", "VExecutionContext"),
    ("NvInferImpl.h", "VBuilder"),
    ("NvInferImpl.h", "VBuilderConfig"),
    ("NvInferImpl.h", "VNetworkDefinition"),
    ("NvInferImpl.h", "VOptimizationProfile"),
    ("NvInferImpl.h", "VTimingCache"),
    ("NvOnnxParser.h", "IParser"),
    ("NvOnnxParser.h", "IParserError"),
];

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts everything by variables"
)]
fn main() {
    for changed in ["native", "build.rs"] {
        println!("cargo:rerun-if-changed={changed}");
    }
    println!("cargo:rerun-if-env-changed=TENSORRT_INCLUDE_DIR");
    let include = std::env::var_os("TENSORRT_INCLUDE_DIR").map(PathBuf::from);
    let out = std::env::var_os("OUT_DIR").map(PathBuf::from);
    let (Some(include), Some(out)) = (include, out) else {
        println!("cargo:error=`scripts/build-tensorrt` builds this, and finds the headers");
        return;
    };
    let rest: String = CLASSES
        .iter()
        .map(|(header, class)| missing(&include.join(header), class))
        .collect();
    if let Err(error) = std::fs::write(out.join("missing.inc"), rest) {
        println!("cargo:error=missing.inc cannot be written: {error}");
    }
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .file("native/build.cpp")
        .file("native/run.cpp")
        .include(include.join(".."))
        .include(include)
        .include(out)
        // What the vendor's headers warn of is not ours to mend.
        .warnings(false)
        .compile("nav_tensorrt_double");
    println!("cargo:rustc-cdylib-link-arg=-Wl,-soname,libnvinfer.so.11");
}

/// A class that has all of what this one must have, in which every function says that the double has it not.
fn missing(header: &Path, class: &str) -> String {
    let text = std::fs::read_to_string(header).unwrap_or_default();
    let lines = text.lines().map(|line| line.split("//").next());
    let text = lines.map(Option::unwrap_or_default).collect::<Vec<_>>();
    let text = text.join(" ");
    let start = format!("class {class} ");
    // The name stands in declarations ahead, too.
    let body = text.match_indices(&start).find_map(|(at, _)| {
        let after = text.get(at..)?;
        let open = after.find('{')?;
        let is_ahead = after.find(';').is_some_and(|end| end < open);
        let end = after.find("};")?;
        (!is_ahead).then(|| after.get(open + 1..end))?
    });
    let mut all = format!("template <> struct Missing<{class}> : {class} {{\n");
    for function in body.unwrap_or_default().split(';') {
        let words = function.split_whitespace().collect::<Vec<_>>().join(" ");
        let Some((_, declared)) = words.split_once("virtual ") else {
            continue;
        };
        let Some(declared) = declared.strip_suffix("= 0") else {
            continue;
        };
        let Some((before, _)) = declared.split_once('(') else {
            continue;
        };
        let end = before.trim_end();
        let split = end.rfind([' ', '*', '&']).map_or(0, |at| at + 1);
        let (kind, name) = end.split_at(split);
        let kind = kind.trim();
        let call = format!("none<{kind}>(\"{class}::{name}\")");
        all.extend(["  ", declared, " override { return ", &call, "; }\n"]);
    }
    all.push_str("};\n");
    all
}
