//! What an operator sets for a clinic: which clinic that is, what came of it, and that it is written down.

use serde_json::{Map, Value};

use crate::domain::audit::Entry;
use crate::domain::time::Timestamp;
use crate::services::refusal::Refusal;
use crate::store::{ClinicOf, Tx};

/// What became of an operator's setting of a clinic.
#[derive(Debug, PartialEq, Eq)]
pub enum ClinicSet {
    /// It holds for visits that begin from now on.
    Done,
    /// There is no such clinic; these codes there are.
    NoClinic(Vec<String>),
    /// More than one institution has a clinic of this code: these.
    Several(Vec<String>),
}

/// The clinic that an operator names, or why it is not one.
pub(crate) async fn one_clinic(
    tx: &mut Tx,
    code: &str,
    institution: Option<&str>,
) -> Result<Result<ClinicOf, ClinicSet>, Refusal> {
    let mut clinics = tx.clinics().of_code(code).await?;
    if let Some(name) = institution {
        clinics.retain(|clinic| {
            [clinic.institution_id.to_string(), clinic.institution_id.as_uuid().to_string()].iter().any(|id| id == name)
                || clinic.name_zh == name
                || clinic.name_en == name
        });
    }
    let [clinic] = &clinics[..] else {
        let named = |clinic: &ClinicOf| format!("{} ({})", clinic.name_zh, clinic.institution_id.as_uuid());
        return Ok(Err(if clinics.is_empty() {
            ClinicSet::NoClinic(tx.clinics().codes().await?)
        } else {
            ClinicSet::Several(clinics.iter().map(named).collect())
        }));
    };
    Ok(Ok(clinic.clone()))
}

/// Writes down what an operator did to a clinic.
pub(crate) async fn note_of_operator(
    tx: &mut Tx,
    now: Timestamp,
    clinic: &ClinicOf,
    action: &str,
) -> Result<(), Refusal> {
    let (actor, action, subject) = ("operator".to_owned(), action.to_owned(), clinic.id.to_string());
    let entry = Entry { at: now, actor, action, subject, purpose: None, detail: Value::Object(Map::new()) };
    tx.audit().append(clinic.institution_id, &entry).await?;
    Ok(())
}
