//! The files that a configuration names: below the model's own folder, and bounded.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::{Component, Path};

use super::ConfigError;
use crate::proto::ModelConfig;

/// The most bytes of a label file.
const MOST_LABELS: u64 = 16 << 20;

/// Whether this names something below a folder, and nothing else.
pub(crate) fn plain_name(name: &str) -> bool {
    let path = Path::new(name);
    let is_plain = |part: Component<'_>| matches!(part, Component::Normal(_));
    !name.is_empty() && !name.contains(['\\', '\0']) && path.components().all(is_plain)
}

/// The labels of the outputs that have some, by the name of the output.
pub(crate) fn labels(
    config: &ModelConfig,
    folder: Option<&Path>,
) -> Result<BTreeMap<String, Vec<String>>, ConfigError> {
    let mut labels = BTreeMap::new();
    for (index, output) in config.output.iter().enumerate() {
        if output.label_filename.is_empty() {
            continue;
        }
        let field = format!("output[{index}].label_filename");
        let bytes = read(folder, &output.label_filename, MOST_LABELS)
            .map_err(|reason| ConfigError::field(&field, reason))?;
        let text = String::from_utf8(bytes)
            .map_err(|_| ConfigError::field(&field, "the file is not UTF-8"))?;
        let lines = text.lines().map(str::to_owned).collect();
        labels.insert(output.name.clone(), lines);
    }
    Ok(labels)
}

/// The content of a file below a model's folder.
pub(super) fn read(folder: Option<&Path>, name: &str, limit: u64) -> Result<Vec<u8>, String> {
    let Some(folder) = folder else {
        return Err("the model has no folder with files".to_owned());
    };
    if !plain_name(name) {
        return Err(format!(
            "`{name}` does not name a file of the model's folder"
        ));
    }
    let cannot = |error: std::io::Error| format!("`{name}` cannot be read: {}", error.kind());
    let file = File::open(folder.join(name)).map_err(cannot)?;
    let mut bytes = Vec::new();
    let mut bounded = file.take(limit + 1);
    bounded.read_to_end(&mut bytes).map_err(cannot)?;
    if u64::try_from(bytes.len()).is_ok_and(|length| length <= limit) {
        return Ok(bytes);
    }
    Err(format!("`{name}` has more than {limit} bytes"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::config::of_text;

    #[test]
    fn labels_are_the_lines_of_a_file_of_the_model() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("labels.txt"), "apple\nred pear\n").unwrap();
        let check = |name: &str, expected: Result<&[&str], &str>| {
            let text = format!("output {{ name: 'y' label_filename: '{name}' }}");
            let config = of_text(text.as_bytes()).unwrap();
            let found = labels(&config, Some(folder.path())).map_err(|error| error.to_string());
            let expected = expected.map_err(str::to_owned).map(|lines| {
                let lines = lines.iter().map(|line| (*line).to_owned()).collect();
                BTreeMap::from([("y".to_owned(), lines)])
            });
            assert_eq!(found, expected, "{name}");
        };
        check("labels.txt", Ok(&["apple", "red pear"]));
        check(
            "../labels.txt",
            Err(
                "output[0].label_filename: `../labels.txt` does not name a file of the model's folder",
            ),
        );
        check(
            "/etc/passwd",
            Err(
                "output[0].label_filename: `/etc/passwd` does not name a file of the model's folder",
            ),
        );
        check(
            "none",
            Err("output[0].label_filename: `none` cannot be read: entity not found"),
        );
    }
}
