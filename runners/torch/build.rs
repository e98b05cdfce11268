//! Compiles the C++ that the crate tch lacks, against the headers of the libtorch that `LIBTORCH` names.

use std::path::PathBuf;

#[expect(
    clippy::disallowed_methods,
    reason = "cargo tells build scripts everything by variables"
)]
fn main() {
    for changed in ["native/torch.cpp", "native/torch.h"] {
        println!("cargo:rerun-if-changed={changed}");
    }
    println!("cargo:rerun-if-env-changed=LIBTORCH");
    let Some(libtorch) = std::env::var_os("LIBTORCH").map(PathBuf::from) else {
        println!(
            "cargo:error=LIBTORCH must name a folder with libtorch 2.11.0; `scripts/build-torch` does all of this"
        );
        return;
    };
    let include = libtorch.join("include");
    cc::Build::new()
        .cpp(true)
        .std("c++17")
        .file("native/torch.cpp")
        .include(include.join("torch/csrc/api/include"))
        .include(include)
        // What the vendor's headers warn of is not ours to mend.
        .warnings(false)
        .compile("nav_torch");
}
