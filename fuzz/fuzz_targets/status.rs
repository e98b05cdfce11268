//! `status.yaml` of Model Navigator: any text is refused or gives records and metadata.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nav_package_format::package::model_navigator::Status;

fuzz_target!(|text: &str| {
    if let Ok(status) = Status::parse(text) {
        let _runtimes = status.runtimes().count();
        let _records = status.records();
        for tensor in status.inputs() {
            let _spec = tensor.to_spec();
        }
    }
});
