//! Idempotency keys: the same key gives the same answer.

use std::time::Duration;

use serde_json::json;
use yunzhen::store::{Claim, Db, Tx};

use crate::support::hospital::{Hospital, MORNING};
use crate::support::on_both;

async fn claim(tx: &mut Tx, actor: &str, key: &str, hash: &[u8]) -> Claim {
    tx.idem().claim(actor, key, hash, MORNING).await.unwrap()
}

async fn claim_alone(db: &Db, actor: &str, key: &str, hash: &[u8]) -> Claim {
    let mut tx = db.begin().await.unwrap();
    claim(&mut tx, actor, key, hash).await
}

/// Claims, keeps `answer`, commits.
async fn carry_out(db: &Db, actor: &str, key: &str, answer: &str) {
    let mut tx = db.begin().await.unwrap();
    assert_eq!(claim(&mut tx, actor, key, b"hash").await, Claim::Fresh);
    tx.idem().keep(actor, key, &json!({ "answer": answer })).await.unwrap();
    tx.commit().await.unwrap();
}

on_both! {
    async fn the_same_key_gives_the_same_answer(db: Db) {
        carry_out(&db, "doctor", "key", "好").await;
        for _ in 0..2 {
            let again = claim_alone(&db, "doctor", "key", b"hash").await;
            assert_eq!(again, Claim::Done(json!({ "answer": "好" })));
        }
    }

    async fn a_key_with_another_request_is_a_mismatch(db: Db) {
        carry_out(&db, "doctor", "key", "yes").await;
        assert_eq!(claim_alone(&db, "doctor", "key", b"other").await, Claim::Mismatch);
    }

    async fn a_key_belongs_to_the_one_who_sent_it(db: Db) {
        carry_out(&db, "doctor", "key", "yes").await;
        assert_eq!(claim_alone(&db, "nurse", "key", b"other").await, Claim::Fresh);
        assert_eq!(claim_alone(&db, "doctor", "another key", b"other").await, Claim::Fresh);
    }

    async fn a_command_that_was_dropped_may_be_sent_again(db: Db) {
        let mut dropped = db.begin().await.unwrap();
        assert_eq!(claim(&mut dropped, "doctor", "key", b"hash").await, Claim::Fresh);
        drop(dropped);
        carry_out(&db, "doctor", "key", "second").await;
    }

    async fn a_twin_that_comes_at_once_waits_for_the_answer(db: Db) {
        let mut first = db.begin().await.unwrap();
        assert_eq!(claim(&mut first, "doctor", "key", b"hash").await, Claim::Fresh);
        let answer = async {
            for _ in 0..50 {
                db.ping().await.unwrap();
            }
            first.idem().keep("doctor", "key", &json!("the answer")).await.unwrap();
            first.commit().await.unwrap();
        };
        let (twin, ()) = tokio::join!(claim_alone(&db, "doctor", "key", b"hash"), answer);
        assert_eq!(twin, Claim::Done(json!("the answer")));
    }

    async fn a_twin_of_a_command_that_was_dropped_carries_it_out(db: Db) {
        let mut first = db.begin().await.unwrap();
        assert_eq!(claim(&mut first, "doctor", "key", b"hash").await, Claim::Fresh);
        let drop_it = async {
            for _ in 0..50 {
                db.ping().await.unwrap();
            }
            drop(first);
        };
        let (twin, ()) = tokio::join!(claim_alone(&db, "doctor", "key", b"hash"), drop_it);
        assert_eq!(twin, Claim::Fresh);
    }

    async fn twenty_twins_carry_a_command_out_once(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let send = async || {
            let mut tx = db.begin().await.unwrap();
            let Claim::Fresh = claim(&mut tx, "patient", "join", b"hash").await else { return false };
            let no = tx.tickets().draw_no(hospital.clinic, "2026-11-24").await.unwrap();
            tx.idem().keep("patient", "join", &json!(no)).await.unwrap();
            tx.commit().await.unwrap();
            true
        };
        let done = futures_util::future::join_all((0..20).map(|_| send())).await;
        assert_eq!(done.into_iter().filter(|carried_out| *carried_out).count(), 1);
        assert_eq!(claim_alone(&db, "patient", "join", b"hash").await, Claim::Done(json!(1)));
    }

    async fn old_keys_are_forgotten_and_young_ones_are_not(db: Db) {
        carry_out(&db, "doctor", "key", "yes").await;
        let forget = async |before| {
            let mut tx = db.begin().await.unwrap();
            let forgotten = tx.idem().forget(before).await.unwrap();
            tx.commit().await.unwrap();
            forgotten
        };
        assert_eq!(forget(MORNING).await, 0);
        assert_eq!(forget(MORNING + Duration::from_millis(1)).await, 1);
        assert_eq!(claim_alone(&db, "doctor", "key", b"other").await, Claim::Fresh);
    }
}
