//! Keys and signatures: a key is made once, a signature never changes.

use uuid::Uuid;
use yunzhen::domain::ids::{AccountId, KeyId, SignatureId};
use yunzhen::domain::signature::{Algorithm, Purpose};
use yunzhen::services::signing::{SignAs, Validity};
use yunzhen::services::vault::Vault;
use yunzhen::services::work::Work;
use yunzhen::store::{KeyRow, SignatureRow};

use crate::support::app::TestApp;
use crate::support::hospital::{Hospital, MORNING};
use crate::support::on_both;
use crate::support::sql::refusal;

fn key(hospital: &Hospital, number: u128) -> KeyRow {
    KeyRow {
        id: KeyId::from_uuid(Uuid::from_u128(number)),
        institution_id: hospital.institution,
        owner: "server".to_owned(),
        algorithm: Algorithm::Ed25519,
        public_key: vec![1; 32],
        secret_sealed: vec![2; 60],
        created_at: MORNING,
        retired_at: None,
    }
}

on_both! {
    async fn an_owner_has_one_key_whoever_made_it_first(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (first, second) = (key(&hospital, 1), key(&hospital, 2));
        hospital.write(async |tx| tx.signatures().make_key(&first).await.unwrap()).await;
        hospital.write(async |tx| tx.signatures().make_key(&second).await.unwrap()).await;
        let mut tx = db.read().await.unwrap();
        let kept = tx.signatures().key_of(hospital.institution, "server", Algorithm::Ed25519).await.unwrap();
        assert_eq!(kept, Some(first));
        assert_eq!(tx.signatures().key(second.id).await.unwrap(), None);
        let sm2 = tx.signatures().key_of(hospital.institution, "server", Algorithm::Sm2).await.unwrap();
        assert_eq!(sm2, None, "another algorithm is another key");
    }

    async fn a_signature_is_found_by_its_subject_and_never_changes(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let key = key(&hospital, 1);
        let signature = SignatureRow {
            id: SignatureId::from_uuid(Uuid::from_u128(3)),
            institution_id: hospital.institution,
            subject: "note_1".to_owned(),
            purpose: Purpose::Note,
            key_id: key.id,
            hash: "aa".to_owned(),
            at: MORNING,
            bytes: vec![3; 64],
        };
        hospital.write(async |tx| {
            tx.signatures().make_key(&key).await.unwrap();
            tx.signatures().insert(&signature).await.unwrap();
        }).await;
        let found = db.read().await.unwrap().signatures().of("note_1").await.unwrap();
        assert_eq!(found, [signature]);
        assert_eq!(db.read().await.unwrap().signatures().of("note_2").await.unwrap(), []);
        for change in ["update signature set hash = 'bb'", "delete from signature"] {
            assert!(refusal(&db, change).await.contains("a signature is a fact"), "{change}");
        }
    }

    async fn a_signature_by_a_strangers_key_counts_as_broken_and_never_as_good(db: Db) {
        let app = TestApp::over(db.clone(), false).await;
        // Somebody who may write to the database, and does not have the operator's secret.
        let stranger = TestApp::with_secret(db.clone(), false, [8; 32]).await;
        let institution = db.read().await.unwrap().institutions().all().await.unwrap()[0].id;
        let sign = async |who: &TestApp, secret: [u8; 32], account: u128, subject: &str| {
            let (services, vault) = (&who.services, Vault::new(&secret, who.services.ids.clone()));
            let mut work = Work::new(db.begin().await.unwrap(), services.clock.now(), services.bus.clone(), vault);
            let by = SignAs::Account(AccountId::from_uuid(Uuid::from_u128(account)));
            services.sign(&mut work, institution, by, Purpose::Note, subject, "aa").await.unwrap();
            work.commit().await.unwrap();
        };
        sign(&app, [7; 32], 1, "note_1").await;
        sign(&stranger, [8; 32], 2, "note_2").await;
        let found = async |subject: &str| {
            app.services.check_signatures(&mut db.read().await.unwrap(), subject, "aa").await.unwrap()
        };
        assert!(matches!(found("note_1").await, Validity::Holds(of) if of.len() == 1));
        assert_eq!(found("note_2").await, Validity::Broken, "its key was not made here");
        sign(&stranger, [8; 32], 2, "note_1").await;
        assert_eq!(found("note_1").await, Validity::Broken, "nor does it pass beside one of ours");
        assert_eq!(found("note_3").await, Validity::Unsigned);
    }
}
