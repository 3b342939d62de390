//! Values that are kept once, under a small number.

use std::collections::HashMap;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::marker::PhantomData;
use std::sync::Arc;

/// The number of a value.
pub struct Id<T>(u32, PhantomData<fn() -> T>);

impl<T> Clone for Id<T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for Id<T> {}

impl<T> fmt::Debug for Id<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

impl<T> PartialEq for Id<T> {
    fn eq(&self, other: &Self) -> bool {
        self.0 == other.0
    }
}

impl<T> Eq for Id<T> {}

impl<T> Hash for Id<T> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.0.hash(state);
    }
}

/// Values, each once.
#[derive(Debug)]
pub struct Interned<T> {
    values: Vec<Arc<T>>,
    index: HashMap<Arc<T>, u32>,
}

impl<T> Default for Interned<T> {
    fn default() -> Self {
        Self { values: Vec::new(), index: HashMap::new() }
    }
}

impl<T: Eq + Hash> Interned<T> {
    /// The number of a value.
    pub fn id(&mut self, value: T) -> Id<T> {
        if let Some(number) = self.index.get(&value) {
            return Id(*number, PhantomData);
        }
        // More values than this fit into no memory.
        let number = u32::try_from(self.values.len()).unwrap_or(u32::MAX);
        let value = Arc::new(value);
        self.values.push(Arc::clone(&value));
        self.index.insert(value, number);
        Id(number, PhantomData)
    }

    /// The value of a number.
    pub fn get(&self, id: Id<T>) -> &T {
        &self.values[id.0 as usize]
    }

    /// The value of a number, shared.
    pub fn shared(&self, id: Id<T>) -> Arc<T> {
        Arc::clone(&self.values[id.0 as usize])
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.values.len()
    }
}
