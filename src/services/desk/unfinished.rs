//! Visits that a doctor is not done with.

use crate::domain::ids::VisitId;
use crate::domain::permission::DoctorAct;
use crate::protocol::desk::UnfinishedNote;
use crate::services::refusal::Refusal;
use crate::store::Tx;

/// What the doctor has to come back to: what a pharmacist sent back first, then notes that are not signed. The note of
/// the present visit is no such thing yet.
pub(crate) async fn unfinished(
    tx: &mut Tx,
    act: DoctorAct,
    present: Option<VisitId>,
) -> Result<Vec<UnfinishedNote>, Refusal> {
    let sent_back = tx.prescriptions().sent_back_of(act.account).await?;
    let mut visits = Vec::new();
    for id in &sent_back {
        visits.extend(tx.visits().find(*id).await?);
    }
    let unsigned = tx.visits().unsigned_of(act.account, 50).await?;
    visits.extend(unsigned.into_iter().filter(|visit| Some(visit.id) != present && !sent_back.contains(&visit.id)));
    let mut views = Vec::with_capacity(visits.len());
    for visit in visits {
        let ticket = tx.tickets().find(visit.ticket_id).await?.ok_or_else(Refusal::not_found)?;
        let patient = tx.patients().find(visit.institution_id, visit.patient_id).await?;
        views.push(UnfinishedNote {
            visit: visit.id,
            no: ticket.no,
            name_masked: patient.map(|patient| patient.name_masked).unwrap_or_default(),
            ended_at: visit.ended_at,
            sent_back: sent_back.contains(&visit.id),
        });
    }
    Ok(views)
}
