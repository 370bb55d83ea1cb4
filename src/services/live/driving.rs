//! One task per open room: it feeds the [`Room`] what happens, and carries out what follows.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::{Instant, timeout_at};

use crate::domain::ids::{ConnectionId, ParticipantId, RoomId};
use crate::domain::room::relay::{About, RelayCommand, RelayEvent};
use crate::domain::room::{Input, Notice, Output, Room};
use crate::protocol::error::ErrorCode;
use crate::protocol::live::ServerMessage;
use crate::services::live::Live;
use crate::services::live::calm::Calm;
use crate::services::live::connections::Connection;
use crate::services::refusal::Refusal;
use crate::services::rooms::hearsay::Hearsay;
use crate::services::rooms::stills;

impl Live {
    /// Passes the relay's events to their rooms until the relay ends; then the tasks of the rooms end, and nobody is told
    /// that a room is over: its seats are kept for the next process.
    pub async fn listen(self: Arc<Self>, mut events: mpsc::Receiver<RelayEvent>) {
        while let Some(event) = events.recv().await {
            self.overhear(event);
        }
        self.registry().rooms.clear();
    }

    /// Passes one event of the relay to its room.
    pub fn overhear(&self, event: RelayEvent) {
        let mut registry = self.registry();
        if let RelayEvent::Upstream { participant, packets } = &event
            && *packets != (0, 0)
            && registry.seats.contains_key(participant)
        {
            registry.heard.insert(*participant, self.clock.now());
        }
        let room = match event.about() {
            About::Room(room) => Some(room),
            About::Participant(participant) => registry.seats.get(&participant).copied(),
        };
        if let Some(open) = room.and_then(|room| registry.rooms.get(&room)) {
            open.hearsay.say(event);
        }
    }

    /// Tells a room something; `false` when it is not open here, or ended before it could hear it.
    pub async fn send(&self, room: RoomId, input: Input) -> bool {
        let sender = self.registry().rooms.get(&room).map(|open| open.inputs.clone());
        match sender {
            Some(sender) => sender.send(input).await.is_ok(),
            None => false,
        }
    }

    pub(super) async fn drive(self: Arc<Self>, mut room: Room, mut inputs: mpsc::Receiver<Input>, hearsay: &Hearsay) {
        /// A manual clock moves without waking anybody, so a deadline is looked at this often.
        const GLANCE: Duration = Duration::from_secs(1);
        tracing::info!(room.id = %room.id(), "room opened");
        let opened = Instant::now();
        let mut calm = Calm::new(Duration::ZERO);
        loop {
            let next = async {
                tokio::select! {
                    input = inputs.recv() => input,
                    event = hearsay.next() => Some(Input::Relay(event)),
                }
            };
            let glance = room.deadline().map(|at| Instant::now() + at.since(self.clock.now()).min(GLANCE));
            let told = calm.due_at().map(|at| opened + at);
            let happened = match glance.into_iter().chain(told).min() {
                None => Ok(next.await),
                Some(at) => timeout_at(at, next).await,
            };
            for (connection, notice) in calm.due(opened.elapsed()) {
                self.tell(connection, room.id(), notice);
            }
            let input = match happened {
                Ok(Some(input)) => input,
                Ok(None) => return,
                Err(_) if glance.is_some_and(|at| at <= Instant::now()) => Input::Tick,
                Err(_) => continue,
            };
            if self.carry_out(&mut room, &mut calm, opened.elapsed(), input).await {
                break;
            }
        }
        self.forget(room.id());
        tracing::info!(room.id = %room.id(), "room closed");
        // Whoever came in this moment waits for an answer. From here on nothing more comes in.
        inputs.close();
        while let Some(late) = inputs.recv().await {
            self.carry_out(&mut room, &mut calm, opened.elapsed(), late).await;
        }
    }

    /// Lets something happen to the room, and carries out what follows; `true` when the room has ended.
    async fn carry_out(&self, room: &mut Room, calm: &mut Calm, now: Duration, input: Input) -> bool {
        let mut is_over = false;
        let comes = if let Input::Join { seat, .. } = &input { Some(seat.participant) } else { None };
        let outputs = room.handle(self.clock.now(), input);
        // Whoever was noted as coming, and was not let in.
        if let Some(refused) = comes.filter(|participant| !room.has(*participant)) {
            self.registry().give_up(refused);
        }
        calm.begin(now, &outputs);
        for output in outputs {
            match output {
                Output::Tell(connection, notice) => {
                    for notice in calm.pass(connection, notice) {
                        self.tell(connection, room.id(), notice);
                    }
                }
                Output::Relay(command) => self.command(command).await,
                Output::Withhold { participant, connection } => self.withhold(room.id(), participant, connection),
                Output::Seen { question, seat, times_apart } => self.seen(question, (seat, times_apart)),
                Output::Forget => is_over = true,
            }
        }
        is_over
    }

    pub(super) async fn command(&self, command: RelayCommand) {
        if let RelayCommand::Remove { participant } = &command {
            self.registry().give_up(*participant);
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
        registry.connections.change(connection, |entry| entry.tell(room, notice));
    }

    /// What is withheld is asked of nobody: it lies with the sockets, and goes before anybody is told.
    fn withhold(&self, room: RoomId, participant: ParticipantId, connection: ConnectionId) {
        let registry = self.registry();
        for entry in registry.connections.seated().filter(|entry| entry.rooms.contains(&room)) {
            entry.stills.withhold_of(room, participant);
        }
        if let Some(entry) = registry.connections.get(connection) {
            entry.stills.withhold_in(room);
        }
    }

    pub(super) fn forget(&self, room: RoomId) {
        let mut registry = self.registry();
        registry.rooms.remove(&room);
        let over: Vec<_> = registry.seats.iter().filter(|(_, at)| **at == room).map(|(seat, _)| *seat).collect();
        for seat in over {
            registry.give_up(seat);
        }
    }
}

impl Connection {
    fn tell(&mut self, room: RoomId, notice: Notice) {
        if let Notice::Ended(reason) = notice {
            self.rooms.retain(|other| *other != room);
            self.ends.note(room, reason);
            self.stills.withhold_in(room);
        }
        if let Notice::Still(participant, still) = notice {
            if self.outbox.is_some() {
                self.stills.show(room, participant, still);
            }
            return;
        }
        let Some(message) = message(room, notice) else { return };
        if let Some(outbox) = &self.outbox
            && let Err(unsent) = outbox.try_send(Box::new(message))
        {
            // Full or closed: the socket's task ends, and the browser resumes.
            self.slow = matches!(unsent, mpsc::error::TrySendError::Full(_));
            self.outbox = None;
        }
    }
}

fn message(room: RoomId, notice: Notice) -> Option<ServerMessage> {
    Some(match notice {
        Notice::State(room) => ServerMessage::Room { room },
        Notice::Door => ServerMessage::Door { room },
        Notice::Ended(reason) => ServerMessage::RoomEnded { room, reason },
        Notice::NoPlace(id) => {
            let problem = Refusal::new(ErrorCode::RoomFull, "the room has no seat left").problem();
            ServerMessage::Refused { id: Some(id), problem }
        }
        Notice::StillShown(id) | Notice::LetIn(id) => ServerMessage::Done { id },
        Notice::StillRefused(id, why) => {
            ServerMessage::Refused { id: Some(id), problem: stills::refusal(why).problem() }
        }
        Notice::Said => ServerMessage::Said { room },
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
            | RelayEvent::Misses { .. }
            | RelayEvent::Permitted { .. }
            | RelayEvent::Taped { .. },
        ) => {
            return None;
        }
    })
}
