//! Models that hold native code: loaded only if somebody vouches for them. No runner for them is needed to tell.

use nav_package_format::Digest;
use nav_package_format::trust::BuiltHere;

use crate::nav::{Ended, Place};

const MODEL: &[u8] = include_bytes!("../../../../../tests/data/torch/mlp.pt");

/// `nav optimize model.pt` on a machine without the runner.
fn optimize(place: &Place, arguments: &[&str]) -> Ended {
    let mut command = place.command(&["optimize", "model.pt"]);
    command.arg("--worker=nav-runner-torch=/nowhere/nav-runner-torch");
    Ended::of(&command.args(arguments).output().unwrap())
}

#[test]
fn native_code_is_optimized_only_if_somebody_vouches_for_it() {
    let place = Place::new();
    place.write("model.pt", MODEL);
    let input = ["--input", "x:f32:batch,8"];
    optimize(&place, &input).expect(
        4,
        &[
            "model.pt may not be loaded here",
            "not built on this machine",
            "--built-here",
        ],
    );
    optimize(&place, &["--allow-native-code", "never", "--built-here"]).expect(4, &["forbids"]);
    // From here on it is about the runner, which is not there.
    let missing = "/nowhere/nav-runner-torch does not exist";
    optimize(
        &place,
        &[&input[..], &["--allow-native-code", "always"]].concat(),
    )
    .expect(5, &[missing]);
    optimize(&place, &[&input[..], &["--built-here"]].concat()).expect(5, &[missing]);
}

#[test]
fn what_a_user_vouches_for_is_recorded_as_built_here() {
    let place = Place::new();
    place.write("model.pt", MODEL);
    optimize(&place, &["--input", "x:f32:batch,8", "--built-here"]).expect(5, &[]);
    let record = BuiltHere::open(&place.cache().join("built")).unwrap();
    assert!(record.has_all([&Digest::of(MODEL)]).unwrap());
    // And so it need not be said again.
    optimize(&place, &["--input", "x:f32:batch,8"]).expect(5, &[]);
    // Another file of that name is another file.
    place.write(
        "model.pt",
        include_bytes!("../../../../../tests/data/torch/nested.pt"),
    );
    optimize(&place, &["--input", "x:f32:batch,8"]).expect(4, &["--built-here"]);
}

/// A Python that writes this model whatever it is asked to trace.
fn tracer(place: &Place) -> String {
    use std::os::unix::fs::PermissionsExt;
    let model = place.write("traced.pt", MODEL);
    let path = place.write("python", b"");
    let where_it_is = format!(r#"{{"program":"{0}","places":["{0}"]}}"#, path.display());
    let script = format!(
        "#!/bin/sh\ncase $4 in *sysconfig*) echo '{where_it_is}'; exit;; esac\n\
         read -r line\nto=${{line#*\\\"to\\\":\\\"}}\ncp {} \"${{to%%\\\"*}}\"\n",
        model.display()
    );
    place.write("python", script.as_bytes());
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o700)).unwrap();
    path.display().to_string()
}

#[test]
fn what_python_makes_of_an_admitted_model_is_recorded_as_built_here() {
    let place = Place::new();
    place.write("loader.py", b"model = None");
    let python = tracer(&place);
    let nav = |arguments: &[&str]| {
        let mut command = place.command(&["optimize", "loader.py"]);
        command.arg("--worker=nav-runner-torch=/nowhere/nav-runner-torch");
        command.args(["--input", "x:f32:batch,8"]).args(arguments);
        Ended::of(&command.output().unwrap())
    };
    nav(&["--built-here"]).expect(2, &["only Python can load this model", "--python"]);
    nav(&["--python", &python]).expect(4, &["loader.py may not be loaded here"]);
    let record = || BuiltHere::open(&place.cache().join("built")).unwrap();
    std::fs::create_dir_all(place.cache()).unwrap();
    assert!(!record().has_all([&Digest::of(MODEL)]).unwrap());
    // It wants to read what is none of its business, until the user says otherwise.
    nav(&["--python", &python, "--built-here"]).expect(
        1,
        &[
            "traced.pt",
            "ermission denied",
            "name what else with --python-reads",
        ],
    );
    assert!(!record().has_all([&Digest::of(MODEL)]).unwrap());
    let model = place.path("traced.pt").display().to_string();
    let reads = ["--python", &python, "--python-reads", &model];
    nav(&[&reads[..], &["--built-here"]].concat()).expect(5, &["traces loader.py"]);
    assert!(record().has_all([&Digest::of(MODEL)]).unwrap());
}

#[test]
fn a_python_is_confined_unless_the_user_says_otherwise() {
    let place = Place::new();
    place.write("loader.py", b"model = None");
    let python = tracer(&place);
    let nav = |arguments: &[&str]| {
        let mut command = place.command(&["optimize", "loader.py", "--built-here"]);
        command.arg("--worker=nav-runner-torch=/nowhere/nav-runner-torch");
        command.args(["--input", "x:f32:batch,8"]).args(arguments);
        Ended::of(&command.output().unwrap())
    };
    nav(&["--python-reads", "/"]).expect(2, &["--python"]);
    nav(&["--python", &python, "--python-reads", "/nowhere"]).expect(2, &["there is no /nowhere"]);
    nav(&["--python", &python]).expect(1, &["ermission denied"]);
    nav(&["--python", &python, "--unconfined-python"]).expect(5, &["traces loader.py, unconfined"]);
    let record = BuiltHere::open(&place.cache().join("built")).unwrap();
    assert!(record.has_all([&Digest::of(MODEL)]).unwrap());
}

#[test]
fn inputs_are_asked_for_by_what_the_code_says() {
    let place = Place::new();
    place.write("model.pt", MODEL);
    optimize(&place, &["--built-here", "--input", "x:f33:batch"])
        .expect(2, &["`x:f33:batch` is no input", "x:f32:batch,3,224,224"]);
    place
        .nav(&["infer", "model.pt", "--allow-native-code", "always"])
        .expect(2, &["does not say what it takes", "nav optimize"]);
}
