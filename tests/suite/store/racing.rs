//! Calling while others press, answer or leave in the same moment.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use std::collections::BTreeSet;

use futures_util::future::join_all;
use yunzhen::domain::ids::TicketId;
use yunzhen::domain::triage::Level;

use crate::support::hospital::Hospital;
use crate::support::on_both;

on_both! {
    async fn twelve_desks_of_a_clinic_that_never_called_take_the_first_twelve_at_once(db: Db) {
        let hospital = Hospital::open(&db, 12).await;
        let joined = hospital.join_many(15, Level::Standard).await;
        let called = join_all((0..12).map(|desk| hospital.call(desk))).await;
        let called: BTreeSet<TicketId> = called.into_iter().map(|ticket| ticket.id).collect();
        assert_eq!(called, joined[..12].iter().map(|ticket| ticket.id).collect());
    }

    async fn nobody_is_overtaken_because_the_first_in_line_is_being_written_to(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let first = hospital.join_many(2, Level::Standard).await.remove(0);
        let mut nurse = db.begin().await.unwrap();
        assert!(nurse.tickets().set_retriage(first.id, hospital.now(), false).await.unwrap());
        let (called, ()) = tokio::join!(hospital.call(0), async {
            db.ping().await.unwrap();
            nurse.commit().await.unwrap();
        });
        assert_eq!(called.id, first.id);
    }

    async fn who_leaves_while_a_desk_calls_is_not_called(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let joined = hospital.join_many(2, Level::Standard).await;
        let mut leaving = db.begin().await.unwrap();
        leaving.tickets().leave(joined[0].id, joined[0].version, hospital.now()).await.unwrap().unwrap();
        let (called, ()) = tokio::join!(hospital.call(0), async {
            db.ping().await.unwrap();
            leaving.commit().await.unwrap();
        });
        assert_eq!(called.id, joined[1].id);
    }
}
