//! Reads of records, and the judgement on those by strangers.

use std::time::Duration;

use serde_json::json;
use yunzhen::domain::access::Verdict;
use yunzhen::domain::audit::Entry;
use yunzhen::domain::ids::ReviewId;
use yunzhen::store::{ReadRow, ReviewRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::visit;

on_both! {
    async fn a_broken_glass_is_judged_once_and_never_by_its_reader(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let (first, second) = (visit(&hospital, 0).await, visit(&hospital, 1).await);
        let row = ReviewRow {
            id: hospital.ids.make(ReviewId::from_uuid),
            institution_id: hospital.institution,
            visit_id: first.id,
            reader: second.doctor_id,
            reason_sealed: vec![1, 2, 3],
            at: hospital.now(),
            reviewed_by: None,
            reviewed_at: None,
            verdict: None,
            words_sealed: None,
        };
        hospital.write(async |tx| tx.access_reviews().insert(&row).await.unwrap()).await;
        let open = async || db.read().await.unwrap().access_reviews().open(hospital.institution, 10).await.unwrap();
        assert_eq!(open().await, std::slice::from_ref(&row));
        let now = hospital.now();
        let judge = async |by| {
            hospital
                .write(async |tx| tx.access_reviews().judge(row.id, by, Verdict::NotJustified, &[7], now).await.unwrap())
                .await
        };
        assert!(!judge(second.doctor_id).await, "its reader");
        assert!(judge(first.doctor_id).await);
        assert!(!judge(first.doctor_id).await, "twice");
        assert!(open().await.is_empty());
        let judged = db.read().await.unwrap().access_reviews().find(hospital.institution, row.id).await.unwrap();
        let judged = judged.unwrap();
        assert_eq!((judged.verdict, judged.words_sealed.as_deref()), (Some(Verdict::NotJustified), Some(&[7][..])));
        assert_eq!(db.read().await.unwrap().access_reviews().judged(hospital.institution, 10).await.unwrap(), [judged]);
    }

    async fn the_reads_of_a_record_are_a_line_for_each_reader_and_purpose_the_last_first(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let begun = hospital.now();
        let mut reads = vec![
            ("account_1", "visit.read", "visit_1", Some("treating")),
            ("account_1", "visit.end", "visit_1", None),
            ("account_1", "visit.read", "visit_2", None),
            ("account_2", "visit.break_glass", "visit_1", Some("break_glass")),
        ];
        reads.extend([("holder_1", "visit.read_own", "visit_1", Some("own")); 3]);
        for (actor, action, subject, purpose) in reads {
            hospital.pass(Duration::from_secs(1));
            let entry = Entry {
                at: hospital.now(),
                actor: actor.to_owned(),
                action: action.to_owned(),
                subject: subject.to_owned(),
                purpose: purpose.map(str::to_owned),
                detail: json!({}),
            };
            hospital.write(async |tx| tx.audit().append(hospital.institution, &entry).await.unwrap()).await;
        }
        let mut tx = db.read().await.unwrap();
        let reads = tx.access_reviews().reads(hospital.institution, "visit_1").await.unwrap();
        let second = |n| begun + Duration::from_secs(n);
        let told = reads.iter().map(|ReadRow { at, since, times, actor, .. }| (*at, *since, *times, actor.as_str()));
        let wanted = [(7, 5, 3, "holder_1"), (4, 4, 1, "account_2"), (1, 1, 1, "account_1")];
        assert_eq!(
            told.collect::<Vec<_>>(),
            wanted.map(|(at, since, times, actor)| (second(at), second(since), times, actor))
        );
    }
}
