//! Where the operator chose SM2, everything is signed by it and verified like anything else; and what was signed before
//! another choice holds after it.

use std::time::Duration;

use reqwest::Method;
use serde_json::{Value, json};
use yunzhen::domain::signature::Algorithm;
use yunzhen::store::Db;

use super::prescriptions::{approval, claim, pharmacy, signed};
use super::proofs::{code, sign, verdict};
use super::sealed::{every_change_is_found, key, text, verify};
use super::stage::{Stage, Visit};
use crate::support::binary::bare;
use crate::support::sql::run;

/// How each version of a visit's record is signed, and by which key, as its doctor reads it.
async fn signatures(stage: &Stage, visit: &Visit) -> Vec<(String, String)> {
    let view = stage.get(&format!("/visits/{}", visit.id), &visit.doctor).await.ok();
    let word = |value: &Value| value.as_str().unwrap().to_owned();
    let versions = view["signed"].as_array().unwrap().iter();
    versions.map(|one| (word(&one["signature"]["algorithm"]), word(&one["signature"]["key"]))).collect()
}

/// The file of a sealed visit.
async fn seal(stage: &Stage, visit: &Visit) -> String {
    let boss = stage.staff("admin").await;
    text(stage, Method::POST, &format!("/visits/{}/seal", visit.id), &boss).await
}

/// What `yunzhen audit verify` says beside the running server.
fn audit(stage: &Stage) -> (String, bool) {
    let mut command = bare(&["audit", "verify", "--demo"]);
    let output = command.env("YUNZHEN_DATA_DIR", stage.folder.path()).env("YUNZHEN_LOG", "off").output().unwrap();
    (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clinic_signs_verifies_exports_and_finds_any_changed_letter_with_sm2() {
    let stage = Stage::open_signing(Algorithm::Sm2).await;
    let visit = stage.visit_of(1, json!({})).await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let by = signatures(&stage, &visit).await;
    let [(algorithm, of_doctor)] = &by[..] else { panic!("one version is signed") };
    assert_eq!((algorithm.as_str(), of_doctor.len()), ("sm2", 16));
    let rx = signed(&stage, &visit).await;
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    let token = code(&stage, &visit).await;
    assert_eq!(verdict(&stage, &token).await["state"], "authentic");

    stage.clock.advance(Duration::from_hours(48));
    stage.server.services.seal_audit_days().await.unwrap();
    let boss = stage.staff("admin").await;
    let days = stage.get("/audit/days", &boss).await.ok();
    let [of_server] = &days["keys"].as_array().unwrap()[..] else { panic!("one key: {days}") };
    assert_eq!((&of_server["algorithm"], &of_server["until"]), (&json!("sm2"), &Value::Null));
    assert_eq!(of_server["fingerprint"], days["fingerprint"]);
    let (whole, key) = (seal(&stage, &visit).await, key(&stage, &boss).await);
    assert!(whole.contains("\"algorithm\":\"sm2\"") && !whole.contains("ed25519"));
    let (said, yes) = verify(&whole, &key);
    assert!(yes && said.contains("3 signatures") && said.contains(&format!("by the key {key} (SM2)")), "{said}");
    let (said, yes) = verify(&whole.replacen("茯苓", "附子", 1), &key);
    assert!(!yes && said.contains("NOT authentic"), "{said}");
    every_change_is_found(&whole, &key);
    let (said, yes) = audit(&stage);
    assert!(yes && said.contains(&format!("sealed by the key {key} (SM2)")) && said.contains("all hold"), "{said}");

    // A letter of the record, and then a bit of the signature: neither is authentic.
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    run(&db, "drop trigger note_never_changes").await;
    run(&db, "update note set content = replace(content, '感冒', '肺炎')").await;
    assert_eq!(verdict(&stage, &token).await["state"], "unknown");
    run(&db, "update note set content = replace(content, '肺炎', '感冒')").await;
    assert_eq!(verdict(&stage, &token).await["state"], "authentic");
    run(&db, "drop trigger signature_never_changes").await;
    run(&db, "update signature set bytes = zeroblob(64) where purpose = 'note'").await;
    db.close().await;
    assert_eq!(verdict(&stage, &token).await["state"], "unknown");
    let (said, yes) = audit(&stage);
    assert!(!yes && said.contains("signatures: BROKEN"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_signed_before_another_algorithm_was_chosen_holds_after_it_and_each_time_has_its_own_key() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let first = (code(&stage, &visit).await, seal(&stage, &visit).await);
    stage.clock.advance(Duration::from_secs(1));
    let stage = stage.restart_signing(Algorithm::Sm2).await;
    assert_eq!(verdict(&stage, &first.0).await["state"], "authentic", "nobody has signed since");
    sign(&stage, &visit, 1, "时行感冒", Some("更正诊断")).await;
    let second = (code(&stage, &visit).await, seal(&stage, &visit).await);
    stage.clock.advance(Duration::from_secs(1));
    let stage = stage.restart_signing(Algorithm::Ed25519).await;
    sign(&stage, &visit, 2, "风热感冒", Some("再次更正")).await;
    let third = (code(&stage, &visit).await, seal(&stage, &visit).await);

    let by = signatures(&stage, &visit).await;
    let algorithms: Vec<&str> = by.iter().map(|(algorithm, _)| algorithm.as_str()).collect();
    assert_eq!(algorithms, ["ed25519", "sm2", "ed25519"]);
    assert_ne!(by[0].1, by[2].1, "a key that ended does not sign again");
    for (token, state) in [(&first.0, "amended"), (&second.0, "amended"), (&third.0, "authentic")] {
        assert_eq!(verdict(&stage, token).await["state"], state);
    }
    let days = stage.get("/audit/days", &stage.staff("admin").await).await.ok();
    let keys = days["keys"].as_array().unwrap();
    let ended: Vec<bool> = keys.iter().map(|key| !key["until"].is_null()).collect();
    assert_eq!(ended, [true, true, false]);
    assert_eq!(days["fingerprint"], keys[2]["fingerprint"], "the one that signs now");
    for ((_, file), (key, name)) in
        [&first, &second, &third].into_iter().zip(keys.iter().zip(["Ed25519", "SM2", "Ed25519"]))
    {
        let key = key["fingerprint"].as_str().unwrap();
        let (said, yes) = verify(file, key);
        assert!(yes && said.contains(&format!("by the key {key} ({name})")), "{said}");
    }
    let (said, yes) = verify(&third.1, keys[2]["fingerprint"].as_str().unwrap());
    assert!(
        yes && said.contains("3 signed versions") && said.contains("3 signatures"),
        "both algorithms in a file: {said}"
    );
    assert!(audit(&stage).1, "{}", audit(&stage).0);
}
