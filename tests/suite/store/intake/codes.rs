use std::time::Duration;

use yunzhen::domain::time::Timestamp;
use yunzhen::store::CodeRow;

use crate::support::hospital::{Hospital, MORNING};
use crate::support::on_both;

const PHONE: [u8; 32] = [1; 32];
const MOST: i64 = 3;

fn code(hospital: &Hospital) -> CodeRow {
    CodeRow {
        id: hospital.ids.uuid(),
        institution_id: hospital.institution,
        phone_index: PHONE.to_vec(),
        code_hash: vec![7; 32],
        sent_at: hospital.now(),
        expires_at: hospital.now() + Duration::from_mins(10),
        attempts: 0,
        used_at: None,
    }
}

async fn sent(hospital: &Hospital) -> CodeRow {
    let row = code(hospital);
    hospital.write(async |tx| tx.codes().insert(&row).await.unwrap()).await;
    row
}

async fn attempt(hospital: &Hospital, sent: &CodeRow) -> Option<CodeRow> {
    let (now, id) = (hospital.now(), sent.id);
    hospital.write(async |tx| tx.codes().attempt(hospital.institution, id, &PHONE, MOST, now).await.unwrap()).await
}

on_both! {
    async fn each_try_is_counted_and_after_the_last_there_is_no_code(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let row = sent(&hospital).await;
        for count in 1..=MOST {
            assert!(attempt(&hospital, &row).await == Some(CodeRow { attempts: count, ..row.clone() }));
        }
        assert!(attempt(&hospital, &row).await.is_none());
    }

    async fn tries_at_once_are_all_counted(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let row = sent(&hospital).await;
        let tries = futures_util::future::join_all((0..10).map(|_| attempt(&hospital, &row))).await;
        assert_eq!(tries.into_iter().flatten().count(), 3, "ten hands get three tries");
    }

    async fn a_new_code_leaves_the_one_before_its_tries_and_a_code_is_for_its_number(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let older = sent(&hospital).await;
        hospital.pass(Duration::from_mins(1));
        let newer = sent(&hospital).await;
        for _ in 0..MOST {
            attempt(&hospital, &newer).await;
        }
        assert!(attempt(&hospital, &newer).await.is_none());
        let (institution, now) = (hospital.institution, hospital.now());
        let elsewhere =
            hospital.write(async |tx| tx.codes().attempt(institution, older.id, &[2; 32], MOST, now).await.unwrap());
        assert!(elsewhere.await.is_none());
        assert!(attempt(&hospital, &older).await.is_some_and(|code| (code.id, code.attempts) == (older.id, 1)));
    }

    async fn a_code_ends_with_its_ten_minutes(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let row = sent(&hospital).await;
        hospital.pass(Duration::from_millis(10 * 60 * 1000 - 1));
        assert!(attempt(&hospital, &row).await.is_some());
        hospital.pass(Duration::from_millis(1));
        assert!(attempt(&hospital, &row).await.is_none());
    }

    async fn a_code_is_spent_once(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let row = sent(&hospital).await;
        let now = hospital.now();
        let spend = async || hospital.write(async |tx| tx.codes().spend(row.id, now).await.unwrap()).await;
        assert!(spend().await);
        assert!(!spend().await);
        assert!(attempt(&hospital, &row).await.is_none());
    }

    async fn requests_at_once_are_counted_one_after_the_other(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let ask = || async {
            let mut tx = db.begin().await.unwrap();
            let mut times = tx.codes().sent(hospital.institution, &PHONE).await.unwrap();
            times.push(MORNING);
            tx.codes().set_sent(hospital.institution, &PHONE, &times).await.unwrap();
            tx.commit().await.unwrap();
        };
        futures_util::future::join_all((0..10).map(|_| ask())).await;
        let mut tx = db.begin().await.unwrap();
        assert_eq!(tx.codes().sent(hospital.institution, &PHONE).await.unwrap(), [MORNING; 10]);
        assert_eq!(tx.codes().sent(hospital.institution, &[2; 32]).await.unwrap(), []);
    }

    async fn what_is_old_is_forgotten_and_nothing_else(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let row = sent(&hospital).await;
        let old: Timestamp = hospital.now();
        hospital.write(async |tx| {
            tx.codes().sent(hospital.institution, &PHONE).await.unwrap();
            tx.codes().set_sent(hospital.institution, &PHONE, &[old]).await.unwrap();
        }).await;
        assert_eq!(hospital.write(async |tx| tx.codes().forget(old).await.unwrap()).await, 0);
        let later = old + Duration::from_millis(1);
        assert_eq!(hospital.write(async |tx| tx.codes().forget(later).await.unwrap()).await, 2);
        assert!(attempt(&hospital, &row).await.is_none());
    }
}
