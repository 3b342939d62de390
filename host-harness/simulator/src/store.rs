//! Objects: by kind in the order they were made, and found by id and by what they belong to.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

/// Fields that name what an object belongs to; lists are filtered by them.
const OWNERS: [&str; 5] = ["charge", "payment_intent", "customer", "source", "invoice"];

/// Where an object is: its kind, and its place among them.
type Place = (&'static str, usize);

/// All objects.
#[derive(Default)]
pub(crate) struct Store {
    kinds: BTreeMap<&'static str, Vec<Value>>,
    by_id: HashMap<String, Place>,
    /// Places of the objects of a kind that name this owner in this field, oldest first.
    owned: HashMap<(&'static str, &'static str, String), Vec<usize>>,
}

impl Store {
    pub(crate) fn add(&mut self, kind: &'static str, object: Value) {
        let objects = self.kinds.entry(kind).or_default();
        let at = objects.len();
        if let Some(id) = object["id"].as_str() {
            self.by_id.insert(id.to_owned(), (kind, at));
        }
        for field in OWNERS {
            if let Some(owner) = object[field].as_str() {
                self.owned.entry((kind, field, owner.to_owned())).or_default().push(at);
            }
        }
        objects.push(object);
    }

    /// Forgets an object, as if it had never been. Its place stays empty, so that others keep theirs.
    pub(crate) fn remove(&mut self, id: &str) {
        if let Some((kind, at)) = self.by_id.remove(id)
            && let Some(object) = self.kinds.get_mut(kind).and_then(|objects| objects.get_mut(at))
        {
            *object = Value::Null;
        }
    }

    pub(crate) fn find(&self, id: &str) -> Option<&Value> {
        let (kind, at) = self.by_id.get(id)?;
        self.kinds.get(kind)?.get(*at)
    }

    pub(crate) fn find_mut(&mut self, id: &str) -> Option<&mut Value> {
        let (kind, at) = self.by_id.get(id)?;
        self.kinds.get_mut(kind)?.get_mut(*at)
    }

    /// The objects of a kind, oldest first.
    pub(crate) fn all(&self, kind: &str) -> impl DoubleEndedIterator<Item = &Value> {
        let objects = self.kinds.get(kind).map_or(&[][..], Vec::as_slice);
        objects.iter().filter(|object| !object.is_null())
    }

    /// The objects of a kind that name this owner in this field, oldest first. Owners never change.
    pub(crate) fn owned(
        &self,
        kind: &'static str,
        field: &'static str,
        owner: &str,
    ) -> Vec<&Value> {
        let places = self.owned.get(&(kind, field, owner.to_owned()));
        let objects = self.kinds.get(kind).map_or(&[][..], Vec::as_slice);
        places.into_iter().flatten().filter_map(|at| objects.get(*at)).collect()
    }

    /// Whether lists of any kind can be narrowed by this field without looking at every object.
    pub(crate) fn owner_field(name: &str) -> Option<&'static str> {
        OWNERS.into_iter().find(|field| *field == name)
    }
}
