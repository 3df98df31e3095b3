use crate::encoding::hash64;
use hashbrown::HashTable;
use std::sync::Arc;

/// Names by number, each once, in the order in which they came.
#[derive(Debug, Clone, Default)]
pub(super) struct Names {
    names: Vec<Arc<str>>,
    /// Numbers by the hash of their name.
    table: HashTable<u32>,
}

impl Names {
    /// The number of a name, which is made when it is new.
    pub(super) fn number(&mut self, name: &str) -> u32 {
        let Names { names, table } = self;
        let hash = hash64(name.as_bytes());
        let same = |number: &u32| names.get(*number as usize).is_some_and(|own| **own == *name);
        if let Some(number) = table.find(hash, same) {
            return *number;
        }
        let number = u32::try_from(names.len()).unwrap_or(u32::MAX);
        names.push(Arc::from(name));
        table.insert_unique(hash, number, |number| names.get(*number as usize).map_or(0, |name| hash64(name.as_bytes())));
        number
    }

    /// The number of a name that there is.
    pub(super) fn find(&self, name: &str) -> Option<u32> {
        let same = |number: &u32| self.names.get(*number as usize).is_some_and(|own| **own == *name);
        self.table.find(hash64(name.as_bytes()), same).copied()
    }

    pub(super) fn get(&self, number: u32) -> Option<&Arc<str>> {
        self.names.get(number as usize)
    }

    pub(super) fn name(&self, number: u32) -> Arc<str> {
        self.names.get(number as usize).cloned().unwrap_or_else(|| Arc::from(""))
    }

    pub(super) fn len(&self) -> usize {
        self.names.len()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<str>> {
        self.names.iter()
    }
}
