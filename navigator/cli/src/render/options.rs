//! `nav config show` for people.

use super::table::{table, text};
use crate::commands::config::ShownOption;

/// One line for each option.
pub(crate) fn options(options: &[ShownOption]) -> String {
    let mut table = table(["OPTION", "VALUE", "FROM", "VARIABLE"]);
    for option in options {
        table.add_row([
            option.option.clone(),
            option.values.join(", "),
            option.source.clone(),
            option.variable.clone(),
        ]);
    }
    text(&table)
}
