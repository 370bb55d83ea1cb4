use yunzhen::domain::ids::InstitutionId;
use yunzhen::store::HolderRow;

use super::holder;
use crate::support::hospital::Hospital;
use crate::support::on_both;

on_both! {
    async fn a_number_has_one_holder_in_an_institution(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (first, twin) = (holder(&hospital, 1), holder(&hospital, 1));
        assert!(hospital.write(async |tx| tx.holders().insert(&first).await.unwrap()).await);
        assert!(!hospital.write(async |tx| tx.holders().insert(&twin).await.unwrap()).await);
        let mut tx = db.read().await.unwrap();
        assert!(tx.holders().by_phone(hospital.institution, &[1; 32]).await.unwrap().as_ref() == Some(&first));
        assert!(tx.holders().find(hospital.institution, first.id).await.unwrap() == Some(first));
        assert!(tx.holders().find(hospital.institution, twin.id).await.unwrap().is_none());
        assert!(tx.holders().by_phone(hospital.institution, &[2; 32]).await.unwrap().is_none());
    }

    async fn of_two_first_sign_ins_at_once_one_makes_the_holder(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let rows: [HolderRow; 2] = [holder(&hospital, 1), holder(&hospital, 1)];
        let insert = async |row: &HolderRow| hospital.write(async |tx| tx.holders().insert(row).await.unwrap()).await;
        let (one, other) = tokio::join!(insert(&rows[0]), insert(&rows[1]));
        assert!(one != other);
    }

    async fn a_holder_is_unknown_in_another_institution(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let row = holder(&hospital, 1);
        hospital.write(async |tx| tx.holders().insert(&row).await.unwrap()).await;
        let abroad = hospital.ids.make(InstitutionId::from_uuid);
        let mut tx = db.read().await.unwrap();
        assert!(tx.holders().find(abroad, row.id).await.unwrap().is_none());
        assert!(tx.holders().by_phone(abroad, &row.phone_index).await.unwrap().is_none());
    }
}
