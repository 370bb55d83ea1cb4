//! Triage: what the rules say, kept with everything that is needed to say it again.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::Duration;

use crate::domain::alarm::AlarmKind;
use crate::domain::ids::{
    AccountId, AlarmId, ClinicId, DeclarationId, HolderId, InstitutionId, PatientId, TicketId, TriageId,
};
use crate::domain::permission::StaffAct;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::domain::triage::{
    Assessment, Disposition, Facts, Level, RuleSetStatus, assess, fever_clinic, rule, waiting_room,
};
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::{AssessAnswer, AssessRequest, RulesetInfo, TriageView};
use crate::services::Services;
use crate::services::alarms::raising::Cause;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::Work;
use crate::store::{Json, TicketRow, TriageRow, Tx};

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
        let now = work.now;
        self.keep_run(work, subject, facts, assessment, kind, now).await
    }

    /// Runs the rules of the waiting room over what a patient answered there, and keeps the result when a rule spoke. The
    /// level rises at once, and an EMERGENCY raises an alarm; what would lower it is left to a person.
    pub(crate) async fn run_waiting_rules(
        &self,
        work: &mut Work,
        subject: Case,
        facts: &Facts,
        before: &TriageRow,
    ) -> Result<Option<TriageRow>, Refusal> {
        let mut assessment = assess(waiting_room(), facts);
        if assessment.matched.iter().all(|id| waiting_room().is_fallback(id)) {
            return Ok(None);
        }
        let level = before.level.raised_to(assessment.level);
        if level == before.level {
            assessment.disposition = before.disposition;
        }
        assessment.level = level;
        let at = after(before, work.now);
        self.keep_run(work, subject, facts, assessment, AlarmKind::Worsened, at).await.map(Some)
    }

    /// Keeps that a person set the level of a declared patient, and why. The rules that had spoken stay known by the
    /// decisions before this one.
    pub(crate) async fn keep_decision(
        &self,
        work: &mut Work,
        declaration: DeclarationId,
        level: Level,
        by: AccountId,
        reason: Option<String>,
        alarm: Option<AlarmId>,
    ) -> Result<(), Refusal> {
        let Some(before) = work.tx.triages().of_declaration(declaration).await? else { return Ok(()) };
        let row = TriageRow {
            id: self.ids.make(TriageId::from_uuid),
            level,
            disposition: Disposition::of_level(level),
            matched: Json(Vec::new()),
            facts_sealed: None,
            nurse_call: false,
            alarm_id: alarm,
            decided_by: Some(by),
            reason,
            at: after(&before, work.now),
            ..before
        };
        Ok(work.tx.triages().insert(&row).await?)
    }

    async fn keep_run(
        &self,
        work: &mut Work,
        subject: Case,
        facts: &Facts,
        assessment: Assessment,
        kind: AlarmKind,
        at: Timestamp,
    ) -> Result<TriageRow, Refusal> {
        let alarm_id = if assessment.level == Level::Emergency {
            let reasons = terms_of(&assessment.matched);
            let Case { institution, clinic, declaration, patient, holder, ticket } = subject;
            let (patient, holder, declaration) = (Some(patient), Some(holder), Some(declaration));
            let origin = Some(self.origin(&subject.holder.to_string()));
            let cause = Cause { patient, holder, declaration, ticket, origin };
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
            at,
        };
        work.tx.triages().insert(&row).await?;
        Ok(row)
    }
}

/// Every decision about a ticket's level.
pub(crate) struct Decisions {
    /// The one in force.
    pub newest: TriageRow,
    /// Those before it, the newest first.
    before: Vec<TriageRow>,
}

impl Decisions {
    /// The decisions about a ticket; `None` for one without a declaration.
    pub async fn of(tx: &mut Tx, ticket: &TicketRow) -> Result<Option<Self>, Refusal> {
        let Some(declaration) = ticket.declaration_id else { return Ok(None) };
        let mut rows = tx.triages().decisions(declaration).await?.into_iter();
        Ok(rows.next().map(|newest| Self { newest, before: rows.collect() }))
    }

    /// The same of several tickets, by their declarations.
    pub async fn of_all(tx: &mut Tx, tickets: &[TicketRow]) -> Result<HashMap<DeclarationId, Self>, Refusal> {
        let declarations = tickets.iter().filter_map(|ticket| ticket.declaration_id);
        let mut all: HashMap<DeclarationId, Self> = HashMap::new();
        for row in tx.triages().decisions_of(declarations).await? {
            match all.entry(row.declaration_id) {
                Entry::Occupied(mut known) => known.get_mut().before.push(row),
                Entry::Vacant(none) => {
                    none.insert(Self { newest: row, before: Vec::new() });
                }
            }
        }
        Ok(all)
    }

    fn all(&self) -> impl Iterator<Item = &TriageRow> {
        std::iter::once(&self.newest).chain(&self.before)
    }

    /// Why, as the patient reads it: what the rules said before a person looked is no reason any more.
    pub fn told(&self) -> Vec<Text> {
        let mut told = reasons_of(&ids(self.all().take_while(|row| row.decided_by.is_none())));
        if self.all().any(|row| row.decided_by.is_some()) {
            let zh = "医护人员看过您的情况，定了现在的级别。";
            told.push(Text::new(zh, "A member of staff looked at your case and set the level."));
        }
        told
    }

    /// Why, as staff read it: the terms of every rule that spoke.
    pub fn terms(&self) -> Vec<Text> {
        terms_of(&ids(self.all()))
    }

    /// The rule set that spoke last.
    pub fn ruleset(&self) -> RulesetInfo {
        ruleset(&self.newest.ruleset_version, self.newest.ruleset_status)
    }

    /// The facts that the rules were run over, and when, the newest first.
    pub fn facts(&self) -> impl Iterator<Item = (TriageId, Timestamp, &[u8])> {
        self.all().filter_map(|row| Some((row.id, row.at, row.facts_sealed.as_deref()?)))
    }

    /// The decision in force as staff read it, with the reasons of all in the terms of the rules.
    pub async fn view(&self, tx: &mut Tx) -> Result<TriageView, Refusal> {
        let decided_by = match self.newest.decided_by {
            Some(account) => Some(staff_name(tx, account).await?.0),
            None => None,
        };
        Ok(self.shown(decided_by))
    }

    /// The same where the name of whoever decided is known.
    pub fn shown(&self, decided_by: Option<Text>) -> TriageView {
        let matched = ids(self.all());
        let decided_why = self.newest.reason.clone();
        TriageView { reasons: terms_of(&matched), matched, decided_by, decided_why, ..triage_view(&self.newest) }
    }
}

/// The ids of all matched rules, each once.
fn ids<'a>(rows: impl Iterator<Item = &'a TriageRow>) -> Vec<String> {
    let mut ids: Vec<String> = Vec::new();
    for id in rows.flat_map(|row| &row.matched.0) {
        if !ids.contains(id) {
            ids.push(id.clone());
        }
    }
    ids
}

/// The moment of the decision after `before`: the newest is in force, so no two may share one.
pub(crate) fn after(before: &TriageRow, now: Timestamp) -> Timestamp {
    now.max(before.at + Duration::from_millis(1))
}

/// The reasons of matched rules in plain words, in the order of `matched`. A rule that the present rule sets have no more
/// is left out.
pub fn reasons_of(matched: &[String]) -> Vec<Text> {
    matched.iter().filter_map(|id| rule(id)).map(|rule| rule.tell.clone()).collect()
}

/// The same as staff name them.
pub fn terms_of(matched: &[String]) -> Vec<Text> {
    matched.iter().filter_map(|id| rule(id)).map(|rule| rule.why.clone()).collect()
}

/// One decision in plain words.
pub fn triage_view(row: &TriageRow) -> TriageView {
    TriageView {
        level: row.level,
        disposition: row.disposition.as_str().to_owned(),
        disposition_text: row.disposition.card().tell,
        reasons: reasons_of(&row.matched),
        matched: row.matched.0.clone(),
        ruleset: ruleset(&row.ruleset_version, row.ruleset_status),
        nurse_call: row.nurse_call,
        decided_by: None,
        decided_why: None,
        at: row.at,
        alarm: row.alarm_id,
    }
}

fn ruleset(version: &str, status: RuleSetStatus) -> RulesetInfo {
    RulesetInfo { version: version.to_owned(), status: status.as_str().to_owned() }
}
