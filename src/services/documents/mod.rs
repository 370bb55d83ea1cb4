//! Documents on paper: what was signed as a PDF, with a code that leads to the page that says whether it is authentic.

pub mod font;
pub mod layout;
mod note_sheet;
mod opinion;
mod opinion_sheet;
pub mod pdf;
mod prescription_sheet;
pub mod qr;
mod referral;
mod referral_sheet;
pub mod sheet;
mod standing;

use std::sync::OnceLock;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};

use crate::domain::access::ReadPurpose;
use crate::domain::date::{HOME, in_china, zone_or_home};
use crate::domain::identity::{age_in_years, parse_date};
use crate::domain::ids::{PrescriptionId, VisitId};
use crate::domain::people::{Role, Sex};
use crate::domain::permission::Actor;
use crate::domain::prescription::Phase;
use crate::domain::text::Text;
use crate::domain::time::Timestamp;
use crate::protocol::current::IdentityPanel;
use crate::protocol::document::{DocumentInfo, DocumentKind, DocumentVerdict};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::documents::font::Letters;
use crate::services::documents::sheet::{Paper, Sheet};
use crate::services::prescriptions::{Intact, state_of, stated_of};
use crate::services::reading::Reading;
use crate::services::refusal::Refusal;
use crate::services::signing::Validity;
use crate::services::visits::whose::not_theirs;
use crate::services::work::Work;
use crate::store::{CodeOfDocument, Tx, VisitRow};

/// Bytes of a code: nobody finds one by trying.
const CODE: usize = 16;

impl Services {
    /// The documents that there are of a visit.
    pub async fn documents(&self, actor: Actor, id: VisitId) -> Result<Vec<DocumentInfo>, Refusal> {
        let mut work = self.begin().await?;
        let visit = readers_visit(&mut work.tx, actor, id).await?;
        let mut documents = Vec::new();
        if let Some(note) = work.tx.notes().signed(visit.id).await?.pop() {
            let kind = DocumentKind::Record;
            let token = self.code(&mut work, kind, &note.id.to_string(), &note.hash, &visit).await?;
            let path = format!("/visits/{}/documents/record", id.as_uuid());
            let (number, signed_at, link) = (note.number, note.signed_at, self.link_of(&token));
            documents.push(DocumentInfo { kind, number, signed_at, link, path });
            // A visit that refers nobody has no slip.
            if let Some((outcome, _)) = referral::of(&visit) {
                let kind = DocumentKind::Referral;
                let hash = referral::hash(&note.hash, outcome, visit.outcome_reason.as_deref());
                let token = self.code(&mut work, kind, &note.id.to_string(), &hash, &visit).await?;
                let path = format!("/visits/{}/documents/referral", id.as_uuid());
                documents.push(DocumentInfo { kind, number, signed_at, link: self.link_of(&token), path });
            }
        }
        for row in work.tx.opinions().of_visit(visit.id).await? {
            let (Some(hash), Some(signed_at)) = (&row.hash, row.closed_at) else { continue };
            let kind = DocumentKind::Opinion;
            let token = self.code(&mut work, kind, &row.id.to_string(), hash, &visit).await?;
            let path = format!("/opinions/{}/document", row.id.as_uuid());
            documents.push(DocumentInfo { kind, number: 1, signed_at, link: self.link_of(&token), path });
        }
        for row in work.tx.prescriptions().of_visit(visit.id).await? {
            let phase = state_of(&row)?.at(work.now).phase();
            let (Some(hash), Some(signed_at), true) = (&row.hash, row.signed_at, is_document_for(actor, phase)) else {
                continue;
            };
            let kind = DocumentKind::Prescription;
            let token = self.code(&mut work, kind, &row.id.to_string(), hash, &visit).await?;
            let path = format!("/prescriptions/{}/document", row.id.as_uuid());
            documents.push(DocumentInfo { kind, number: row.version, signed_at, link: self.link_of(&token), path });
        }
        work.commit().await?;
        Ok(documents)
    }

    /// The signed record of a visit as a PDF, for its doctor and for the patient's holder; that it was made is audited.
    pub async fn record_document(&self, actor: Actor, id: VisitId, paper: Paper) -> Result<Vec<u8>, Refusal> {
        self.visit_document(actor, id, DocumentKind::Record, paper).await
    }

    /// The referral slip of a visit as a PDF, for the same people; a visit that refers nobody has none.
    pub async fn referral_document(&self, actor: Actor, id: VisitId, paper: Paper) -> Result<Vec<u8>, Refusal> {
        self.visit_document(actor, id, DocumentKind::Referral, paper).await
    }

    /// A paper that is made of the signed note.
    async fn visit_document(
        &self,
        actor: Actor,
        id: VisitId,
        kind: DocumentKind,
        paper: Paper,
    ) -> Result<Vec<u8>, Refusal> {
        let letters = self.letters()?;
        let mut reading = self.reading(actor.institution(), &actor.key()).await?;
        let visit = readers_visit(&mut reading.tx, actor, id).await?;
        let view = self.visit_view(&mut reading.tx, &visit).await?;
        let row = reading.tx.notes().signed(visit.id).await?.pop();
        let (row, note) = row.zip(view.signed.last()).ok_or_else(|| {
            Refusal::new(ErrorCode::DocumentUnsigned, "nothing is signed yet; there is no document of a draft")
        })?;
        let signed = self.check_note(&mut reading.tx, &row).await?;
        let Validity::Holds(_) = &signed else {
            return Err(Refusal::new(ErrorCode::SignatureBroken, "a signature of this record does not hold"));
        };
        let institution = reading.tx.institutions().find(visit.institution_id).await?.ok_or_else(Refusal::not_found)?;
        let clinic = reading.tx.clinics().find(visit.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let (hash, title, parts) = if kind == DocumentKind::Referral {
            let (outcome, to) = referral::of(&visit).ok_or_else(Refusal::not_found)?;
            if !self.ends_as_signed(&mut reading.tx, &visit).await? {
                tracing::error!(visit.id = %id, "a visit does not end as its doctor signed");
                let words = "this visit does not end as its doctor signed; no slip is printed";
                return Err(Refusal::new(ErrorCode::SignatureBroken, words));
            }
            let why = visit.outcome_reason.as_deref();
            let parts = referral_sheet::parts(&note.content, &to, why, &outcome.next_step());
            (referral::hash(&row.hash, outcome, why), "转诊单", parts)
        } else {
            let basis = self.epidemic_basis(&mut reading.tx, &visit).await?;
            (row.hash.clone(), "门诊病历", note_sheet::parts(&note.content, basis.as_ref()))
        };
        let (token, code) = self.code_of(reading.now, kind, &row.id.to_string(), &hash, &visit);

        let identity = self.printed(&mut reading.tx, &visit, row.identity.as_deref()).await?;
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let head = vec![
            pair("姓名", &identity.name),
            pair("性别", sex_of(identity.sex)),
            pair("年龄", &format!("{} 岁", identity.age_years)),
            pair("科室", &clinic.name_zh),
            pair("就诊时间", &local(&clinic.time_zone, visit.started_at)),
            pair("就诊号", &view.no.to_string()),
        ];
        let (institution, title) = (institution.name_zh, title.to_owned());
        let mut sheet = Sheet { institution, title, head, parts, ..Sheet::default() };
        sheet.signed =
            vec![pair("医师签名", &format!("{}　{}", note.signer.zh, local(&clinic.time_zone, note.signed_at)))];
        if let Some(reason) = &note.reason {
            sheet.signed.push(pair(&format!("第 {} 版，更正原因", note.number), reason));
        }
        sheet.link = Some(self.link_of(&token));
        sheet.notes = notes_beside(&hash, &signed);

        let staff = matches!(actor, Actor::Staff { .. });
        let action = if staff { "document.read" } else { "document.read_own" };
        let detail = json!({ "kind": kind, "number": row.number, "paper": paper });
        let purpose = if staff { ReadPurpose::Treatment } else { ReadPurpose::Own };
        reading.see(action, &id, purpose, detail);
        self.hand_out(reading, &code).await?;
        self.draw(sheet, letters, paper).await
    }

    /// A signed prescription as a PDF, for its doctor, the pharmacists and the patient's holder; audited.
    pub async fn prescription_document(
        &self,
        actor: Actor,
        id: PrescriptionId,
        paper: Paper,
    ) -> Result<Vec<u8>, Refusal> {
        let letters = self.letters()?;
        let mut reading = self.reading(actor.institution(), &actor.key()).await?;
        let row = reading.tx.prescriptions().find(id).await?.filter(|row| row.institution_id == actor.institution());
        let row = row.ok_or_else(Refusal::not_found)?;
        let visit = reading.tx.visits().find(row.visit_id).await?.ok_or_else(Refusal::not_found)?;
        let may = match actor {
            Actor::Staff { account, role: Role::Doctor, .. } => row.doctor_id == account,
            Actor::Staff { role, .. } => role == Role::Pharmacist,
            Actor::Holder { holder, .. } => visit.is_told_to(holder),
            Actor::Caller { .. } | Actor::Guest { .. } => false,
        };
        if !may {
            return Err(Refusal::not_found());
        }
        let unsigned = || Refusal::new(ErrorCode::DocumentUnsigned, "only a signed prescription is a document");
        row.hash.as_ref().ok_or_else(unsigned)?;
        let Intact { hash, signatures } = self.intact(&mut reading.tx, &row).await?;
        let signed = Validity::Holds(signatures);
        let view = self.prescription_view(&mut reading.tx, row.clone()).await?;
        if !is_document_for(actor, view.state) {
            return Err(unsigned());
        }
        let institution = reading.tx.institutions().find(row.institution_id).await?.ok_or_else(Refusal::not_found)?;
        let clinic = reading.tx.clinics().find(row.clinic_id).await?.ok_or_else(Refusal::not_found)?;
        let stated = stated_of(&row)?;
        let signed_of = stated.as_ref().and_then(|stated| stated.identity.as_deref());
        let mut identity = self.printed(&mut reading.tx, &visit, signed_of).await?;
        // Who judges it needs the age and the sex, and no name before it is approved.
        if matches!(actor, Actor::Staff { role: Role::Pharmacist, .. }) && view.state == Phase::Signed {
            identity.name.clone_from(&view.patient_masked);
        }
        let (token, code) = self.code_of(reading.now, DocumentKind::Prescription, &id.to_string(), &hash, &visit);
        let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let at = |at: Option<Timestamp>| at.map(|at| local(&clinic.time_zone, at)).unwrap_or_default();
        let mut sheet = Sheet {
            institution: institution.name_zh,
            title: prescription_sheet::title(view.label.is_some(), view.state),
            head: vec![
                pair("姓名", &identity.name),
                pair("性别", sex_of(identity.sex)),
                pair("年龄", &format!("{} 岁", identity.age_years)),
                pair("科室", &clinic.name_zh),
                pair("处方号", &view.number),
                pair("有效期", &validity(&clinic.time_zone, view.signed_at, view.expires_at)),
                pair("疗程", &format!("{} 至 {}，共 {} 天", view.start_day, view.end_day, view.content.days())),
            ],
            parts: prescription_sheet::parts(&view, stated.as_ref()),
            link: Some(self.link_of(&token)),
            notes: notes_beside(&hash, &signed),
            ..Sheet::default()
        };
        sheet.signed.push(pair("医师", &format!("{}　{}", view.doctor.zh, at(view.signed_at))));
        if let Some(second) = &view.second_doctor {
            sheet.signed.push(pair("第二医师", &second.zh));
        }
        match view.pharmacist.as_ref().filter(|_| view.state.is_approved()) {
            Some(pharmacist) => {
                sheet.signed.push(pair("审方药师", &format!("{}　{}", pharmacist.zh, at(view.reviewed_at))));
            }
            None => sheet.signed.push(pair("审方药师", "审核中，未经审核不得调配")),
        }
        if let Some(dispensed_at) = view.dispensed_at {
            sheet.signed.push(pair("调配", &format!("已于 {} 发药，不得再次调配", at(Some(dispensed_at)))));
        }
        let (action, purpose) = match actor {
            Actor::Staff { role: Role::Pharmacist, .. } => ("document.read", ReadPurpose::Review),
            Actor::Staff { .. } => ("document.read", ReadPurpose::Treatment),
            _ => ("document.read_own", ReadPurpose::Own),
        };
        let detail = json!({ "kind": "prescription", "version": row.version, "paper": paper });
        reading.see(action, &id, purpose, detail);
        self.hand_out(reading, &code).await?;
        self.draw(sheet, letters, paper).await
    }

    /// What the public page says of a code; never what the document says.
    pub async fn verify_document(&self, token: &str) -> Result<DocumentVerdict, Refusal> {
        let mut tx = self.db.read().await?;
        let code = tx.document_codes().find(&hash_of_token(token)).await?;
        let Some(code) = code else { return Ok(DocumentVerdict::unknown()) };
        let institution = tx.institutions().find(code.institution_id).await?.ok_or_else(Refusal::not_found)?;
        let standing = self.standing(&mut tx, &code).await?;
        if let Some(id) = PrescriptionId::from_key(&code.subject)
            && tx.retention().gone(id).await?.is_some()
        {
            // Its years are over, and nobody can say any more what it said.
            return Ok(DocumentVerdict::unknown());
        }
        let sound = match &standing {
            Some(standing) => match self.check_signatures(&mut tx, &code.subject, &standing.signed).await? {
                Validity::Holds(_) => true,
                // Its hash has no key: whoever may write to the database writes both.
                Validity::Unsigned | Validity::Broken => false,
            },
            None => false,
        };
        let Some(standing) = standing.filter(|_| sound) else {
            tracing::error!(subject = %code.subject, "a document is not what was signed");
            return Ok(DocumentVerdict::unknown());
        };
        let zone = tx.clinics().find(standing.clinic).await?.map(|clinic| clinic.time_zone);
        Ok(DocumentVerdict {
            state: standing.state,
            institution: Some(Text::new(institution.name_zh, institution.name_en)),
            day: Some(local(zone.as_deref().unwrap_or(HOME), standing.signed_at)[..10].to_owned()),
            hash: Some(code.hash[..16].to_owned()),
        })
    }

    /// The code of a document: always the same for the same content, and nobody can make it who has not the secret.
    async fn code(
        &self,
        work: &mut Work,
        kind: DocumentKind,
        subject: &str,
        hash: &str,
        visit: &VisitRow,
    ) -> Result<String, Refusal> {
        let (token, code) = self.code_of(work.now, kind, subject, hash, visit);
        work.tx.document_codes().keep(&code).await?;
        Ok(token)
    }

    /// The code of a document as it is printed, and as it is kept.
    fn code_of(
        &self,
        now: Timestamp,
        kind: DocumentKind,
        subject: &str,
        hash: &str,
        visit: &VisitRow,
    ) -> (String, CodeOfDocument) {
        let mac = self.vault.mac("document-code", &[subject.as_bytes(), &[0], hash.as_bytes()]);
        let token = URL_SAFE_NO_PAD.encode(&mac[..CODE]);
        let code = CodeOfDocument {
            token_hash: hash_of_token(&token),
            institution_id: visit.institution_id,
            kind: kind.as_str().to_owned(),
            subject: subject.to_owned(),
            hash: hash.to_owned(),
            made_at: now,
        };
        (token, code)
    }

    /// Keeps the code of a paper and writes down who reads it, before it leaves.
    async fn hand_out(&self, reading: Reading, code: &CodeOfDocument) -> Result<(), Refusal> {
        let mut work = self.closing(reading).await?;
        work.tx.document_codes().keep(code).await?;
        work.commit().await
    }

    /// Whom a paper names: the patient of whom it was signed, as old as on the day of the visit.
    async fn printed(&self, tx: &mut Tx, visit: &VisitRow, signed: Option<&str>) -> Result<IdentityPanel, Refusal> {
        if !self.is_whose(tx, visit.id, signed).await? {
            return Err(not_theirs());
        }
        let mut identity = self.identity_of(tx, visit).await?;
        identity.age_years =
            parse_date(&identity.birth_date).map_or(0, |born| age_in_years(born, in_china(visit.started_at)));
        Ok(identity)
    }

    fn link_of(&self, token: &str) -> String {
        format!("{}/verify/{token}", self.config.base_url(self.config.http_addr))
    }

    /// Draws a paper. Letters are read and packed for a tenth of a second: one paper at a time, beside everything else, so that
    /// whoever asks for many takes no core from a call.
    async fn draw(&self, sheet: Sheet, letters: &'static Letters, paper: Paper) -> Result<Vec<u8>, Refusal> {
        let _turn = self.papers.acquire().await.map_err(|e| Refusal::internal(&e))?;
        let written = tokio::task::spawn_blocking(move || pdf::write(&sheet, letters, paper)).await;
        written.map_err(|e| Refusal::internal(&e))?.map_err(|e| Refusal::internal(&e))
    }

    fn letters(&self) -> Result<&'static Letters, Refusal> {
        static LETTERS: OnceLock<Option<Letters>> = OnceLock::new();
        let letters = LETTERS.get_or_init(|| Letters::find(self.config.font.as_deref()));
        letters.as_ref().ok_or_else(|| {
            Refusal::new(
                ErrorCode::DocumentNoFont,
                "this server has no font with Chinese letters; print the page instead",
            )
        })
    }
}

/// Whether a prescription is a document: for staff once it is signed, for the patient once a pharmacist has approved it.
const fn is_document_for(actor: Actor, phase: Phase) -> bool {
    match phase {
        Phase::Approved | Phase::Dispensed => true,
        Phase::Signed => matches!(actor, Actor::Staff { .. }),
        Phase::Draft | Phase::Returned | Phase::Refused | Phase::Stopped | Phase::Expired => false,
    }
}

/// A visit for those who may have its documents: its doctor, and the holder for whose patient it was.
async fn readers_visit(tx: &mut Tx, actor: Actor, id: VisitId) -> Result<VisitRow, Refusal> {
    let visit = tx.visits().find(id).await?.filter(|visit| visit.institution_id == actor.institution());
    let may = |visit: &VisitRow| match actor {
        Actor::Staff { account, role: Role::Doctor, .. } => visit.doctor_id == account,
        Actor::Holder { holder, .. } => visit.is_told_to(holder),
        Actor::Staff { .. } | Actor::Caller { .. } | Actor::Guest { .. } => false,
    };
    visit.filter(may).ok_or_else(Refusal::not_found)
}

const fn sex_of(sex: Sex) -> &'static str {
    match sex {
        Sex::Female => "女",
        Sex::Male => "男",
    }
}

fn hash_of_token(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

/// What stands beside the code.
fn notes_beside(hash: &str, signed: &Validity) -> Vec<String> {
    let groups: Vec<&str> = (0..16).step_by(4).filter_map(|at| hash.get(at..at + 4)).collect();
    let mut notes = vec![format!("内容摘要 {}", groups.join(" "))];
    if let Validity::Holds(signatures) = signed {
        // Who confirmed a finding as well has signed twice with one key.
        let mut keys: Vec<String> = signatures.iter().map(|one| one.key_id.to_string()).collect();
        keys.dedup();
        notes.push(format!("电子签名密钥 {}", keys.join("、")));
    }
    notes.push("扫码可核验真伪，不显示病历内容。".to_owned());
    notes
}

/// The days on which a prescription is good where the clinic is: its own, or until the last that was granted.
fn validity(zone: &str, signed_at: Option<Timestamp>, until: Option<Timestamp>) -> String {
    let day = |at: Timestamp| local(zone, at)[..10].to_owned();
    let first = signed_at.map(day).unwrap_or_default();
    match until.map(|until| day(until - Duration::from_millis(1))) {
        Some(last) if last != first => format!("{first} 至 {last}"),
        _ => format!("{first}，当日有效"),
    }
}

/// A moment where the clinic is, such as `2026-11-29 10:05`.
fn local(zone: &str, at: Timestamp) -> String {
    let moment = jiff::Timestamp::from_millisecond(at.as_millis()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    moment.to_zoned_datetime(zone_or_home(zone)).strftime("%Y-%m-%d %H:%M").to_string()
}
