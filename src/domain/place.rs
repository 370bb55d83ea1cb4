//! A place in a lane, and what a missed call does to it.

use crate::domain::ids::TicketId;

/// Where a live ticket stands in its lane: lower ranks first, then lower ids.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The ticket.
    pub id: TicketId,
    /// Its rank.
    pub rank: i64,
    /// Whether it waits; a held ticket keeps its place, but is nobody to be passed by.
    pub is_waiting: bool,
}

/// What a shift changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shift {
    /// The new rank of the ticket that is shifted.
    pub rank: i64,
    /// Those who step aside so that it stands exactly there: the same order among them, a rank higher by next to nothing.
    pub aside: Vec<(TicketId, i64)>,
}

/// Puts `ticket` directly behind the `places`th of those who wait behind it, or behind everybody when fewer wait.
///
/// `behind` is everybody behind it in the lane, in order. Exactly `places` waiting tickets come to stand before it that
/// did not, also where ranks are equal or follow each other without a gap.
pub fn shift_back(ticket: Standing, behind: &[Standing], places: usize) -> Shift {
    let mut waiting = behind.iter().enumerate().filter(|(_, other)| other.is_waiting);
    let passing = match places.checked_sub(1) {
        None => 0,
        Some(before_last) => waiting.nth(before_last).map_or(behind.len(), |(at, _)| at + 1),
    };
    let (passed_by, staying) = behind.split_at(passing);
    let Some(last) = passed_by.last() else { return Shift { rank: ticket.rank, aside: Vec::new() } };
    let rank = rank_behind(ticket.id, (last.rank, last.id));
    let mut aside = Vec::new();
    let mut before = (rank, ticket.id);
    for other in staying {
        if (other.rank, other.id) > before {
            break;
        }
        before = (rank_behind(other.id, before), other.id);
        aside.push((other.id, before.0));
    }
    Shift { rank, aside }
}

/// The lowest rank that puts `id` behind a place.
fn rank_behind(id: TicketId, (rank, other): (i64, TicketId)) -> i64 {
    if id > other { rank } else { rank.saturating_add(1) }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;

    fn standing(id: u128, rank: i64, is_waiting: bool) -> Standing {
        Standing { id: TicketId::from_uuid(Uuid::from_u128(id)), rank, is_waiting }
    }

    /// A lane in order whose ranks are so close that most of them meet.
    fn lane() -> impl Strategy<Value = Vec<Standing>> {
        let one = (1..200_u128, 0..12_i64, any::<bool>());
        prop::collection::vec(one, 1..24).prop_map(|all| {
            let mut lane: Vec<Standing> = all.into_iter().map(|(id, rank, waits)| standing(id, rank, waits)).collect();
            lane.sort_by_key(|one| one.id);
            lane.dedup_by_key(|one| one.id);
            lane.sort_by_key(|one| (one.rank, one.id));
            lane
        })
    }

    #[test]
    fn a_gap_is_used_before_anybody_steps_aside() {
        let behind = [standing(2, 10, true), standing(3, 20, true)];
        assert_eq!(shift_back(standing(1, 0, false), &behind, 1), Shift { rank: 11, aside: vec![] });
        assert_eq!(shift_back(standing(1, 0, false), &behind, 2), Shift { rank: 21, aside: vec![] });
        assert_eq!(shift_back(standing(1, 0, false), &behind, 9), Shift { rank: 21, aside: vec![] });
        assert_eq!(shift_back(standing(1, 0, false), &[], 3), Shift { rank: 0, aside: vec![] });
    }

    proptest! {
        #[test]
        fn exactly_so_many_pass_and_nobody_else_moves(lane in lane(), at in any::<prop::sample::Index>(), places in 0..6_usize) {
            let at = at.index(lane.len());
            let (ticket, behind) = (lane[at], &lane[at + 1..]);
            let shift = shift_back(ticket, behind, places);
            let mut after: Vec<Standing> = lane.clone();
            for one in &mut after {
                if one.id == ticket.id {
                    one.rank = shift.rank;
                } else if let Some((_, rank)) = shift.aside.iter().find(|(id, _)| *id == one.id) {
                    prop_assert!(*rank > one.rank, "who steps aside never gains");
                    one.rank = *rank;
                }
            }
            after.sort_by_key(|one| (one.rank, one.id));
            let new = after.iter().position(|one| one.id == ticket.id).unwrap();
            let ids = |all: &[Standing]| all.iter().map(|one| one.id).filter(|id| *id != ticket.id).collect::<Vec<_>>();
            prop_assert_eq!(ids(&after), ids(&lane), "the others keep their order");
            let passed = lane[at + 1..=new].iter().filter(|one| one.is_waiting).count();
            let waiting = behind.iter().filter(|one| one.is_waiting).count();
            prop_assert_eq!(passed, places.min(waiting));
            if waiting < places {
                prop_assert_eq!(new, lane.len() - 1, "behind everybody");
            }
        }
    }
}
