//! One task per open room: it feeds the [`Room`] what happens, and carries out what follows.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::domain::ids::{ConnectionId, ParticipantId, RoomId};
use crate::domain::room::relay::{RelayCommand, RelayEvent};
use crate::domain::room::{Input, Notice, Output, Room};
use crate::protocol::error::ErrorCode;
use crate::protocol::live::ServerMessage;
use crate::services::hearsay::Hearsay;
use crate::services::live::Live;
use crate::services::refusal::Refusal;
use crate::services::stills;

impl Live {
    /// Passes the relay's events to their rooms until the relay ends; then the tasks of the rooms end, and nobody is told
    /// that a room is over: its seats are kept for the next process.
    pub async fn listen(self: Arc<Self>, mut events: mpsc::Receiver<RelayEvent>) {
        while let Some(event) = events.recv().await {
            let registry = self.registry();
            let room = match &event {
                RelayEvent::Speaker { room, .. } => Some(room),
                RelayEvent::Answer { participant, .. }
                | RelayEvent::OfferRefused { participant, .. }
                | RelayEvent::Slots { participant, .. }
                | RelayEvent::Layers { participant, .. }
                | RelayEvent::OfferAgain { participant }
                | RelayEvent::Connection { participant, .. }
                | RelayEvent::Permitted { participant }
                | RelayEvent::Taped { participant, .. }
                | RelayEvent::Drowned { participant, .. }
                | RelayEvent::Upstream { participant, .. } => registry.seats.get(participant),
            };
            if let Some(open) = room.and_then(|room| registry.rooms.get(room)) {
                open.hearsay.say(event);
            }
        }
        self.registry().rooms.clear();
    }

    /// Tells a room something; nothing happens when it is not open here.
    pub async fn send(&self, room: RoomId, input: Input) {
        let sender = self.registry().rooms.get(&room).map(|open| open.inputs.clone());
        if let Some(sender) = sender {
            // A room that ended in this moment wants nothing any more.
            let _ = sender.send(input).await;
        }
    }

    pub(super) async fn drive(self: Arc<Self>, mut room: Room, mut inputs: mpsc::Receiver<Input>, hearsay: &Hearsay) {
        /// A manual clock moves without waking anybody, so a deadline is looked at this often.
        const GLANCE: Duration = Duration::from_secs(1);
        tracing::info!(room.id = %room.id(), "room opened");
        loop {
            let next = async {
                tokio::select! {
                    input = inputs.recv() => input,
                    event = hearsay.next() => Some(Input::Relay(event)),
                }
            };
            let input = match room.deadline() {
                None => next.await,
                Some(at) => {
                    let wait = at.since(self.clock.now()).min(GLANCE);
                    tokio::time::timeout(wait, next).await.unwrap_or(Some(Input::Tick))
                }
            };
            let Some(input) = input else { break };
            for output in room.handle(self.clock.now(), input) {
                match output {
                    Output::Tell(connection, notice) => self.tell(connection, room.id(), notice),
                    Output::Relay(command) => self.command(command).await,
                    Output::Withhold { participant, connection } => self.withhold(room.id(), participant, connection),
                    Output::Forget => {
                        self.forget(room.id());
                        tracing::info!(room.id = %room.id(), "room closed");
                        return;
                    }
                }
            }
        }
    }

    async fn command(&self, command: RelayCommand) {
        if let RelayCommand::Remove { participant } = &command {
            self.registry().seats.remove(participant);
        }
        // Who leaves and comes back at once is removed after the new seat was noted, and then admitted.
        if let RelayCommand::Admit { room, participant, .. } = &command {
            self.registry().seats.insert(*participant, *room);
        }
        if self.relay.send(command).await.is_err() {
            tracing::warn!("the relay has ended");
        }
    }

    pub(super) fn tell(&self, connection: ConnectionId, room: RoomId, notice: Notice) {
        let mut registry = self.registry();
        let Some(entry) = registry.connections.get_mut(&connection) else { return };
        if matches!(notice, Notice::Ended(_) | Notice::Full) {
            entry.rooms.retain(|other| *other != room);
            entry.stills.withhold_in(room);
        }
        if let Notice::Still(participant, still) = notice {
            if entry.outbox.is_some() {
                entry.stills.show(room, participant, still);
            }
            return;
        }
        let Some(message) = message(room, notice) else { return };
        if let Some(outbox) = &entry.outbox
            && let Err(unsent) = outbox.try_send(message)
        {
            // Full or closed: the socket's task ends, and the browser resumes.
            entry.slow = matches!(unsent, mpsc::error::TrySendError::Full(_));
            entry.outbox = None;
        }
    }

    /// What is withheld is asked of nobody: it lies with the sockets, and goes before anybody is told.
    fn withhold(&self, room: RoomId, participant: ParticipantId, connection: ConnectionId) {
        let registry = self.registry();
        for entry in registry.connections.values().filter(|entry| entry.rooms.contains(&room)) {
            entry.stills.withhold_of(room, participant);
        }
        if let Some(entry) = registry.connections.get(&connection) {
            entry.stills.withhold_in(room);
        }
    }

    fn forget(&self, room: RoomId) {
        let mut registry = self.registry();
        registry.rooms.remove(&room);
        registry.seats.retain(|_, at| *at != room);
    }
}

fn message(room: RoomId, notice: Notice) -> Option<ServerMessage> {
    Some(match notice {
        Notice::State(room) => ServerMessage::Room { room },
        Notice::Door => ServerMessage::Door { room },
        Notice::Ended(reason) => ServerMessage::RoomEnded { room, reason },
        Notice::Full | Notice::NoPlace => {
            let problem = Refusal::new(ErrorCode::RoomFull, "the room has no seat left").problem();
            ServerMessage::Refused { id: None, problem }
        }
        Notice::StillShown(id) => ServerMessage::Done { id },
        Notice::StillRefused(id, why) => {
            ServerMessage::Refused { id: Some(id), problem: stills::refusal(why).problem() }
        }
        Notice::Still(..) => return None,
        Notice::Media(RelayEvent::Answer { offer_id, sdp, .. }) => ServerMessage::Answer { room, offer_id, sdp },
        Notice::Media(RelayEvent::OfferRefused { offer_id, reason, .. }) => {
            ServerMessage::OfferRefused { room, offer_id, reason }
        }
        Notice::Media(RelayEvent::Slots { slots, missing, .. }) => ServerMessage::Slots { room, slots, missing },
        Notice::Media(RelayEvent::Connection { state, .. }) => ServerMessage::MediaState { room, state },
        Notice::Media(RelayEvent::Layers { mid, layers, .. }) => ServerMessage::Layers { room, mid, layers },
        Notice::Media(RelayEvent::OfferAgain { .. }) => ServerMessage::OfferAgain { room },
        Notice::Media(RelayEvent::Speaker { participant, .. }) => ServerMessage::Speaker { room, participant },
        Notice::Media(
            RelayEvent::Upstream { .. }
            | RelayEvent::Drowned { .. }
            | RelayEvent::Permitted { .. }
            | RelayEvent::Taped { .. },
        ) => {
            return None;
        }
    })
}
