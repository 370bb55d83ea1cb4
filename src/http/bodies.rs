//! How many bytes of bodies are on their way in at once: of everybody, of one network address, and of one person.
//!
//! A body lies in memory until it is whole. Whoever comes when there is no room is told to wait, and nothing of theirs is
//! kept meanwhile; whoever has room and does not fill it loses it to others.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{Body, BodyDataStream, Bytes};
use axum::extract::Request;
use axum::http::header;
use futures_util::StreamExt as _;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::http::carried::Waiting;
use crate::http::error::HttpError;
use crate::http::limits::too_often;
use crate::protocol::error::ErrorCode;

const MIB: usize = 1024 * 1024;
/// Bytes of pictures in memory at once: sixteen of the largest; half of them from one address, behind which may be a ward.
const PICTURES: Bounds = Bounds { all: 128 * MIB, address: 64 * MIB, person: 2 };
/// The same of JSON, of which a page sends little and says beforehand how much.
const TEXTS: Bounds = Bounds { all: 64 * MIB, address: 8 * MIB, person: usize::MAX };
/// A body that says it is this small needs no room: a sign-in, an accepted call, a red flag come in whoever else is slow.
/// Their number is that of the connections.
const SMALL: usize = 8 * 1024;
/// When to try again: by then one of the others is here or was cut.
const AGAIN_AFTER_SECS: u32 = 2;
/// In each of these spans comes at least the [`PACE`]th part of a body. With half of it the body would not be here at the
/// end of the half minute that a request has.
const SPAN: Duration = Duration::from_secs(5);
const PACE: usize = 12;

/// The bytes of all, the bytes of one address, and how many bodies of one person.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    all: usize,
    address: usize,
    person: usize,
}

/// The bodies that are on their way.
#[derive(Debug)]
pub struct Bodies {
    /// Pictures and pieces of them.
    pub pictures: Arc<Room>,
    /// JSON.
    pub texts: Arc<Room>,
}

impl Default for Bodies {
    fn default() -> Self {
        Self { pictures: Room::new(PICTURES), texts: Room::new(TEXTS) }
    }
}

/// Room for bodies of one kind.
#[derive(Debug)]
pub struct Room {
    bounds: Bounds,
    span: Duration,
    all: Arc<Semaphore>,
    shares: Mutex<Shares>,
}

#[derive(Debug, Default)]
struct Shares {
    /// Bytes.
    addresses: HashMap<IpAddr, usize>,
    /// Bodies.
    persons: HashMap<String, usize>,
}

/// Whose a body is.
#[derive(Clone, Debug)]
pub struct Sender {
    /// Where it comes from; of IPv6 the network.
    pub address: IpAddr,
    /// Whoever is known by a token.
    pub person: Option<String>,
}

/// A body on its way. It has its room until this is dropped.
#[derive(Debug)]
pub struct OnItsWay {
    room: Arc<Room>,
    sender: Sender,
    size: usize,
    _all: OwnedSemaphorePermit,
}

impl Room {
    fn new(bounds: Bounds) -> Arc<Self> {
        let (all, shares) = (Arc::new(Semaphore::new(bounds.all)), Mutex::default());
        Arc::new(Self { bounds, span: SPAN, all, shares })
    }

    /// Reads what `sender` sends, at most `limit` bytes; a larger one is refused with `words`. The room is kept until what is
    /// returned beside the bytes is dropped. Who has gone sends nothing more.
    pub async fn read(
        self: &Arc<Self>,
        sender: Sender,
        request: Request,
        limit: usize,
        words: &str,
    ) -> Result<(Bytes, OnItsWay), HttpError> {
        let waiting = request.extensions().get::<Waiting>().cloned().unwrap_or_default();
        let gone = || HttpError::new(ErrorCode::Unavailable, "nobody waits for this any more");
        let said = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
        let size = said.unwrap_or(limit).min(limit);
        let Some(on_its_way) = self.admit(sender, if size <= SMALL { 0 } else { size }) else {
            waiting.while_for(pass_over(request, limit)).await;
            return Err(too_often(AGAIN_AFTER_SECS));
        };
        let mut body = request.into_body().into_data_stream();
        let mut bytes = Vec::new();
        while waiting
            .while_for(timeout(self.span, stretch(&mut body, &mut bytes, size.div_ceil(PACE), limit)))
            .await
            .ok_or_else(gone)?
            .map_err(|_| HttpError::new(ErrorCode::Unavailable, "the body came too slowly; try again"))?
            .ok_or_else(|| HttpError::new(ErrorCode::TooLarge, words))?
        {}
        Ok((bytes.into(), on_its_way))
    }

    /// Room for a body of `size` bytes, if there is.
    fn admit(self: &Arc<Self>, sender: Sender, size: usize) -> Option<OnItsWay> {
        let all = Arc::clone(&self.all).try_acquire_many_owned(u32::try_from(size).ok()?).ok()?;
        let mut shares = self.shares.lock().expect("no holder of this lock panics");
        let of_address = shares.addresses.get(&sender.address).copied().unwrap_or(0) + size;
        let of_person = sender.person.as_ref().and_then(|person| shares.persons.get(person)).copied().unwrap_or(0) + 1;
        if of_address > self.bounds.address || of_person > self.bounds.person {
            return None;
        }
        shares.addresses.insert(sender.address, of_address);
        if let Some(person) = &sender.person {
            shares.persons.insert(person.clone(), of_person);
        }
        drop(shares);
        Some(OnItsWay { room: Arc::clone(self), sender, size, _all: all })
    }
}

/// Reads at least so many bytes more; `false` at the end, nothing when there are more than `limit`, or the sender has gone.
async fn stretch(body: &mut BodyDataStream, bytes: &mut Vec<u8>, least: usize, limit: usize) -> Option<bool> {
    let enough = bytes.len() + least.max(1);
    while bytes.len() < enough {
        match body.next().await {
            None => return Some(false),
            Some(Ok(more)) if bytes.len() + more.len() <= limit => bytes.extend_from_slice(&more),
            Some(_) => return None,
        }
    }
    Some(true)
}

/// Reads a body and keeps nothing of it: whoever still writes when we close would not read why.
async fn pass_over(request: Request, limit: usize) {
    let mut body = Body::into_data_stream(request.into_body());
    let mut passed = 0;
    while passed < limit
        && let Some(Ok(stretch)) = body.next().await
    {
        passed += stretch.len();
    }
}

impl Drop for OnItsWay {
    fn drop(&mut self) {
        let mut shares = self.room.shares.lock().expect("no holder of this lock panics");
        let Shares { addresses, persons } = &mut *shares;
        let left = |share: Option<&mut usize>, part: usize| {
            share.is_some_and(|share| {
                *share = share.saturating_sub(part);
                *share > 0
            })
        };
        if !left(addresses.get_mut(&self.sender.address), self.size) {
            addresses.remove(&self.sender.address);
        }
        if let Some(person) = &self.sender.person
            && !left(persons.get_mut(person), 1)
        {
            persons.remove(person);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(address: u8, person: &str) -> Sender {
        let person = Some(person.to_owned()).filter(|person| !person.is_empty());
        Sender { address: [192, 0, 2, address].into(), person }
    }

    #[test]
    fn a_person_sends_two_pictures_at_once_and_all_together_as_many_bytes_as_there_is_room_for() {
        let room = Room::new(PICTURES);
        let admit = |address, person: &str, size| room.admit(of(address, person), size);
        let first = admit(1, "a", 10).unwrap();
        let second = admit(1, "a", 10).unwrap();
        assert!(admit(1, "a", 10).is_none() && admit(2, "a", 10).is_none());
        assert!(admit(2, "b", PICTURES.address + 1).is_none(), "more than one address may have");
        let large = admit(2, "b", PICTURES.address).unwrap();
        assert!(admit(2, "c", 1).is_none(), "another person at the same address");
        let other = admit(3, "c", PICTURES.all - PICTURES.address - 20).unwrap();
        assert!(admit(4, "d", 1).is_none(), "no room for anybody");
        drop(first);
        assert!(admit(1, "a", 10).is_some());
        drop((second, large, other));
        let shares = room.shares.lock().unwrap();
        assert!(shares.persons.is_empty() && shares.addresses.is_empty(), "who is done is forgotten");
        assert_eq!(room.all.available_permits(), PICTURES.all);
    }

    #[test]
    fn one_address_has_a_share_of_the_room_for_json_and_whoever_has_no_name_has_no_other_bound() {
        let room = Room::new(TEXTS);
        let (most, body) = (TEXTS.address / (256 * 1024), 256 * 1024);
        let held: Vec<_> = (0..most).map(|_| room.admit(of(1, ""), body).expect("its share")).collect();
        assert!(room.admit(of(1, ""), 1).is_none());
        assert!(room.admit(of(2, ""), body).is_some(), "another address has its own");
        drop(held);
        assert!(room.admit(of(1, ""), body).is_some());
    }

    /// A body that says how long it is, of which some comes, and then nothing.
    fn begun(says: usize, comes: usize) -> Request {
        let parts = futures_util::stream::iter((0..comes.div_ceil(1000)).map(move |at| {
            let left = comes - at * 1000;
            Ok::<_, std::io::Error>(vec![7; left.min(1000)])
        }));
        let request = Request::builder().header(header::CONTENT_LENGTH, says);
        let rest = if comes < says {
            futures_util::stream::pending().left_stream()
        } else {
            futures_util::stream::empty().right_stream()
        };
        request.body(Body::from_stream(parts.chain(rest))).unwrap()
    }

    #[tokio::test]
    async fn a_small_body_comes_in_however_full_the_room_is() {
        let room = Room::new(TEXTS);
        let held: Vec<_> = (0..TEXTS.all / TEXTS.address)
            .map(|n| room.admit(of(u8::try_from(n).unwrap(), ""), TEXTS.address).expect("its share"))
            .collect();
        let read = async |says| {
            let read = room.read(of(1, ""), begun(says, says), MIB, "too large").await;
            read.map(|(bytes, _)| bytes.len()).map_err(|refusal| refusal.0.code)
        };
        assert_eq!(read(SMALL).await, Ok(SMALL));
        assert_eq!(read(SMALL + 1).await, Err(ErrorCode::RateLimited));
        drop(held);
        assert_eq!(read(SMALL + 1).await, Ok(SMALL + 1));
    }

    #[tokio::test]
    async fn a_body_of_which_too_little_comes_in_its_span_is_cut_and_its_room_is_free_again() {
        let room = Arc::new(Room { span: Duration::from_millis(20), ..Arc::into_inner(Room::new(PICTURES)).unwrap() });
        let read = async |says, comes| {
            let read = room.read(of(1, "a"), begun(says, comes), 8 * MIB, "too large").await;
            read.map(|(bytes, _)| bytes.len()).map_err(|refusal| refusal.0.code)
        };
        assert_eq!(read(8 * MIB, 8 * MIB).await, Ok(8 * MIB));
        for comes in [0, 1, MIB / 2, 7 * MIB] {
            assert_eq!(read(8 * MIB, comes).await, Err(ErrorCode::Unavailable), "{comes}");
            assert_eq!(room.all.available_permits(), PICTURES.all);
        }
        assert_eq!(read(9 * MIB, 9 * MIB).await, Err(ErrorCode::TooLarge));
        assert_eq!(read(0, 0).await, Ok(0));
    }
}
