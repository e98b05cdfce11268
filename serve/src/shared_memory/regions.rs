//! All regions, by their names: registered, told of, unregistered.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::{Arc, PoisonError, RwLock};

use rustix::io::Errno;

use super::error::RegionError;
use super::object::Objects;
use super::options::SharedMemoryOptions;
use super::region::{Region, Span};
use super::tensors::{Place, Places, Spans};

/// The most bytes of a name.
pub(super) const LONGEST: usize = 1024;

/// All regions.
#[derive(Debug)]
pub(crate) struct Regions {
    objects: Objects,
    limit: usize,
    by_name: RwLock<BTreeMap<Box<str>, Arc<Region>>>,
}

/// What a region is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Registration {
    /// Its name.
    pub(crate) name: Box<str>,
    /// The key of the object.
    pub(crate) key: Box<str>,
    /// Where it begins in the object.
    pub(crate) offset: u64,
    /// How many bytes it has.
    pub(crate) byte_size: u64,
}

impl Regions {
    /// None yet. Fails where the system has no shared memory.
    pub(crate) fn new(options: &SharedMemoryOptions) -> Result<Self, Errno> {
        Ok(Self {
            objects: Objects::new(options)?,
            limit: options.regions,
            by_name: RwLock::default(),
        })
    }

    /// Opens an object, and knows a part of it under a name from now on.
    pub(crate) fn register(&self, wanted: Registration) -> Result<(), RegionError> {
        let Registration {
            name,
            key,
            offset,
            byte_size,
        } = wanted;
        check_name(&name, "system")?;
        if self.find(&name).is_ok() {
            return Err(RegionError::Exists { name });
        }
        let (file, size) = self.objects.open(&key)?;
        let end = offset.checked_add(byte_size);
        if byte_size == 0 || end.is_none_or(|end| end > size) {
            return Err(RegionError::Extent { name });
        }
        // Nothing here needs it, but whoever maps the same region does.
        let page = u64::try_from(rustix::param::page_size()).unwrap_or(1);
        if !offset.is_multiple_of(page) {
            return Err(RegionError::Alignment { key });
        }
        let region = Region {
            name: name.clone(),
            key,
            offset,
            byte_size,
            file,
        };
        let mut regions = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        if regions.len() >= self.limit {
            return Err(RegionError::TooMany { limit: self.limit });
        }
        match regions.entry(name) {
            Entry::Vacant(free) => {
                free.insert(Arc::new(region));
                Ok(())
            }
            // Somebody else was faster.
            Entry::Occupied(taken) => Err(RegionError::Exists {
                name: taken.key().clone(),
            }),
        }
    }

    /// Forgets a region, or all. Requests that use it go on. That there is no such region is no error.
    pub(crate) fn unregister(&self, name: Option<&str>) {
        let mut regions = self.by_name.write().unwrap_or_else(PoisonError::into_inner);
        match name {
            Some(name) => drop(regions.remove(name)),
            None => regions.clear(),
        }
    }

    /// The regions, in the order of their names, or the one of this name.
    pub(crate) fn told(&self, name: Option<&str>) -> Result<Vec<Arc<Region>>, RegionError> {
        match name {
            None => {
                let regions = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
                Ok(regions.values().cloned().collect())
            }
            Some(name) => match self.find(name) {
                Ok(region) => Ok(vec![region]),
                Err(_) => Err(RegionError::UnknownOf {
                    kind: "system",
                    name: name.into(),
                }),
            },
        }
    }

    /// Where tensors lie, as far as it is known before they are read.
    pub(crate) fn spans(&self, places: Places) -> Result<Spans, RegionError> {
        let span = |(index, place): (usize, Place)| Ok((index, self.span(&place)?));
        let inputs: Result<_, RegionError> = places.inputs.into_iter().map(span).collect();
        let outputs: Result<_, RegionError> = places.outputs.into_iter().map(span).collect();
        Ok(Spans::new(inputs?, outputs?))
    }

    fn span(&self, place: &Place) -> Result<Span, RegionError> {
        Span::of(self.find(&place.region)?, place.offset, place.byte_size)
    }

    pub(super) fn find(&self, name: &str) -> Result<Arc<Region>, RegionError> {
        let regions = self.by_name.read().unwrap_or_else(PoisonError::into_inner);
        let found = regions.get(name).map(Arc::clone);
        found.ok_or_else(|| RegionError::Unknown { name: name.into() })
    }
}

/// Fails unless a region can have this name.
pub(super) fn check_name(name: &str, kind: &'static str) -> Result<(), RegionError> {
    match name.len() {
        0 => Err(RegionError::Unnamed { kind }),
        1..=LONGEST => Ok(()),
        _ => Err(RegionError::LongName { limit: LONGEST }),
    }
}
