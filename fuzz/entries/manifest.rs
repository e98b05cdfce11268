//! Manifests: any text is refused, or makes sense, is written and read back the same, and can be chosen from.

use nav_package_format::package::strategy::DEFAULT;
use nav_package_format::package::{Manifest, choose};

/// Whether the text was taken for a manifest.
pub(crate) fn enter(text: &[u8]) -> bool {
    let Ok(manifest) = Manifest::parse(text) else {
        return false;
    };
    let _choice = choose(DEFAULT, &manifest.evaluations());
    let written = manifest.to_text().expect("what was read can be written");
    assert_eq!(Manifest::parse(&written).ok().as_ref(), Some(&manifest));
    true
}
