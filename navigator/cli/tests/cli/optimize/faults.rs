//! Models that misbehave: each ends in a record with its reason, none in a package.

use serde_json::Value;

use super::models::{
    crashing, crashing_unless_rewritten, endless, hungry, not_a_number, other_shape, random,
    unknown_operator,
};
use super::{command, optimize};
use crate::nav::{Ended, Place};

/// Optimizes a model that comes to nothing, and gives the record of the untouched one's correctness.
fn fails(name: &str, model: &[u8], arguments: &[&str]) -> Option<(Place, Value)> {
    let place = Place::new();
    let file = format!("{name}.onnx");
    place.write(&file, model);
    let own = [&[file.as_str(), "--json", "--runner", "OnnxCPU"], arguments].concat();
    let ended = optimize(&place, &own)?;
    assert!(!place.path(&format!("{name}.nav")).exists());
    let record = first_record(&ended.expect(3, &["no variant met the goals"]));
    Some((place, record))
}

fn first_record(ended: &Ended) -> Value {
    ended.json()["records"][0].clone()
}

fn check(name: &str, model: &[u8], arguments: &[&str], reason: &str) {
    let Some((_, record)) = fails(name, model, arguments) else {
        return;
    };
    assert_eq!(record["outcome"], "failed", "{record}");
    let told = record["reason"].as_str().unwrap();
    assert!(told.contains(reason), "{told}");
}

#[test]
fn a_random_model_is_not_deterministic() {
    check(
        "random",
        &random().to_bytes(),
        &[],
        "it is not deterministic",
    );
}

#[test]
fn the_table_is_followed_by_why_each_variant_is_out() {
    let place = Place::new();
    place.write("random.onnx", &random().to_bytes());
    let Some(ended) = optimize(&place, &["random.onnx", "--runner", "OnnxCPU"]) else {
        return;
    };
    let told = ended.expect(3, &[]).stdout;
    let said = "\nout: onnx on OnnxCPU: ";
    let reason = told.split(said).nth(1).unwrap_or_else(|| panic!("{told}"));
    assert!(reason.contains("it is not deterministic"), "{reason}");
}

#[test]
fn a_model_that_gives_no_number_proves_nothing() {
    check(
        "nan",
        &not_a_number().to_bytes(),
        &[],
        "it holds no finite number",
    );
}

#[test]
fn a_model_of_another_shape_than_declared_is_told_so() {
    let said = "has shape [";
    check("shape", &other_shape().to_bytes(), &["--seed", "3"], said);
}

#[test]
fn a_model_that_hangs_is_killed_and_what_it_did_is_told() {
    let said = "it did not run batch 1 within";
    let model = endless(1 << 50).to_bytes();
    // The limit holds for loading too, which takes longer where the machine is busy.
    for limit in ["3s", "12s", "48s"] {
        let arguments = ["--time-budget", "300s", "--step-limit", limit];
        let Some((_, record)) = fails("hang", &model, &arguments) else {
            return;
        };
        assert_eq!(record["outcome"], "failed", "{record}");
        let told = record["reason"].as_str().unwrap();
        if told.contains(said) {
            return;
        }
        assert!(told.contains("it did not load the model within"), "{told}");
    }
    panic!("it was never loaded in time");
}

#[test]
fn a_model_that_eats_memory_is_stopped() {
    let Some((_, record)) = fails(
        "hungry",
        &hungry(2000).to_bytes(),
        &["--memory-limit", "400"],
    ) else {
        return;
    };
    let told = record["reason"].as_str().unwrap();
    let is_told = ["MiB is the limit", "allocate memory", "bad_alloc"];
    assert!(is_told.iter().any(|text| told.contains(text)), "{told}");
}

/// How a process ends that divided what cannot be divided. Processors of other kinds go on with a wrong number.
#[cfg(target_arch = "x86_64")]
const CRASH: &str = "killed by signal 8 (SIGFPE)";

#[cfg(target_arch = "x86_64")]
#[test]
fn a_model_that_crashes_its_runtime_is_a_record_with_the_signal() {
    check("crash", &crashing().to_bytes(), &[], CRASH);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn a_variant_that_crashes_is_out_and_the_others_go_on() {
    let place = Place::new();
    place.write("some.onnx", &crashing_unless_rewritten().to_bytes());
    let own = ["some.onnx", "--json", "--runner", "OnnxCPU"];
    let own = [&own[..], super::basics::QUICK].concat();
    let Some(ended) = optimize(&place, &own) else {
        return;
    };
    let ended = ended.expect(0, &["onnx-level-none on OnnxCPU is out", CRASH]);
    let told = ended.json();
    let records = told["records"].as_array().unwrap().iter();
    let of = |variant: &str| {
        let mut own = records
            .clone()
            .filter(|record| record["variant"] == variant);
        own.find(|record| record["step"] == "correctness")
            .unwrap()
            .clone()
    };
    let (crashed, well) = (of("onnx-level-none"), of("onnx"));
    assert_eq!(crashed["outcome"], "failed");
    assert!(
        crashed["reason"].as_str().unwrap().contains(CRASH),
        "{crashed}"
    );
    assert_eq!(well["outcome"], "ok", "{well}");
    place.nav(&["verify", "some.nav"]).expect(0, &[]);
    // Done again alone it crashes again, this time for all to see.
    let replay: Vec<String> = serde_json::from_value(crashed["replay"].clone()).unwrap();
    let arguments: Vec<&str> = replay.iter().skip(1).map(String::as_str).collect();
    let again = place.command(&arguments).output().unwrap();
    let signal = std::os::unix::process::ExitStatusExt::signal(&again.status);
    assert_eq!(signal, Some(8), "{again:?}");
}

#[test]
fn an_operator_that_nobody_has_is_named() {
    check(
        "operator",
        &unknown_operator().to_bytes(),
        &[],
        "Frobnicate",
    );
}

#[test]
fn what_failed_is_done_again_by_the_command_in_its_record() {
    let Some((place, record)) = fails("random", &random().to_bytes(), &[]) else {
        return;
    };
    let replay: Vec<&str> = record["replay"]
        .as_array()
        .unwrap()
        .iter()
        .map(|argument| argument.as_str().unwrap())
        .collect();
    let (program, arguments) = replay.split_first().unwrap();
    assert_eq!(*program, env!("CARGO_BIN_EXE_nav"));
    let again = place.nav(arguments).expect(1, &["the step failed"]);
    assert!(
        again.stdout.contains("not deterministic"),
        "{}",
        again.stdout
    );
}

#[test]
fn a_package_that_cannot_be_written_leaves_nothing_behind() {
    let place = Place::new();
    place.doubling_model();
    let own = [
        "double.onnx",
        "--runner",
        "OnnxCPU",
        "--time-budget",
        "15s",
        "--max-batch",
        "2",
    ];
    let Some(ended) = optimize(&place, &[&own[..], &["-o", "/proc/double.nav"]].concat()) else {
        return;
    };
    ended.expect(1, &["/proc"]);
    let nowhere = [&own[..], &["--workspace", "/proc/work"]].concat();
    optimize(&place, &nowhere)
        .unwrap()
        .expect(1, &["cannot write /proc/work"]);
    // A limit on the size of files is what a full disk looks like to who writes.
    let Some(plain) = command(&place, &own) else {
        return;
    };
    let mut limited = place.command(&[]);
    let mut shell = std::process::Command::new("/bin/sh");
    shell
        .args(["-c", "trap '' XFSZ; ulimit -f 4; exec \"$0\" \"$@\""])
        .arg(plain.get_program())
        .args(plain.get_args())
        .current_dir(limited.get_current_dir().unwrap())
        .env_clear();
    for (name, value) in limited.env("PATH", "/usr/bin:/bin").get_envs() {
        if let Some(value) = value {
            shell.env(name, value);
        }
    }
    let ended = Ended::of(&shell.output().unwrap());
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(!place.path("double.nav").exists());
    let left = crate::nav::listing(place.path("double.onnx").parent().unwrap());
    assert_eq!(left, ["cache", "double.onnx"], "{ended:?}");
}
