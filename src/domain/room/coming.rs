//! Who comes, is lost, comes back and goes: seats outlive the sockets by which people sit in them.

use crate::domain::ids::{ConnectionId, ParticipantId};
use crate::domain::room::recording::is_recorded;
use crate::domain::room::relay::{RelayCommand, RelayEvent, RelayMode};
use crate::domain::room::sockets::Newest;
use crate::domain::room::{
    CAPACITY, HostAct, Left, Notice, Output, ParticipantRole, Presence, Room, RoomEnd, RoomPurpose, SEAT_GRACE, Seat,
    Standing, Taken,
};
use crate::domain::time::Timestamp;

impl Room {
    pub(super) fn join(&mut self, seat: Seat, connection: ConnectionId, socket: u64) -> Vec<Output> {
        if self.removed.contains(&seat.participant) {
            return vec![Output::Tell(connection, Notice::Ended(RoomEnd::Removed))];
        }
        let mut outputs = Vec::new();
        if let Some(taken) = self.taken.iter_mut().find(|taken| taken.seat.participant == seat.participant) {
            if taken.connection != connection {
                outputs.push(Output::Tell(taken.connection, Notice::Ended(RoomEnd::Replaced)));
                taken.connection = connection;
                taken.newest = Newest::here(socket);
                taken.presence = Presence::Here;
            } else if taken.newest.comes(socket) {
                taken.presence = Presence::Here;
            }
            // The relay may have given the place to somebody else meanwhile, or have had none. Where it has not, this
            // changes nothing.
            if taken.seat.standing != Standing::Door {
                let seat = taken.seat.clone();
                outputs.extend(self.enter(&seat));
            }
        } else if self.count(|standing| (standing == Standing::Door) == (seat.standing == Standing::Door)) >= CAPACITY {
            return vec![Output::Tell(connection, Notice::Ended(RoomEnd::Full))];
        } else {
            let seat = self.as_left(seat);
            if seat.standing != Standing::Door {
                outputs.extend(self.enter(&seat));
            }
            self.taken.push(Taken::new(seat, connection, socket));
        }
        let is_outside = self.inside(connection).is_none();
        outputs.extend(is_outside.then_some(Output::Tell(connection, Notice::Door)));
        outputs.extend(self.tell_everybody());
        outputs
    }

    /// The seat with what was taken away from it when its participant left.
    fn as_left(&mut self, mut seat: Seat) -> Seat {
        let Some(at) = self.left.iter().position(|left| left.participant == seat.participant) else { return seat };
        let left = self.left.swap_remove(at);
        // What was said of somebody who was away was said without knowing of which role they are.
        seat.muted |= left.muted && HostAct::Mute.may_be_done_with(seat.role);
        let is_held = left.held && HostAct::Hold.may_be_done_with(seat.role);
        if is_held && seat.standing == Standing::Inside {
            seat.standing = Standing::Held;
        }
        seat
    }

    /// What gives a seat its media: the place in the relay, with what may pass there.
    pub(super) fn enter(&self, seat: &Seat) -> Vec<Output> {
        let mode = if self.purpose == RoomPurpose::Check { RelayMode::Loopback } else { RelayMode::Conference };
        let participant = seat.participant;
        let kept = !(self.purpose.is_open_door() && seat.role == ParticipantRole::Patient);
        let permit = seat.role.permit(seat.standing != Standing::Inside, seat.muted);
        let mut outputs = vec![Output::Relay(RelayCommand::Admit { room: self.id, participant, mode, kept, permit })];
        // A room records when its patient agreed; whoever else comes was not asked.
        if let Some(agreed) = self.recording.as_ref().filter(|_| is_recorded(seat.role)) {
            outputs.push(Output::Relay(RelayCommand::Record { participant, agreed: agreed.clone() }));
        }
        outputs
    }

    pub(super) fn count(&self, wanted: impl Fn(Standing) -> bool) -> usize {
        self.taken.iter().filter(|taken| wanted(taken.seat.standing)).count()
    }

    pub(super) fn lost(&mut self, now: Timestamp, connection: ConnectionId, socket: u64) -> Vec<Output> {
        let Some(taken) = self.by_connection(connection) else { return Vec::new() };
        if !taken.newest.goes(socket) || matches!(taken.presence, Presence::Lost { .. }) {
            return Vec::new();
        }
        taken.presence = Presence::Lost { since: now };
        self.tell_everybody()
    }

    /// Whoever comes back is told the whole room, even when nobody had noticed the loss, and what the relay said meanwhile.
    pub(super) fn back(&mut self, connection: ConnectionId, socket: u64) -> Vec<Output> {
        let Some(taken) = self.by_connection(connection) else { return Vec::new() };
        if !taken.newest.comes(socket) {
            return Vec::new();
        }
        let was_lost = matches!(taken.presence, Presence::Lost { .. });
        taken.presence = Presence::Here;
        let mut outputs = if was_lost { self.tell_everybody() } else { Vec::new() };
        let is_told = !outputs.is_empty();
        let state = self.state_for(connection);
        let Some(taken) = self.by_connection(connection) else { return Vec::new() };
        match state {
            None => outputs.push(Output::Tell(connection, Notice::Door)),
            Some(state) if !is_told => outputs.push(Output::Tell(connection, Notice::State(state))),
            Some(_) => {}
        }
        // Who speaks is told to nobody who is held apart.
        let is_inside = taken.seat.standing == Standing::Inside;
        let retold = taken.retold.again().filter(|event| is_inside || !matches!(event, RelayEvent::Speaker { .. }));
        outputs.extend(retold.map(|event| Output::Tell(connection, Notice::Media(event))));
        outputs
    }

    pub(super) fn vacate(&mut self, participant: ParticipantId, reason: Option<RoomEnd>) -> Vec<Output> {
        let Some(at) = self.taken.iter().position(|taken| taken.seat.participant == participant) else {
            return Vec::new();
        };
        let gone = self.taken.remove(at);
        let (held, muted) = (gone.seat.standing == Standing::Held, gone.seat.muted);
        if held || muted {
            self.left.push(Left { participant, held, muted });
        }
        let mut outputs = vec![Output::Relay(RelayCommand::Remove { participant }), gone.withhold()];
        outputs.extend(reason.map(|reason| Output::Tell(gone.connection, Notice::Ended(reason))));
        outputs.extend(self.tell_everybody());
        outputs
    }

    pub(super) fn overdue(&self, now: Timestamp) -> impl Iterator<Item = ParticipantId> {
        let late = self.taken.iter().filter(move |taken| lost_until(taken.presence).is_some_and(|until| until <= now));
        late.map(|taken| taken.seat.participant)
    }
}

/// When a lost seat is given up, if it is lost.
pub(super) fn lost_until(presence: Presence) -> Option<Timestamp> {
    match presence {
        Presence::Lost { since } => Some(since + SEAT_GRACE),
        Presence::Here => None,
    }
}
