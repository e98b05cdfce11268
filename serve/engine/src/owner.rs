//! Whose sequences are whose, where not everybody may go on with all of them. Knows nothing of what an owner is: to a
//! server it is a connection.

use std::hash::{Hash, Hasher};
use std::sync::{Arc, Weak};

/// Somebody whom sequences belong to, until the last clone of this is dropped: nobody else goes on with them, or begins
/// one under their names.
#[derive(Clone, Debug, Default)]
pub struct Owner(Arc<()>);

/// Whose a sequence is, told without keeping them.
#[derive(Clone, Debug)]
pub(crate) struct OwnedBy(Option<Weak<()>>);

impl PartialEq for Owner {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Owner {}

impl Hash for Owner {
    fn hash<H: Hasher>(&self, state: &mut H) {
        Arc::as_ptr(&self.0).hash(state);
    }
}

impl OwnedBy {
    pub(crate) fn new(owner: Option<&Owner>) -> Self {
        Self(owner.map(|owner| Arc::downgrade(&owner.0)))
    }

    /// Whether it is theirs; what nobody owns is everybody's who owns nothing.
    pub(crate) fn is(&self, owner: Option<&Owner>) -> bool {
        match (&self.0, owner) {
            (None, None) => true,
            (Some(weak), Some(owner)) => std::ptr::eq(weak.as_ptr(), Arc::as_ptr(&owner.0)),
            _ => false,
        }
    }

    /// Whether its owner is gone.
    pub(crate) fn is_gone(&self) -> bool {
        let weak = self.0.as_ref();
        weak.is_some_and(|weak| weak.strong_count() == 0)
    }
}
