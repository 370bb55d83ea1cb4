//! Keys and signatures: a key is made once, a signature never changes.

use std::time::Duration;

use uuid::Uuid;
use yunzhen::domain::ids::{AccountId, KeyId, SignatureId};
use yunzhen::domain::signature::{Algorithm, Purpose};
use yunzhen::services::signing::{SignAs, Validity};
use yunzhen::services::vault::Vault;
use yunzhen::services::work::Work;
use yunzhen::store::{Db, KeyRow, SignatureRow};

use crate::support::app::TestApp;
use crate::support::hospital::{Hospital, MORNING};
use crate::support::on_both;
use crate::support::sql::{refusal, run};

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

    async fn a_successor_ends_the_key_of_the_other_algorithm_and_both_are_kept(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let old = key(&hospital, 1);
        let somebody = KeyRow { owner: "account_1".to_owned(), ..key(&hospital, 2) };
        let later = MORNING + Duration::from_hours(1);
        let new = KeyRow { algorithm: Algorithm::Sm2, public_key: vec![4; 65], created_at: later, ..key(&hospital, 3) };
        hospital.write(async |tx| {
            for key in [&old, &somebody, &new] {
                tx.signatures().make_key(key).await.unwrap();
            }
            tx.signatures().retire_others(&new).await.unwrap();
        }).await;
        let of = async |owner: &str, algorithm| {
            db.read().await.unwrap().signatures().key_of(hospital.institution, owner, algorithm).await.unwrap()
        };
        assert_eq!(of("server", Algorithm::Sm2).await, Some(new.clone()));
        assert_eq!(of("server", Algorithm::Ed25519).await, None, "it signs no more");
        assert_eq!(of("account_1", Algorithm::Ed25519).await, Some(somebody.clone()), "nobody else's ends");
        let ended = KeyRow { retired_at: Some(later), ..old.clone() };
        let kept = db.read().await.unwrap().signatures().key(old.id).await.unwrap();
        assert_eq!(kept, Some(ended.clone()), "what it has signed verifies");
        // Who goes back gets another key; the first has ended once and for all.
        let again = KeyRow { created_at: later, ..key(&hospital, 4) };
        hospital.write(async |tx| {
            tx.signatures().make_key(&again).await.unwrap();
            tx.signatures().retire_others(&again).await.unwrap();
        }).await;
        assert_eq!(of("server", Algorithm::Ed25519).await, Some(again.clone()));
        let all = db.read().await.unwrap().signatures().keys(hospital.institution).await.unwrap();
        let ends: Vec<_> = all.iter().map(|key| (key.id, key.retired_at)).collect();
        let wanted = [(old.id, Some(later)), (somebody.id, None), (new.id, Some(later)), (again.id, None)];
        assert_eq!(ends, wanted);
    }

    async fn a_key_never_changes_but_that_it_ends_once(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        hospital.write(async |tx| tx.signatures().make_key(&key(&hospital, 1)).await.unwrap()).await;
        let bytes = match &db {
            Db::Sqlite { .. } => "update signing_key set public_key = x'00'",
            Db::Postgres(_) => "update signing_key set public_key = '\\x00'",
        };
        let changes = [
            "update signing_key set algorithm = 'sm2'",
            "update signing_key set owner = 'account_9'",
            "update signing_key set created_at = 1",
            "delete from signing_key",
            bytes,
        ];
        for change in changes {
            assert!(refusal(&db, change).await.contains("a key never changes"), "{change}");
        }
        run(&db, "update signing_key set retired_at = 5").await;
        for change in ["update signing_key set retired_at = null", "update signing_key set retired_at = 6"] {
            assert!(refusal(&db, change).await.contains("it ends once"), "{change}");
        }
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
