//! Opening a database: what its connections may do, and which error says what.

#![expect(clippy::unwrap_used, reason = "only tests use it, and a failure here is theirs")]

use sqlx::{Connection as _, SqliteConnection};
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

    async fn a_database_that_does_not_answer_is_not_taken_for_an_empty_one(db: Db) {
        assert!(!db.is_empty().await.unwrap());
        assert_eq!(db.lacks().await.unwrap(), 0);
        db.close().await;
        assert!(matches!(db.is_empty().await, Err(StoreError::Unavailable)));
        assert!(matches!(db.lacks().await, Err(StoreError::Unavailable)));
    }

    async fn a_closed_database_is_unavailable_and_not_at_fault(db: Db) {
        db.ping().await.unwrap();
        db.close().await;
        assert!(matches!(db.ping().await, Err(StoreError::Unavailable)));
        assert!(matches!(db.begin().await.err(), Some(StoreError::Unavailable)));
    }
}

#[tokio::test]
async fn a_table_of_steps_that_cannot_be_read_is_an_error_and_not_a_first_start() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("yunzhen.db");
    let db = Db::open(&format!("sqlite:{}", path.display())).await.unwrap();
    assert!(db.is_empty().await.unwrap());
    assert!(db.lacks().await.unwrap() > 0);
    let mut other = SqliteConnection::connect(&format!("sqlite:{}", path.display())).await.unwrap();
    sqlx::raw_sql("create table _sqlx_migrations (version integer)").execute(&mut other).await.unwrap();
    assert!(!db.is_empty().await.unwrap());
    assert!(db.lacks().await.is_err());
}

#[tokio::test]
async fn sqlite_in_memory_is_refused_for_each_connection_would_see_another_database() {
    assert!(matches!(Db::open("sqlite::memory:").await, Err(StoreError::Other(_))));
}
