//! What is traced, as it is said for Triton: settings by name, of which some belong to the way in which traces travel.

use nav_serve::TraceOptions;

use super::error::ConfigError;

const FIELD: &str = "trace_config";

/// What these settings come to, and those that have no effect.
pub(super) fn trace_options(
    settings: &[String],
) -> Result<(TraceOptions, Vec<String>), ConfigError> {
    let mut options = TraceOptions::default();
    let mut mode = None;
    let mut level = None;
    let mut ignored = Vec::new();
    for text in settings {
        let wrong = |expected: &str| {
            let reason = format!("`{text}` is not {expected}");
            Err(ConfigError::field(FIELD, reason))
        };
        let Some((name, value)) = text.split_once('=') else {
            return wrong("`name=value`");
        };
        let number = value.parse::<u32>();
        match (name, number) {
            ("mode", _) => match value {
                "triton" | "opentelemetry" => mode = Some(value),
                _ => return wrong("`mode=triton` or `mode=opentelemetry`"),
            },
            ("level", _) => match value {
                "OFF" => level = Some(false),
                "TIMESTAMPS" => level = Some(true),
                "TENSORS" => ignored.push(text.clone()),
                _ => return wrong("`level=OFF` or `level=TIMESTAMPS`"),
            },
            ("rate", Ok(rate)) => options.settings.rate = rate,
            // -1 is for all of them.
            ("count", _) if value == "-1" => options.settings.count = None,
            ("count", Ok(count)) => options.settings.count = Some(count),
            ("triton,log-frequency", Ok(count)) => options.settings.log_frequency = count,
            ("rate" | "count" | "triton,log-frequency", Err(_)) => {
                return wrong("a whole number");
            }
            ("triton,file", _) => options.file = Some(value.into()),
            ("opentelemetry,url", _) => options.collector = Some(value.to_owned()),
            _ => ignored.push(text.clone()),
        }
    }
    // Only the way that was chosen counts, where one was.
    match mode {
        Some("triton") => options.collector = None,
        Some(_) => options.file = None,
        None => {}
    }
    let goes_somewhere = options.file.is_some() || options.collector.is_some();
    options.settings.timestamps = level.unwrap_or(goes_somewhere);
    Ok((options, ignored))
}
