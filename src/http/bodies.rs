//! How many bytes of pictures are on their way in at once: of everybody, and of one person.
//!
//! A picture lies in memory until it is whole. Whoever comes when there is no room is told to wait, and nothing of
//! theirs is kept meanwhile.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::body::Bytes;
use axum::extract::{FromRequest as _, Request};
use axum::http::header;
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::http::error::HttpError;
use crate::http::limits::too_often;
use crate::protocol::error::ErrorCode;

/// Bytes of pictures in memory at once: sixteen of the largest.
const PICTURES_AT_ONCE_BYTES: usize = 128 * 1024 * 1024;
/// Pictures that one person sends at once.
const PICTURES_OF_ONE: usize = 2;
/// When to try again: by then one of the others is here or was cut.
const AGAIN_AFTER_SECS: u32 = 2;

/// The pictures that are on their way.
#[derive(Debug)]
pub struct Bodies {
    room: Arc<Semaphore>,
    of_one: Mutex<HashMap<String, usize>>,
}

impl Default for Bodies {
    fn default() -> Self {
        Self { room: Arc::new(Semaphore::new(PICTURES_AT_ONCE_BYTES)), of_one: Mutex::default() }
    }
}

/// A picture on its way. It has its room until this is dropped.
#[derive(Debug)]
pub struct OnItsWay {
    bodies: Arc<Bodies>,
    person: String,
    _room: OwnedSemaphorePermit,
}

impl Bodies {
    /// Reads what `person` sends, at most `limit` bytes; a larger one is refused with `words`. The room is kept until what is
    /// returned beside the bytes is dropped.
    pub async fn read(
        self: &Arc<Self>,
        person: String,
        request: Request,
        limit: usize,
        words: &str,
    ) -> Result<(Bytes, OnItsWay), HttpError> {
        let too_large = || HttpError::new(ErrorCode::TooLarge, words);
        let said = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let size = said.unwrap_or(limit).min(limit);
        let Some(on_its_way) = self.admit(person, size) else {
            pass_over(request, limit).await;
            return Err(too_often(AGAIN_AFTER_SECS));
        };
        let bytes = Bytes::from_request(request, &()).await.map_err(|_| too_large())?;
        Ok((bytes, on_its_way))
    }

    /// Room for `size` bytes of `person`, if there is.
    fn admit(self: &Arc<Self>, person: String, size: usize) -> Option<OnItsWay> {
        let room = Arc::clone(&self.room).try_acquire_many_owned(u32::try_from(size).ok()?).ok()?;
        let mut of_one = self.of_one.lock().expect("no holder of this lock panics");
        let count = of_one.entry(person.clone()).or_default();
        if *count >= PICTURES_OF_ONE {
            return None;
        }
        *count += 1;
        Some(OnItsWay { bodies: Arc::clone(self), person, _room: room })
    }
}

/// Reads a body and keeps nothing of it: whoever still writes when we close would not read why.
async fn pass_over(request: Request, limit: usize) {
    let mut body = request.into_body().into_data_stream();
    let mut passed = 0;
    while passed < limit
        && let Some(Ok(stretch)) = body.next().await
    {
        passed += stretch.len();
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let mut of_one = self.bodies.of_one.lock().expect("no holder of this lock panics");
        if let Some(count) = of_one.get_mut(&self.person) {
            *count -= 1;
            if *count == 0 {
                of_one.remove(&self.person);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_person_sends_two_pictures_at_once_and_all_together_as_many_bytes_as_there_is_room_for() {
        let bodies = Arc::new(Bodies::default());
        let admit = |person: &str, size| bodies.admit(person.to_owned(), size);
        let first = admit("a", 10).unwrap();
        let second = admit("a", 10).unwrap();
        assert!(admit("a", 10).is_none());
        assert!(admit("b", PICTURES_AT_ONCE_BYTES).is_none(), "no room for so many");
        let large = admit("b", PICTURES_AT_ONCE_BYTES - 20).unwrap();
        assert!(admit("c", 1).is_none());
        drop(first);
        assert!(admit("a", 10).is_some());
        drop((second, large));
        assert!(bodies.of_one.lock().unwrap().is_empty(), "who is done is forgotten");
        assert_eq!(bodies.room.available_permits(), PICTURES_AT_ONCE_BYTES);
    }
}
