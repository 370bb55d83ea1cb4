//! The conversation of a visit.

use std::time::Duration;

use yunzhen::domain::ids::{AttachmentId, MessageId};
use yunzhen::domain::visit::ChatSide;
use yunzhen::store::{AttachmentRow, MessageRow, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::visit;

pub fn line(hospital: &Hospital, visit: &VisitRow, body: &[u8]) -> MessageRow {
    MessageRow {
        id: hospital.ids.make(MessageId::from_uuid),
        institution_id: hospital.institution,
        visit_id: visit.id,
        side: ChatSide::Patient,
        sender: "holder_1".into(),
        name_zh: "演示患者甲".into(),
        name_en: "Demo patient".into(),
        body_sealed: body.to_vec(),
        attachment_id: None,
        at: hospital.now(),
    }
}

async fn send(hospital: &Hospital, line: &MessageRow) -> bool {
    hospital.write(async |tx| tx.messages().insert(line).await.unwrap()).await
}

on_both! {
    async fn a_line_that_is_sent_again_is_the_same_line(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let first = line(&hospital, &visit, b"\x00\xff sealed");
        assert!(send(&hospital, &first).await);
        let again = MessageRow { body_sealed: b"other".to_vec(), ..first.clone() };
        assert!(!send(&hospital, &again).await);
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.messages().find(first.id).await.unwrap(), Some(first));
        assert_eq!(tx.messages().find(hospital.ids.make(MessageId::from_uuid)).await.unwrap(), None);
    }

    async fn lines_are_read_in_the_order_of_time_then_id(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let (here, elsewhere) = (visit(&hospital, 0).await, visit(&hospital, 1).await);
        let mut lines = Vec::new();
        for body in [b"a", b"b", b"c", b"d"] {
            if body == b"c" {
                hospital.pass(Duration::from_secs(1));
            }
            lines.push(line(&hospital, &here, body));
        }
        for one in lines.iter().rev() {
            assert!(send(&hospital, one).await);
        }
        assert!(send(&hospital, &line(&hospital, &elsewhere, b"x")).await);
        lines.sort_by_key(|line| (line.at, line.id));
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.messages().of_visit(here.id, 9).await.unwrap(), lines);
        assert_eq!(tx.messages().of_visit(here.id, 2).await.unwrap(), lines[lines.len() - 2..]);
    }

    async fn a_pictures_particulars_are_kept_and_counted(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let picture = AttachmentRow {
            id: hospital.ids.make(AttachmentId::from_uuid),
            institution_id: hospital.institution,
            visit_id: visit.id,
            sender: "holder_1".into(),
            mime: "image/png".into(),
            size: 12,
            sha256: "00".repeat(32),
            at: hospital.now(),
        };
        hospital.write(async |tx| tx.messages().attach(&picture).await.unwrap()).await;
        let shown = MessageRow { attachment_id: Some(picture.id), ..line(&hospital, &visit, b"") };
        assert!(send(&hospital, &shown).await);
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.messages().attachment(picture.id).await.unwrap(), Some(picture));
        assert_eq!(tx.messages().count_attachments(visit.id, "holder_1").await.unwrap(), 1);
        assert_eq!(tx.messages().count_attachments(visit.id, "staff_1").await.unwrap(), 0, "neither takes the other's");
        assert_eq!(tx.messages().count(visit.id, ChatSide::Patient).await.unwrap(), 1);
        assert_eq!(tx.messages().count(visit.id, ChatSide::Staff).await.unwrap(), 0);
        assert_eq!(tx.messages().find(shown.id).await.unwrap(), Some(shown));
    }
}
