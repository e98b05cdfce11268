//! What servers are deployed with, which no test can start, says what the server has.

use crate::sources::{document, rust_files};

/// What comes right after a text, up to the end of a word.
fn after<'a>(text: &'a str, before: &str) -> &'a str {
    let (_, rest) = text.split_once(before).unwrap();
    rest.split(|letter: char| !letter.is_alphanumeric())
        .next()
        .unwrap()
}

fn seconds(text: &str, before: &str) -> u64 {
    after(text, before).parse().unwrap()
}

#[test]
fn what_is_deployed_has_the_times_and_options_of_the_server() {
    let source = document("navigator/cli/src/commands/serve.rs");
    let (above, _) = source.split_once("    drain_time: u64").unwrap();
    let (_, attribute) = above.rsplit_once("#[arg").unwrap();
    let drain = seconds(attribute, "default_value_t = ");
    let farewell = seconds(
        &document("serve/src/server.rs"),
        "FAREWELL: Duration = Duration::from_secs(",
    );
    let unit = document("deploy/nav.service");
    assert!(seconds(&unit, "TimeoutStopSec=") > drain + farewell);
    assert!(unit.contains("KillMode=mixed"));
    let pods = document("deploy/kubernetes.yaml");
    let told = seconds(&pods, "--drain-time=");
    let before = seconds(&pods, "sleep: {seconds: ");
    assert!(seconds(&pods, "terminationGracePeriodSeconds: ") > before + told + farewell);
    let options: Vec<String> = rust_files()
        .iter()
        .filter(|file| file.path.starts_with("navigator/cli/src"))
        .flat_map(|file| {
            file.text
                .lines()
                .filter_map(|line| line.trim().split_once(": "))
        })
        .map(|(name, _)| name.trim_start_matches("pub(crate) ").replace('_', "-"))
        .collect();
    let image = document("deploy/Containerfile");
    let (_, image) = image.split_once("nav:0.1.0 \\").unwrap();
    let commands = unit.lines().filter(|line| line.starts_with("ExecStart="));
    let pods = pods.lines().filter(|line| line.trim().starts_with("- --"));
    let typed: Vec<&str> = commands
        .chain(pods)
        .chain(image.lines().filter(|line| line.contains("serve /models")))
        .flat_map(|line| line.split("--").skip(1))
        .map(|rest| rest.split([' ', '=']).next().unwrap())
        .collect();
    assert!(typed.len() >= 10, "{typed:?}");
    for option in typed {
        assert!(
            options.iter().any(|known| known == option),
            "there is no --{option}"
        );
    }
}
