//! Adverse events of visits: told once by whoever of the staff was there, and looked after by administrators.

use std::time::Duration;

use serde_json::json;

use crate::domain::access::ReadPurpose;
use crate::domain::adverse::{WORDS_LIMIT, told};
use crate::domain::ids::{AdverseEventId, VisitId};
use crate::domain::permission::{AdministratorAct, StaffAct};
use crate::domain::text::Text;
use crate::protocol::adverse::{AdverseEventLine, AdverseEventRequest, AdverseEventView};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::topics::Topic;
use crate::services::vault::Field;
use crate::services::visits::staff_visit;
use crate::services::work::Command;
use crate::store::{AdverseEventRow, Tx};

/// Events that are listed at once.
const LISTED: i64 = 100;
/// What led to a visit's event may have begun so long before it.
const BEFORE: Duration = Duration::from_hours(24);

impl Services {
    /// Tells what went wrong at a visit; serious ones ring with the administrators: `POST /visits/{id}/adverse-events`.
    pub async fn tell_adverse_event(
        &self,
        act: StaffAct,
        id: VisitId,
        request: AdverseEventRequest,
        command: &Command,
    ) -> Result<AdverseEventLine, Refusal> {
        let said = |text: &str, field: &str| {
            let limits = format!("2 letters or more, at most {WORDS_LIMIT} characters");
            told(text).ok_or_else(|| Refusal::field(ErrorCode::Invalid, field, limits))
        };
        let (words, measures) = (said(&request.words, "words")?, said(&request.measures, "measures")?);
        let mut work = self.begin().await?;
        if let Some(done) = work.recall(command).await? {
            return Ok(done);
        }
        let visit = staff_visit(&mut work.tx, act.institution, id).await?;
        let now = work.now;
        if request.happened_at > now || request.happened_at < visit.started_at - BEFORE {
            let words = "not later than now, and not more than a day before the visit";
            return Err(Refusal::field(ErrorCode::Invalid, "happened_at", words));
        }
        let event = self.ids.make(AdverseEventId::from_uuid);
        // Each text is bound to its own field: one cannot stand for the other.
        let row = AdverseEventRow {
            id: event,
            institution_id: act.institution,
            clinic_id: visit.clinic_id,
            visit_id: id,
            kind: request.kind,
            is_serious: request.is_serious,
            happened_at: request.happened_at,
            words_sealed: self.vault.seal(Field::Reason, event.as_uuid(), &words),
            measures_sealed: self.vault.seal(Field::Judgement, event.as_uuid(), &measures),
            reported_by: act.account,
            reported_at: now,
            seen_by: None,
            seen_at: None,
        };
        work.tx.adverse_events().insert(&row).await?;
        let view = line(&mut work.tx, &row).await?;
        work.keep(command, &view).await?;
        let detail = json!({ "visit": id, "kind": row.kind, "serious": row.is_serious });
        let (who, what) = (act.account.to_string(), event.to_string());
        work.audit_why(act.institution, &who, "adverse.told", &what, None, detail).await?;
        let kind = if row.is_serious { "adverse.serious" } else { "adverse.told" };
        let data = json!({ "event": event });
        work.emit(act.institution, Topic::Alarms(act.institution).to_string(), kind, data).await?;
        work.commit().await?;
        if row.is_serious {
            tracing::warn!(event.id = %event, "a serious adverse event was told");
        }
        Ok(view)
    }

    /// What was told, without its words: `GET /adverse-events`.
    pub async fn adverse_events(&self, act: AdministratorAct) -> Result<Vec<AdverseEventLine>, Refusal> {
        let mut tx = self.db.read().await?;
        let mut lines = Vec::new();
        for row in tx.adverse_events().of_institution(act.institution, LISTED).await? {
            lines.push(line(&mut tx, &row).await?);
        }
        Ok(lines)
    }

    /// One with its words; the read is audited, and the first one is kept beside it: `GET /adverse-events/{id}`.
    pub async fn adverse_event(&self, act: AdministratorAct, id: AdverseEventId) -> Result<AdverseEventView, Refusal> {
        let mut work = self.begin().await?;
        let found = work.tx.adverse_events().find(id).await?.filter(|row| row.institution_id == act.institution);
        let mut row = found.ok_or_else(Refusal::not_found)?;
        let now = work.now;
        if work.tx.adverse_events().see(id, act.account, now).await? {
            (row.seen_by, row.seen_at) = (Some(act.account), Some(now));
            let data = json!({ "event": id });
            work.emit(act.institution, Topic::Alarms(act.institution).to_string(), "adverse.seen", data).await?;
        }
        let view = AdverseEventView {
            line: line(&mut work.tx, &row).await?,
            words: self.open_field(Field::Reason, id.as_uuid(), &row.words_sealed)?,
            measures: self.open_field(Field::Judgement, id.as_uuid(), &row.measures_sealed)?,
        };
        let (who, what) = (act.account.to_string(), id.to_string());
        let detail = json!({ "visit": row.visit_id });
        work.audit_read(act.institution, &who, "adverse.read", &what, ReadPurpose::Safety, detail).await?;
        work.commit().await?;
        Ok(view)
    }
}

async fn line(tx: &mut Tx, row: &AdverseEventRow) -> Result<AdverseEventLine, Refusal> {
    let orphan = || Refusal::internal("an adverse event without its visit, ticket, patient or clinic");
    let visit = tx.visits().find(row.visit_id).await?.ok_or_else(orphan)?;
    let ticket = tx.tickets().find(visit.ticket_id).await?.ok_or_else(orphan)?;
    let patient = tx.patients().find(row.institution_id, visit.patient_id).await?.ok_or_else(orphan)?;
    let clinic = tx.clinics().find(row.clinic_id).await?.ok_or_else(orphan)?;
    let seen_by = match row.seen_by {
        Some(account) => Some(staff_name(tx, account).await?.0),
        None => None,
    };
    Ok(AdverseEventLine {
        id: row.id,
        visit: row.visit_id,
        no: ticket.no,
        patient_masked: patient.name_masked,
        clinic_name: Text::new(clinic.name_zh, clinic.name_en),
        kind: row.kind,
        is_serious: row.is_serious,
        happened_at: row.happened_at,
        reported_by: staff_name(tx, row.reported_by).await?.0,
        reported_at: row.reported_at,
        seen_by,
        seen_at: row.seen_at,
    })
}
