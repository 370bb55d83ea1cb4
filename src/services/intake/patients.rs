//! Who is ill, and for whom somebody answers.

use jiff::civil::Date;
use serde_json::json;
use uuid::Uuid;

use crate::domain::date::in_china;
use crate::domain::identity::{Document, DocumentKind, LegalName, age_in_years, parse_date};
use crate::domain::ids::{HolderId, InstitutionId, PatientId};
use crate::domain::people::Sex;
use crate::domain::permission::HolderAct;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::{IdentityRequest, PatientCard};
use crate::services::Services;
use crate::services::intake::guardians::needs_guardian;
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::{Command, Work};
use crate::store::{PatientRow, RelatedPatient, Tx};

/// For how many people one telephone number may answer: a large family, and no register of strangers.
const PATIENTS_OF_A_HOLDER: usize = 12;
/// Patients whose cards are looked at in one transaction.
const MENDED_AT_ONCE: i64 = 500;

impl Services {
    /// The people for whom a holder answers: `GET /patients`.
    pub async fn patients(&self, act: HolderAct) -> Result<Vec<PatientCard>, Refusal> {
        let (mut tx, now) = (self.db.read().await?, self.clock.now());
        let rows = tx.patients().of_holder(act.institution, act.holder).await?;
        let mut cards = Vec::with_capacity(rows.len());
        for row in &rows {
            cards.push(patient_card(&mut tx, act, row, now).await?);
        }
        Ok(cards)
    }

    /// Names a patient, or finds the one that was named before: `POST /patients`.
    pub async fn name_patient(
        &self,
        act: HolderAct,
        request: IdentityRequest,
        command: &Command,
    ) -> Result<PatientCard, Refusal> {
        let mut work = self.begin().await?;
        if let Some(card) = work.recall(command).await? {
            return Ok(card);
        }
        let identity = read(&request, in_china(work.now))?;
        let id = self.ids.make(PatientId::from_uuid);
        let row = self.patient_of(id, act.institution, act.holder, &identity, work.now);
        let mine = work.tx.patients().of_holder(act.institution, act.holder).await?;
        let own = mine.iter().map(|related| &related.patient).find(|one| is_same(one, &row));
        if own.is_none() && mine.len() >= PATIENTS_OF_A_HOLDER {
            return Err(Refusal::new(ErrorCode::Forbidden, "one number answers for at most twelve people"));
        }
        let id = match own {
            Some(known) => known.id,
            None => keep(&mut work.tx, &row).await?.id,
        };
        work.tx.patients().relate(act.holder, id, request.relation, work.now).await?;
        if let Some(known) = own {
            correct(&mut work, act, known, &row).await?;
        }
        let (related, now) = (related(&mut work.tx, act, id).await?, work.now);
        let card = patient_card(&mut work.tx, act, &related, now).await?;
        work.keep(command, &card).await?;
        work.commit().await?;
        Ok(card)
    }

    /// After a start: computes by what the patients of the first versions are found whose card's index is not known yet;
    /// how many.
    pub async fn mend_cards(&self) -> Result<usize, Refusal> {
        let (mut after, mut mended) = (PatientId::from_uuid(Uuid::nil()), 0);
        loop {
            let mut work = self.begin().await?;
            let rows = work.tx.patients().without_card(after, MENDED_AT_ONCE).await?;
            let Some(last) = rows.last() else { break };
            after = last.id;
            for row in &rows {
                // One broken number keeps nobody else from being found.
                let opened = self.vault.open(Field::DocumentNumber, row.id.as_uuid(), &row.number_sealed);
                let Ok(number) = opened else {
                    tracing::error!(patient.id = %row.id, "a document's number cannot be unsealed");
                    continue;
                };
                work.tx.patients().set_card(row.id, &self.card_index(row.document, &number)).await?;
                mended += 1;
            }
            work.commit().await?;
        }
        if mended > 0 {
            tracing::info!(mended, "patients are found by their documents again");
        }
        Ok(mended)
    }

    /// By what everybody with this document is found.
    pub(crate) fn card_index(&self, kind: DocumentKind, number: &str) -> Vec<u8> {
        self.vault.blind(Field::DocumentNumber, &Document::reveal_key(kind, number))
    }

    /// The row of somebody whom this holder names.
    pub(super) fn patient_of(
        &self,
        id: PatientId,
        institution: InstitutionId,
        holder: HolderId,
        identity: &Identity,
        now: Timestamp,
    ) -> PatientRow {
        let (name, number) = (identity.name.reveal(), identity.document.reveal());
        PatientRow {
            id,
            institution_id: institution,
            name_sealed: self.vault.seal(Field::Name, id.as_uuid(), name),
            name_index: self.vault.blind(Field::Name, &name_key(name)),
            name_masked: mask(name),
            document: identity.document.kind(),
            number_sealed: self.vault.seal(Field::DocumentNumber, id.as_uuid(), number),
            // Nobody meets a row that another made: a passport states neither age nor sex, which triage believes, and
            // what one telephone has booked or waits for is nobody's else to learn, or to be kept out by.
            number_index: self.vault.blind(Field::DocumentNumber, &format!("{number} {holder}")),
            card_index: self.card_index(identity.document.kind(), number),
            number_tail: identity.document.tail().to_owned(),
            birth_date: identity.birth_date.to_string(),
            sex: identity.sex,
            created_at: now,
        }
    }
}

/// A slip in a birthday is mended by whoever made it; an old row that others share stays as it is. Once somebody was called
/// the doctor has compared who that is, and what is signed says it.
async fn correct(work: &mut Work, act: HolderAct, known: &PatientRow, said: &PatientRow) -> Result<(), Refusal> {
    let changes = [("birth_date", known.birth_date != said.birth_date), ("sex", known.sex != said.sex)];
    let fields: Vec<&str> = changes.into_iter().filter(|(_, is_other)| *is_other).map(|(field, _)| field).collect();
    let Some(field) = fields.first() else { return Ok(()) };
    // Who confirms the identity in this moment holds the patient, too.
    work.tx.patients().lock(known.id).await?;
    if work.tx.patients().is_settled(known.id, act.holder).await? {
        let words = "the patient was called: only the doctor or a nurse can be told that this is wrong";
        return Err(Refusal::field(ErrorCode::DeclarationClosed, *field, words));
    }
    if work.tx.patients().correct(known.id, act.holder, &said.birth_date, said.sex).await? {
        let (who, what) = (act.holder.to_string(), known.id.to_string());
        let detail = json!({ "fields": fields });
        work.audit_why(act.institution, &who, "patient.correct", &what, None, detail).await?;
    }
    Ok(())
}

/// Keeps a patient, or finds the one that the same holder named in this moment.
async fn keep(tx: &mut Tx, row: &PatientRow) -> Result<PatientRow, Refusal> {
    tx.patients().insert(row).await?;
    let (document, number, name) = (row.document, &row.number_index, &row.name_index);
    let found = tx.patients().by_identity(row.institution_id, document, number, name).await?;
    found.ok_or_else(|| Refusal::internal("a patient that was kept is not there"))
}

/// Whether two rows of one holder are one patient: the same document and name.
fn is_same(one: &PatientRow, other: &PatientRow) -> bool {
    (one.document, &one.card_index, &one.name_index) == (other.document, &other.card_index, &other.name_index)
}

/// An identity that can exist; nothing proves that it is the person's before the doctor has looked.
pub(super) struct Identity {
    pub(super) name: LegalName,
    document: Document,
    birth_date: Date,
    sex: Sex,
}

pub(super) fn read(request: &IdentityRequest, today: Date) -> Result<Identity, Refusal> {
    let refused = |field: &str, words: &str| Refusal::field(ErrorCode::IdentityInvalid, field, words);
    let name = LegalName::parse(&request.name).map_err(|error| refused("name", &error.to_string()))?;
    let document = Document::parse(request.document, &request.number, today)
        .map_err(|error| refused("number", &error.to_string()))?;
    let given = match &request.birth_date {
        Some(text) => Some(parse_date(text).ok_or_else(|| refused("birth_date", "a day is written YYYY-MM-DD"))?),
        None => None,
    };
    let birth_date = agree(document.birth_date(), given);
    let birth_date =
        birth_date.ok_or_else(|| refused("birth_date", "the day of birth is needed that the document states"))?;
    // Nobody was ever older than 130; such a day is a slip of the keyboard.
    if birth_date > today || age_in_years(birth_date, today) > 130 {
        return Err(refused("birth_date", "nobody alive was born on that day"));
    }
    let sex = agree(document.sex(), request.sex)
        .ok_or_else(|| refused("sex", "the sex is needed that the document states"))?;
    Ok(Identity { name, document, birth_date, sex })
}

/// What the document states, unless something else was given.
fn agree<T: PartialEq>(stated: Option<T>, given: Option<T>) -> Option<T> {
    match (stated, given) {
        (Some(stated), Some(given)) => (stated == given).then_some(stated),
        (stated, given) => stated.or(given),
    }
}

/// The name for look-up: two spellings of one name are equal.
fn name_key(name: &str) -> String {
    let plain = |c: char| match c {
        '\u{2022}' | '\u{30fb}' | '\u{2027}' | '\u{2219}' | '.' | '\u{ff0e}' => '\u{b7}',
        other => other,
    };
    name.chars().map(plain).flat_map(char::to_lowercase).collect()
}

/// The name with all but its first character hidden: enough to recognise, not to copy.
fn mask(name: &str) -> String {
    name.chars().enumerate().map(|(at, c)| if at == 0 { c } else { '*' }).collect()
}

/// A patient of this holder; refused as not there when they are not.
pub(crate) async fn related(tx: &mut Tx, act: HolderAct, patient: PatientId) -> Result<RelatedPatient, Refusal> {
    let related = tx.patients().related(act.institution, act.holder, patient).await?;
    related.ok_or_else(Refusal::not_found)
}

/// The day of birth of a stored patient.
pub(crate) fn birth_date(patient: &PatientRow) -> Result<Date, Refusal> {
    parse_date(&patient.birth_date).ok_or_else(|| Refusal::internal("a stored day of birth is no day"))
}

/// Full years of age at `now`.
pub(crate) fn age_years(patient: &PatientRow, now: Timestamp) -> u32 {
    parse_date(&patient.birth_date).map_or(0, |born| age_in_years(born, in_china(now)))
}

/// A patient as their own holder sees them.
pub(crate) async fn patient_card(
    tx: &mut Tx,
    act: HolderAct,
    related: &RelatedPatient,
    now: Timestamp,
) -> Result<PatientCard, Refusal> {
    let patient = &related.patient;
    Ok(PatientCard {
        id: patient.id,
        name_masked: patient.name_masked.clone(),
        document_tail: patient.number_tail.clone(),
        age_years: age_years(patient, now),
        sex: patient.sex,
        relation: related.relation,
        needs_guardian: needs_guardian(tx, act, patient, in_china(now)).await?,
    })
}
