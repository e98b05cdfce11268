//! Options that were not typed: from the environment, from the file, and how they stand to each other.

use crate::nav::{Ended, Place};

/// What decides an option, and its value.
fn told(
    place: &Place,
    variables: &[(&str, &str)],
    arguments: &[&str],
    option: &str,
) -> (String, String) {
    let arguments = [&["config", "show", "--json"], arguments].concat();
    let mut command = place.command(&arguments);
    command.envs(variables.iter().copied());
    let shown = Ended::of(&command.output().unwrap()).expect(0, &[]).json();
    let options = shown["options"].as_array().unwrap();
    let found = options.iter().find(|one| one["option"] == option).unwrap();
    let values: Vec<&str> = found["values"]
        .as_array()
        .unwrap()
        .iter()
        .map(|value| value.as_str().unwrap())
        .collect();
    (
        values.join(","),
        found["source"].as_str().unwrap().to_owned(),
    )
}

#[test]
fn flags_win_over_the_environment_and_it_over_the_file_and_it_over_the_default() {
    let place = Place::new();
    place.write(
        "nav.toml",
        b"offline = false\n\n[infer]\nseed = 3\nrunner = \"TractCPU\"\n",
    );
    let file = ("NAV_CONFIG", "nav.toml");
    let check = |variables: &[(&str, &str)], arguments: &[&str], value: &str, source: &str| {
        let arguments = [&["infer"], arguments].concat();
        let (told, from) = told(&place, variables, &arguments, "seed");
        assert_eq!((told.as_str(), from.as_str()), (value, source));
    };
    check(&[], &[], "0", "default");
    check(&[file], &[], "3", "nav.toml, line 4");
    check(&[file, ("NAV_INFER_SEED", "5")], &[], "5", "NAV_INFER_SEED");
    check(
        &[file, ("NAV_INFER_SEED", "5")],
        &["--seed", "7"],
        "7",
        "flag",
    );
}

#[test]
fn a_file_may_be_named_before_the_command_too() {
    let place = Place::new();
    place.write("nav.toml", b"[serve]\nmax-connections = 7\n");
    let named = ["--config", "nav.toml"];
    let ask = ["config", "show", "--json"];
    for arguments in [
        [&named[..], &ask, &["serve"]].concat(),
        [&ask[..], &["serve"], &named].concat(),
    ] {
        let shown = place.nav(&arguments).expect(0, &[]).json();
        let options = shown["options"].as_array().unwrap();
        let mut found = options.iter();
        let found = found.find(|one| one["option"] == "max-connections");
        assert_eq!(
            found.unwrap()["source"],
            "nav.toml, line 2",
            "{arguments:?}"
        );
    }
}

#[test]
fn what_a_file_says_is_done() {
    let place = Place::new();
    let model = place.doubling_model();
    let model = model.to_str().unwrap();
    place.write("nav.toml", b"[infer]\nrunner = \"TractCPU\"\njson = true\n");
    let ended = place.nav(&["infer", model, "--dim", "batch=2", "--config", "nav.toml"]);
    if cfg!(feature = "tract") {
        let told = ended.expect(0, &["TractCPU"]).json();
        assert_eq!(told["outputs"][0]["name"], "y");
    } else {
        ended.expect(2, &["there is no runner `TractCPU`"]);
    }
}

#[test]
fn a_budget_that_is_typed_overrules_a_strategy_of_the_file() {
    let place = Place::new();
    place.write("nav.toml", b"[show]\nstrategy = [\"min-latency\"]\n");
    let file = ("NAV_CONFIG", "nav.toml");
    assert_eq!(
        told(&place, &[file], &["show"], "strategy"),
        ("min-latency".to_owned(), "nav.toml, line 2".to_owned())
    );
    let (values, source) = told(
        &place,
        &[file],
        &["show", "--latency-budget", "5ms"],
        "strategy",
    );
    assert_eq!((values.as_str(), source.as_str()), ("", "default"));
}

#[test]
fn a_wrong_file_or_variable_is_told_with_its_place() {
    let place = Place::new();
    let check = |text: &str, said: &str| {
        place.write("nav.toml", text.as_bytes());
        place
            .nav(&["doctor", "--config", "nav.toml"])
            .expect(2, &["nav.toml", said]);
    };
    check(
        "\n[infer]\nsed = 1\n",
        "line 3: `sed` is no option of infer; there are",
    );
    check(
        "[optimise]\n",
        "line 1: `optimise` is no option of all commands",
    );
    check(
        "offline = 3\n",
        "line 1: `offline` is true or false, not integer",
    );
    check("offline = \n", "line 1");
    place
        .nav(&["doctor", "--config", "none.toml"])
        .expect(2, &["none.toml does not exist"]);
    place.write("nav.toml", b"[infer]\nseed = \"many\"\n");
    place
        .nav(&["infer", "x.onnx", "--config", "nav.toml"])
        .expect(2, &["--seed comes from the configuration file", "many"]);
    let mut command = place.command(&["doctor"]);
    command.env("NAV_OFFLINE", "perhaps");
    Ended::of(&command.output().unwrap()).expect(2, &["NAV_OFFLINE: it is neither 1"]);
}

#[test]
fn a_file_in_the_working_directory_is_not_believed() {
    let place = Place::new();
    place.write("nav.toml", b"[infer]\nseed = 3\n");
    let (_, source) = told(&place, &[], &["infer"], "seed");
    assert_eq!(source, "default");
}
