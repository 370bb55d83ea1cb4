use std::time::Duration;

use sqlx::types::Json;
use yunzhen::domain::ids::{DeclarationId, PatientId, TicketId, TriageId};
use yunzhen::domain::triage::{Disposition, Level, RuleSetStatus};
use yunzhen::store::TriageRow;

use super::{draft, family};
use crate::support::hospital::Hospital;
use crate::support::on_both;

/// A patient with a declaration.
async fn declared(hospital: &Hospital, index: u8) -> (PatientId, DeclarationId) {
    let people = family(hospital, index).await;
    let row = draft(hospital, hospital.clinic, people);
    assert!(hospital.write(async |tx| tx.declarations().insert(&row).await.unwrap()).await);
    (people.1, row.id)
}

/// What the rules said a second after whatever was before; kept.
async fn decide(hospital: &Hospital, (patient, declaration): (PatientId, DeclarationId), level: Level) -> TriageRow {
    hospital.pass(Duration::from_secs(1));
    let row = TriageRow {
        id: hospital.ids.make(TriageId::from_uuid),
        institution_id: hospital.institution,
        declaration_id: declaration,
        patient_id: patient,
        ticket_id: None,
        ruleset_version: "1".to_owned(),
        ruleset_status: RuleSetStatus::Draft,
        level,
        disposition: Disposition::Video,
        matched: Json(vec!["S01".to_owned(), "A02".to_owned()]),
        facts_sealed: Some(vec![1, 2]),
        nurse_call: true,
        alarm_id: None,
        decided_by: None,
        reason: None,
        at: hospital.now(),
    };
    hospital.write(async |tx| tx.triages().insert(&row).await.unwrap()).await;
    row
}

on_both! {
    async fn the_newest_decision_is_in_force_and_the_first_is_remembered(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (one, other) = (declared(&hospital, 1).await, declared(&hospital, 2).await);
        let first = decide(&hospital, one, Level::Standard).await;
        let newest = decide(&hospital, one, Level::Urgent).await;
        decide(&hospital, other, Level::Advice).await;
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.triages().of_declaration(one.1).await.unwrap(), Some(newest.clone()));
        assert_eq!(tx.triages().first_of_declaration(one.1).await.unwrap(), Some(first.clone()));
        assert_eq!(tx.triages().decisions(one.1).await.unwrap(), [newest, first]);
        let unknown = hospital.ids.make(DeclarationId::from_uuid);
        assert_eq!(tx.triages().of_declaration(unknown).await.unwrap(), None);
        assert_eq!(tx.triages().first_of_declaration(unknown).await.unwrap(), None);
    }

    async fn a_ticket_takes_the_decisions_of_its_declaration_and_of_no_earlier_ticket(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let one = declared(&hospital, 1).await;
        let mut rows = vec![decide(&hospital, one, Level::Standard).await, decide(&hospital, one, Level::Urgent).await];
        let (ticket, later) = (hospital.ids.make(TicketId::from_uuid), hospital.ids.make(TicketId::from_uuid));
        let attach = async |ticket| hospital.write(async |tx| tx.triages().attach(one.1, ticket).await.unwrap()).await;
        assert_eq!(attach(ticket).await, 2);
        assert_eq!(attach(later).await, 0, "they are another ticket's");
        for row in &mut rows {
            row.ticket_id = Some(ticket);
        }
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.triages().of_ticket(ticket).await.unwrap().as_ref(), rows.last());
        assert_eq!(tx.triages().history(ticket).await.unwrap(), rows);
        assert_eq!(tx.triages().of_ticket(later).await.unwrap(), None);
    }
}
