//! Body memory: one bound on the memory of all request bodies of an instance.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use thiserror::Error;

/// The bytes of all request bodies under way: as received, and as unpacked.
#[derive(Clone, Debug, Default)]
pub struct BodyMemory(Arc<AtomicU64>);

/// The part of the memory taken by one body. Dropping the room frees the part.
#[derive(Debug)]
pub struct Room {
    memory: BodyMemory,
    length: u64,
}

/// The error of a body that does not fit beside the bodies under way.
#[derive(Clone, Copy, Debug, Error, PartialEq, Eq)]
#[error(
    "the bodies under way take {most} bytes together; try again soon, or raise `max_bodies` in pointsman.yaml"
)]
pub struct NoRoom {
    pub most: u64,
}

/// A body with the room that the body takes.
struct KeptBody {
    body: Vec<u8>,
    _room: Room,
}

impl AsRef<[u8]> for KeptBody {
    fn as_ref(&self) -> &[u8] {
        &self.body
    }
}

impl BodyMemory {
    /// Returns the bytes taken by all bodies together.
    pub fn taken(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Begins a body without any byte.
    pub fn room(&self) -> Room {
        Room { memory: self.clone(), length: 0 }
    }
}

impl Room {
    /// Returns the bytes taken by this body.
    pub const fn length(&self) -> u64 {
        self.length
    }

    /// Checks whether a body of `length` bytes would fit beside all other bodies, within `most` bytes.
    ///
    /// # Errors
    /// [`NoRoom`]
    pub fn check(&self, length: u64, most: u64) -> Result<(), NoRoom> {
        let others = self.memory.taken().saturating_sub(self.length);
        if others.saturating_add(length) > most { Err(NoRoom { most }) } else { Ok(()) }
    }

    /// Takes `by` more bytes, unless all bodies together would then take more than `most`.
    ///
    /// # Errors
    /// [`NoRoom`]
    pub fn grow(&mut self, by: u64, most: u64) -> Result<(), NoRoom> {
        let fits = |taken: u64| taken.checked_add(by).filter(|sum| *sum <= most);
        let taken = self.memory.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits);
        taken.map_err(|_| NoRoom { most })?;
        self.length += by;
        Ok(())
    }

    /// Ties the room to a body: the last copy of the returned bytes frees the room.
    pub fn keep(self, body: Vec<u8>) -> Bytes {
        Bytes::from_owner(KeptBody { body, _room: self })
    }
}

impl Drop for Room {
    fn drop(&mut self) {
        self.memory.0.fetch_sub(self.length, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_copy_of_a_body_frees_its_memory() {
        let memory = BodyMemory::default();
        let mut room = memory.room();
        room.grow(3, 4).expect("there is room");
        assert_eq!(memory.room().grow(2, 4), Err(NoRoom { most: 4 }));
        let body = room.keep(b"abc".to_vec());
        let copy = body.slice(1..2);
        drop(body);
        assert_eq!((memory.taken(), &copy[..]), (3, &b"b"[..]));
        drop(copy);
        assert_eq!(memory.taken(), 0);
    }
}
