//! Whatever people do, in any order.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::domain::room::relay::MediaState;

#[derive(Clone, Copy, Debug)]
enum Step {
    Join(u128, u128),
    Lost(u128),
    Back(u128),
    Leave(u128),
    Offer(u128),
    Camera(u128),
    Relay(u128),
    Tick,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let who = 1..6_u128;
    let via = 11..22_u128;
    let step = prop_oneof![
        (who.clone(), via.clone()).prop_map(|(n, c)| Step::Join(n, c)),
        via.clone().prop_map(Step::Lost),
        via.clone().prop_map(Step::Back),
        via.clone().prop_map(Step::Leave),
        via.clone().prop_map(Step::Offer),
        via.prop_map(Step::Camera),
        who.prop_map(Step::Relay),
        Just(Step::Tick),
    ];
    proptest::collection::vec(step, 0..60)
}

/// What happens as the `n`th, and whose joining it is.
fn input_of(n: usize, step: Step) -> (Input, Option<ConnectionId>) {
    let socket = n as u64;
    let input = match step {
        Step::Join(n, c) => {
            let connection = connection(c);
            return (Input::Join { seat: seat(n), connection, socket }, Some(connection));
        }
        Step::Lost(c) => lost(c, socket),
        Step::Back(c) => back(c, socket),
        Step::Leave(c) => Input::Leave(connection(c)),
        Step::Offer(c) => Input::Offer { connection: connection(c), offer_id: 1, fresh: true, sdp: String::new() },
        Step::Camera(c) => Input::Media(connection(c), SelfMedia { camera: true, ..SelfMedia::default() }),
        Step::Relay(n) => {
            let (participant, state) = (seat(n).participant, MediaState::Connected);
            Input::Relay(RelayEvent::Connection { participant, state })
        }
        Step::Tick => Input::Tick,
    };
    (input, None)
}

/// One connection holds one seat in one room; the driver refuses a second.
fn is_refused(room: &Room, step: &Step) -> bool {
    matches!(step, Step::Join(_, c) if room.seats(connection(*c)))
}

fn seated(room: &Room) -> Vec<ConnectionId> {
    (11..22).map(connection).filter(|c| room.seats(*c)).collect()
}

proptest! {
    #[test]
    fn nobody_without_a_seat_hears_of_the_room(plan in steps()) {
        let mut room = room();
        for (n, step) in plan.into_iter().enumerate() {
            let now = at(i64::try_from(n).unwrap() * 60_000);
            let before = seated(&room);
            if is_refused(&room, &step) {
                continue;
            }
            let (input, joining) = input_of(n, step);
            let outputs = room.handle(now, input);
            for told in names(&outputs) {
                prop_assert!(before.contains(&told) || joining == Some(told));
            }
            for connection in seated(&room) {
                let state = room.state_for(connection).unwrap();
                let you = state.participants.iter().filter(|p| p.id == state.you).count();
                prop_assert_eq!(you, 1, "everybody has exactly one seat");
            }
        }
    }

    #[test]
    fn a_check_ends_once_nobody_has_sat_in_it_for_the_grace_and_never_while_somebody_sits(plan in steps()) {
        let mut room = Room::new(room().id(), 1, RoomPurpose::Check, None, at(0));
        let (mut now, mut is_over, mut empty_since) = (at(0), false, Some(at(0)));
        // As its driver does: a tick at each deadline, and what happens in between.
        let mut happens = |room: &mut Room, now: Timestamp, input: Input| {
            let (before, is_tick) = (empty_since, matches!(input, Input::Tick));
            let ends = room.handle(now, input).contains(&Output::Forget);
            empty_since = seated(room).is_empty().then(|| before.unwrap_or(now));
            if ends {
                assert!(is_tick && before.is_some_and(|since| now.since(since) >= CHECK_GRACE), "{before:?} {now:?}");
            }
            is_over |= ends;
            assert!(is_over || empty_since.is_none_or(|since| now.since(since) < CHECK_GRACE), "{empty_since:?} {now:?}");
        };
        for (n, step) in plan.into_iter().enumerate() {
            now = now + Duration::from_secs(25);
            while let Some(due) = room.deadline().filter(|due| *due <= now) {
                happens(&mut room, due, Input::Tick);
            }
            if !is_refused(&room, &step) {
                happens(&mut room, now, input_of(n, step).0);
            }
        }
        for c in 11..22 {
            happens(&mut room, now, Input::Leave(connection(c)));
        }
        let end = room.deadline();
        if let Some(due) = end {
            happens(&mut room, due, Input::Tick);
        }
        prop_assert!(is_over && room.deadline().is_none(), "{:?}", end);
    }

    /// Sockets of one connection come and go one after the other, each on a task of its own: what they say may be heard in
    /// any order.
    #[test]
    fn in_whatever_order_comings_and_goings_are_heard_the_last_one_holds(
        words in (1..6_u64, any::<bool>()).prop_flat_map(|(sockets, is_last_lost)| {
            let comings = (1..=sockets).map(|socket| (socket, false));
            let goings = (0..sockets + u64::from(is_last_lost)).map(|socket| (socket, true));
            (Just(is_last_lost), Just(comings.chain(goings).collect::<Vec<_>>()).prop_shuffle())
        })
    ) {
        let (is_last_lost, words) = words;
        let mut room = room();
        join(&mut room, 1, 11);
        for (n, (socket, is_lost)) in words.into_iter().enumerate() {
            let word = if is_lost { lost(11, socket) } else { back(11, socket) };
            room.handle(at(i64::try_from(n).unwrap()), word);
        }
        prop_assert_eq!(matches!(presence(&room, 1), Presence::Lost { .. }), is_last_lost);
    }
}
