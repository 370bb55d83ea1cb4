//! Rooms: opening them, granting a seat, and letting somebody in who shows a grant.
//!
//! A grant is the only way to a seat, and it is given only after the act that opens the room: the doctor's confirmation
//! of the identity, the taking of an alarm. It names the room, the seat and the room's fencing number, is good for a
//! minute, for one use, and for the session that asked.

pub mod chat;
pub(super) mod hearsay;
pub mod hosting;
pub mod invitations;
pub(super) mod offers;
pub(super) mod outlived;
pub mod stills;

use std::time::Duration;

use uuid::Uuid;

use crate::domain::ids::{ConnectionId, HolderId, InstitutionId, ParticipantId, RoomId};
use crate::domain::permission::Actor;
use crate::domain::recording::Agreed;
use crate::domain::room::{ParticipantRole, Room, RoomEnd, RoomPurpose, Seat, Standing};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::turn::TurnName;
use crate::protocol::error::ErrorCode;
use crate::protocol::visit::{IceServer, RoomGrant};
use crate::services::Services;
use crate::services::identity::tokens::{GRANT_SECONDS, Grant};
use crate::services::refusal::Refusal;
use crate::services::work::Work;
use crate::store::{RoomRow, SeatRow};

/// What somebody is called in a room, and as what they sit there.
pub(crate) struct Guest {
    /// Patient, doctor or nurse.
    pub role: ParticipantRole,
    /// The name as shown to the others.
    pub name: Text,
}

/// So old is a check of ours that is not open any more, or never was: longer than its grant is good.
const CHECK_OVER: Duration = Duration::from_mins(2);
/// So old is a check of a process that has ended, or of another.
const CHECK_FORGOTTEN: Duration = Duration::from_hours(1);
/// Checks that are closed together.
const CHECKS: i64 = 500;

impl Services {
    /// Opens a room for a subject, or finds the open one.
    pub(crate) async fn room_for(
        &self,
        work: &mut Work,
        institution: InstitutionId,
        purpose: RoomPurpose,
        subject: Uuid,
        agreed: Option<Agreed>,
    ) -> Result<RoomRow, Refusal> {
        if let Some(room) = work.tx.rooms().open_for(purpose, subject).await? {
            return Ok(room);
        }
        let room = RoomRow {
            id: self.ids.make(RoomId::from_uuid),
            institution_id: institution,
            purpose,
            subject_id: subject,
            epoch: 1,
            node: self.node.clone(),
            recording: agreed.is_some(),
            agreed_at: agreed.as_ref().map(|agreed| agreed.at),
            agreed_version: agreed.map(|agreed| agreed.version),
            opened_at: work.now,
            closed_at: None,
        };
        work.tx.rooms().insert(&room).await?;
        Ok(room)
    }

    /// Grants a seat in an open room; a room of an earlier process is taken over first.
    pub(crate) async fn grant(
        &self,
        work: &mut Work,
        mut room: RoomRow,
        actor: Actor,
        guest: Guest,
    ) -> Result<RoomGrant, Refusal> {
        if room.closed_at.is_some() {
            return Err(Refusal::new(ErrorCode::RoomClosed, "the room is over"));
        }
        if let Some(epoch) = work.tx.rooms().take_over(room.id, &self.node).await? {
            room.epoch = epoch;
        }
        let seat = SeatRow {
            participant_id: self.ids.make(ParticipantId::from_uuid),
            room_id: room.id,
            subject: actor.key(),
            role: guest.role,
            name_zh: guest.name.zh,
            name_en: guest.name.en,
            standing: if guest.role.is_invited() { Standing::Door } else { Standing::Inside },
            muted: false,
            created_at: work.now,
        };
        let seat = work.tx.rooms().seat(&seat).await?;
        let grant = Grant { room: room.id, participant: seat.participant_id, epoch: room.epoch, jti: self.ids.uuid() };
        let demo = self.config.demo;
        let ice_servers = self.ice_servers(seat.participant_id, work.now);
        let token = self.tokens.grant(grant, actor.session(), work.now);
        Ok(RoomGrant { room: room.id, visit: None, grant: token, demo, ice_servers })
    }

    /// The TURN servers of a seat, ours or another, with a right of its own.
    fn ice_servers(&self, participant: ParticipantId, now: Timestamp) -> Vec<IceServer> {
        if self.config.turn_urls.is_empty() {
            return Vec::new();
        }
        let username = TurnName::new(participant, now).to_string();
        let credential = self.turn.password(&username);
        vec![IceServer { urls: self.config.turn_urls.clone(), username, credential }]
    }

    /// The room and seat of a grant; spends it. Whose answer was lost may show it again, while it has the seat.
    pub async fn open_granted(&self, actor: Actor, by: ConnectionId, grant: &str) -> Result<(Room, Seat), Refusal> {
        let refused = || Refusal::new(ErrorCode::GrantRefused, "ask for a new grant");
        let now = self.clock.now();
        let grant = self.tokens.open_grant(grant, actor.session(), now).ok_or_else(refused)?;
        let mut tx = self.db.read().await?;
        let room = tx.rooms().find(grant.room).await?.ok_or_else(refused)?;
        if room.closed_at.is_some() {
            return Err(Refusal::new(ErrorCode::RoomClosed, "the room is over"));
        }
        let seat = tx.rooms().find_seat(grant.participant).await?.ok_or_else(refused)?;
        let is_fenced = room.epoch != grant.epoch || room.node != self.node;
        if is_fenced || seat.room_id != room.id || seat.subject != actor.key() {
            return Err(refused());
        }
        let until = now + Duration::from_secs(u64::from(GRANT_SECONDS));
        if !self.live.spend(grant.jti, until) && !self.live.sits(by, grant.room, grant.participant) {
            return Err(refused());
        }
        let name = match actor {
            Actor::Guest { invitation, .. } => self.invited_name(&mut tx, invitation).await?,
            Actor::Staff { .. } | Actor::Holder { .. } | Actor::Caller { .. } => Text::new(seat.name_zh, seat.name_en),
        };
        let SeatRow { participant_id: participant, role, standing, muted, .. } = seat;
        let seat = Seat { participant, role, name, standing, muted };
        Ok((Room::new(room.id, room.epoch, room.purpose, room.agreed(), now), seat))
    }

    /// Closes a room in the database; after the commit, [`Self::end_room`] empties it.
    pub(crate) async fn close_room(&self, work: &mut Work, room: RoomId) -> Result<(), Refusal> {
        let now = work.now;
        work.tx.rooms().close(room, now).await?;
        Ok(())
    }

    /// Empties a room that was closed: its media stops at once.
    pub(crate) async fn end_room(&self, room: RoomId, why: RoomEnd) {
        self.live.end(room, why).await;
    }

    /// The check before a call: a room of one's own in which the own picture comes back.
    pub async fn open_check(&self, actor: Actor, holder: HolderId) -> Result<RoomGrant, Refusal> {
        self.live.has_place(RoomPurpose::Check)?;
        let mut work = self.begin().await?;
        let old = work.tx.rooms().open_for(RoomPurpose::Check, holder.as_uuid()).await?;
        if let Some(old) = &old {
            self.close_room(&mut work, old.id).await?;
        }
        let institution = actor.institution();
        let room = self.room_for(&mut work, institution, RoomPurpose::Check, holder.as_uuid(), None).await?;
        let guest = Guest { role: ParticipantRole::Patient, name: Text::new("检测", "check") };
        let grant = self.grant(&mut work, room, actor, guest).await?;
        work.commit().await?;
        if let Some(old) = old {
            self.end_room(old.id, RoomEnd::Replaced).await;
        }
        Ok(grant)
    }

    /// Closes the checks that are over: whoever looked at the own picture leaves, and says nothing more.
    pub async fn sweep_checks(&self) -> Result<(), Refusal> {
        let now = self.clock.now();
        let (own, any) = ((self.node.as_str(), now - CHECK_OVER), now - CHECK_FORGOTTEN);
        // Those that go on stand in front, and there are not so many.
        let most = CHECKS + i64::try_from(self.live.counts().0).unwrap_or(0);
        let open = self.db.read().await?.rooms().left_open(RoomPurpose::Check, own, any, most).await?;
        let over: Vec<_> = open.into_iter().filter(|room| !self.live.is_open(*room)).collect();
        if over.is_empty() {
            return Ok(());
        }
        let mut work = self.begin().await?;
        for room in over {
            self.close_room(&mut work, room).await?;
        }
        work.commit().await
    }
}
