//! The guardian of a child: who consents, and whether somebody has.

use jiff::civil::Date;

use crate::domain::consent::guardian::{is_guarded, may_be_guardian, version};
use crate::domain::identity::LegalName;
use crate::domain::ids::PatientId;
use crate::domain::permission::HolderAct;
use crate::protocol::error::ErrorCode;
use crate::protocol::intake::{GuardianConsent, PatientCard};
use crate::services::Services;
use crate::services::intake::patients::{birth_date, patient_card, related};
use crate::services::refusal::Refusal;
use crate::services::vault::Field;
use crate::services::work::Command;
use crate::store::{GuardianRow, PatientRow, Tx};

impl Services {
    /// Keeps the consent of a guardian: `POST /patients/{id}/guardian`.
    pub async fn consent_as_guardian(
        &self,
        act: HolderAct,
        patient: PatientId,
        consent: GuardianConsent,
        command: &Command,
    ) -> Result<PatientCard, Refusal> {
        let refused = |field: &str, words: &str| Refusal::field(ErrorCode::Invalid, field, words);
        let name = LegalName::parse(&consent.name).map_err(|error| refused("name", &error.to_string()))?;
        if !may_be_guardian(consent.relation) {
            return Err(refused("relation", "a parent or a legal guardian consents for a child"));
        }
        if !consent.agrees {
            return Err(refused("agrees", "without this consent a child cannot be treated online"));
        }
        let mut work = self.begin().await?;
        if let Some(card) = work.recall(command).await? {
            return Ok(card);
        }
        let related = related(&mut work.tx, act, patient).await?;
        if consent.version != version() {
            return Err(Refusal::field(ErrorCode::ConsentOutdated, "version", "the text has changed; read it again"));
        }
        let id = self.ids.uuid();
        let row = GuardianRow {
            id,
            institution_id: act.institution,
            patient_id: patient,
            holder_id: act.holder,
            name_sealed: self.vault.seal(Field::Name, id, name.reveal()),
            relation: consent.relation,
            text_version: consent.version,
            at: work.now,
        };
        work.tx.guardians().append(&row).await?;
        let now = work.now;
        let card = patient_card(&mut work.tx, act, &related, now).await?;
        work.keep(command, &card).await?;
        work.commit().await?;
        Ok(card)
    }
}

/// Whether a guardian has to consent before anything is done for a patient, on the day that it is.
pub(crate) async fn needs_guardian(
    tx: &mut Tx,
    act: HolderAct,
    patient: &PatientRow,
    today: Date,
) -> Result<bool, Refusal> {
    if !is_guarded(birth_date(patient)?, today) {
        return Ok(false);
    }
    let newest = tx.guardians().newest(act.holder, patient.id).await?;
    Ok(newest.is_none_or(|row| row.text_version != version()))
}

/// Refuses what needs the consent of a guardian that nobody gave; the day is that of the clinic.
pub(crate) async fn guarded(tx: &mut Tx, act: HolderAct, patient: &PatientRow, today: Date) -> Result<(), Refusal> {
    if needs_guardian(tx, act, patient, today).await? {
        let words = "for a patient under fourteen a guardian consents first";
        return Err(Refusal::field(ErrorCode::ConsentMissing, "guardian", words));
    }
    Ok(())
}
