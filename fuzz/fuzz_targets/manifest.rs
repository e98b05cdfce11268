//! Manifests: any text is refused, or makes sense, is written and read back the same, and can be chosen from.
#![no_main]

use libfuzzer_sys::fuzz_target;
use nav_package_format::package::strategy::DEFAULT;
use nav_package_format::package::{Manifest, choose};

fuzz_target!(|text: &[u8]| {
    if let Ok(manifest) = Manifest::parse(text) {
        let _choice = choose(DEFAULT, &manifest.evaluations());
        let written = manifest.to_text().expect("what was read can be written");
        assert_eq!(Manifest::parse(&written).ok().as_ref(), Some(&manifest));
    }
});
