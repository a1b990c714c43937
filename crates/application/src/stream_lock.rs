//! One holder at a time for each key: a stream from load to commit, or an idempotency key from look-up to answer.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OwnedMutexGuard;

/// Locks by a 128-bit key (a ULID or a UUID). Only held keys take memory.
#[derive(Debug, Clone, Default)]
pub(crate) struct KeyedLocks {
    held: Arc<Mutex<HashMap<u128, Arc<tokio::sync::Mutex<()>>>>>,
}

/// The key is held until this is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    locks: KeyedLocks,
    key: u128,
    guard: Option<OwnedMutexGuard<()>>,
}

impl KeyedLocks {
    /// Waits until nobody else holds the key.
    pub(crate) async fn hold(&self, key: u128) -> Held {
        let lock = self.map().entry(key).or_default().clone();
        let mut held = Held { locks: self.clone(), key, guard: None };
        held.guard = Some(lock.lock_owned().await);
        held
    }

    fn map(&self) -> std::sync::MutexGuard<'_, HashMap<u128, Arc<tokio::sync::Mutex<()>>>> {
        // The map is whole after every statement under the lock, whoever panicked.
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        drop(self.guard.take());
        let mut map = self.locks.map();
        // Only the map refers to it: nobody waits.
        if map.get(&self.key).is_some_and(|lock| Arc::strong_count(lock) == 1) {
            map.remove(&self.key);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_key_has_one_holder_and_leaves_nothing_behind() {
        let locks = KeyedLocks::default();
        let first = locks.hold(1).await;
        let other = locks.hold(2).await;
        let mut second = Box::pin(locks.hold(1));
        assert!(futures::poll!(second.as_mut()).is_pending());
        drop(first);
        drop(second.await);
        drop(other);
        assert!(locks.map().is_empty());
    }
}
