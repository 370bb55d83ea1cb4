//! Who has the floor: the one whose picture is shown large.

use crate::domain::ids::ParticipantId;

/// Softer than this is breath, a fan, a street.
const SPEECH: f32 = 60.0;
/// Whoever speaks louder by this much is heard over the other.
const LOUDER: f32 = 6.0;
/// Looks in a row in which another must lead before the floor is theirs: a cough is no speech.
const LOOKS: u8 = 3;

/// The floor of a room.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Floor {
    speaker: Option<ParticipantId>,
    rival: Option<(ParticipantId, u8)>,
}

impl Floor {
    /// Who has it. Whoever spoke last keeps it through a silence.
    pub fn speaker(&self) -> Option<ParticipantId> {
        self.speaker
    }

    /// Takes in how loud everybody is now, 0 (silence) to 127; whether the floor changed hands.
    pub fn observe(&mut self, levels: &[(ParticipantId, f32)]) -> bool {
        let level = |who: ParticipantId| levels.iter().find(|(other, _)| *other == who).map(|(_, level)| *level);
        if self.speaker.is_some_and(|speaker| level(speaker).is_none()) {
            self.speaker = None;
            self.rival = None;
            return true;
        }
        let loudness = self.speaker.and_then(level).unwrap_or(0.0);
        let loudest = levels.iter().filter(|(who, level)| Some(*who) != self.speaker && *level >= SPEECH);
        let Some((rival, loud)) = loudest.max_by(|a, b| a.1.total_cmp(&b.1)).copied() else {
            self.rival = None;
            return false;
        };
        if self.speaker.is_some() && loudness >= SPEECH && loud < loudness + LOUDER {
            self.rival = None;
            return false;
        }
        let looks = match self.rival {
            Some((same, looks)) if same == rival => looks + 1,
            _ => 1,
        };
        if looks < LOOKS {
            self.rival = Some((rival, looks));
            return false;
        }
        self.speaker = Some(rival);
        self.rival = None;
        true
    }
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn person(number: u128) -> ParticipantId {
        ParticipantId::from_uuid(Uuid::from_u128(number))
    }

    #[test]
    fn whoever_speaks_has_the_floor_and_keeps_it_through_a_silence() {
        let (one, other) = (person(1), person(2));
        let mut floor = Floor::default();
        let looks = [(90.0, 0.0); 3];
        assert_eq!(looks.map(|(a, b)| floor.observe(&[(one, a), (other, b)])), [false, false, true]);
        assert!(!floor.observe(&[(one, 10.0), (other, 20.0)]));
        assert_eq!(floor.speaker(), Some(one));
    }

    #[test]
    fn a_cough_takes_no_floor_and_a_louder_voice_does() {
        let (one, other) = (person(1), person(2));
        let mut floor = Floor::default();
        for _ in 0..3 {
            floor.observe(&[(one, 90.0), (other, 0.0)]);
        }
        floor.observe(&[(one, 20.0), (other, 110.0)]);
        floor.observe(&[(one, 90.0), (other, 0.0)]);
        assert_eq!(floor.speaker(), Some(one), "a cough");
        for _ in 0..10 {
            floor.observe(&[(one, 90.0), (other, 93.0)]);
        }
        assert_eq!(floor.speaker(), Some(one), "two voices alike do not flicker");
        for _ in 0..3 {
            floor.observe(&[(one, 70.0), (other, 93.0)]);
        }
        assert_eq!(floor.speaker(), Some(other));
    }

    #[test]
    fn whoever_left_has_no_floor() {
        let mut floor = Floor::default();
        for _ in 0..3 {
            floor.observe(&[(person(1), 90.0)]);
        }
        assert!(floor.observe(&[(person(2), 0.0)]));
        assert_eq!(floor.speaker(), None);
    }
}
