//! Configurations of models: any text is refused, or read and checked, and written and read the same.

/// Whether the text was taken for a configuration that can be honoured.
pub(crate) fn enter(text: &[u8]) -> bool {
    nav_serve::fuzzing::config(text)
}
