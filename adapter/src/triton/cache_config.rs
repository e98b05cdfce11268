//! How large the cache of responses is, in either of the ways in which that can be said.

use super::config::TritonConfig;
use super::error::ConfigError;

/// How many bytes responses may take that are kept; 0 for none.
pub(super) fn cache_bytes(config: &TritonConfig) -> Result<usize, ConfigError> {
    let mut said: Option<u64> = None;
    for text in &config.cache_config {
        let refuse = |reason: String| ConfigError::field("cache_config", reason);
        let Some((cache, setting)) = text.split_once(',') else {
            return Err(refuse(format!("`{text}` is not `local,size=BYTES`")));
        };
        if cache != "local" {
            return Err(refuse(format!("there is no cache `{cache}` but `local`")));
        }
        let size = setting.strip_prefix("size=").map(str::parse);
        let Some(Ok(size)) = size else {
            return Err(refuse(format!("`{text}` is not `local,size=BYTES`")));
        };
        said = Some(size);
    }
    let bytes = match (said, config.response_cache_byte_size) {
        (Some(said), Some(other)) if said != other => {
            let reason = format!("it is {other}, and `cache_config` says {said}");
            return Err(ConfigError::field("response_cache_byte_size", reason));
        }
        (said, other) => said.or(other).unwrap_or(0),
    };
    Ok(usize::try_from(bytes).unwrap_or(usize::MAX))
}
