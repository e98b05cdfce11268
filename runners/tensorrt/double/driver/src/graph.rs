//! What a stream records.

use crate::code::{CAPTURE_INVALIDATED, Code};
use crate::stream::Work;

/// Work that is recorded instead of done, as long as nothing happens that must not happen meanwhile.
#[derive(Default)]
pub(crate) struct Recording {
    work: Vec<Work>,
    is_invalid: bool,
}

impl Recording {
    pub(crate) fn add(&mut self, work: Work) -> Result<(), Code> {
        if self.is_invalid {
            return Err(CAPTURE_INVALIDATED);
        }
        match work {
            Work::Launch(recorded) => self.work.extend(recorded.iter().cloned()),
            work => self.work.push(work),
        }
        Ok(())
    }

    pub(crate) const fn invalidate(&mut self) {
        self.is_invalid = true;
    }

    pub(crate) fn into_work(self) -> Option<Vec<Work>> {
        (!self.is_invalid).then_some(self.work)
    }
}
