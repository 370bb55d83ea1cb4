//! Who is ill, and for whom somebody answers.

use jiff::civil::Date;

use crate::domain::date::in_china;
use crate::domain::identity::{Document, LegalName, age_in_years, parse_date};
use crate::domain::ids::PatientId;
use crate::domain::people::Sex;
use crate::domain::permission::HolderAct;
use crate::domain::time::Timestamp;
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::{IdentityRequest, PatientCard};
use crate::services::Services;
use crate::services::intake::guardians::needs_guardian;
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::Command;
use crate::store::{PatientRow, RelatedPatient, Tx};

/// For how many people one telephone number may answer: a large family, and no register of strangers.
const PATIENTS_OF_A_HOLDER: usize = 12;

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
        let mut row = self.patient_row(act, &identity, work.now);
        let (mut is_new, mut found) = keep(&mut work.tx, &row).await?;
        let mine = work.tx.patients().of_holder(act.institution, act.holder).await?;
        let is_mine = |id| mine.iter().any(|related| related.patient.id == id);
        if !is_mine(found.id) && (&found.birth_date, found.sex) != (&row.birth_date, row.sex) {
            // A passport says neither, so who named it first may have lied or slipped: nobody gets another's age, which
            // triage believes. The two are two patients until somebody of the staff has seen the document.
            let apart = format!("{} {} {:?}", identity.document.reveal(), row.birth_date, row.sex);
            row.number_index = self.vault.blind(Field::DocumentNumber, &apart);
            (is_new, found) = keep(&mut work.tx, &row).await?;
        }
        let id = found.id;
        let is_mine = is_mine(id);
        if !is_mine && mine.len() >= PATIENTS_OF_A_HOLDER {
            return Err(Refusal::new(ErrorCode::Forbidden, "one number answers for at most twelve people"));
        }
        work.tx.patients().relate(act.holder, id, request.relation, work.now).await?;
        if !is_new && is_mine {
            // A slip in a birthday can be mended by whoever made it, as long as nobody else relies on it.
            work.tx.patients().correct(id, act.holder, &row.birth_date, row.sex).await?;
        }
        let (related, now) = (related(&mut work.tx, act, id).await?, work.now);
        let card = patient_card(&mut work.tx, act, &related, now).await?;
        work.keep(command, &card).await?;
        work.commit().await?;
        Ok(card)
    }

    fn patient_row(&self, act: HolderAct, identity: &Identity, now: Timestamp) -> PatientRow {
        let id = self.ids.make(PatientId::from_uuid);
        let (name, number) = (identity.name.reveal(), identity.document.reveal());
        PatientRow {
            id,
            institution_id: act.institution,
            name_sealed: self.vault.seal(Field::Name, id.as_uuid(), name),
            name_index: self.vault.blind(Field::Name, &name_key(name)),
            name_masked: mask(name),
            document: identity.document.kind(),
            number_sealed: self.vault.seal(Field::DocumentNumber, id.as_uuid(), number),
            number_index: self.vault.blind(Field::DocumentNumber, number),
            number_tail: identity.document.tail().to_owned(),
            birth_date: identity.birth_date.to_string(),
            sex: identity.sex,
            created_at: now,
        }
    }
}

/// Keeps a patient, or finds the one of the same document and name; whether it is new.
async fn keep(tx: &mut Tx, row: &PatientRow) -> Result<(bool, PatientRow), Refusal> {
    let is_new = tx.patients().insert(row).await?;
    let (document, number, name) = (row.document, &row.number_index, &row.name_index);
    let found = tx.patients().by_identity(row.institution_id, document, number, name).await?;
    Ok((is_new, found.ok_or_else(|| Refusal::internal("a patient that was kept is not there"))?))
}

/// An identity that can exist; nothing proves that it is the person's before the doctor has looked.
struct Identity {
    name: LegalName,
    document: Document,
    birth_date: Date,
    sex: Sex,
}

fn read(request: &IdentityRequest, today: Date) -> Result<Identity, Refusal> {
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
