//! Fields of the configuration: from arguments, from the environment, from nowhere.

use nav_adapter::{Effect, Environment, Field, TritonConfig};

use super::{builder, free_ports};

const OURS: &str = "NAV_TRITON_CONFIG_";
const THEIRS: &str = "PYTRITON_TRITON_CONFIG_";

/// Another text that the variable of the field may have.
fn other(field: &Field) -> String {
    match field.example {
        "true" => "false".to_owned(),
        "false" => "true".to_owned(),
        "high" => "low".to_owned(),
        "explicit" => "poll".to_owned(),
        number if number.parse::<i64>().is_ok() => "7".to_owned(),
        text => format!("{text}x"),
    }
}

fn variable(prefix: &str, field: &Field, text: &str) -> (String, String) {
    let name = format!("{prefix}{}", field.name.to_uppercase());
    let name = if field.is_list { name + "_0" } else { name };
    (name, text.to_owned())
}

#[test]
fn every_field_comes_from_the_argument_then_our_variable_then_theirs_then_nowhere() {
    for field in TritonConfig::FIELDS {
        let (example, other) = (field.example, other(field));
        let found = |config: TritonConfig, variables: &[(String, String)]| {
            let environment: Environment = variables.iter().cloned().collect();
            let config = config.with_environment(&environment);
            field.texts(&config.unwrap())
        };
        let ours = |text: &str| variable(OURS, field, text);
        let theirs = |text: &str| variable(THEIRS, field, text);
        let expected = Some(vec![example.to_owned()]);
        let unset = TritonConfig::default;
        assert_eq!(found(unset(), &[]), None, "{}", field.name);
        assert_eq!(
            found(unset(), &[theirs(example)]),
            expected,
            "{}",
            field.name
        );
        let both = [ours(example), theirs(&other)];
        assert_eq!(found(unset(), &both), expected, "{}", field.name);
        let argument = unset().with_environment(&Environment::from_iter([ours(example)]));
        let both = [ours(&other), theirs(&other)];
        assert_eq!(found(argument.unwrap(), &both), expected, "{}", field.name);
    }
}

#[test]
fn a_list_has_a_variable_for_each_of_its_values() {
    let environment = Environment::from_iter([
        ("PYTRITON_TRITON_CONFIG_TRACE_CONFIG_0", "rate=1"),
        ("PYTRITON_TRITON_CONFIG_TRACE_CONFIG_1", "count=5"),
        ("PYTRITON_TRITON_CONFIG_TRACE_CONFIG_3", "beyond a gap"),
    ]);
    let config = TritonConfig::default().with_environment(&environment);
    assert_eq!(config.unwrap().trace_config, ["rate=1", "count=5"]);
}

#[test]
fn a_variable_that_makes_no_sense_is_named() {
    let check = |name: &str, value: &str, expected: &str| {
        let environment = Environment::from_iter([(name, value)]);
        let config = TritonConfig::default().with_environment(&environment);
        assert_eq!(config.unwrap_err().to_string(), expected);
    };
    check(
        "NAV_TRITON_CONFIG_HTTP_PORT",
        "99999",
        "NAV_TRITON_CONFIG_HTTP_PORT is `99999`, and must be a port from 0 to 65535",
    );
    check(
        "PYTRITON_TRITON_CONFIG_ALLOW_GRPC",
        "perhaps",
        "PYTRITON_TRITON_CONFIG_ALLOW_GRPC is `perhaps`, and must be true or false",
    );
    check(
        "PYTRITON_TRITON_CONFIG_GRPC_INFER_RESPONSE_COMPRESSION_LEVEL",
        "most",
        "PYTRITON_TRITON_CONFIG_GRPC_INFER_RESPONSE_COMPRESSION_LEVEL is `most`, and must be none, low, medium or high",
    );
}

#[test]
fn what_cannot_be_is_refused_with_the_field() {
    let check = |change: &dyn Fn(&mut TritonConfig), expected: &str| {
        let mut config = free_ports();
        change(&mut config);
        let refused = builder(config).build().unwrap_err();
        assert_eq!(refused.to_string(), expected);
    };
    check(
        &|config| (config.allow_http, config.allow_grpc) = (Some(false), Some(false)),
        "allow_http: it is off, and so is `allow_grpc`: nobody could ask the server anything",
    );
    check(
        &|config| config.http_address = Some("nowhere".to_owned()),
        "http_address: `nowhere` is no address of this machine, such as 0.0.0.0 for all",
    );
    check(
        &|config| config.grpc_use_ssl = Some(true),
        "grpc_server_cert: it is needed where gRPC is encrypted",
    );
    check(
        &|config| config.allow_sagemaker = Some(true),
        "allow_sagemaker: there is no SageMaker endpoint",
    );
    check(
        &|config| config.cache_config = vec!["redis,host=there".to_owned()],
        "cache_config: there is no cache `redis` but `local`",
    );
    check(
        &|config| {
            config.cache_config = vec!["local,size=5".to_owned()];
            config.response_cache_byte_size = Some(6);
        },
        "response_cache_byte_size: it is 6, and `cache_config` says 5",
    );
    check(
        &|config| config.trace_config = vec!["level=ALL".to_owned()],
        "trace_config: `level=ALL` is not `level=OFF` or `level=TIMESTAMPS`",
    );
    check(
        &|config| config.http_restricted_api = vec!["everything:key=1".to_owned()],
        "http_restricted_api: there is no part `everything` of the server: it has health, metadata, inference, shared-memory, model-config, model-repository, statistics, trace, logging",
    );
    check(
        &|config| config.model_control_mode = Some(nav_adapter::ModelControl::Poll),
        "model_control_mode: there is no `model_repository` whose models could come and go",
    );
}

#[test]
fn what_has_no_effect_and_what_is_unknown_is_told_in_the_log() {
    let (sender, told) = std::sync::mpsc::channel();
    let environment = Environment::from_iter([
        ("PYTRITON_TRITON_CONFIG_BUFFER_MANAGER_THREAD_COUNT", "2"),
        ("PYTRITON_TRITON_CONFIG_NO_SUCH_FIELD", "1"),
        ("NAV_TRITON_CONFIG_ALLOW_VERTEX_AI", "false"),
    ]);
    let builder = builder(free_ports()).environment(environment);
    let triton = builder.log(move |line| sender.send(line.to_owned()).unwrap());
    drop(triton.build().unwrap());
    // What comes before the second blank is when.
    let words = |line: String| line.splitn(3, ' ').last().map(str::to_owned);
    let lines: Vec<String> = told.iter().filter_map(words).collect();
    let expected = [
        "no such setting variable=PYTRITON_TRITON_CONFIG_NO_SUCH_FIELD",
        "setting has no effect setting=buffer_manager_thread_count why=\"buffers are not copied\"",
    ];
    assert_eq!(lines, expected);
}

#[test]
fn every_field_is_in_the_documentation_with_what_it_does() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/adapter.md");
    let text = std::fs::read_to_string(path).unwrap();
    for field in TritonConfig::FIELDS {
        let row = format!("| `{}` |", field.name);
        let row = text.lines().find(|line| line.starts_with(&row));
        let row = row.unwrap_or_else(|| panic!("docs/adapter.md has no row for {}", field.name));
        let expected = match field.effect {
            Effect::Honoured => "yes",
            Effect::Nothing(why) => &format!("no effect: {why}"),
            Effect::Refused(why) => &format!("refused: {why}"),
        };
        assert!(row.contains(&format!("| {expected} |")), "{row}");
    }
}
