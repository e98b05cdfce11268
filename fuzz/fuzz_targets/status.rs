//! `status.yaml` of Model Navigator: any text is refused or gives evaluations to choose from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nav_package_format::package::choose;
use nav_package_format::package::model_navigator::Status;
use nav_package_format::package::strategy::DEFAULT;

fuzz_target!(|text: &str| {
    if let Ok(status) = Status::parse(text) {
        let _choice = choose(DEFAULT, &status.evaluations());
        for tensor in status.inputs() {
            let _spec = tensor.to_spec();
        }
    }
});
