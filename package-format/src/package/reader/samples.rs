//! The samples of a package: inputs to run its model on, and the outputs that the original gave for them.

use std::collections::BTreeMap;

use super::error::PackageError;
use super::package::Package;
use crate::TensorData;
use crate::numpy::{self, Limits};

/// Named tensors for each sample, by the sample's number.
pub type Samples = BTreeMap<usize, Vec<(String, TensorData)>>;

impl Package {
    /// The input samples of one kind (`profiling`, `conversion`, `correctness`).
    pub fn samples(&self, kind: &str, limits: &Limits) -> Result<Samples, PackageError> {
        self.tensors(&format!("model_input/{kind}/"), limits)
    }

    /// The outputs that the original gave for the input samples of one kind.
    pub fn expected(&self, kind: &str, limits: &Limits) -> Result<Samples, PackageError> {
        self.tensors(&format!("model_output/{kind}/"), limits)
    }

    fn tensors(&self, folder: &str, limits: &Limits) -> Result<Samples, PackageError> {
        let mut samples = Samples::new();
        for entry in self.archive().entries() {
            let number = entry
                .name()
                .strip_prefix(folder)
                .and_then(|name| name.strip_suffix(".npz"));
            let Some(number) = number.and_then(|number| number.parse().ok()) else {
                continue;
            };
            let digest = self.manifest().file(entry.name()).map(|file| file.sha256);
            let bytes =
                self.archive()
                    .read_to_vec(entry.name(), digest.as_ref(), limits.total_bytes)?;
            let sample = numpy::read_npz(std::io::Cursor::new(bytes), limits);
            let sample = sample.map_err(|source| PackageError::Samples {
                entry: entry.name().to_owned(),
                source,
            })?;
            samples.insert(number, sample);
        }
        Ok(samples)
    }
}
