//! `nav doctor` on a host that has nothing installed.

use serde_json::json;

use crate::nav::{Ended, Place};

const RUNNERS: [&str; 6] = [
    "TensorRT",
    "OnnxTensorRT",
    "OnnxCUDA",
    "TorchScriptCUDA",
    "OnnxCPU",
    "TorchScriptCPU",
];

#[test]
fn every_runner_is_listed_and_what_is_missing_is_mended_by_a_command() {
    let ended = Place::new().nav(&["doctor"]).expect(0, &[]);
    for runner in RUNNERS {
        assert!(ended.stdout.contains(runner), "{}", ended.stdout);
    }
    assert!(
        ended
            .stdout
            .contains("to mend it: nav runtime install onnxruntime\n"),
        "{}",
        ended.stdout
    );
}

#[test]
fn the_json_has_a_version_the_host_and_the_reasons() {
    let report = Place::new()
        .nav(&["doctor", "--json"])
        .expect(0, &[])
        .json();
    assert_eq!(report["schema"], 1);
    assert!(report["host"]["cpu"]["threads"].as_u64().unwrap() > 0);
    assert!(report["host"]["memory"]["total_bytes"].as_u64().unwrap() > 0);
    let runners = report["runners"].as_array().unwrap();
    let names: Vec<&str> = runners
        .iter()
        .filter_map(|runner| runner["name"].as_str())
        .collect();
    assert_eq!(names[..RUNNERS.len()], RUNNERS);
    for runner in runners {
        let told = match runner["status"].as_str().unwrap() {
            "ready" => "version",
            _ => "reason",
        };
        assert!(
            runner[told].as_str().is_some_and(|text| !text.is_empty()),
            "{runner}"
        );
    }
}

#[test]
fn a_driver_that_is_named_and_is_none_is_said() {
    let place = Place::new();
    let mut nav = place.command(&["doctor"]);
    let output = nav.env("NAV_CUDA_DRIVER", "libcuda.so.1").output();
    let ended = Ended::of(&output.unwrap()).expect(0, &[]);
    let text = "gpu     NAV_CUDA_DRIVER names libcuda.so.1, which is not an absolute path\n";
    assert!(ended.stdout.contains(text), "{}", ended.stdout);
}

#[test]
fn the_embedded_runner_is_ready_without_any_library() {
    let report = Place::new()
        .nav(&["doctor", "--json"])
        .expect(0, &[])
        .json();
    let runners = report["runners"].as_array().unwrap();
    let embedded = runners.iter().find(|runner| runner["name"] == "TractCPU");
    if cfg!(feature = "tract") {
        let embedded = embedded.unwrap();
        assert_eq!(embedded["status"], "ready");
        assert_eq!(embedded["devices"], json!(["cpu"]));
    } else {
        assert!(embedded.is_none());
    }
}

#[test]
fn a_library_that_is_no_library_is_named_with_the_reason() {
    let place = Place::new();
    let fake = place.write("libfake.so", b"not a library");
    let library = format!("onnxruntime={}", fake.display());
    let ended = place.nav(&["doctor", "--library", &library]).expect(0, &[]);
    assert!(ended.stdout.contains("libfake.so"), "{}", ended.stdout);
}

#[test]
fn a_library_that_is_too_old_is_named_with_both_versions() {
    let place = Place::new();
    let source = place.write(
        "old.c",
        b"static const char *version(void) { return \"1.9.0\"; }\n\
          static const void *api(unsigned v) { return 0; }\n\
          static const struct { const void *(*a)(unsigned); const char *(*v)(void); } base = {api, version};\n\
          const void *OrtGetApiBase(void) { return &base; }\n",
    );
    let library = place.path("libold.so");
    let mut compiler = std::process::Command::new("cc");
    compiler
        .args(["-shared", "-fPIC", "-o"])
        .arg(&library)
        .arg(&source);
    assert!(compiler.status().unwrap().success());
    let library = format!("onnxruntime={}", library.display());
    let ended = place.nav(&["doctor", "--library", &library]).expect(0, &[]);
    assert!(
        ended.stdout.contains("is ONNX Runtime 1.9.0, at least 1."),
        "{}",
        ended.stdout
    );
}
