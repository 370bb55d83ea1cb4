//! Opinions of other doctors: asked by who treats, answered and signed by who was asked.

mod answering;
mod asking;

use serde_json::json;

use crate::domain::access::{Access, ReadPurpose};
use crate::domain::ids::{AccountId, OpinionId};
use crate::domain::opinion::{Answer, Opined, Phase, Question, State, Wrong};
use crate::domain::permission::DoctorAct;
use crate::protocol::error::ErrorCode;
use crate::protocol::opinion::{MyOpinions, OpinionLine, OpinionView};
use crate::services::Services;
use crate::services::identity::sessions::staff_name;
use crate::services::refusal::Refusal;
use crate::services::signing::Validity;
use crate::services::topics::Topic;
use crate::services::visits::notes::signature_view;
use crate::services::work::Work;
use crate::store::{OpinionRow, SignatureRow, Tx, VisitRow};

pub(crate) use asking::withdraw_all;

/// Opinions that are listed at once.
const LISTED: i64 = 20;

impl Services {
    /// What was asked of a doctor and by a doctor, without a word of it: `GET /opinions`.
    pub async fn my_opinions(&self, act: DoctorAct) -> Result<MyOpinions, Refusal> {
        let mut tx = self.db.read().await?;
        let (of_me, by_me) =
            (tx.opinions().of_doctor(act.account, LISTED).await?, tx.opinions().by_doctor(act.account, LISTED).await?);
        Ok(MyOpinions { of_me: lines(&mut tx, of_me).await?, by_me: lines(&mut tx, by_me).await? })
    }

    /// A question with its answer, for the two of it; the read is audited: `GET /opinions/{id}`.
    pub async fn opinion(&self, act: DoctorAct, id: OpinionId) -> Result<OpinionView, Refusal> {
        let mut reading = self.reading(act.institution, &act.account).await?;
        let (row, visit) = readable(&mut reading.tx, act, id).await?;
        let purpose = purpose_of(act.account, &row);
        let view = self.opinion_view(&mut reading.tx, act.account, &row).await?;
        reading.see("opinion.read", &id, purpose, json!({ "visit": visit.id, "state": row.state }));
        self.answer(reading, view).await
    }

    /// What `reader` may see of it: a draft is its writer's alone.
    async fn opinion_view(&self, tx: &mut Tx, reader: AccountId, row: &OpinionRow) -> Result<OpinionView, Refusal> {
        let signature = match row.state {
            Phase::Answered => self.opinion_signatures(tx, row).await?.into_iter().next(),
            Phase::Asked | Phase::Withdrawn => None,
        };
        let signature = match signature {
            Some(signature) => Some(signature_view(tx, signature).await?),
            None => None,
        };
        let is_seen = row.state == Phase::Answered || row.doctor_id == reader;
        let seen = |text: &String| if is_seen { text.clone() } else { String::new() };
        Ok(OpinionView {
            line: line(tx, row).await?,
            version: row.version,
            doctor_title: staff_name(tx, row.doctor_id).await?.1,
            question: row.question.clone(),
            summary: row.summary.clone(),
            opinion: seen(&row.opinion),
            advice: seen(&row.advice),
            saved_at: row.saved_at.filter(|_| is_seen),
            hash: row.hash.clone(),
            signature,
        })
    }

    /// The signatures of an answered opinion; a refusal where it is not what was signed.
    pub(crate) async fn opinion_signatures(&self, tx: &mut Tx, row: &OpinionRow) -> Result<Vec<SignatureRow>, Refusal> {
        let broken = || Refusal::new(ErrorCode::SignatureBroken, "an opinion is not what was signed");
        let hash = row.hash.as_ref().filter(|hash| **hash == hash_of(row)).ok_or_else(broken)?;
        if !self.is_whose(tx, row.visit_id, row.identity.as_deref()).await? {
            return Err(broken());
        }
        match self.check_signatures(tx, &row.id.to_string(), hash).await? {
            Validity::Holds(signatures) => Ok(signatures),
            Validity::Unsigned | Validity::Broken => Err(broken()),
        }
    }
}

/// What the signature covers: who asked what about which visit and when, and who answered what and when.
pub(crate) fn hash_of(row: &OpinionRow) -> String {
    let question = Question { question: row.question.clone(), summary: row.summary.clone() };
    let answer = Answer { opinion: row.opinion.clone(), advice: row.advice.clone() };
    let of = Opined {
        id: &row.id.to_string(),
        visit: &row.visit_id.to_string(),
        asked_by: &row.asked_by.to_string(),
        asked_at: row.asked_at,
        question: &question,
        answer: &answer,
        signed_by: &row.doctor_id.to_string(),
        signed_at: row.closed_at.unwrap_or(row.asked_at),
        identity: row.identity.as_deref(),
    };
    of.hash()
}

/// Why a doctor reads it.
pub(crate) fn purpose_of(reader: AccountId, row: &OpinionRow) -> ReadPurpose {
    if row.doctor_id == reader { ReadPurpose::Record(Access::Consultation) } else { ReadPurpose::Treatment }
}

/// Whether a doctor may see it: who asked and who treats always, who was asked until it is withdrawn.
pub(crate) fn is_readable(reader: AccountId, row: &OpinionRow, visit: &VisitRow) -> bool {
    let asks = row.asked_by == reader || visit.doctor_id == reader;
    asks || (row.doctor_id == reader && row.state != Phase::Withdrawn)
}

async fn readable(tx: &mut Tx, act: DoctorAct, id: OpinionId) -> Result<(OpinionRow, VisitRow), Refusal> {
    let row = tx.opinions().find(id).await?.filter(|row| row.institution_id == act.institution);
    let row = row.ok_or_else(Refusal::not_found)?;
    let visit = tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
    if is_readable(act.account, &row, &visit) { Ok((row, visit)) } else { Err(Refusal::not_found()) }
}

/// Where it stands, as the domain knows it.
fn state_of(row: &OpinionRow) -> State {
    let at = row.closed_at.unwrap_or(row.asked_at);
    match row.state {
        Phase::Asked => State::Asked { by: row.asked_by, of: row.doctor_id },
        Phase::Answered => State::Answered { by: row.doctor_id, at },
        Phase::Withdrawn => State::Withdrawn { at },
    }
}

/// A step that the domain refuses, in the words of the wire.
fn refused(wrong: Wrong) -> Refusal {
    match wrong {
        Wrong::State => Refusal::new(ErrorCode::OpinionState, "it was answered or withdrawn; fetch it again"),
        Wrong::Oneself => nobody_to_ask(),
        Wrong::NotAsked => Refusal::not_found(),
        Wrong::Blank(field) => Refusal::field(ErrorCode::Invalid, field, "at least one character"),
        Wrong::TooLong(field, limit) => {
            Refusal::field(ErrorCode::Invalid, field, format!("at most {limit} characters"))
        }
    }
}

/// The same words for nobody, for somebody who is no doctor here, and for oneself.
fn nobody_to_ask() -> Refusal {
    Refusal::field(ErrorCode::Invalid, "doctor", "no other doctor of this house")
}

async fn lines(tx: &mut Tx, rows: Vec<OpinionRow>) -> Result<Vec<OpinionLine>, Refusal> {
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        lines.push(line(tx, &row).await?);
    }
    Ok(lines)
}

async fn line(tx: &mut Tx, row: &OpinionRow) -> Result<OpinionLine, Refusal> {
    let orphan = || Refusal::internal("an opinion without its visit");
    let visit = tx.visits().find(row.visit_id).await?.ok_or_else(orphan)?;
    let ticket = tx.tickets().find(visit.ticket_id).await?.ok_or_else(orphan)?;
    let patient = tx.patients().find(row.institution_id, visit.patient_id).await?.ok_or_else(orphan)?;
    Ok(OpinionLine {
        id: row.id,
        visit: row.visit_id,
        no: ticket.no,
        patient_masked: patient.name_masked,
        state: row.state,
        asked_by: staff_name(tx, row.asked_by).await?.0,
        doctor: staff_name(tx, row.doctor_id).await?.0,
        asked_at: row.asked_at,
        closed_at: row.closed_at,
    })
}

/// Tells the visit, who asks and who is asked; nothing of what it says.
async fn tell(work: &mut Work, row: &OpinionRow, kind: &str) -> Result<(), Refusal> {
    let data = json!({ "opinion": row.id, "state": row.state });
    // In one order, so that two who ask each other at once do not wait for each other.
    let mut both = [row.asked_by, row.doctor_id];
    both.sort_unstable();
    let [one, other] = both.map(Topic::Account);
    for topic in [Topic::Visit(row.visit_id), one, other] {
        work.emit(row.institution_id, topic.to_string(), kind, data.clone()).await?;
    }
    Ok(())
}
