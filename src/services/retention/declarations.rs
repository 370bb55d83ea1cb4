//! Declarations go once an administrator has said that their purpose ended, and the days after that are over. Of what was
//! handed in stays that it was: levels and tickets name it, and the order of the queue is proved by them.

use serde_json::json;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::domain::hex::hex;
use crate::domain::ids::{ClinicId, DeclarationId};
use crate::domain::retention::acts::{PurposeEnd, purpose_ended};
use crate::domain::retention::{Deletable, Hold, Item, RetentionClass, may_go};
use crate::domain::time::Timestamp;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::rows::leave;
use crate::store::{DeclarationRow, Tx};

/// Declarations that are looked at together.
const BATCH: i64 = 100;

impl Services {
    /// Empties the declarations that may go, and not a millisecond before they may; how many.
    pub async fn remove_declarations(&self) -> Result<usize, Refusal> {
        let mut tx = self.db.read().await?;
        let mut clinics = Vec::new();
        for institution in tx.institutions().all().await? {
            clinics.extend(tx.clinics().of(institution.id).await?.into_iter().map(|clinic| clinic.id));
        }
        drop(tx);
        let mut removed = 0;
        for clinic in clinics {
            removed += self.remove_declarations_of(clinic).await?;
        }
        Ok(removed)
    }

    async fn remove_declarations_of(&self, clinic: ClinicId) -> Result<usize, Refusal> {
        let ends = self.db.read().await?.retention().purpose_ends(clinic).await?;
        let ends: Vec<PurposeEnd> = ends
            .into_iter()
            .map(|row| PurposeEnd { declared_until: row.declared_until, said_at: row.said_at })
            .collect();
        // Nothing can go by an end whose days are not over.
        let (span, now) = (RetentionClass::Declaration.span(), self.clock.now());
        let ends: Vec<PurposeEnd> = ends.into_iter().filter(|end| end.said_at + span <= now).collect();
        let Some(until) = ends.iter().map(|end| end.declared_until).max() else { return Ok(0) };
        let (mut after, mut removed) = (DeclarationId::from_uuid(Uuid::nil()), 0);
        loop {
            let rows = self.db.read().await?.declarations().stated_by(clinic, after, until, BATCH).await?;
            let Some(last) = rows.last() else { return Ok(removed) };
            after = last.id;
            for row in rows {
                let id = row.id;
                match self.remove_declaration(row, &ends).await {
                    Ok(went) => removed += usize::from(went),
                    // The next round tries it again.
                    Err(refusal) => leave("remove_declarations", &id, refusal)?,
                }
            }
        }
    }

    /// Whether a declaration went.
    async fn remove_declaration(&self, row: DeclarationRow, ends: &[PurposeEnd]) -> Result<bool, Refusal> {
        let (institution, id) = (row.institution_id, row.id);
        // Most of those that stay are needed for long: nobody who writes waits for a look at them.
        let since = needless_since(&mut self.db.read().await?, &row, ends).await?;
        if since.is_none_or(|since| since + RetentionClass::Declaration.span() > self.clock.now()) {
            return Ok(false);
        }
        let mut work = self.begin().await?;
        // It may have been saved or handed in since it was found.
        let Some(row) = work.tx.declarations().find(institution, id).await? else { return Ok(false) };
        let Some(gone) = self.declaration_may_go(&mut work.tx, &row, ends, work.now).await? else { return Ok(false) };
        let hash = hash_of_declaration(&row);
        work.tx.declarations().forget(id, work.now).await?;
        let detail = json!({ "clinic": row.clinic_id, "hash": hash, "due": gone.due() });
        self.certify(&mut work, institution, &[(gone, hash)]).await?;
        work.audit_why(institution, "retention", "declaration.expire", &id.to_string(), None, detail).await?;
        work.commit().await?;
        Ok(true)
    }

    /// A declaration that may go now: its purpose ended, whoever came with it is gone, and nobody holds a visit of it.
    async fn declaration_may_go(
        &self,
        tx: &mut Tx,
        row: &DeclarationRow,
        ends: &[PurposeEnd],
        now: Timestamp,
    ) -> Result<Option<Deletable>, Refusal> {
        let subject = row.id.to_string();
        let since = needless_since(tx, row, ends).await?;
        let mut holds: Vec<Hold> = Vec::new();
        let mut visits: Vec<String> = Vec::new();
        for ticket in tx.tickets().of_declaration(row.id).await? {
            for visit in tx.visits().all_of_ticket(ticket.id).await? {
                holds.extend(self.holds_on(tx, row.institution_id, &subject, visit.id).await?);
                visits.push(visit.id.to_string());
            }
        }
        if visits.is_empty() {
            let rows = tx.holds().on(row.institution_id, &subject).await?;
            holds.extend(rows.into_iter().map(|row| Hold { subject: row.subject, lifted_at: row.lifted_at }));
        }
        let class = RetentionClass::Declaration;
        let item = |visit| Item { class, subject: subject.clone(), visit, since, is_approved: false };
        let mut judged = vec![may_go(&item(None), now, &holds)];
        judged.extend(visits.into_iter().map(|visit| may_go(&item(Some(visit)), now, &holds)));
        let all: Result<Vec<Deletable>, _> = judged.into_iter().collect();
        Ok(all.ok().and_then(|mut all| all.pop()))
    }
}

/// Since when nobody needs a declaration any more: its purpose ended, and whoever came with it is gone.
async fn needless_since(tx: &mut Tx, row: &DeclarationRow, ends: &[PurposeEnd]) -> Result<Option<Timestamp>, Refusal> {
    let mut since = purpose_ended(ends, row.submitted_at.unwrap_or(row.saved_at));
    for ticket in tx.tickets().of_declaration(row.id).await? {
        // Somebody who waits, or is treated, still needs it.
        since = since.zip(ticket.ended_at).map(|(said, ended)| said.max(ended));
        for visit in tx.visits().all_of_ticket(ticket.id).await? {
            since = since.zip(visit.ended_at).map(|(said, ended)| said.max(ended));
        }
    }
    Ok(since)
}

/// What a declaration was, in a hash that gives no word of it back: its answers are sealed.
fn hash_of_declaration(row: &DeclarationRow) -> String {
    let hash = Sha256::new_with_prefix(row.id.as_uuid().as_bytes());
    hex(&hash.chain_update(row.saved_at.as_millis().to_be_bytes()).chain_update(&row.answers_sealed).finalize())
}
