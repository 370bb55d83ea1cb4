//! A signed opinion on paper: for who asked, who treats, who answered, and the patient of the visit.

use serde_json::json;

use super::{local, notes_beside, opinion_sheet, sex_of};
use crate::domain::access::ReadPurpose;
use crate::domain::ids::OpinionId;
use crate::domain::opinion::{Answer, Question};
use crate::domain::people::Role;
use crate::domain::permission::Actor;
use crate::protocol::document::DocumentKind;
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::documents::sheet::{Paper, Sheet};
use crate::services::identity::sessions::staff_name;
use crate::services::opinions::{is_readable, purpose_of};
use crate::services::refusal::Refusal;
use crate::services::signing::Validity;

impl Services {
    /// The opinion as a PDF; that it was made is audited. What is not signed is no document, and to the patient there is
    /// none.
    pub async fn opinion_document(&self, actor: Actor, id: OpinionId, paper: Paper) -> Result<Vec<u8>, Refusal> {
        let letters = self.letters()?;
        let mut reading = self.reading(actor.institution(), &actor.key()).await?;
        let row = reading.tx.opinions().find(id).await?.filter(|row| row.institution_id == actor.institution());
        let row = row.ok_or_else(Refusal::not_found)?;
        let visit = reading.tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        let may = match actor {
            Actor::Staff { account, role: Role::Doctor, .. } => is_readable(account, &row, &visit),
            Actor::Holder { holder, .. } => visit.is_told_to(holder) && row.hash.is_some(),
            Actor::Staff { .. } | Actor::Caller { .. } | Actor::Guest { .. } => false,
        };
        if !may {
            return Err(Refusal::not_found());
        }
        let unsigned = || Refusal::new(ErrorCode::DocumentUnsigned, "only a signed opinion is a document");
        let (hash, signed_at) = row.hash.clone().zip(row.closed_at).ok_or_else(unsigned)?;
        let signed = Validity::Holds(self.opinion_signatures(&mut reading.tx, &row).await?);
        let institution = reading.tx.institutions().find(row.institution_id).await?.ok_or_else(Refusal::not_found)?;
        let clinic = reading.tx.clinics().find(visit.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let ticket = reading.tx.tickets().find(visit.ticket_id).await?.ok_or_else(Refusal::not_found)?;
        let identity = self.printed(&mut reading.tx, &visit, row.identity.as_deref()).await?;
        let (asked_by, _) = staff_name(&mut reading.tx, row.asked_by).await?;
        let (doctor, title) = staff_name(&mut reading.tx, row.doctor_id).await?;
        let (token, code) = self.code_of(reading.now, DocumentKind::Opinion, &id.to_string(), &hash, &visit);
        let at = |at| local(&clinic.time_zone, at);
        let question = Question { question: row.question.clone(), summary: row.summary.clone() };
        let answer = Answer { opinion: row.opinion.clone(), advice: row.advice.clone() };
        let parts = opinion_sheet::parts(&asked_by, &at(row.asked_at), &question, &answer).ok_or_else(unsigned)?;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let sheet = Sheet {
            institution: institution.name_zh,
            title: "会诊意见".to_owned(),
            head: vec![
                pair("姓名", &identity.name),
                pair("性别", sex_of(identity.sex)),
                pair("年龄", &format!("{} 岁", identity.age_years)),
                pair("科室", &clinic.name_zh),
                pair("就诊时间", &at(visit.started_at)),
                pair("就诊号", &ticket.no.to_string()),
            ],
            parts,
            signed: vec![pair("会诊医师", &format!("{} {}　{}", doctor.zh, title.zh, at(signed_at)))],
            link: Some(self.link_of(&token)),
            notes: notes_beside(&hash, &signed),
        };
        let (action, purpose) = match actor {
            Actor::Staff { account, .. } => ("document.read", purpose_of(account, &row)),
            _ => ("document.read_own", ReadPurpose::Own),
        };
        let detail = json!({ "kind": DocumentKind::Opinion, "visit": visit.id, "paper": paper });
        reading.see(action, &id, purpose, detail);
        self.hand_out(reading, &code).await?;
        self.draw(sheet, letters, paper).await
    }
}
