//! Triage: what the rules say, kept with everything that is needed to say it again.

use sqlx::types::Json;

use crate::domain::alarm::AlarmKind;
use crate::domain::ids::{ClinicId, DeclarationId, HolderId, InstitutionId, PatientId, TicketId, TriageId};
use crate::domain::permission::StaffAct;
use crate::domain::text::Text;
use crate::domain::triage::{Facts, Level, RuleSetStatus, assess, fever_clinic};
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::{AssessAnswer, AssessRequest, RulesetInfo, TriageView};
use crate::services::Services;
use crate::services::alarms::Cause;
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::TriageRow;

/// What a run of the rules belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Case {
    /// The tenant.
    pub institution: InstitutionId,
    /// The clinic whose staff hear of an emergency.
    pub clinic: ClinicId,
    /// What was declared.
    pub declaration: DeclarationId,
    /// Who is ill.
    pub patient: PatientId,
    /// Who answers.
    pub holder: HolderId,
    /// The ticket, once there is one.
    pub ticket: Option<TicketId>,
}

impl Services {
    /// The bare assessment, for staff and for other programs: `POST /triage/assess`. Nothing is kept.
    pub fn assess(&self, _act: StaffAct, request: &AssessRequest) -> Result<AssessAnswer, Refusal> {
        let facts = Facts::from_json(&request.facts)
            .map_err(|error| Refusal::field(ErrorCode::FactInvalid, error.field(), error.to_string()))?;
        let assessment = assess(fever_clinic(), &facts);
        Ok(AssessAnswer {
            level: assessment.level,
            disposition: assessment.disposition.as_str().to_owned(),
            matched: assessment.matched,
            ruleset: ruleset(&assessment.ruleset.version, assessment.ruleset.status),
            nurse_call: assessment.nurse_call,
        })
    }

    /// Runs the rules over `facts` and keeps the result; an EMERGENCY raises an alarm of `kind` in the same transaction.
    pub(crate) async fn run_triage(
        &self,
        work: &mut Work,
        subject: Case,
        facts: &Facts,
        kind: AlarmKind,
    ) -> Result<TriageRow, Refusal> {
        let assessment = assess(fever_clinic(), facts);
        let alarm_id = if assessment.level == Level::Emergency {
            let reasons = reasons_of(&assessment.matched);
            let Case { institution, clinic, declaration, patient, holder, ticket } = subject;
            let (patient, holder, declaration) = (Some(patient), Some(holder), Some(declaration));
            let cause = Cause { patient, holder, declaration, ticket };
            Some(self.raise_alarm(work, institution, clinic, kind, reasons, cause).await?)
        } else {
            None
        };
        let id = self.ids.make(TriageId::from_uuid);
        let facts = serde_json::to_string(&facts.to_json()).map_err(|error| Refusal::internal(&error))?;
        let row = TriageRow {
            id,
            institution_id: subject.institution,
            declaration_id: subject.declaration,
            patient_id: subject.patient,
            ticket_id: subject.ticket,
            ruleset_version: assessment.ruleset.version,
            ruleset_status: assessment.ruleset.status,
            level: assessment.level,
            disposition: assessment.disposition,
            matched: Json(assessment.matched),
            facts_sealed: Some(self.vault.seal(Field::Answers, id.as_uuid(), &facts)),
            nurse_call: assessment.nurse_call,
            alarm_id,
            decided_by: None,
            reason: None,
            at: work.now,
        };
        work.tx.triages().insert(&row).await?;
        Ok(row)
    }
}

/// The reasons of matched rules in plain words, in the order of `matched`. A rule that the present rule set has no more
/// is left out.
pub fn reasons_of(matched: &[String]) -> Vec<Text> {
    let tell = |id: &String| fever_clinic().rules().find(|rule| rule.id == *id).map(|rule| rule.tell.clone());
    matched.iter().filter_map(tell).collect()
}

/// The result of triage as a patient reads it.
pub fn triage_view(row: &TriageRow) -> TriageView {
    TriageView {
        level: row.level,
        disposition: row.disposition.as_str().to_owned(),
        disposition_text: row.disposition.card().tell,
        reasons: reasons_of(&row.matched),
        matched: row.matched.0.clone(),
        ruleset: ruleset(&row.ruleset_version, row.ruleset_status),
        nurse_call: row.nurse_call,
        at: row.at,
        alarm: row.alarm_id,
    }
}

fn ruleset(version: &str, status: RuleSetStatus) -> RulesetInfo {
    RulesetInfo { version: version.to_owned(), status: status.as_str().to_owned() }
}
