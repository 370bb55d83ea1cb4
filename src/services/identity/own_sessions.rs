//! The sessions of those who work here: each sees the own and ends any of them, an administrator ends all of an account.

use serde_json::{Value, json};

use crate::domain::ids::{AccountId, InstitutionId, SessionId};
use crate::domain::permission::{AdministratorAct, StaffAct};
use crate::protocol::staff::{SessionView, SessionsEnded};
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::work::Work;

impl Services {
    /// The sessions of this account that stand, the newest first.
    pub async fn own_sessions(&self, act: StaffAct) -> Result<Vec<SessionView>, Refusal> {
        let rows = self.db.read().await?.sessions().of_staff(act.account, self.clock.now()).await?;
        let views = rows.into_iter().map(|row| SessionView {
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
