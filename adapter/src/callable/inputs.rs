//! Tensors by name, as a callable takes them: those of one request, or those of a batch, stacked.

use std::borrow::Cow;
use std::sync::Arc;

use nav_package_format::Element;

use super::context::Context;
use crate::array::Array;
use crate::failure::Failure;

/// Named tensors that belong together.
#[derive(Clone, Debug, PartialEq)]
pub struct Inputs {
    context: Arc<Context>,
    rows: usize,
    named: Vec<(Arc<str>, Array)>,
}

impl Inputs {
    /// Tensors of this model, which have so many rows; 1 where it has no batches.
    pub fn new<N: Into<Arc<str>>>(
        context: &Arc<Context>,
        rows: usize,
        named: impl IntoIterator<Item = (N, Array)>,
    ) -> Self {
        let named = named.into_iter();
        Self {
            context: Arc::clone(context),
            rows,
            named: named.map(|(name, array)| (name.into(), array)).collect(),
        }
    }

    /// The model that they are for.
    pub fn context(&self) -> &Arc<Context> {
        &self.context
    }

    /// How many rows they have; 1 where the model has no batches.
    pub const fn rows(&self) -> usize {
        self.rows
    }

    /// Names and tensors, in the order in which the model declares them.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Array)> {
        self.named.iter().map(|(name, array)| (&**name, array))
    }

    /// The names.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.named.iter().map(|(name, _)| &**name)
    }

    /// How many tensors there are.
    pub const fn len(&self) -> usize {
        self.named.len()
    }

    /// Whether there is no tensor.
    pub const fn is_empty(&self) -> bool {
        self.named.is_empty()
    }

    /// The tensor of this name, if it was given.
    pub fn get(&self, name: &str) -> Option<&Array> {
        let mut named = self.named.iter();
        named.find_map(|(known, array)| (&**known == name).then_some(array))
    }

    /// The tensor of this name, which must have been given.
    pub fn array(&self, name: &str) -> Result<&Array, Failure> {
        self.get(name)
            .ok_or_else(|| Failure::invalid(format!("input `{name}` was not given")))
    }

    /// Its elements.
    pub fn elements<E: Element>(&self, name: &str) -> Result<Cow<'_, [E]>, Failure> {
        let found = self.array(name)?.elements();
        found.map_err(|error| Failure::new(format!("input `{name}`: {error}")))
    }

    /// Its first element, such as that of a scalar.
    pub fn first<E: Element>(&self, name: &str) -> Result<E, Failure> {
        let elements = self.elements::<E>(name)?;
        let first = elements.first().copied();
        first.ok_or_else(|| Failure::invalid(format!("input `{name}` has no elements")))
    }

    /// Its texts.
    pub fn texts(&self, name: &str) -> Result<Vec<&str>, Failure> {
        let found = self.array(name)?.texts();
        found.map_err(|error| Failure::invalid(format!("input `{name}`: {error}")))
    }

    /// Puts a tensor in the place of the one of this name, or beside the others.
    pub fn set(&mut self, name: &str, array: Array) {
        match self.named.iter_mut().find(|(known, _)| &**known == name) {
            Some((_, old)) => *old = array,
            None => self.named.push((name.into(), array)),
        }
    }

    /// The same tensors, each as this makes it, of so many rows.
    pub(crate) fn changed<E>(
        &self,
        rows: usize,
        mut change: impl FnMut(&str, &Array) -> Result<Array, E>,
    ) -> Result<Self, E> {
        let named = self.named.iter();
        let named = named.map(|(name, array)| Ok((Arc::clone(name), change(name, array)?)));
        Ok(Self {
            context: Arc::clone(&self.context),
            rows,
            named: named.collect::<Result<_, E>>()?,
        })
    }
}
