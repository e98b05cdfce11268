//! What a callable gives for a request or a batch: tensors by name, or in the order in which its outputs are declared.

use std::collections::{BTreeMap, HashMap};
use std::hash::BuildHasher;

use nav_engine::Parameter;

use crate::array::Array;

/// The outputs of one answer.
#[derive(Clone, Debug, PartialEq)]
pub struct Outputs {
    pub(crate) arrays: Arrays,
    pub(crate) parameters: Vec<(Box<str>, Parameter)>,
}

/// Tensors, and what says which output each is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Arrays {
    /// Their names.
    Named(Vec<(Box<str>, Array)>),
    /// Their places.
    Ordered(Vec<Array>),
}

impl Outputs {
    /// Outputs by name.
    pub fn named<N: Into<Box<str>>>(arrays: impl IntoIterator<Item = (N, Array)>) -> Self {
        let arrays = arrays.into_iter();
        let named = arrays.map(|(name, array)| (name.into(), array));
        Self::of(Arrays::Named(named.collect()))
    }

    /// Outputs in the order in which they are declared.
    pub fn ordered(arrays: impl IntoIterator<Item = Array>) -> Self {
        Self::of(Arrays::Ordered(arrays.into_iter().collect()))
    }

    pub(crate) const fn of(arrays: Arrays) -> Self {
        Self {
            arrays,
            parameters: Vec::new(),
        }
    }

    /// The same, with something else that the caller is told.
    #[must_use]
    pub fn with_parameter(mut self, name: &str, value: Parameter) -> Self {
        self.parameters.push((name.into(), value));
        self
    }

    /// The tensors, however they are told apart.
    pub fn iter(&self) -> impl Iterator<Item = &Array> {
        let (named, ordered) = match &self.arrays {
            Arrays::Named(named) => (named.as_slice(), &[][..]),
            Arrays::Ordered(ordered) => (&[][..], ordered.as_slice()),
        };
        named.iter().map(|(_, array)| array).chain(ordered)
    }

    /// The tensor of this name, where they have names.
    pub fn get(&self, name: &str) -> Option<&Array> {
        match &self.arrays {
            Arrays::Named(named) => {
                let mut named = named.iter();
                named.find_map(|(known, array)| (&**known == name).then_some(array))
            }
            Arrays::Ordered(_) => None,
        }
    }

    /// The tensor of this name, or at this place where they have no names.
    pub(crate) fn at(&self, position: usize, label: &str) -> Option<&Array> {
        match &self.arrays {
            Arrays::Named(_) => self.get(label),
            Arrays::Ordered(ordered) => ordered.get(position),
        }
    }

    /// What one of them is called, for people.
    pub(crate) fn label(&self, position: usize) -> String {
        match &self.arrays {
            Arrays::Named(named) => named
                .get(position)
                .map_or_else(String::new, |(name, _)| name.to_string()),
            Arrays::Ordered(_) => format!("#{position}"),
        }
    }

    /// The same outputs, each tensor as this makes it.
    pub(crate) fn changed<E>(
        &self,
        mut change: impl FnMut(usize, &Array) -> Result<Array, E>,
    ) -> Result<Self, E> {
        let arrays = match &self.arrays {
            Arrays::Named(named) => {
                let changed = named
                    .iter()
                    .enumerate()
                    .map(|(position, (name, array))| Ok((name.clone(), change(position, array)?)));
                Arrays::Named(changed.collect::<Result<_, E>>()?)
            }
            Arrays::Ordered(ordered) => {
                let changed = ordered.iter().enumerate();
                let changed = changed.map(|(position, array)| change(position, array));
                Arrays::Ordered(changed.collect::<Result<_, E>>()?)
            }
        };
        Ok(Self {
            arrays,
            parameters: self.parameters.clone(),
        })
    }
}

impl<N: Into<Box<str>>, const COUNT: usize> From<[(N, Array); COUNT]> for Outputs {
    fn from(arrays: [(N, Array); COUNT]) -> Self {
        Self::named(arrays)
    }
}

impl<N: Into<Box<str>>> From<Vec<(N, Array)>> for Outputs {
    fn from(arrays: Vec<(N, Array)>) -> Self {
        Self::named(arrays)
    }
}

impl<N: Into<Box<str>>> From<BTreeMap<N, Array>> for Outputs {
    fn from(arrays: BTreeMap<N, Array>) -> Self {
        Self::named(arrays)
    }
}

impl<N: Into<Box<str>>, S: BuildHasher> From<HashMap<N, Array, S>> for Outputs {
    fn from(arrays: HashMap<N, Array, S>) -> Self {
        Self::named(arrays)
    }
}

impl<const COUNT: usize> From<[Array; COUNT]> for Outputs {
    fn from(arrays: [Array; COUNT]) -> Self {
        Self::ordered(arrays)
    }
}

impl From<Vec<Array>> for Outputs {
    fn from(arrays: Vec<Array>) -> Self {
        Self::ordered(arrays)
    }
}

impl From<Array> for Outputs {
    fn from(array: Array) -> Self {
        Self::ordered([array])
    }
}
