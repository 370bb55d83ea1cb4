//! Whether the room is recorded: who may be, since when it says so, and how it ends.

use crate::domain::ids::ParticipantId;
use crate::domain::room::relay::RelayCommand;
use crate::domain::room::{Output, ParticipantRole, Room};

impl Room {
    /// The room says that it records while the relay says that somebody is recorded: not before, and not when it cannot.
    pub(super) fn taped(&mut self, participant: ParticipantId, is_kept: bool) -> Vec<Output> {
        let was_recording = self.is_recording();
        let Some(taken) = self.taken.iter_mut().find(|taken| taken.seat.participant == participant) else {
            return Vec::new();
        };
        taken.taped = is_kept && self.recording.is_some();
        if self.is_recording() == was_recording { Vec::new() } else { self.tell_everybody() }
    }

    /// Stops what runs, for good. The mark goes out when the relay says that it has stopped.
    pub(super) fn stop_recording(&mut self) -> Vec<Output> {
        if self.recording.take().is_none() {
            return Vec::new();
        }
        let recorded = self.taken.iter().map(|taken| &taken.seat).filter(|seat| is_recorded(seat.role));
        recorded.map(|seat| Output::Relay(RelayCommand::StopRecord { participant: seat.participant })).collect()
    }

    pub(super) fn is_recording(&self) -> bool {
        self.taken.iter().any(|taken| taken.taped)
    }
}

/// Who belongs to the process record; nobody else was asked.
pub(super) const fn is_recorded(role: ParticipantRole) -> bool {
    matches!(role, ParticipantRole::Patient | ParticipantRole::Doctor)
}
