//! The room, single-stepped.

mod coming;
mod ending;
mod heard;
mod hosting;
mod plans;
mod recording;

use uuid::Uuid;

use super::*;
use crate::domain::text::Text;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn connection(n: u128) -> ConnectionId {
    ConnectionId::from_uuid(Uuid::from_u128(n))
}

fn seat(n: u128) -> Seat {
    let role = if n == 1 { ParticipantRole::Doctor } else { ParticipantRole::Patient };
    Seat {
        participant: ParticipantId::from_uuid(Uuid::from_u128(n)),
        role,
        name: Text::new("某人", "someone"),
        standing: Standing::Inside,
        muted: false,
    }
}

fn room() -> Room {
    Room::new(RoomId::from_uuid(Uuid::from_u128(99)), 1, RoomPurpose::Visit, None, at(0))
}

fn join(room: &mut Room, n: u128, via: u128) -> Vec<Output> {
    room.handle(at(0), Input::Join { seat: seat(n), connection: connection(via), socket: 0 })
}

fn lost(n: u128, socket: u64) -> Input {
    Input::Lost { connection: connection(n), socket }
}

fn back(n: u128, socket: u64) -> Input {
    Input::Back { connection: connection(n), socket }
}

fn presence(room: &Room, n: u128) -> Presence {
    let state = room.state_for(connection(10 + n)).unwrap();
    state.participants.iter().find(|one| one.id == seat(n).participant).unwrap().presence
}

fn names(outputs: &[Output]) -> Vec<ConnectionId> {
    outputs.iter().filter_map(|o| if let Output::Tell(to, _) = o { Some(*to) } else { None }).collect()
}

fn host(room: &mut Room, by: u128, with: u128, act: HostAct) -> Vec<Output> {
    let input = Input::Host { by: connection(by), participant: seat(with).participant, act };
    room.handle(at(1), input)
}
