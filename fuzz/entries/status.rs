//! `status.yaml` of Model Navigator: any text is refused or gives records and metadata.

use nav_package_format::package::model_navigator::Status;

/// Whether the text was taken for a status.
pub(crate) fn enter(text: &[u8]) -> bool {
    let text = std::str::from_utf8(text).ok();
    let Some(status) = text.and_then(|text| Status::parse(text).ok()) else {
        return false;
    };
    let _runtimes = status.runtimes().count();
    let _records = status.records();
    for tensor in status.inputs() {
        let _spec = tensor.to_spec();
    }
    true
}
