//! Somebody in a call without a socket: the connection is in the test's own hands.

use serde_json::Value;
use tokio::sync::mpsc;
use yunzhen::domain::ids::{ConnectionId, ParticipantId, RoomId};
use yunzhen::domain::permission::Actor;
use yunzhen::domain::room::Seat;
use yunzhen::protocol::live::ServerMessage;

use super::stage::{Stage, Visit};

/// Who sits in a call.
pub struct AtHand {
    /// Who it is.
    pub actor: Actor,
    /// The connection.
    pub connection: ConnectionId,
    /// The room.
    pub room: RoomId,
    /// The seat.
    pub seat: Seat,
    told: mpsc::Receiver<Box<ServerMessage>>,
}

impl AtHand {
    /// Sits down in the call of a visit.
    pub async fn sit(stage: &Stage, visit: &Visit, token: &str) -> Self {
        let services = &stage.server.services;
        let actor = services.authenticate(token).await.unwrap().unwrap().0;
        let grant = services.grant_visit(actor, visit.id.parse().unwrap()).await.unwrap();
        let connection = services.ids.make(ConnectionId::from_uuid);
        let (outbox, told) = mpsc::channel(1024);
        services.live.connect(connection, actor.session(), (actor.key(), [192, 0, 2, 1].into()), outbox);
        let (room, seat) = services.open_granted(actor, connection, &grant.grant).await.unwrap();
        let id = room.id();
        services.live.open(room);
        services.live.join(id, seat.clone(), connection).await.unwrap();
        Self { actor, connection, room: id, seat, told }
    }

    /// Whose seat it is.
    pub fn participant(&self) -> ParticipantId {
        self.seat.participant
    }

    /// The next message that `wanted` accepts; others are passed over.
    pub async fn told(&mut self, wanted: impl Fn(&Value) -> bool) -> Value {
        let told = async {
            loop {
                let message = self.told.recv().await.expect("the connection stands");
                let message = serde_json::to_value(&*message).unwrap();
                if wanted(&message) {
                    return message;
                }
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(30), told).await.expect("told in time")
    }
}
