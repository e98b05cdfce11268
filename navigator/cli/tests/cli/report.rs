//! `nav report` on packages of ours and on real ones of Model Navigator.

use std::path::{Path, PathBuf};

use crate::nav::{Place, listing};

fn data() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../package-format/tests/data")
}

fn text(path: &Path) -> String {
    path.to_str().unwrap().to_owned()
}

#[test]
fn the_page_is_written_whole_and_its_place_is_told() {
    let place = Place::new();
    let ours = text(&data().join("packages/v1.0.nav"));
    let told = place
        .nav(&["report", &ours])
        .expect(0, &["any browser"])
        .stdout;
    assert_eq!(told, "v1.0.html\n");
    let page = std::fs::read_to_string(place.path("v1.0.html")).unwrap();
    for said in [
        "<!DOCTYPE html>",
        "default-src &#x27;none&#x27;",
        "Chosen: <bdi>onnx-all-2</bdi> on <bdi>OnnxCPU</bdi>",
        "1.25×",
        "Throughput against batch",
        "Some Processor",
        "</html>",
    ] {
        assert!(page.contains(said), "`{said}` is not in the page");
    }
    assert_eq!(listing(&place.path("")), ["v1.0.html"]);
}

#[test]
fn a_page_is_replaced_and_the_same_again() {
    let place = Place::new();
    let ours = text(&data().join("packages/v1.0.nav"));
    place.write("out/page.html", b"what was there");
    let page = || std::fs::read_to_string(place.path("out/page.html")).unwrap();
    let arguments = ["report", &ours, "--output", "out/page.html"];
    place.nav(&arguments).expect(0, &[]);
    let first = page();
    assert!(!first.contains("what was there"));
    place.nav(&arguments).expect(0, &[]);
    assert_eq!(page(), first);
    assert_eq!(listing(&place.path("out")), ["page.html"]);
}

#[test]
fn a_strategy_and_a_budget_decide_what_the_page_says() {
    let place = Place::new();
    let package = text(&data().join("model_navigator/mlp_cpu_default.nav"));
    let page = |arguments: &[&str]| {
        let arguments = [&["report", &package, "-o", "page.html"], arguments].concat();
        place.nav(&arguments).expect(0, &[]);
        std::fs::read_to_string(place.path("page.html")).unwrap()
    };
    assert!(page(&["--strategy", "min-latency"]).contains("batch 1, chosen"));
    assert!(page(&["--strategy", "max-throughput"]).contains("batch 128, chosen"));
    assert!(page(&["--latency-budget", "0.05025ms@p50"]).contains("budget 0.05025 ms"));
    assert!(page(&["--latency-budget", "0.001ms"]).contains("No variant was chosen"));
}

#[test]
fn every_real_package_has_a_page() {
    let place = Place::new();
    let folder = data().join("model_navigator");
    let packages = listing(&folder).into_iter();
    let packages: Vec<String> = packages.filter(|name| *name != "golden.json").collect();
    assert!(packages.len() > 10, "{packages:?}");
    for name in packages {
        place
            .nav(&["report", &text(&folder.join(&name)), "-o", "page.html"])
            .expect(0, &[]);
    }
}

#[test]
fn what_cannot_be_read_or_written_is_told_and_leaves_nothing() {
    let place = Place::new();
    place.write("noise.nav", &[7; 99]);
    place.nav(&["report", "noise.nav"]).expect(4, &[]);
    place
        .nav(&["report", "none.nav"])
        .expect(1, &["none.nav does not exist"]);
    place
        .nav(&["report", "noise.nav", "--strategy", "best"])
        .expect(2, &["there is no strategy `best`"]);
    let ours = text(&data().join("packages/v1.0.nav"));
    place
        .nav(&["report", &ours, "-o", "none/page.html"])
        .expect(1, &["cannot write none/page.html"]);
    assert_eq!(listing(&place.path("")), ["noise.nav"]);
}
