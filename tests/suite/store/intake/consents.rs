use uuid::Uuid;
use yunzhen::domain::consent::ConsentKind;
use yunzhen::domain::ids::{HolderId, PatientId};
use yunzhen::store::{ConsentRow, Db};

use super::family;
use crate::support::hospital::Hospital;
use crate::support::on_both;

fn decision(hospital: &Hospital, (holder, patient): (HolderId, PatientId), granted: bool) -> ConsentRow {
    ConsentRow {
        id: hospital.ids.uuid(),
        institution_id: hospital.institution,
        patient_id: patient,
        holder_id: holder,
        kind: ConsentKind::ProcessRecord,
        text_version: "1".to_owned(),
        granted,
        at: hospital.now(),
    }
}

on_both! {
    async fn decisions_are_kept_in_their_order_with_the_version_of_the_words(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (one, other) = (family(&hospital, 1).await, family(&hospital, 2).await);
        // Of one moment: the ids decide.
        let mut rows = vec![decision(&hospital, one, true), decision(&hospital, one, false)];
        rows.sort_by_key(|row| row.id);
        let stranger = decision(&hospital, other, true);
        hospital.write(async |tx| {
            for row in rows.iter().rev().chain([&stranger]) {
                tx.consents().append(row).await.unwrap();
            }
        }).await;
        let mut tx = db.read().await.unwrap();
        assert_eq!(tx.consents().of(one.0, one.1, 99).await.unwrap(), rows);
        assert_eq!(tx.consents().of(one.0, other.1, 99).await.unwrap(), [], "another's decisions are not theirs");
    }

    async fn a_decision_never_changes_and_never_goes(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let family = family(&hospital, 1).await;
        let row = decision(&hospital, family, true);
        hospital.write(async |tx| tx.consents().append(&row).await.unwrap()).await;
        for statement in ["update consent set granted = (1 = 2)", "delete from consent"] {
            let refused = match &db {
                Db::Sqlite { writer, .. } => sqlx::query(statement).execute(writer).await.map(drop),
                Db::Postgres(pool) => sqlx::query(statement).execute(pool).await.map(drop),
            };
            assert!(refused.unwrap_err().to_string().contains("a consent"));
        }
        assert_eq!(db.read().await.unwrap().consents().of(family.0, family.1, 99).await.unwrap(), [row]);
    }

    async fn a_decision_is_never_made_for_nobody(db: Db) {
        let hospital = Hospital::open(&db, 0).await;
        let (holder, _) = family(&hospital, 1).await;
        let nobody = PatientId::from_uuid(Uuid::nil());
        let mut tx = db.begin().await.unwrap();
        assert!(tx.consents().append(&decision(&hospital, (holder, nobody), true)).await.is_err());
    }
}
