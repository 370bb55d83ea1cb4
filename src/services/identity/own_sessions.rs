//! The sessions of those who work here: each sees the own and ends any of them, an administrator ends all of an account.

use std::collections::HashSet;
use std::time::Duration;

use serde_json::{Value, json};

use crate::domain::ids::{AccountId, InstitutionId, SessionId};
use crate::domain::permission::{AdministratorAct, StaffAct};
use crate::protocol::staff::{SessionView, SessionsEnded};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::work::Work;

/// Sessions of an account that stand at once; the next one takes the place of one.
const SESSIONS: usize = 20;
/// For so long an owner sees what gave way; a session of staff that nobody uses lasts no longer.
const DISPLACED_SHOWN: Duration = Duration::from_hours(24);
/// So many of them at most.
const DISPLACED_MOST: i64 = 20;

impl Services {
    /// The sessions of this account that stand, the newest first, and behind them those that lately gave way to newer ones.
    pub async fn own_sessions(&self, act: StaffAct) -> Result<Vec<SessionView>, Refusal> {
        let now = self.clock.now();
        let mut tx = self.db.read().await?;
        let mut rows = tx.sessions().of_staff(act.account, now).await?;
        rows.extend(tx.sessions().displaced_of_staff(act.account, now - DISPLACED_SHOWN, DISPLACED_MOST).await?);
        let views = rows.into_iter().map(|row| SessionView {
            ended: row.revoked_at,
            id: row.id,
            current: row.id == act.session,
            since: row.created_at,
            acted_at: row.acted_at,
            browser: row.browser,
        });
        Ok(views.collect())
    }

    /// Ends a session of this account: `POST /auth/sessions/{id}/end`.
    pub async fn end_own_session(&self, act: StaffAct, id: SessionId) -> Result<(), Refusal> {
        let mut work = self.begin().await?;
        let now = work.now;
        let rows = work.tx.sessions().of_staff(act.account, now).await?;
        if !rows.iter().any(|row| row.id == id) {
            return Err(Refusal::not_found());
        }
        work.audit(act.institution, &act.account.to_string(), "session.end", &id.to_string()).await?;
        self.end_session(work, act.institution, id).await
    }

    /// Ends every session of an account of the institution, the administrator's own of this moment too, if it is theirs:
    /// `POST /staff/{id}/end-sessions`.
    pub async fn end_sessions_of(&self, act: AdministratorAct, id: AccountId) -> Result<SessionsEnded, Refusal> {
        let mut work = self.begin().await?;
        let account = work.tx.accounts().find(id).await?.filter(|row| row.institution_id == act.institution);
        account.ok_or_else(Refusal::not_found)?;
        let ended = end_all(&mut work, act.institution, id, None).await?;
        let detail = json!({ "sessions": ended.len() });
        work.audit_why(act.institution, &act.account.to_string(), "session.end_all", &id.to_string(), None, detail)
            .await?;
        work.commit().await?;
        self.leave_seats(&ended).await;
        Ok(SessionsEnded { ended: u32::try_from(ended.len()).unwrap_or(u32::MAX) })
    }
}

/// Makes room for another session of an account: of those that stand the ones go that were not used for longest, and their
/// sockets are told; which ones. Their seats are left after the commit. Nobody `seated` goes: a call is not ended from afar.
pub(in crate::services) async fn make_room(
    work: &mut Work,
    institution: InstitutionId,
    account: AccountId,
    seated: &HashSet<SessionId>,
) -> Result<Vec<SessionId>, Refusal> {
    let now = work.now;
    let mut rows = work.tx.sessions().of_staff(account, now).await?;
    let too_many = (rows.len() + 1).saturating_sub(SESSIONS);
    rows.retain(|row| !seated.contains(&row.id));
    rows.sort_by_key(|row| (row.rotated_at.max(row.acted_at), row.created_at, row.id));
    let mut ended = Vec::new();
    for row in rows.into_iter().take(too_many) {
        if work.tx.sessions().displace(row.id, now).await? {
            work.emit(institution, Topic::Session(row.id).to_string(), "session.ended", Value::Null).await?;
            ended.push(row.id);
        }
    }
    Ok(ended)
}

/// Ends every session of an account but `besides`, and tells their sockets; which ones. Their seats are left after the commit.
pub(in crate::services) async fn end_all(
    work: &mut Work,
    institution: InstitutionId,
    account: AccountId,
    besides: Option<SessionId>,
) -> Result<Vec<SessionId>, Refusal> {
    let now = work.now;
    let mut ended = Vec::new();
    for row in work.tx.sessions().of_staff(account, now).await? {
        if Some(row.id) != besides && work.tx.sessions().revoke(row.id, now).await? {
            work.emit(institution, Topic::Session(row.id).to_string(), "session.ended", Value::Null).await?;
            ended.push(row.id);
        }
    }
    Ok(ended)
}
