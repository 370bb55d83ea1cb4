//! Rooms and the seats in them.

use crate::domain::ids::{InstitutionId, ParticipantId, RoomId};
use crate::domain::recording::Agreed;
use crate::domain::room::{ParticipantRole, RoomPurpose, Standing};
use crate::domain::time::Timestamp;
use crate::domain::visit::VisitEnd;
use crate::store::lists::{list, listed};
use crate::store::{Result, Tx, on};
use uuid::Uuid;

/// A room as it is kept.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RoomRow {
    /// The room.
    pub id: RoomId,
    /// The tenant.
    pub institution_id: InstitutionId,
    /// What it is for.
    pub purpose: RoomPurpose,
    /// The visit, alarm, or holder that it is for.
    pub subject_id: Uuid,
    /// The fencing number: grows whenever another process takes the room over.
    pub epoch: i64,
    /// The process that carries it.
    pub node: String,
    /// Whether a process record is made.
    pub recording: bool,
    /// The words that the patient had agreed to.
    pub agreed_version: Option<String>,
    /// When the patient had agreed.
    pub agreed_at: Option<Timestamp>,
    /// When it was opened.
    pub opened_at: Timestamp,
    /// When it was closed.
    pub closed_at: Option<Timestamp>,
}

impl RoomRow {
    /// To what the patient agreed, while it holds.
    pub fn agreed(&self) -> Option<Agreed> {
        let agreed = self.agreed_version.clone().zip(self.agreed_at).filter(|_| self.recording);
        agreed.map(|(version, at)| Agreed { version, at })
    }
}

/// A room that a process may still carry, and in which something is over.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct RoomOver {
    /// The room.
    pub id: RoomId,
    /// What it was for.
    pub purpose: RoomPurpose,
    /// When it was closed; `None`: nothing more is recorded there.
    pub closed_at: Option<Timestamp>,
    /// How its visit ended.
    pub visit_end: Option<VisitEnd>,
}

/// A person's place in a room, the same over all reloads.
#[derive(Clone, Debug, PartialEq, Eq, sqlx::FromRow)]
pub struct SeatRow {
    /// The seat.
    pub participant_id: ParticipantId,
    /// The room.
    pub room_id: RoomId,
    /// The subject, as [`crate::domain::permission::Actor::key`] names it.
    pub subject: String,
    /// What the person is in the room.
    pub role: ParticipantRole,
    /// The name as shown to the others.
    pub name_zh: String,
    /// The name in Latin letters.
    pub name_en: String,
    /// Where the person stands.
    pub standing: Standing,
    /// Silenced by a host, and has not spoken since.
    pub muted: bool,
    /// When it was first granted.
    pub created_at: Timestamp,
}

/// The `room` and `seat` tables.
pub struct Rooms<'tx>(pub(super) &'tx mut Tx);

impl Rooms<'_> {
    /// Keeps a new room; a second open room for the same subject is a conflict.
    pub async fn insert(self, room: &RoomRow) -> Result<()> {
        on!(self.0, |conn| {
            sqlx::query(
                "insert into room (id, institution_id, purpose, subject_id, epoch, node, recording, agreed_version,
                                   agreed_at, opened_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            )
            .bind(room.id)
            .bind(room.institution_id)
            .bind(room.purpose)
            .bind(room.subject_id)
            .bind(room.epoch)
            .bind(&room.node)
            .bind(room.recording)
            .bind(&room.agreed_version)
            .bind(room.agreed_at)
            .bind(room.opened_at)
            .execute(conn)
            .await?;
        });
        Ok(())
    }

    /// A room by its id.
    pub async fn find(self, id: RoomId) -> Result<Option<RoomRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, purpose, subject_id, epoch, node, recording, agreed_version, agreed_at, opened_at,
                        closed_at
                 from room
                 where id = $1",
            )
            .bind(id)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The open room of a subject.
    pub async fn open_for(self, purpose: RoomPurpose, subject: Uuid) -> Result<Option<RoomRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select id, institution_id, purpose, subject_id, epoch, node, recording, agreed_version, agreed_at, opened_at,
                        closed_at
                 from room
                 where purpose = $1 and subject_id = $2 and closed_at is null",
            )
            .bind(purpose)
            .bind(subject)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Takes an open room over for `node`; its new fencing number, or `None` when it is closed or was this node's.
    pub async fn take_over(self, id: RoomId, node: &str) -> Result<Option<i64>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "update room
                 set node = $2, epoch = epoch + 1
                 where id = $1 and closed_at is null and node <> $2
                 returning epoch",
            )
            .bind(id)
            .bind(node)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Closes a room; `false` when it was closed before.
    pub async fn close(self, id: RoomId, now: Timestamp) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update room set closed_at = $2 where id = $1 and closed_at is null")
                .bind(id)
                .bind(now)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Those of `rooms` that were closed, or where something was recorded and nothing more is.
    pub async fn over(self, rooms: impl IntoIterator<Item = RoomId>) -> Result<Vec<RoomOver>> {
        macro_rules! over {
            ($dialect:ident) => {
                concat!(
                    "select room.id, room.purpose, room.closed_at, visit.end_reason as visit_end
                     from room
                     left join visit on visit.id = room.subject_id and visit.room_id = room.id
                     where room.id in ",
                    listed!($dialect),
                    " and (room.closed_at is not null or (room.agreed_at is not null and not room.recording))"
                )
            };
        }
        let rooms = list(rooms.into_iter().map(RoomId::as_uuid));
        Ok(on!(self.0, |conn, dialect| {
            sqlx::query_as(dialect.pick(over!(sqlite), over!(postgres))).bind(&rooms).fetch_all(conn).await?
        }))
    }

    /// Rooms for `purpose` that nobody has closed: those of `node` that were opened before one moment, and those of any node
    /// that were opened before another.
    pub async fn left_open(
        self,
        purpose: RoomPurpose,
        (node, own_before): (&str, Timestamp),
        any_before: Timestamp,
        limit: i64,
    ) -> Result<Vec<RoomId>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar(
                "select id
                 from room
                 where purpose = $1 and closed_at is null and (opened_at < $4 or (opened_at < $3 and node = $2))
                 order by opened_at, id
                 limit $5",
            )
            .bind(purpose)
            .bind(node)
            .bind(own_before)
            .bind(any_before)
            .bind(limit)
            .fetch_all(conn)
            .await?
        }))
    }

    /// Records nothing more in a room; `false` when it did not.
    pub async fn stop_recording(self, id: RoomId) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update room set recording = $3 where id = $1 and recording = $2")
                .bind(id)
                .bind(true)
                .bind(false)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// The seat of a subject, made from `seat` when there is none yet.
    pub async fn seat(self, seat: &SeatRow) -> Result<SeatRow> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "insert into seat (participant_id, room_id, subject, role, name_zh, name_en, standing, muted, created_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 on conflict (room_id, subject) do update set role = excluded.role
                 returning participant_id, room_id, subject, role, name_zh, name_en, standing, muted, created_at",
            )
            .bind(seat.participant_id)
            .bind(seat.room_id)
            .bind(&seat.subject)
            .bind(seat.role)
            .bind(&seat.name_zh)
            .bind(&seat.name_en)
            .bind(seat.standing)
            .bind(seat.muted)
            .bind(seat.created_at)
            .fetch_one(conn)
            .await?
        }))
    }

    /// Whether a subject was ever seated in a room.
    pub async fn has_seat(self, room: RoomId, subject: &str) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query_scalar::<_, i64>("select count(*) from seat where room_id = $1 and subject = $2")
                .bind(room)
                .bind(subject)
                .fetch_one(conn)
                .await?
        }) > 0)
    }

    /// The seat that a subject has in a room.
    pub async fn seat_of(self, room: RoomId, subject: &str) -> Result<Option<SeatRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select participant_id, room_id, subject, role, name_zh, name_en, standing, muted, created_at
                 from seat
                 where room_id = $1 and subject = $2",
            )
            .bind(room)
            .bind(subject)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// Moves somebody between door, inside and apart; `false` when they do not stand at `from`.
    pub async fn stand(self, participant: ParticipantId, from: Standing, to: Standing) -> Result<bool> {
        Ok(on!(self.0, |conn| {
            sqlx::query("update seat set standing = $3 where participant_id = $1 and standing = $2")
                .bind(participant)
                .bind(from)
                .bind(to)
                .execute(conn)
                .await?
                .rows_affected()
                == 1
        }))
    }

    /// Notes that somebody was silenced by a host, or speaks again; `false` when that was so before.
    pub async fn mute(self, participant: ParticipantId, muted: bool) -> Result<bool> {
        on!(self.0, |conn| {
            let query = sqlx::query("update seat set muted = $2 where participant_id = $1 and muted <> $2");
            Ok(query.bind(participant).bind(muted).execute(conn).await?.rows_affected() == 1)
        })
    }

    /// A seat by its id.
    pub async fn find_seat(self, participant: ParticipantId) -> Result<Option<SeatRow>> {
        Ok(on!(self.0, |conn| {
            sqlx::query_as(
                "select participant_id, room_id, subject, role, name_zh, name_en, standing, muted, created_at
                 from seat
                 where participant_id = $1",
            )
            .bind(participant)
            .fetch_optional(conn)
            .await?
        }))
    }

    /// The same until the end of the transaction: nobody else writes it meanwhile; on SQLite one writes at a time anyway.
    pub async fn lock_seat(self, participant: ParticipantId) -> Result<Option<SeatRow>> {
        on!(self.0, |conn, dialect| {
            let query = dialect.pick(
                "select 1 from seat where participant_id = $1",
                "select 1 from seat where participant_id = $1 for update",
            );
            sqlx::query(query).bind(participant).fetch_optional(conn).await?;
        });
        self.find_seat(participant).await
    }
}
