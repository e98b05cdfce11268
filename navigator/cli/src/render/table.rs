//! Tables: columns that line up, no borders, wrapped to the terminal.

use comfy_table::{ContentArrangement, Table, presets};

/// A table with this header.
pub(crate) fn table<const N: usize>(header: [&str; N]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    table.set_content_arrangement(ContentArrangement::Dynamic);
    table.set_header(header);
    table
}

/// A table's text, without the spaces around it.
pub(crate) fn text(table: &Table) -> String {
    // Every cell has a space on either side, the first and the last too.
    let unpadded = |line: String| {
        line.strip_prefix(' ')
            .unwrap_or(&line)
            .trim_end()
            .to_owned()
    };
    let lines: Vec<String> = table.lines().map(unpadded).collect();
    lines.join("\n")
}

/// A number of bytes as people say it.
pub(crate) fn bytes(count: u64) -> String {
    indicatif::BinaryBytes(count).to_string()
}
