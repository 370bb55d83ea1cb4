//! A visit under way: its ticket, its room, its doctor.

use uuid::Uuid;
use yunzhen::domain::ids::{RoomId, VisitId};
use yunzhen::domain::room::RoomPurpose;
use yunzhen::domain::triage::Level;
use yunzhen::store::{RoomRow, VisitRow};

use crate::support::hospital::Hospital;

/// An open room, not yet kept.
pub fn room(hospital: &Hospital, purpose: RoomPurpose, subject_id: Uuid) -> RoomRow {
    RoomRow {
        id: hospital.ids.make(RoomId::from_uuid),
        institution_id: hospital.institution,
        purpose,
        subject_id,
        epoch: 1,
        node: "one".into(),
        recording: false,
        agreed_version: None,
        agreed_at: None,
        opened_at: hospital.now(),
        closed_at: None,
    }
}

/// A new patient joins, is called from a desk and served; the visit and its room are kept.
pub async fn visit(hospital: &Hospital, desk: usize) -> VisitRow {
    hospital.join(Level::Standard).await;
    let ticket = hospital.serve(&hospital.call(desk).await).await;
    let id = hospital.ids.make(VisitId::from_uuid);
    let room = room(hospital, RoomPurpose::Visit, id.as_uuid());
    let visit = VisitRow {
        id,
        institution_id: hospital.institution,
        clinic_id: ticket.clinic_id,
        ticket_id: ticket.id,
        patient_id: ticket.patient_id,
        holder_id: ticket.holder_id,
        doctor_id: hospital.desks[desk].doctor,
        desk_id: hospital.desks[desk].id,
        room_id: room.id,
        outcome: None,
        started_at: hospital.now(),
        ended_at: None,
        outcome_reason: None,
        end_reason: None,
    };
    hospital
        .write(async |tx| {
            tx.rooms().insert(&room).await.unwrap();
            tx.visits().insert(&visit).await.unwrap();
        })
        .await;
    visit
}
