//! Offers on their way to the relay: one that comes too early waits, and a newer one takes its place.
//!
//! Nobody is refused for offering often: of two offers the browser waits for the answer to the newer one alone. It says an
//! offer again after five seconds without an answer, and none waits for so long.

use std::collections::{HashMap, HashSet};

use crate::domain::ids::RoomId;
use crate::domain::room::Input;
use crate::protocol::error::ErrorCode;
use crate::services::refusal::Refusal;
use crate::ws::session::Session;

/// Rooms of one socket that are remembered; more than anybody sits in at once.
const ROOMS: usize = 64;

/// An offer.
pub(super) struct Offer {
    pub(super) id: u64,
    /// It is the first of a new connection.
    pub(super) fresh: bool,
    pub(super) sdp: String,
}

/// Where a connection may offer, and what waits there.
pub(super) struct Offering {
    /// Where it took a seat; some may be over.
    rooms: HashSet<RoomId>,
    /// The newest offer of those that came too early.
    waiting: HashMap<RoomId, Offer>,
}

impl Offering {
    /// That of a connection with seats in these rooms.
    pub(super) fn of(rooms: &[RoomId]) -> Self {
        Self { rooms: rooms.iter().copied().collect(), waiting: HashMap::new() }
    }

    /// The connection has a seat in a room.
    pub(super) fn sits_in(&mut self, room: RoomId) {
        if self.rooms.len() >= ROOMS {
            self.rooms.clear();
        }
        self.rooms.insert(room);
    }

    /// The connection leaves a room.
    pub(super) fn leaves(&mut self, room: RoomId) {
        self.rooms.remove(&room);
        self.waiting.remove(&room);
    }
}

impl Session {
    /// Passes an offer on, now or when it is its turn.
    pub(super) async fn offer(&mut self, room: RoomId, mut offer: Offer) -> Result<(), Refusal> {
        // Who has no seat there hears that, and has nothing that waits.
        if !self.offering.rooms.contains(&room) {
            if !self.services.may_offer(self.actor, offer.fresh) {
                return Err(Refusal::new(ErrorCode::RateLimited, "too many offers"));
            }
            return self.offer_now(room, offer).await;
        }
        if let Some(waiting) = self.offering.waiting.remove(&room) {
            // The connection of the one before was never made.
            offer.fresh |= waiting.fresh;
        }
        if self.services.may_offer(self.actor, offer.fresh) {
            return self.offer_now(room, offer).await;
        }
        self.offering.waiting.insert(room, offer);
        Ok(())
    }

    /// Passes on what waits, as far as it may go.
    pub(super) async fn pass_waiting_offers(&mut self) {
        let next = self.offering.waiting.iter().find(|(_, offer)| self.services.may_offer(self.actor, offer.fresh));
        let Some(room) = next.map(|(room, _)| *room) else { return };
        if let Some(offer) = self.offering.waiting.remove(&room) {
            // A room that was left meanwhile wants none.
            self.offer_now(room, offer).await.ok();
        }
    }

    async fn offer_now(&mut self, room: RoomId, Offer { id, fresh, sdp }: Offer) -> Result<(), Refusal> {
        let offer = Input::Offer { connection: self.connection, offer_id: id, fresh, sdp };
        self.services.live.say(self.connection, room, offer).await
    }
}
