//! What a browser may ask on its socket, and how it is carried out.

use crate::domain::ids::RoomId;
use crate::domain::room::{HostAct, Input};
use crate::protocol::error::ErrorCode;
use crate::protocol::live::{ClientMessage, ServerMessage, Tile};
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::ws::session::ears::Ahead;
use crate::ws::session::offering::Offer;
use crate::ws::session::{Session, in_time};

/// Sections of a browser's connection at most.
const TILES: usize = 24;
/// Letters of the name of one.
const MID: usize = 32;

/// The id of a command that reads from the database or lets somebody in: it waits until the database has said that the
/// session stands. Who was believed while it was away may have been signed out.
pub(super) fn needs_proof(message: &ClientMessage) -> Option<u64> {
    match message {
        ClientMessage::Subscribe { id, .. } | ClientMessage::Watch { id, .. } | ClientMessage::Join { id, .. } => {
            Some(*id)
        }
        _ => None,
    }
}

impl Session {
    /// Carries one command out; with its id, where it wants an answer of `done`.
    pub(super) async fn carry_out(
        &mut self,
        message: ClientMessage,
        ahead: Ahead,
    ) -> (Option<u64>, Result<(), Refusal>) {
        match message {
            ClientMessage::Hello(_) => {
                (None, Err(Refusal::new(ErrorCode::MessageMalformed, "hello comes first, and once")))
            }
            ClientMessage::Ping { id } => {
                let now = self.services.clock.now();
                self.send(&ServerMessage::Pong { id, now }).await.ok();
                (None, Ok(()))
            }
            ClientMessage::Renew { id, token } => (Some(id), self.renew(&token).await),
            ClientMessage::Subscribe { id, topic, since } => (Some(id), self.subscribe(topic, since).await),
            ClientMessage::Unsubscribe { id, topic } => {
                self.topics.remove(&topic);
                // Who does not follow a desk any more does not keep it alive.
                if self.desk.is_some_and(|desk| Topic::Desk(desk).to_string() == topic) {
                    self.desk = None;
                }
                (Some(id), Ok(()))
            }
            ClientMessage::Watch { id, ticket } => (Some(id), self.watch(ticket).await),
            ClientMessage::Join { id, grant } => (Some(id), self.join(&grant).await),
            ClientMessage::Offer { id, room, offer_id, fresh, sdp } => {
                (Some(id), self.offer(room, Offer { id: offer_id, fresh, sdp }).await)
            }
            ClientMessage::Media { id, room, state } => {
                let media = Input::Media(self.connection, state);
                (Some(id), self.services.live.say(self.connection, room, media).await)
            }
            // The room answers, when it has decided.
            ClientMessage::Still { id, room, jpeg } => {
                match self.services.show_still(self.connection, room, id, &jpeg).await {
                    Ok(()) => (None, Ok(())),
                    Err(refusal) => (Some(id), Err(refusal)),
                }
            }
            ClientMessage::View { id, room, tiles } => (Some(id), self.view(room, tiles).await),
            ClientMessage::Unheard { id, room, mids } => (Some(id), self.unheard(room, mids).await),
            ClientMessage::Host { id, room, participant, act } => {
                // What takes away is done before the database is asked; what waits for it is given up and said again.
                let done = self.services.host(self.actor, self.connection, room, participant, act, ahead);
                let done = Box::pin(in_time(done)).await;
                if act == HostAct::Admit && done.is_ok() {
                    // Whether there was a place inside the room answers, when it has decided.
                    let asks = Input::LetIn { by: self.connection, participant, id };
                    let asked = self.services.live.say(self.connection, room, asks).await;
                    return (asked.is_err().then_some(id), asked);
                }
                (Some(id), done)
            }
            ClientMessage::Unmute { id, room } => {
                (Some(id), Box::pin(in_time(self.services.unmute(self.actor, self.connection, room))).await)
            }
            ClientMessage::StopRecording { id, room } => {
                let done = self.services.stop_recording_at_once(self.actor, self.connection, room);
                (Some(id), Box::pin(in_time(done)).await)
            }
            ClientMessage::AskPicture { id, room, of } => {
                (Some(id), self.services.ask_picture(self.connection, room, of).await)
            }
            ClientMessage::CallOffPicture { id, room } => {
                (Some(id), self.services.live.say(self.connection, room, Input::CallOffPicture(self.connection)).await)
            }
            ClientMessage::Leave { id, room } => {
                self.offering.leaves(room);
                (Some(id), self.services.live.leave(self.connection, room).await)
            }
        }
    }

    async fn view(&mut self, room: RoomId, tiles: Vec<Tile>) -> Result<(), Refusal> {
        if tiles.len() > TILES || tiles.iter().any(|tile| tile.mid.len() > MID) {
            return Err(Refusal::field(ErrorCode::Invalid, "tiles", "24 tiles, and 32 letters for the name of each"));
        }
        let heights = tiles.into_iter().map(|tile| (tile.mid, tile.height)).collect();
        self.services.live.say(self.connection, room, Input::View(self.connection, heights)).await
    }

    async fn unheard(&mut self, room: RoomId, mids: Vec<String>) -> Result<(), Refusal> {
        if mids.len() > TILES || mids.iter().any(|mid| mid.len() > MID) {
            return Err(Refusal::field(ErrorCode::Invalid, "mids", "24 sections, and 32 letters for the name of each"));
        }
        self.services.live.say(self.connection, room, Input::Unheard(self.connection, mids)).await
    }

    async fn renew(&mut self, token: &str) -> Result<(), Refusal> {
        let refused = || Refusal::new(ErrorCode::Unauthenticated, "the token is not valid for this socket");
        let (actor, ends) = in_time(self.services.authenticate(token)).await?.ok_or_else(refused)?;
        if actor != self.actor {
            return Err(refused());
        }
        self.ends = ends;
        Ok(())
    }

    async fn join(&mut self, grant: &str) -> Result<(), Refusal> {
        let (room, seat) = in_time(self.services.open_granted(self.actor, self.connection, grant)).await?;
        let id = room.id();
        self.services.live.open_for_grant(room)?;
        self.services.live.join(id, seat, self.connection).await?;
        self.offering.sits_in(id);
        // Between the look into the database and the seat the visit may have ended, or the patient have taken the consent back.
        // Who sits is not refused when that cannot be read: the next sweep reads it.
        if let Err(refusal) = in_time(self.services.look_again(id)).await {
            tracing::debug!(room.id = %id, code = refusal.code.as_str(), "a room was not looked at again");
        }
        Ok(())
    }
}
