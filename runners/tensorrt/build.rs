//! Compiles the C++ that calls TensorRT, against the headers that `TENSORRT_INCLUDE_DIR` names.

use std::path::PathBuf;

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts everything by variables"
)]
fn main() {
    for changed in ["native/tensorrt.cpp", "native/tensorrt.h"] {
        println!("cargo:rerun-if-changed={changed}");
    }
    println!("cargo:rerun-if-env-changed=TENSORRT_INCLUDE_DIR");
    let Some(include) = std::env::var_os("TENSORRT_INCLUDE_DIR").map(PathBuf::from) else {
        println!(
            "cargo:error=TENSORRT_INCLUDE_DIR must name a folder with headers of TensorRT 11; `scripts/build-tensorrt` does all of this"
        );
        return;
    };
    // Headers of TensorRT ask for CUDA's, of which they need the names of two types. Here these lie in the folder above.
    let cuda = include.join("..");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .file("native/tensorrt.cpp")
        .include(include)
        .include(cuda)
        // What the vendor's headers warn of is not ours to mend.
        .warnings(false)
        .compile("nav_tensorrt");
}
