//! What a host does with the people of a room.
//!
//! An act that takes something away is done first and written after: it holds even while the database is away. One that
//! gives is written first: nobody is let in on a promise. Whether the connection is a host's is asked twice, of the live
//! room and of the seat as it is kept.

use serde_json::json;

use crate::domain::ids::{AttachmentId, ConnectionId, ParticipantId, RoomId};
use crate::domain::permission::Actor;
use crate::domain::room::{HostAct, Input, PictureAsk, PictureOf, Standing};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::work::Work;

impl Services {
    /// Does what a host says with somebody in a room; `ahead` is the number under which the room has done it before its turn.
    pub async fn host(
        &self,
        actor: Actor,
        connection: ConnectionId,
        room: RoomId,
        participant: ParticipantId,
        act: HostAct,
        ahead: Option<u64>,
    ) -> Result<(), Refusal> {
        let mut holds = 0;
        if act.takes_away() {
            let by = connection;
            let input = match ahead {
                Some(word) => Input::HostInTurn { word, by, participant, act },
                None => Input::Host { by, participant, act },
            };
            self.live.say(connection, room, input).await?;
        } else {
            holds = self.live.holds(room, participant).await?;
        }
        let mut work = self.begin().await?;
        let own = work.tx.rooms().seat_of(room, &actor.key()).await?.ok_or_else(Refusal::not_found)?;
        if !own.role.rights().hosts || own.standing != Standing::Inside {
            return Err(Refusal::new(ErrorCode::Forbidden, "this is for whoever leads the call"));
        }
        let seat = work.tx.rooms().find_seat(participant).await?.filter(|seat| seat.room_id == room);
        let seat = seat.ok_or_else(Refusal::not_found)?;
        if !act.may_be_done_with(seat.role) {
            return Err(Refusal::field(ErrorCode::Invalid, "act", "this cannot be done with a person of this role"));
        }
        if !act.takes_away() {
            // Whoever holds somebody apart says so first and writes after. So by now the room has heard it, or it will be
            // written behind this.
            work.tx.rooms().lock_seat(participant).await?;
            if self.live.holds(room, participant).await? != holds {
                return Err(Refusal::new(ErrorCode::VersionConflict, "somebody was held apart meanwhile; look again"));
            }
        }
        let is_new = match act {
            HostAct::Admit => work.tx.rooms().stand(participant, Standing::Door, Standing::Inside).await?,
            HostAct::Hold => self.keep_held(&mut work, room, participant).await?,
            HostAct::Release => work.tx.rooms().stand(participant, Standing::Held, Standing::Inside).await?,
            HostAct::Mute => self.keep_muted(&mut work, room, participant, true).await?,
            HostAct::Remove => true,
        };
        // What was not answered is said again: the log has it once.
        if is_new {
            let detail = json!({ "room": room, "role": seat.role });
            let (action, subject) = (format!("room.{}", act.as_str()), participant.to_string());
            work.audit_why(actor.institution(), &actor.key(), &action, &subject, None, detail).await?;
        }
        if act == HostAct::Remove {
            let invitation = seat.subject.strip_prefix("invitation_").and_then(|id| id.parse().ok());
            let invitation = match invitation {
                Some(id) => work.tx.invitations().find(id).await?,
                None => None,
            };
            return match invitation {
                Some(row) => self.revoke(work, &row, &actor.key()).await,
                None => work.commit().await,
            };
        }
        work.commit().await?;
        if !act.takes_away() {
            self.live.say(connection, room, Input::Give { by: connection, participant, act, holds }).await?;
        }
        Ok(())
    }

    /// Somebody who was muted speaks again. A call never waits for the database, so that is done first; when it cannot be
    /// written they have to say it once more after a restart.
    pub async fn unmute(&self, actor: Actor, connection: ConnectionId, room: RoomId) -> Result<(), Refusal> {
        self.live.say(connection, room, Input::Unmute(connection)).await?;
        let mut work = self.begin().await?;
        if let Some(seat) = work.tx.rooms().seat_of(room, &actor.key()).await? {
            self.keep_muted(&mut work, room, seat.participant_id, false).await?;
        }
        work.commit().await
    }

    /// Writes whether somebody is muted as their room has it by now; whether it was written otherwise than was just `said`. Two
    /// such words may be written in another order than they were said: the row is locked before the room is asked, so that who
    /// writes last has asked last.
    async fn keep_muted(
        &self,
        work: &mut Work,
        room: RoomId,
        participant: ParticipantId,
        said: bool,
    ) -> Result<bool, Refusal> {
        let before = work.tx.rooms().lock_seat(participant).await?.ok_or_else(Refusal::not_found)?;
        let seat = self.live.seat(room, participant).await?;
        // Who has gone meanwhile comes back to what was said.
        work.tx.rooms().mute(participant, seat.map_or(said, |seat| seat.muted)).await?;
        Ok(before.muted != said)
    }

    /// Writes that somebody is held apart, unless the room has let them back since that was said: it may have been done long
    /// before its turn, and another host's word that gives overtook it. Whether it was not written before.
    async fn keep_held(&self, work: &mut Work, room: RoomId, participant: ParticipantId) -> Result<bool, Refusal> {
        let before = work.tx.rooms().lock_seat(participant).await?.ok_or_else(Refusal::not_found)?;
        let seat = self.live.seat(room, participant).await?;
        if !seat.is_some_and(|seat| seat.standing == Standing::Inside) {
            work.tx.rooms().stand(participant, Standing::Inside, Standing::Held).await?;
        }
        Ok(before.standing == Standing::Inside)
    }

    /// A host asks the patient for a picture.
    pub async fn ask_picture(&self, connection: ConnectionId, room: RoomId, of: PictureOf) -> Result<(), Refusal> {
        let ask = PictureAsk { id: self.ids.make(AttachmentId::from_uuid), of, at: self.clock.now() };
        self.live.say(connection, room, Input::AskPicture { by: connection, ask }).await
    }
}
