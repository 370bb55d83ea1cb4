//! Pictures that come in pieces.

use std::time::Duration;

use yunzhen::domain::ids::AttachmentId;
use yunzhen::domain::room::PictureOf;
use yunzhen::domain::time::Timestamp;
use yunzhen::domain::visit::VisitEnd;
use yunzhen::store::{UploadRow, VisitRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::visit;

pub fn upload(hospital: &Hospital, visit: &VisitRow, created_at: Timestamp) -> UploadRow {
    UploadRow {
        id: hospital.ids.make(AttachmentId::from_uuid),
        institution_id: hospital.institution,
        visit_id: visit.id,
        sender: "holder_1".into(),
        picture_of: PictureOf::Tongue,
        size: 10,
        sha256: "00".into(),
        received: 0,
        created_at,
        finished_at: None,
    }
}

on_both! {
    async fn an_upload_grows_piece_by_piece_from_where_it_is(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let kept = upload(&hospital, &visit, hospital.now());
        hospital.write(async |tx| tx.uploads().begin(&kept).await.unwrap()).await;
        hospital.write(async |tx| tx.uploads().begin(&kept).await.unwrap()).await;
        let grow = async |from, to| hospital.write(async |tx| tx.uploads().grow(kept.id, from, to).await.unwrap()).await;
        assert!(grow(0, 6).await);
        assert!(!grow(0, 6).await, "the same piece again does not count twice");
        assert!(grow(6, 10).await);
        hospital.write(async |tx| tx.uploads().begin_anew(kept.id, kept.size, &kept.sha256).await.unwrap()).await;
        let found = hospital.write(async |tx| tx.uploads().find(kept.id).await.unwrap().unwrap()).await;
        assert_eq!(found, kept, "what had come is forgotten");
        assert!(grow(0, 10).await);
        assert!(hospital.write(async |tx| tx.uploads().finish(kept.id, hospital.now()).await.unwrap()).await);
        assert!(!hospital.write(async |tx| tx.uploads().finish(kept.id, hospital.now()).await.unwrap()).await);
        assert!(!grow(10, 11).await, "a finished one does not grow");
        let mut tx = db.read().await.unwrap();
        let found = tx.uploads().find(kept.id).await.unwrap().unwrap();
        assert_eq!(found, UploadRow { received: 10, finished_at: Some(hospital.now()), ..kept });
        assert_eq!(tx.uploads().count(visit.id).await.unwrap(), 1);
    }

    async fn an_unfinished_upload_is_forgotten_when_it_is_old_or_its_visit_over_and_a_finished_one_never(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let (over, on) = (visit(&hospital, 0).await, visit(&hospital, 1).await);
        let (early, now) = (hospital.now() - Duration::from_hours(1), hospital.now());
        let rows = [upload(&hospital, &over, now), upload(&hospital, &on, early), upload(&hospital, &on, now)];
        let finished = upload(&hospital, &over, early);
        for row in rows.iter().chain([&finished]) {
            hospital.write(async |tx| tx.uploads().begin(row).await.unwrap()).await;
        }
        hospital.write(async |tx| tx.uploads().finish(finished.id, now).await.unwrap()).await;
        hospital.write(async |tx| tx.visits().end(over.id, VisitEnd::Finished, now).await.unwrap()).await;
        let mut litter = db.read().await.unwrap().uploads().unfinished(now, 10, 0).await.unwrap();
        litter.sort();
        let mut wanted = vec![rows[0].id, rows[1].id];
        wanted.sort();
        assert_eq!(litter, wanted);
        assert_eq!(db.read().await.unwrap().uploads().unfinished(now, 1, 0).await.unwrap(), [rows[1].id], "oldest first");
        let forget = async |id| hospital.write(async |tx| tx.uploads().forget(id).await.unwrap()).await;
        assert!(forget(rows[0].id).await && !forget(rows[0].id).await);
        assert!(!forget(finished.id).await);
    }
}
