//! Who is asked first when a place becomes free.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::ids::{AccountId, WishId};
use crate::domain::time::Timestamp;

/// What a wish is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum WishState {
    /// Nothing suited yet.
    Waiting,
    /// A place is kept for it for a while.
    Offered,
    /// It led to an appointment.
    Met,
    /// Taken back.
    Left,
}

impl WishState {
    /// All states.
    pub const ALL: [Self; 4] = [Self::Waiting, Self::Offered, Self::Met, Self::Left];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Offered => "offered",
            Self::Met => "met",
            Self::Left => "left",
        }
    }
}

/// A patient who would come if there were a place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Its id.
    pub id: WishId,
    /// Only with this doctor, or with any.
    pub doctor: Option<AccountId>,
    /// Not before this day.
    pub first_day: Date,
    /// Not after this one.
    pub last_day: Date,
    /// When it was made.
    pub made_at: Timestamp,
}

/// A place that became free.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FreePlace {
    /// The doctor.
    pub doctor: AccountId,
    /// The day at the clinic.
    pub day: Date,
}

/// The wishes that a free place suits, in the order in which it is offered to them: the one made first is the first.
pub fn in_turn<'a>(wishes: &'a [Wish], place: &FreePlace) -> Vec<&'a Wish> {
    let suits = |wish: &&Wish| {
        wish.doctor.is_none_or(|doctor| doctor == place.doctor) && (wish.first_day..=wish.last_day).contains(&place.day)
    };
    let mut turn: Vec<_> = wishes.iter().filter(suits).collect();
    turn.sort_by_key(|wish| (wish.made_at, wish.id));
    turn
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn doctor(n: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(n))
    }

    fn wish(n: u128, doctor: Option<AccountId>, days: (&str, &str), made_at: i64) -> Wish {
        Wish {
            id: WishId::from_uuid(Uuid::from_u128(n)),
            doctor,
            first_day: days.0.parse().unwrap(),
            last_day: days.1.parse().unwrap(),
            made_at: Timestamp::from_millis(made_at),
        }
    }

    #[test]
    fn states_are_the_same_word_everywhere() {
        for state in WishState::ALL {
            assert_eq!(serde_json::to_value(state).unwrap(), state.as_str());
        }
    }

    #[test]
    fn a_free_place_is_offered_to_the_first_whom_it_suits() {
        let march = ("2026-03-01", "2026-03-31");
        let wishes = [
            wish(1, Some(doctor(2)), march, 1),
            wish(2, None, ("2026-04-01", "2026-04-02"), 2),
            wish(3, None, march, 4),
            wish(4, Some(doctor(1)), march, 3),
        ];
        let place = FreePlace { doctor: doctor(1), day: "2026-03-31".parse().unwrap() };
        assert_eq!(in_turn(&wishes, &place), [&wishes[3], &wishes[2]]);
        let later = FreePlace { day: "2026-05-01".parse().unwrap(), ..place };
        assert!(in_turn(&wishes, &later).is_empty());
    }
}
