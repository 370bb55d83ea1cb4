//! The event log: gap-free numbers in the order of commits.

use futures_util::future::join_all;
use serde_json::{Value, json};
use yunzhen::store::{EventRow, NewEvent};

use crate::support::hospital::Hospital;
use crate::support::on_both;

const TOPIC: &str = "clinic:1";

async fn emit(hospital: &Hospital, topic: &str, kind: &str) -> i64 {
    emit_all(hospital, &[(topic, kind)]).await[0]
}

/// Events of one transaction, by topic and kind.
async fn emit_all(hospital: &Hospital, told: &[(&str, &str)]) -> Vec<i64> {
    let payloads: Vec<_> = told.iter().map(|(_, kind)| json!({ "说": kind })).collect();
    let event = |((topic, kind), payload)| event(hospital, topic, kind, payload);
    let events: Vec<_> = told.iter().copied().zip(&payloads).map(event).collect();
    hospital.write(async |tx| tx.events().emit(&events).await.unwrap()).await
}

fn event<'a>(hospital: &Hospital, topic: &'a str, kind: &'a str, payload: &'a Value) -> NewEvent<'a> {
    NewEvent { institution: hospital.institution, topic, kind, payload, at: hospital.now() }
}

async fn since(hospital: &Hospital, seq: i64, limit: i64) -> Vec<EventRow> {
    hospital.db.read().await.unwrap().events().since(TOPIC, seq, limit).await.unwrap()
}

on_both! {
    async fn a_topic_counts_from_one_and_each_for_itself(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        assert_eq!(db.read().await.unwrap().events().head(TOPIC).await.unwrap(), 0);
        assert_eq!(emit(&hospital, TOPIC, "a").await, 1);
        assert_eq!(emit(&hospital, TOPIC, "b").await, 2);
        assert_eq!(emit(&hospital, "clinic:2", "c").await, 1);
        assert_eq!(db.read().await.unwrap().events().head(TOPIC).await.unwrap(), 2);
    }

    async fn what_is_told_together_is_counted_by_each_topic_in_the_order_in_which_it_was_said(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        emit(&hospital, TOPIC, "a").await;
        let told = [("ticket:9", "b"), (TOPIC, "c"), ("ticket:9", "d"), ("appointment:3", "e"), (TOPIC, "f")];
        assert_eq!(emit_all(&hospital, &told).await, [1, 2, 2, 1, 3]);
        let kinds: Vec<_> = since(&hospital, 1, 9).await.into_iter().map(|event| (event.seq, event.kind)).collect();
        assert_eq!(kinds, [(2, "c".to_owned()), (3, "f".to_owned())]);
        assert_eq!(emit_all(&hospital, &[]).await, [0; 0]);
        assert_eq!(emit_all(&hospital, &vec![("many", "g"); 2_500]).await, (1..=2_500).collect::<Vec<_>>());
    }

    async fn an_event_is_read_as_it_was_written(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        emit(&hospital, TOPIC, "ticket.called").await;
        let expected = EventRow {
            seq: 1,
            kind: "ticket.called".into(),
            payload: json!({ "说": "ticket.called" }),
            at: hospital.now(),
        };
        assert_eq!(since(&hospital, 0, 9).await, [expected]);
    }

    async fn what_came_after_a_number_is_given_in_order_and_no_more_than_asked_for(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        for kind in ["a", "b", "c", "d", "e"] {
            emit(&hospital, TOPIC, kind).await;
        }
        let numbers = |events: Vec<EventRow>| events.into_iter().map(|event| event.seq).collect::<Vec<_>>();
        assert_eq!(numbers(since(&hospital, 2, 2).await), [3, 4]);
        assert_eq!(numbers(since(&hospital, 4, 9).await), [5]);
        assert_eq!(numbers(since(&hospital, 5, 9).await), [0; 0]);
    }

    async fn an_event_of_a_dropped_transaction_leaves_no_gap(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        emit(&hospital, TOPIC, "kept").await;
        let mut dropped = db.begin().await.unwrap();
        let seq = dropped.events().emit(&[event(&hospital, TOPIC, "lost", &json!({}))]).await.unwrap();
        assert_eq!(seq, [2]);
        drop(dropped);
        assert_eq!(emit(&hospital, TOPIC, "kept").await, 2);
        assert_eq!(since(&hospital, 0, 9).await.len(), 2);
    }

    async fn eight_writers_leave_no_gap_and_a_reader_who_follows_misses_nothing(db: Db) {
        const EACH: usize = 25;
        let hospital = Hospital::open(&db, 0).await;
        let writers = join_all((0..8).map(async |writer| {
            for _ in 0..EACH {
                emit(&hospital, TOPIC, &format!("writer.{writer}")).await;
            }
        }));
        let reader = async {
            let mut seen: Vec<EventRow> = Vec::new();
            while seen.len() < 8 * EACH {
                let last = seen.last().map_or(0, |event| event.seq);
                // A number once read as the last is never followed by a smaller one that came late.
                seen.extend(since(&hospital, last, 7).await);
            }
            seen
        };
        let (_, seen) = tokio::join!(writers, reader);
        let numbers: Vec<i64> = seen.iter().map(|event| event.seq).collect();
        assert_eq!(numbers, (1..=200).collect::<Vec<_>>());
        assert_eq!(since(&hospital, 0, 1000).await, seen);
        for writer in 0..8 {
            let kind = format!("writer.{writer}");
            assert_eq!(seen.iter().filter(|event| event.kind == kind).count(), EACH);
        }
    }

    async fn the_head_and_the_events_are_of_one_moment_in_a_reading_transaction(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        emit(&hospital, TOPIC, "a").await;
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.events().head(TOPIC).await.unwrap(), 1);
        emit(&hospital, TOPIC, "b").await;
        assert_eq!(tx.events().since(TOPIC, 0, 9).await.unwrap().len(), 1);
        assert_eq!(tx.events().head(TOPIC).await.unwrap(), 1);
    }
}
