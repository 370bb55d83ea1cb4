//! Invitations: the host makes one, somebody comes with it, and stands in front of the door until the host lets them in.
//!
//! The token is a secret that is shown once and kept as a hash. It is good once: for the browser that used it, by a nonce
//! of its own, so that an answer that was lost on a bad network can be asked for again. At any moment one session has
//! come with an invitation: a repeated use ends the one before and stands at the door again, under the name that it came
//! with first, and taking it back ends whatever is left.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::domain::ids::{InvitationId, SessionId, VisitId};
use crate::domain::permission::{Actor, DoctorAct, GuestAct};
use crate::domain::room::{CAPACITY, Standing};
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::written::{is_plain, letters};
use crate::protocol::auth::Tokens;
use crate::protocol::error::ErrorCode;
use crate::protocol::grant::RoomGrant;
use crate::protocol::invitation::{
    InvitationLanding, InvitationMade, InvitationRequest, InvitationState, InvitationUse, InvitationView,
};
use crate::services::Services;
use crate::services::identity::sessions::{Who, staff_name};
use crate::services::refusal::Refusal;
use crate::services::rooms::Guest;
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::visits::doctors_visit;
use crate::services::work::{Command, Work};
use crate::store::{InvitationRow, Tx};

/// The longest that an invitation can be used.
const LONGEST_MINUTES: u32 = 30;
/// Characters of a shown name.
const NAME_LIMIT: usize = 40;

impl Services {
    /// Invites somebody into the call of a visit.
    pub async fn invite(
        &self,
        act: DoctorAct,
        id: VisitId,
        request: InvitationRequest,
        command: &Command,
    ) -> Result<InvitationMade, Refusal> {
        let InvitationRequest { role, name, minutes } = request;
        if !role.is_invited() {
            return Err(Refusal::field(ErrorCode::Invalid, "role", "a role of somebody who is invited"));
        }
        let minutes = minutes.unwrap_or(LONGEST_MINUTES);
        if !(1..=LONGEST_MINUTES).contains(&minutes) {
            return Err(Refusal::field(ErrorCode::Invalid, "minutes", "1 to 30"));
        }
        let name = shown_name(&name)?;
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let visit = doctors_visit(&mut work.tx, act, id).await?;
        if visit.ended_at.is_some() {
            return Err(Refusal::new(ErrorCode::VisitEnded, "the visit is over"));
        }
        let now = work.now;
        let known = work.tx.invitations().of_visit(id).await?;
        let counted = [InvitationState::Open, InvitationState::Used];
        // The doctor and the patient have a seat each.
        if known.iter().filter(|row| counted.contains(&state_of(row, now))).count() + 2 >= CAPACITY {
            return Err(Refusal::new(ErrorCode::RoomFull, "the room has no seat left for another"));
        }
        let token = URL_SAFE_NO_PAD.encode(self.ids.secret::<32>());
        let invitation = self.ids.make(InvitationId::from_uuid);
        let row = InvitationRow {
            id: invitation,
            institution_id: visit.institution_id,
            room_id: visit.room_id,
            visit_id: id,
            role,
            name_sealed: self.vault.seal(Field::Name, invitation.as_uuid(), &name),
            token_hash: hash(&token),
            invited_by: act.account,
            created_at: now,
            expires_at: now + Duration::from_secs(u64::from(minutes) * 60),
            used_by: None,
            used_at: None,
            session_id: None,
            revoked_at: None,
        };
        work.tx.invitations().insert(&row).await?;
        let made = InvitationMade { id: invitation, token, expires_at: row.expires_at };
        work.keep(command, &made).await?;
        self.tell_invitation(&mut work, &row, "invitation.made").await?;
        let detail = json!({ "role": role, "visit": id });
        let (who, what) = (act.account.to_string(), invitation.to_string());
        work.audit_why(act.institution, &who, "invitation.make", &what, None, detail).await?;
        work.commit().await?;
        Ok(made)
    }

    /// The invitations of a visit, for its doctor.
    pub async fn invitations(&self, act: DoctorAct, id: VisitId) -> Result<Vec<InvitationView>, Refusal> {
        let mut tx = self.db.read().await?;
        doctors_visit(&mut tx, act, id).await?;
        let now = self.clock.now();
        let rows = tx.invitations().of_visit(id).await?;
        let view = |row: InvitationRow| {
            Ok(InvitationView {
                id: row.id,
                role: row.role,
                name: self.open_field(Field::Name, row.id.as_uuid(), &row.name_sealed)?,
                state: state_of(&row, now),
                expires_at: row.expires_at,
            })
        };
        rows.into_iter().map(view).collect()
    }

    /// Takes an invitation back; whoever came with it is taken out.
    pub async fn revoke_invitation(&self, act: DoctorAct, id: InvitationId) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let row = work.tx.invitations().find(id).await?.ok_or_else(Refusal::not_found)?;
        doctors_visit(&mut work.tx, act, row.visit_id).await?;
        self.revoke(work, &row, &act.account.to_string()).await
    }

    /// Commits `work` with an invitation taken back, and ends every session of whoever came with it.
    pub(crate) async fn revoke(&self, mut work: Work, row: &InvitationRow, who: &str) -> Result<(), Refusal> {
        let now = work.now;
        if work.tx.invitations().revoke(row.id, now).await? {
            self.tell_invitation(&mut work, row, "invitation.revoked").await?;
            work.audit(row.institution_id, who, "invitation.revoke", &row.id.to_string()).await?;
        }
        let ended = self.end_guests(&mut work, row, None).await?;
        work.commit().await?;
        self.leave_seats(&ended).await;
        Ok(())
    }

    /// What a link is for.
    pub async fn open_invitation(&self, token: &str) -> Result<InvitationLanding, Refusal> {
        let mut tx = self.db.read().await?;
        let row = tx.invitations().by_token(&hash(token)).await?.ok_or_else(unknown)?;
        // Who came with it may open its page after its time; nobody may once it was taken back.
        if row.used_by.is_none() || row.revoked_at.is_some() {
            may_be_used(&row, self.clock.now())?;
        }
        // The name is for whoever has not come yet: a link lies in a history or a chat for long, and its reader may be anybody.
        let name = match row.used_by {
            None => Some(self.open_field(Field::Name, row.id.as_uuid(), &row.name_sealed)?),
            Some(_) => None,
        };
        let house = tx.institutions().find(row.institution_id).await?.ok_or_else(unknown)?;
        Ok(InvitationLanding {
            institution_name: Text::new(house.name_zh, house.name_en),
            help_phone: house.help_phone,
            host_name: staff_name(&mut tx, row.invited_by).await?.0,
            role: row.role,
            name,
            expires_at: row.expires_at,
        })
    }

    /// Comes with an invitation: spends its token, and signs in for the one room.
    pub async fn use_invitation(&self, request: InvitationUse) -> Result<Tokens, Refusal> {
        let name = shown_name(&request.name)?;
        let mut work = self.begin().await?;
        let row = work.tx.invitations().by_token(&hash(&request.token)).await?.ok_or_else(unknown)?;
        let used_by = Sha256::digest(request.nonce.as_bytes()).to_vec();
        may_be_used(&row, work.now)?;
        if row.used_by.as_ref().is_some_and(|other| *other != used_by) {
            return Err(Refusal::new(ErrorCode::InvitationUsed, "somebody else came with it"));
        }
        let room = work.tx.rooms().find(row.room_id).await?.ok_or_else(unknown)?;
        if room.closed_at.is_some() {
            return Err(Refusal::new(ErrorCode::RoomClosed, "the room is over"));
        }
        let tokens = self.open_session(&mut work, row.institution_id, Who::Guest(row.id)).await?;
        let session = self.session_of(&tokens)?;
        let (sealed, now) = (self.vault.seal(Field::Name, row.id.as_uuid(), &name), work.now);
        if !work.tx.invitations().spend(row.id, &used_by, &sealed, session, now).await? {
            return Err(Refusal::new(ErrorCode::InvitationUsed, "somebody else came with it"));
        }
        // Only now: whoever spends it waits for a twin that spends it in the same moment, and sees its session.
        let before = self.end_guests(&mut work, &row, Some(session)).await?;
        self.stand_at_the_door(&mut work, &row).await?;
        self.tell_invitation(&mut work, &row, "invitation.used").await?;
        let who = row.id.to_string();
        work.audit(row.institution_id, &who, "invitation.use", &who).await?;
        work.commit().await?;
        self.leave_seats(&before).await;
        Ok(tokens)
    }

    /// A place in front of the door of the room, or inside once the host let them in.
    pub async fn grant_invited(&self, act: GuestAct, actor: Actor) -> Result<RoomGrant, Refusal> {
        let mut work = self.begin().await?;
        let row = work.tx.invitations().find(act.invitation).await?.ok_or_else(Refusal::not_found)?;
        if row.revoked_at.is_some() {
            return Err(Refusal::new(ErrorCode::InvitationRevoked, "the invitation was taken back"));
        }
        let room = work.tx.rooms().find(row.room_id).await?.ok_or_else(Refusal::not_found)?;
        // Their name is kept sealed, in the invitation alone.
        let guest = Guest { role: row.role, name: Text::new("", "") };
        let grant = self.grant(&mut work, room, actor, guest).await?;
        work.commit().await?;
        Ok(RoomGrant { visit: row.role.rights().talks.then_some(row.visit_id), ..grant })
    }

    /// The name of an invited person.
    pub(crate) async fn invited_name(&self, tx: &mut Tx, id: InvitationId) -> Result<Text, Refusal> {
        let row = tx.invitations().find(id).await?.filter(|row| row.revoked_at.is_none());
        let row = row.ok_or_else(|| Refusal::new(ErrorCode::InvitationRevoked, "the invitation was taken back"))?;
        let name = self.open_field(Field::Name, row.id.as_uuid(), &row.name_sealed)?;
        Ok(Text::new(name.clone(), name))
    }

    /// Ends whatever sessions came with an invitation, but `kept`; after the commit, [`Services::leave_seats`] takes them
    /// out.
    async fn end_guests(
        &self,
        work: &mut Work,
        row: &InvitationRow,
        kept: Option<SessionId>,
    ) -> Result<Vec<SessionId>, Refusal> {
        let now = work.now;
        let ended = work.tx.sessions().revoke_guests(row.id, kept, now).await?;
        for session in &ended {
            let topic = Topic::Session(*session).to_string();
            work.emit(row.institution_id, topic, "session.ended", Value::Null).await?;
        }
        Ok(ended)
    }

    /// Whoever comes again knocks again: that it is who was let in before, nobody has seen.
    async fn stand_at_the_door(&self, work: &mut Work, row: &InvitationRow) -> Result<(), Refusal> {
        let Some(seat) = work.tx.rooms().seat_of(row.room_id, &row.id.to_string()).await? else { return Ok(()) };
        work.tx.rooms().stand(seat.participant_id, seat.standing, Standing::Door).await?;
        Ok(())
    }

    fn session_of(&self, tokens: &Tokens) -> Result<SessionId, Refusal> {
        let actor = self.tokens.actor(&tokens.access_token, self.clock.now());
        actor.map(|(actor, _)| actor.session()).ok_or_else(|| Refusal::internal("a token of ours does not open"))
    }

    async fn tell_invitation(&self, work: &mut Work, row: &InvitationRow, kind: &str) -> Result<(), Refusal> {
        let data = json!({ "invitation": row.id });
        work.emit(row.institution_id, Topic::Visit(row.visit_id).to_string(), kind, data).await.map(drop)
    }
}

fn unknown() -> Refusal {
    Refusal::new(ErrorCode::InvitationUnknown, "no such invitation")
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

fn state_of(row: &InvitationRow, now: Timestamp) -> InvitationState {
    if row.revoked_at.is_some() {
        InvitationState::Revoked
    } else if row.used_by.is_some() {
        InvitationState::Used
    } else if row.expires_at <= now {
        InvitationState::Expired
    } else {
        InvitationState::Open
    }
}

/// Refuses what was taken back or is over.
fn may_be_used(row: &InvitationRow, now: Timestamp) -> Result<(), Refusal> {
    if row.revoked_at.is_some() {
        return Err(Refusal::new(ErrorCode::InvitationRevoked, "the invitation was taken back"));
    }
    if row.expires_at <= now {
        return Err(Refusal::new(ErrorCode::InvitationExpired, "the invitation's time is over; ask for another"));
    }
    Ok(())
}

/// A name as the others will see it.
fn shown_name(text: &str) -> Result<String, Refusal> {
    let name = text.trim();
    let fits = letters(name) >= 1 && name.chars().count() <= NAME_LIMIT && is_plain(name);
    if fits { Ok(name.to_owned()) } else { Err(Refusal::field(ErrorCode::Invalid, "name", "1 to 40 characters")) }
}
