//! What clinics tell those who wait, and which calls were told by text message.

use std::time::Duration;

use yunzhen::domain::ids::{NoticeId, TicketId};
use yunzhen::domain::triage::Level;
use yunzhen::store::NoticeRow;

use crate::support::hospital::{Hospital, RING};
use crate::support::on_both;

fn notice(hospital: &Hospital, ticket: Option<TicketId>) -> NoticeRow {
    NoticeRow {
        id: hospital.ids.make(NoticeId::from_uuid),
        institution_id: hospital.institution,
        clinic_id: hospital.clinic,
        ticket_id: ticket,
        sender: "account_1".into(),
        body_sealed: b"\x00\xff sealed".to_vec(),
        at: hospital.now(),
    }
}

on_both! {
    async fn a_ticket_is_told_what_is_for_all_and_what_is_for_it_since_it_joined(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let before = notice(&hospital, None);
        hospital.pass(Duration::from_secs(1));
        let (one, other) = (hospital.join(Level::Standard).await, hospital.join(Level::Standard).await);
        hospital.pass(Duration::from_secs(1));
        let to_all = notice(&hospital, None);
        hospital.pass(Duration::from_secs(1));
        let to_one = notice(&hospital, Some(one.id));
        for row in [&before, &to_all, &to_one] {
            hospital.write(async |tx| tx.notices().insert(row).await.unwrap()).await;
        }
        let mut tx = db.read().await.unwrap();
        let told = tx.notices().told(hospital.clinic, one.id, one.joined_at, 9).await.unwrap();
        assert_eq!(told, [to_one, to_all.clone()], "newest first");
        assert_eq!(tx.notices().told(hospital.clinic, other.id, other.joined_at, 9).await.unwrap(), [to_all]);
        assert!(tx.notices().told(hospital.other, other.id, other.joined_at, 9).await.unwrap().is_empty());
        assert_eq!(tx.notices().told(hospital.clinic, one.id, one.joined_at, 1).await.unwrap().len(), 1);
    }

    async fn a_call_is_told_by_text_once_and_looked_for_while_it_rings(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        hospital.join(Level::Standard).await;
        let call = hospital.call(0).await;
        hospital.pass(Duration::from_secs(5));
        let untold = async |since| db.read().await.unwrap().tickets().untold(since, hospital.now(), 9, 0).await.unwrap();
        assert!(untold(hospital.now() - Duration::from_secs(10)).await.is_empty(), "it rings for five seconds only");
        assert_eq!(untold(hospital.now()).await, std::slice::from_ref(&call));
        let tell = async |n| {
            hospital.write(async |tx| tx.notices().text(call.id, n, hospital.now()).await.unwrap()).await
        };
        assert!(tell(call.call_count).await);
        assert!(!tell(call.call_count).await);
        assert!(tell(call.call_count + 1).await, "another ring is another message");
        assert!(untold(hospital.now()).await.is_empty());
        hospital.pass(RING);
        assert!(untold(hospital.now()).await.is_empty());
    }
}
