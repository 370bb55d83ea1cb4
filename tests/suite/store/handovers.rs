//! Words that go along with a transfer.

use yunzhen::domain::triage::Level;
use yunzhen::store::HandoverRow;

use crate::support::hospital::Hospital;
use crate::support::on_both;

on_both! {
    async fn a_word_for_the_colleague_is_found_by_the_ticket_that_goes_on(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let ticket = hospital.join(Level::Standard).await;
        let other = hospital.join(Level::Standard).await;
        let row = HandoverRow {
            ticket_id: ticket.id,
            institution_id: hospital.institution,
            clinic_id: hospital.other,
            doctor_id: hospital.desks[0].doctor,
            visit_id: None,
            reason_sealed: b"sealed".to_vec(),
            at: hospital.now(),
        };
        hospital.write(async |tx| tx.handovers().insert(&row).await.unwrap()).await;
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.handovers().of_ticket(ticket.id).await.unwrap(), Some(row));
        assert_eq!(tx.handovers().of_ticket(other.id).await.unwrap(), None);
    }
}
