//! `nav runtime list` for people.

use super::table::{bytes, table, text};
use crate::commands::runtime::Entry;

/// The vendor runtimes, a line each.
pub(crate) fn runtimes(entries: &[Entry]) -> String {
    let mut table = table(["RUNTIME", "VERSION", "INSTALLED", "SIZE", "WHERE"]);
    for entry in entries {
        let place = match (&entry.configured, &entry.folder) {
            (Some(path), _) => format!("{} (configured)", path.display()),
            (None, Some(folder)) => folder.display().to_string(),
            (None, None) => format!("nav runtime install {}", entry.name),
        };
        table.add_row([
            entry.name.to_owned(),
            entry.version.to_owned(),
            if entry.installed { "yes" } else { "no" }.to_owned(),
            entry.bytes.map(bytes).unwrap_or_default(),
            place,
        ]);
    }
    text(&table)
}
