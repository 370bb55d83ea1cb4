//! What each person sees of the room: whom, and what of them.

use crate::domain::ids::{ConnectionId, ParticipantId};
use crate::domain::room::{Knock, Participant, ParticipantRole, Room, RoomState, Standing, Taken};

impl Room {
    /// The room as `connection` sees it; nothing for who has no seat.
    pub fn state_for(&self, connection: ConnectionId) -> Option<RoomState> {
        let own = self.taken.iter().find(|taken| taken.connection == connection)?;
        let (you, standing) = (own.seat.participant, own.seat.standing);
        if standing == Standing::Door {
            return None;
        }
        let is_inside = standing == Standing::Inside;
        // Whoever is held apart sees nobody but themselves.
        let seen = self.taken.iter().filter(|taken| match taken.seat.standing {
            Standing::Door => false,
            Standing::Inside | Standing::Held => is_inside || taken.seat.participant == you,
        });
        // Of those alone whom the person should hear and see, and whom whoever reads this sees as well.
        let is_heard = |id: ParticipantId| {
            let stands = |taken: &Taken| taken.seat.participant == id && taken.seat.standing == Standing::Inside;
            is_inside && self.taken.iter().any(stands)
        };
        let misses = |taken: &Taken| {
            let is_apart = taken.seat.standing != Standing::Inside;
            taken.misses.iter().filter(|missed| !is_apart && is_heard(missed.source)).copied().collect()
        };
        let participants = seen.map(|taken| Participant {
            id: taken.seat.participant,
            role: taken.seat.role,
            name: taken.seat.name.clone(),
            presence: taken.presence,
            media: taken.media.clone(),
            silent: taken.watch.silent(),
            cut: taken.watch.is_cut(),
            drowned: taken.is_drowned,
            misses: misses(taken),
            held: taken.seat.standing == Standing::Held,
            muted: taken.seat.muted,
        });
        let hosts = is_inside && own.seat.role.rights().hosts;
        let door = self.taken.iter().filter(|taken| hosts && taken.seat.standing == Standing::Door);
        let door = door.map(|taken| Knock {
            id: taken.seat.participant,
            role: taken.seat.role,
            name: taken.seat.name.clone(),
            presence: taken.presence,
        });
        Some(RoomState {
            room: self.id,
            epoch: self.epoch,
            purpose: self.purpose,
            you,
            participants: participants.collect(),
            opened_at: self.opened_at,
            recording: self.is_recording(),
            door: door.collect(),
            // Whoever knows its name could take it, in a visit of their own.
            picture: self.picture.filter(|_| hosts || is_inside && own.seat.role == ParticipantRole::Patient),
        })
    }
}
