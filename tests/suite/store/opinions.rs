//! Opinions: asked once, saved over what was read, closed for good.

use yunzhen::domain::ids::{AccountId, OpinionId};
use yunzhen::domain::opinion::Phase;
use yunzhen::store::{OpinionRow, StoreError, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::sql::refusal;
use crate::support::visiting::visit;

fn question(hospital: &Hospital, visit: &VisitRow, of: AccountId) -> OpinionRow {
    OpinionRow {
        id: hospital.ids.make(OpinionId::from_uuid),
        institution_id: hospital.institution,
        visit_id: visit.id,
        asked_by: visit.doctor_id,
        doctor_id: of,
        state: Phase::Asked,
        version: 0,
        question: "求治法".into(),
        summary: "发热两天".into(),
        opinion: String::new(),
        advice: String::new(),
        hash: None,
        asked_at: hospital.now(),
        saved_at: None,
        closed_at: None,
        identity: None,
    }
}

async fn kept(hospital: &Hospital, row: &OpinionRow) {
    hospital.write(async |tx| tx.opinions().insert(row).await.unwrap()).await;
}

/// The row after its doctor has signed.
fn answered(row: &OpinionRow, hospital: &Hospital) -> OpinionRow {
    OpinionRow {
        state: Phase::Answered,
        version: row.version + 1,
        opinion: "证属风热犯肺".into(),
        advice: "辛凉解表".into(),
        hash: Some("aa".into()),
        saved_at: Some(hospital.now()),
        closed_at: Some(hospital.now()),
        identity: Some("patient_1:aa".into()),
        ..row.clone()
    }
}

on_both! {
    async fn a_visit_and_an_asked_doctor_have_one_open_question(db: Db) {
        let hospital = Hospital::open(&db, 3).await;
        let visit = visit(&hospital, 0).await;
        let (other, third) = (hospital.desks[1].doctor, hospital.desks[2].doctor);
        let (one, two) = (question(&hospital, &visit, other), question(&hospital, &visit, other));
        let ask = async |row: &OpinionRow| hospital.write(async |tx| tx.opinions().insert(row).await).await;
        let both = tokio::join!(ask(&one), ask(&two));
        let won = [&both.0, &both.1].iter().filter(|done| done.is_ok()).count();
        assert_eq!(won, 1, "asked twice at once: {both:?}");
        assert!([both.0, both.1].into_iter().any(|done| matches!(done, Err(StoreError::Conflict))));
        let open = db.read().await.unwrap().opinions().open_to(visit.id, other).await.unwrap().unwrap();
        kept(&hospital, &question(&hospital, &visit, third)).await;
        let now = hospital.now();
        assert!(hospital.write(async |tx| tx.opinions().withdraw(open.id, now).await.unwrap()).await);
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.opinions().open_to(visit.id, other).await.unwrap(), None);
        drop(tx);
        kept(&hospital, &question(&hospital, &visit, other)).await;
        let all = db.read().await.unwrap().opinions().of_visit(visit.id).await.unwrap();
        assert_eq!(all.len(), 3, "what was withdrawn may be asked again");
    }

    async fn a_draft_is_saved_over_the_version_that_was_read_and_no_other(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let visit = visit(&hospital, 0).await;
        let row = question(&hospital, &visit, hospital.desks[1].doctor);
        kept(&hospital, &row).await;
        let draft = |words: &str| OpinionRow {
            version: 1,
            opinion: words.into(),
            saved_at: Some(hospital.now()),
            ..row.clone()
        };
        let (one, two) = (draft("甲"), draft("乙"));
        let save = async |row: &OpinionRow| hospital.write(async |tx| tx.opinions().save(row).await.unwrap()).await;
        let both = tokio::join!(save(&one), save(&two));
        assert_ne!(both.0, both.1, "two windows at once: one is behind");
        let found = db.read().await.unwrap().opinions().find(row.id).await.unwrap();
        assert_eq!(found.as_ref(), Some(if both.0 { &one } else { &two }));
        assert!(!save(&draft("丙")).await);
        let mut next = draft("丙");
        next.version = 3;
        assert!(!save(&next).await, "a version that nobody has read");
    }

    async fn what_is_answered_or_withdrawn_and_what_was_asked_never_changes(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let visit = visit(&hospital, 0).await;
        let row = question(&hospital, &visit, hospital.desks[1].doctor);
        kept(&hospital, &row).await;
        let fact = "what was asked and what was answered is a fact";
        for change in [
            "update opinion set question = '别的'",
            "update opinion set summary = '别的'",
            "update opinion set asked_by = doctor_id",
            "update opinion set asked_at = asked_at + 1",
            "delete from opinion",
        ] {
            assert!(refusal(&db, change).await.contains(fact), "{change}");
        }
        let signed = answered(&row, &hospital);
        assert!(hospital.write(async |tx| tx.opinions().save(&signed).await.unwrap()).await);
        let now = hospital.now();
        assert!(!hospital.write(async |tx| tx.opinions().withdraw(row.id, now).await.unwrap()).await);
        let again = OpinionRow { version: signed.version + 1, ..signed.clone() };
        assert!(!hospital.write(async |tx| tx.opinions().save(&again).await.unwrap()).await);
        for change in [
            "update opinion set opinion = '别的'",
            "update opinion set advice = ''",
            "update opinion set state = 'asked'",
            "update opinion set hash = null",
            "delete from opinion",
        ] {
            assert!(refusal(&db, change).await.contains(fact), "{change}");
        }
        let found = db.read().await.unwrap().opinions().find(row.id).await.unwrap();
        assert_eq!(found, Some(signed));
    }

    async fn a_signature_and_a_withdrawal_at_once_are_one_of_the_two(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let visit = visit(&hospital, 0).await;
        let row = question(&hospital, &visit, hospital.desks[1].doctor);
        kept(&hospital, &row).await;
        let (signed, now) = (answered(&row, &hospital), hospital.now());
        let sign = hospital.write(async |tx| tx.opinions().save(&signed).await.unwrap());
        let withdraw = hospital.write(async |tx| tx.opinions().withdraw(row.id, now).await.unwrap());
        let both = tokio::join!(sign, withdraw);
        assert_ne!(both.0, both.1);
        let state = db.read().await.unwrap().opinions().find(row.id).await.unwrap().unwrap().state;
        assert_eq!(state, if both.0 { Phase::Answered } else { Phase::Withdrawn });
    }

    async fn a_doctor_sees_what_is_open_first_and_then_the_newest(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let (first, second) = (visit(&hospital, 0).await, visit(&hospital, 1).await);
        let (asker, asked) = (first.doctor_id, second.doctor_id);
        let old = question(&hospital, &first, asked);
        kept(&hospital, &old).await;
        assert!(hospital.write(async |tx| tx.opinions().save(&answered(&old, &hospital)).await.unwrap()).await);
        hospital.pass(std::time::Duration::from_secs(1));
        let open = question(&hospital, &first, asked);
        kept(&hospital, &open).await;
        hospital.pass(std::time::Duration::from_secs(1));
        let back = question(&hospital, &second, asker);
        kept(&hospital, &back).await;
        let ids = |rows: Vec<OpinionRow>| rows.into_iter().map(|row| row.id).collect::<Vec<_>>();
        let mut tx = db.read().await.unwrap();
        assert_eq!(ids(tx.opinions().of_doctor(asked, 50).await.unwrap()), [open.id, old.id]);
        assert_eq!(ids(tx.opinions().by_doctor(asker, 50).await.unwrap()), [open.id, old.id]);
        assert_eq!(ids(tx.opinions().of_doctor(asked, 1).await.unwrap()), [open.id]);
        assert_eq!(ids(tx.opinions().by_doctor(asked, 50).await.unwrap()), [back.id]);
    }
}
