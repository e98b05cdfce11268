//! `nav verify` for people.

use super::table::{bytes, table, text};
use crate::commands::verify::VerifiedFile;

/// A line for each file.
pub(crate) fn verified(files: &[VerifiedFile]) -> String {
    let mut table = table(["FILE", "SIZE", "SHA-256"]);
    for file in files {
        table.add_row([
            file.name.clone(),
            bytes(file.bytes),
            file.sha256.to_string(),
        ]);
    }
    text(&table)
}
