//! Formulas that doctors keep for their own prescriptions.

use sqlx::types::Json;
use yunzhen::domain::herb::Milligrams;
use yunzhen::domain::ids::{AccountId, FormulaTemplateId, InstitutionId};
use yunzhen::domain::prescription::{HerbLine, Herbal, Timing};
use yunzhen::store::{Db, FormulaTemplateRow};

use crate::support::hospital::Hospital;
use crate::support::on_both;
use crate::support::visiting::visit;

fn template(hospital: &Hospital, owner: AccountId, name: &str) -> FormulaTemplateRow {
    let (mg, remark) = (Milligrams(15_000), String::new());
    let line = HerbLine { written: "茯苓".into(), herb: None, mg, method: None, role: None, remark: remark.clone() };
    let (lines, formula) = (vec![line], None);
    let (doses, doses_per_day, times_per_day, ml, timing) = (3, 1, 2, 200, Timing::AfterMeal);
    FormulaTemplateRow {
        id: hospital.ids.make(FormulaTemplateId::from_uuid),
        institution_id: hospital.institution,
        owner,
        name: name.to_owned(),
        sheet: Json(Herbal { formula, lines, doses, doses_per_day, times_per_day, ml, timing, remark }),
        version: 1,
        saved_at: hospital.now(),
        retired_at: None,
    }
}

async fn kept(db: &Db, hospital: &Hospital, by: AccountId) -> Vec<FormulaTemplateRow> {
    db.read().await.unwrap().formula_templates().of(hospital.institution, by).await.unwrap()
}

on_both! {
    async fn a_formula_is_its_doctors_alone_and_comes_back_as_it_was_kept(db: Db) {
        let hospital = Hospital::open(&db, 2).await;
        let (first, second) = (visit(&hospital, 0).await.doctor_id, visit(&hospital, 1).await.doctor_id);
        let (later, sooner) = (template(&hospital, first, "b"), template(&hospital, first, "a"));
        for row in [&later, &sooner] {
            hospital.write(async |tx| tx.formula_templates().insert(row).await.unwrap()).await;
        }
        assert_eq!(kept(&db, &hospital, first).await, [sooner, later], "by name");
        assert!(kept(&db, &hospital, second).await.is_empty());
        let elsewhere = InstitutionId::from_uuid(uuid::Uuid::from_u128(7));
        let mut tx = db.read().await.unwrap();
        assert!(tx.formula_templates().of(elsewhere, first).await.unwrap().is_empty());
    }

    async fn a_kept_formula_is_renamed_and_retired_over_the_version_that_was_seen(db: Db) {
        let hospital = Hospital::open(&db, 1).await;
        let doctor = visit(&hospital, 0).await.doctor_id;
        let row = template(&hospital, doctor, "old");
        hospital.write(async |tx| tx.formula_templates().insert(&row).await.unwrap()).await;
        let now = hospital.now();
        let rename = async |version, name| {
            hospital.write(async |tx| tx.formula_templates().rename(row.id, version, name, now).await.unwrap()).await
        };
        assert!(!rename(2, "stale").await);
        assert!(rename(1, "new").await);
        let seen = kept(&db, &hospital, doctor).await;
        assert_eq!(seen.iter().map(|row| (row.name.as_str(), row.version)).collect::<Vec<_>>(), [("new", 2)]);
        let retire = async |version| {
            hospital.write(async |tx| tx.formula_templates().retire(row.id, version, now).await.unwrap()).await
        };
        assert!(!retire(1).await, "a stale version");
        assert!(retire(2).await);
        assert!(kept(&db, &hospital, doctor).await.is_empty());
        assert!(!rename(3, "again").await, "what is retired has no new name");
    }
}
