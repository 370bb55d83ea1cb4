//! Opening a database: what its connections may do, and which error says what.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use yunzhen::store::{Db, StoreError};

use crate::support::hospital::{DAY, Hospital};
use crate::support::on_both;

on_both! {
    async fn a_transaction_that_reads_cannot_write(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let mut tx = db.read().await.unwrap();
        assert!(tx.tickets().draw_no(hospital.clinic, DAY).await.is_err());
    }

    async fn a_transaction_that_reads_sees_one_moment(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let mut tx = db.read().await.unwrap();
        assert!(tx.clinics().find(hospital.clinic).await.unwrap().unwrap().is_open);
        assert!(hospital.write(async |tx| tx.clinics().set_policy(hospital.clinic, false, 60).await.unwrap()).await);
        assert!(tx.clinics().find(hospital.clinic).await.unwrap().unwrap().is_open);
        drop(tx);
        assert!(!db.read().await.unwrap().clinics().find(hospital.clinic).await.unwrap().unwrap().is_open);
    }

    async fn a_closed_database_is_unavailable_and_not_at_fault(db: Db) {
        db.ping().await.unwrap();
        db.close().await;
        assert!(matches!(db.ping().await, Err(StoreError::Unavailable)));
        assert!(matches!(db.begin().await.err(), Some(StoreError::Unavailable)));
    }
}

#[tokio::test]
async fn sqlite_in_memory_is_refused_for_each_connection_would_see_another_database() {
    assert!(matches!(Db::open("sqlite::memory:").await, Err(StoreError::Other(_))));
}
