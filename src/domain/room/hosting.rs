//! What a host does in a room: lets in, holds apart, mutes, removes, asks for a picture.
//!
//! What passes in the relay is said before anybody is told, so that a screen never shows what is not yet true.

use super::{
    CAPACITY, HostAct, Left, Notice, Output, ParticipantRole, PictureAsk, RelayCommand, Room, RoomEnd, Standing, Taken,
    Timestamp,
};
use crate::domain::ids::{AttachmentId, ConnectionId, ParticipantId};

/// Of so many people a room remembers what was taken away from them while they were away: more than are ever invited.
const REMEMBERED: usize = 128;

impl Room {
    pub(super) fn host(
        &mut self,
        now: Timestamp,
        by: ConnectionId,
        participant: ParticipantId,
        act: HostAct,
    ) -> Vec<Output> {
        if !self.is_host(by) {
            return Vec::new();
        }
        if act == HostAct::Hold {
            self.count_hold(participant);
        }
        let is_full = self.count(|standing| standing != Standing::Door) >= CAPACITY;
        let Some(taken) = self.taken.iter_mut().find(|taken| taken.seat.participant == participant) else {
            self.decide(participant, act);
            return Vec::new();
        };
        if !act.may_be_done_with(taken.seat.role) {
            return Vec::new();
        }
        match (act, taken.seat.standing) {
            // The host hears that by asking: see [`Input::LetIn`](super::Input::LetIn).
            (HostAct::Admit, Standing::Door) if is_full => Vec::new(),
            (HostAct::Admit, Standing::Door) => {
                taken.seat.standing = Standing::Inside;
                let seat = taken.seat.clone();
                let mut outputs = self.enter(&seat);
                outputs.extend(self.tell_everybody());
                outputs
            }
            (HostAct::Hold, Standing::Inside) => {
                taken.seat.standing = Standing::Held;
                self.permit(participant)
            }
            (HostAct::Release, Standing::Held) => {
                taken.seat.standing = Standing::Inside;
                self.permit(participant)
            }
            (HostAct::Mute, Standing::Inside | Standing::Held) if !taken.seat.muted => {
                taken.seat.muted = true;
                taken.media.microphone = false;
                taken.watch.says(now, &taken.media);
                self.permit(participant)
            }
            (HostAct::Remove, _) => {
                // Known here, too: the seat that is kept may say otherwise while the database is away.
                self.removed.push(participant);
                self.vacate(participant, Some(RoomEnd::Removed))
            }
            (HostAct::Admit | HostAct::Hold | HostAct::Release | HostAct::Mute, _) => Vec::new(),
        }
    }

    /// Does a word before its turn.
    pub(super) fn host_ahead(
        &mut self,
        now: Timestamp,
        word: u64,
        (by, participant, act): (ConnectionId, ParticipantId, HostAct),
    ) -> Vec<Output> {
        // Who is no host yet may be one in its turn.
        if self.is_host(by) {
            if self.ahead.len() >= REMEMBERED {
                // Its socket has gone, most likely. Better done twice than not at all.
                self.ahead.remove(0);
            }
            self.ahead.push(word);
        }
        self.host(now, by, participant, act)
    }

    /// Whether a word was done before its turn, which has come.
    pub(super) fn was_ahead(&mut self, word: u64) -> bool {
        let known = self.ahead.iter().position(|ahead| *ahead == word);
        known.map(|at| self.ahead.remove(at)).is_some()
    }

    /// Whoever is away just now comes back to what was decided: they may have a grant in hand, which opens the door before
    /// anything is written.
    fn decide(&mut self, participant: ParticipantId, act: HostAct) {
        let known = self.left.iter().position(|left| left.participant == participant);
        match (act, known) {
            (HostAct::Release, Some(at)) => self.left[at].held = false,
            (HostAct::Hold, Some(at)) => self.left[at].held = true,
            (HostAct::Mute, Some(at)) => self.left[at].muted = true,
            (HostAct::Hold | HostAct::Mute, None) if self.left.len() < REMEMBERED => {
                let held = act == HostAct::Hold;
                self.left.push(Left { participant, held, muted: !held });
            }
            (HostAct::Remove, _) if self.removed.len() < REMEMBERED && !self.removed.contains(&participant) => {
                self.removed.push(participant);
            }
            (HostAct::Admit | HostAct::Release | HostAct::Hold | HostAct::Mute | HostAct::Remove, _) => {}
        }
    }

    fn count_hold(&mut self, participant: ParticipantId) {
        if let Some((_, holds)) = self.holds.iter_mut().find(|(of, _)| *of == participant) {
            *holds += 1;
        } else if self.holds.len() < REMEMBERED {
            self.holds.push((participant, 1));
        } else {
            self.holds_of_others += 1;
        }
    }

    /// How often a host said of somebody that they are to be held apart; of whom there was no room to count by themselves, how
    /// often of any of them.
    pub(super) fn holds(&self, participant: ParticipantId) -> u64 {
        self.holds.iter().find(|(of, _)| *of == participant).map_or(self.holds_of_others, |(_, holds)| *holds)
    }

    /// Whether there was a place inside for somebody who was let in.
    pub(super) fn let_in(&self, by: ConnectionId, participant: ParticipantId, id: u64) -> Vec<Output> {
        let waits = |taken: &Taken| taken.seat.participant == participant && taken.seat.standing == Standing::Door;
        let still_waits = self.taken.iter().any(waits);
        vec![Output::Tell(by, if still_waits { Notice::NoPlace(id) } else { Notice::LetIn(id) })]
    }

    pub(super) fn unmute(&mut self, connection: ConnectionId) -> Vec<Output> {
        let Some(taken) = self.inside(connection).filter(|taken| taken.seat.muted) else { return Vec::new() };
        taken.seat.muted = false;
        let participant = taken.seat.participant;
        self.permit(participant)
    }

    pub(super) fn ask_picture(&mut self, by: ConnectionId, ask: PictureAsk) -> Vec<Output> {
        if !self.is_host(by) || !self.taken.iter().any(is_patient) {
            return Vec::new();
        }
        self.picture = Some(ask);
        self.tell_everybody()
    }

    pub(super) fn call_off_picture(&mut self, connection: ConnectionId) -> Vec<Output> {
        let may = self.is_host(connection)
            || self.taken.iter().any(|taken| taken.connection == connection && is_patient(taken));
        if !may || self.picture.take().is_none() {
            return Vec::new();
        }
        self.tell_everybody()
    }

    pub(super) fn picture_kept(&mut self, id: AttachmentId) -> Vec<Output> {
        if self.picture.take_if(|ask| ask.id == id).is_none() {
            return Vec::new();
        }
        self.tell_everybody()
    }

    fn is_host(&self, connection: ConnectionId) -> bool {
        let hosts = |taken: &Taken| taken.seat.standing == Standing::Inside && taken.seat.role.rights().hosts;
        self.taken.iter().any(|taken| taken.connection == connection && hosts(taken))
    }

    /// Tells the relay what passes for a participant now, then everybody how the room is.
    fn permit(&self, participant: ParticipantId) -> Vec<Output> {
        let taken = self.taken.iter().find(|taken| taken.seat.participant == participant);
        let mut outputs: Vec<_> = taken.map(permit_of).into_iter().collect();
        outputs.extend(taken.filter(|taken| taken.seat.standing != Standing::Inside).map(Taken::withhold));
        outputs.extend(self.tell_everybody());
        outputs
    }
}

fn is_patient(taken: &Taken) -> bool {
    taken.seat.role == ParticipantRole::Patient && taken.seat.standing == Standing::Inside
}

fn permit_of(taken: &Taken) -> Output {
    let permit = taken.seat.role.permit(taken.seat.standing != Standing::Inside, taken.seat.muted);
    Output::Relay(RelayCommand::Permit { participant: taken.seat.participant, permit })
}
