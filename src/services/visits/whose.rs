//! Whose a visit is, as what is signed of it says it: the patient's id, and a hash under the server's key of name, birth
//! date, sex and document. No personal datum, and whoever may write to the database makes none that is right: a visit that
//! was given to somebody else, and a patient whose row says something else since, are noticed.

use std::collections::HashMap;

use crate::domain::ids::{PatientId, VisitId};
use crate::domain::signature::{identity, patient_in, signed_text};
use crate::protocol::error::ErrorCode;
use crate::services::Services;
use crate::services::refusal::Refusal;
use crate::services::vault::{Broken, Field, Vault};
use crate::store::{PatientRow, Tx, VisitRow};

/// What is said of a patient as the row is now.
pub(crate) fn identity_of(vault: &Vault, patient: &PatientRow) -> Result<String, Broken> {
    let (id, row) = (patient.id.to_string(), patient.id.as_uuid());
    let name = vault.open(Field::Name, row, &patient.name_sealed)?;
    let number = vault.open(Field::DocumentNumber, row, &patient.number_sealed)?;
    let words = signed_text(&[
        ("patient", &id),
        ("name", &name),
        ("birth_date", &patient.birth_date),
        ("sex", patient.sex.as_str()),
        ("document", patient.document.as_str()),
        ("number", &number),
    ]);
    Ok(identity(&id, &vault.mac("identity", &[words.as_bytes()])))
}

/// Whose a visit is now; nothing where its ticket is somebody else's, or the patient's row does not open.
async fn whose(vault: &Vault, tx: &mut Tx, visit: &VisitRow) -> Result<Option<String>, Refusal> {
    let ticket = tx.tickets().find(visit.ticket_id).await?;
    if ticket.is_none_or(|ticket| ticket.patient_id != visit.patient_id) {
        return Ok(None);
    }
    let patient = tx.patients().find(visit.institution_id, visit.patient_id).await?;
    Ok(patient.and_then(|patient| identity_of(vault, &patient).ok()))
}

/// Whether what was signed names this patient; what was signed before that was asked names nobody.
pub(crate) fn names(signed: Option<&str>, patient: PatientId) -> bool {
    signed.is_none_or(|signed| patient_in(signed) == patient.to_string())
}

/// The words for a visit that is not of whom it was.
pub(crate) fn not_theirs() -> Refusal {
    Refusal::new(ErrorCode::SignatureBroken, "a visit is not of the patient for whom it was signed")
}

impl Services {
    /// Whose a visit is, to be signed.
    pub(crate) async fn whose(&self, tx: &mut Tx, visit: &VisitRow) -> Result<String, Refusal> {
        whose(&self.vault, tx, visit).await?.ok_or_else(not_theirs)
    }

    /// Whether a visit is of whom it was when this was signed; what was signed before that was asked says nothing.
    pub(crate) async fn is_whose(&self, tx: &mut Tx, visit: VisitId, signed: Option<&str>) -> Result<bool, Refusal> {
        Patients::of(&self.vault).are(tx, visit, signed).await
    }
}

/// The patients of visits, each looked up once.
pub(crate) struct Patients<'a> {
    vault: &'a Vault,
    known: HashMap<VisitId, Option<String>>,
}

impl<'a> Patients<'a> {
    pub(crate) fn of(vault: &'a Vault) -> Self {
        Self { vault, known: HashMap::new() }
    }

    /// Whether a visit is of whom these words say.
    pub(crate) async fn are(&mut self, tx: &mut Tx, visit: VisitId, signed: Option<&str>) -> Result<bool, Refusal> {
        let Some(signed) = signed else { return Ok(true) };
        if let Some(known) = self.known.get(&visit) {
            return Ok(known.as_deref() == Some(signed));
        }
        let now = match tx.visits().find(visit).await? {
            Some(row) => whose(self.vault, tx, &row).await?,
            None => None,
        };
        let are = now.as_deref() == Some(signed);
        self.known.insert(visit, now);
        Ok(are)
    }
}
