//! What the gate has to know: from the declaration, and from what the doctor asked.

use jiff::civil::Date;
use serde_json::{Map, Value};

use crate::domain::herb::HerbSet;
use crate::domain::herb::gate::{Active, Patient, Pregnancy, Report, check};
use crate::domain::identity::{age_in_months, parse_date};
use crate::domain::note::NoteContent;
use crate::domain::note::amendment::is_archived;
use crate::domain::prescription::{Content, MOST_VALID_DAYS, Phase, Span};
use crate::domain::time::Timestamp;
use crate::domain::triage::Level;
use crate::services::Services;
use crate::services::prescriptions::{state_of, stated_of};
use crate::services::refusal::Refusal;
use crate::services::tickets::day_at;
use crate::store::{BasisRow, PrescriptionRow, Tx, VisitRow};

/// What is known of a visit's patient.
pub(crate) struct Facts {
    /// As the gate sees them.
    pub patient: Patient,
    /// What was ticked.
    pub basis: Option<BasisRow>,
    /// Now.
    pub now: Timestamp,
    /// The day that it is where the clinic stands.
    pub today: Date,
    /// Whether the record of the visit is archived.
    pub is_archived: bool,
}

impl Services {
    /// What the gate has to know of a visit's patient.
    pub(crate) async fn facts_for_gate(&self, tx: &mut Tx, visit: &VisitRow, now: Timestamp) -> Result<Facts, Refusal> {
        let orphan = || Refusal::internal("a visit without ticket, clinic or patient");
        let ticket = tx.tickets().find(visit.ticket_id).await?.ok_or_else(orphan)?;
        let clinic = tx.clinics().find(visit.clinic_id).await?.ok_or_else(orphan)?;
        let patient = tx.patients().find(visit.institution_id, visit.patient_id).await?.ok_or_else(orphan)?;
        let today = day_at(&clinic, now)?.date;
        let answers = match ticket.declaration_id {
            Some(id) => self.answers_of(tx, visit.institution_id, id).await?.map(|(_, answers)| answers),
            None => None,
        }
        .unwrap_or_default();
        let basis = tx.prescriptions().basis(visit.id).await?;
        let asked = basis.as_ref().map_or(Pregnancy::Unknown, |basis| basis.pregnancy);
        let examined = note_of(tx, visit, now).await?.exams.women.pregnancy;
        let birth = parse_date(&patient.birth_date).ok_or_else(orphan)?;
        Ok(Facts {
            patient: Patient {
                sex: patient.sex,
                age_months: age_in_months(birth, today),
                pregnancy: Pregnancy::known(declared_pregnancy(&answers), asked, examined),
                allergies: text(&answers, "rf.allergy"),
                drugs: text(&answers, "rf.med.names"),
                is_urgent: ticket.level == Level::Emergency,
            },
            basis,
            now,
            today,
            is_archived: is_archived(visit.ended_at, now),
        })
    }

    /// What the gate says of a content for a visit, beside the other prescriptions of the same days. `itself` is no other,
    /// nor is what ran out; and after its signature those that were signed later are not asked: they were judged beside it.
    pub(crate) async fn judge(
        &self,
        tx: &mut Tx,
        visit: &VisitRow,
        facts: &Facts,
        content: &Content,
        itself: &PrescriptionRow,
    ) -> Result<(Report, Span), Refusal> {
        let span = Span::of(facts.today, content.days());
        let (since, until) = (span.later(-i64::from(MOST_VALID_DAYS)).from.to_string(), span.to.to_string());
        let rows = tx.prescriptions().active(visit.patient_id, &since, &until).await?;
        let was_there = |row: &PrescriptionRow| itself.signed_at.is_none_or(|at| row.signed_at.is_some_and(|x| x < at));
        let mut active = Vec::new();
        for row in rows.into_iter().filter(|row| row.id != itself.id && was_there(row)) {
            let broken = || Refusal::internal("a prescription's days or content do not read");
            if state_of(&row)?.at(facts.now).phase() == Phase::Expired {
                continue;
            }
            let from = parse_date(&row.start_day).ok_or_else(broken)?;
            let to = parse_date(&row.end_day).ok_or_else(broken)?;
            // Until it is handed out it may begin on any day that it is valid.
            let last = Span { from, to }.later(waits(&row)?);
            active.push(Active {
                number: row.number,
                span: Span { from, to: last.to },
                content: serde_json::from_str(&row.content).map_err(|_| broken())?,
            });
        }
        Ok((check(HerbSet::shipped(), content, span, &facts.patient, &active), span))
    }
}

/// What the doctor has written at `now`: the draft, which is never older than what was signed; else that, and that alone
/// where the record is archived, since a draft of such a record is what nobody approved.
pub(crate) async fn note_of(tx: &mut Tx, visit: &VisitRow, now: Timestamp) -> Result<NoteContent, Refusal> {
    let draft = tx.notes().draft(visit.id).await?.filter(|_| !is_archived(visit.ended_at, now));
    let draft = draft.map(|draft| draft.content.0);
    let content = match draft {
        Some(draft) => Some(draft),
        None => tx.notes().signed(visit.id).await?.pop().map(|note| note.content.0),
    };
    let content = content.map(serde_json::from_value).transpose().map_err(|e| Refusal::internal(&e))?;
    Ok(content.unwrap_or_default())
}

/// For how many days after its first a prescription may still be handed out.
fn waits(row: &PrescriptionRow) -> Result<i64, Refusal> {
    if row.state == Phase::Dispensed {
        return Ok(0);
    }
    // An earlier version of this program promised three days.
    Ok(stated_of(row)?.map_or(i64::from(MOST_VALID_DAYS), |stated| stated.days_more()))
}

fn text(answers: &Map<String, Value>, item: &str) -> String {
    answers.get(item).and_then(Value::as_str).unwrap_or_default().trim().to_owned()
}

fn declared_pregnancy(answers: &Map<String, Value>) -> Pregnancy {
    match answers.get("rf.preg").and_then(Value::as_str) {
        Some("no") => Pregnancy::No,
        Some("pregnant") => Pregnancy::Pregnant,
        Some("postpartum") => Pregnancy::Postpartum,
        Some("lactating") => Pregnancy::Lactating,
        _ => Pregnancy::Unknown,
    }
}
