//! Pictures that come in pieces.

use yunzhen::domain::ids::AttachmentId;
use yunzhen::domain::room::PictureOf;
use yunzhen::store::UploadRow;

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::visit;

on_both! {
    async fn an_upload_grows_piece_by_piece_from_where_it_is(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let visit = visit(&hospital, 0).await;
        let kept = UploadRow {
            id: hospital.ids.make(AttachmentId::from_uuid),
            institution_id: hospital.institution,
            visit_id: visit.id,
            sender: "holder_1".into(),
            picture_of: PictureOf::Tongue,
            size: 10,
            sha256: "00".into(),
            received: 0,
            created_at: hospital.now(),
            finished_at: None,
        };
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
}
