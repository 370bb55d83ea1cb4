//! Whose hand a prescription is of: the doctor's whose visit it is, and no program's.

use std::path::Path;
use std::time::Duration;

use reqwest::Method;
use serde_json::json;

use super::prescriptions::{begin, herbal, line, returning, sign, tick};
use super::stage::Stage;

#[tokio::test(flavor = "multi_thread")]
async fn nobody_but_the_doctor_of_the_visit_writes_changes_or_signs_a_prescription() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    tick(&stage, &visit, returning()).await.ok();
    let content = herbal(&[line("茯苓", 15_000)]);
    let rx = begin(&stage, &visit, content.clone()).await.ok();
    let new = format!("/visits/{}/prescriptions", visit.id);
    let one = format!("/prescriptions/{}", rx["id"].as_str().unwrap());
    let saved = json!({ "version": rx["version"], "content": herbal(&[line("甘草", 3000)]) });
    let signed = json!({ "version": rx["version"], "answers": {} });
    for who in ["doctor2", "nurse", "pharmacist", "admin", "the patient", "nobody"] {
        let token = match who {
            "the patient" => visit.patient.clone(),
            "nobody" => String::new(),
            staff => stage.staff(staff).await,
        };
        for (method, path, body) in [
            (Method::POST, new.clone(), json!({ "content": content })),
            (Method::PUT, one.clone(), saved.clone()),
            (Method::POST, format!("{one}/sign"), signed.clone()),
        ] {
            let refused = stage.send(method.clone(), &path, &token, Some(body), None).await;
            assert!([401, 403, 404].contains(&refused.status), "{who} {method} {path}: {}", refused.body);
        }
    }
    // Time passes, and what a server does by itself is done.
    stage.pass(Duration::from_mins(5)).await;
    stage.server.services.run_jobs().await.unwrap();
    let list = stage.get(&new, &visit.doctor).await.ok();
    assert_eq!(list["prescriptions"].as_array().unwrap().len(), 1, "{list}");
    let mine = &list["prescriptions"][0];
    assert_eq!((&mine["state"], &mine["version"], &mine["content"]), (&json!("draft"), &rx["version"], &rx["content"]));
    assert_eq!(sign(&stage, &visit, &rx, json!({})).await.ok()["state"], "signed", "the doctor does");
}

/// Every file below a folder that holds some words.
fn holding(folder: &Path, words: &str) -> Vec<String> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(holding(&path, words));
        } else if std::fs::read_to_string(&path).is_ok_and(|text| text.contains(words)) {
            found.push(path.file_name().unwrap().to_string_lossy().into_owned());
        }
    }
    found
}

/// The two ways in by which a prescription comes to be and is signed are handed the right of a doctor; there is no third.
#[test]
fn a_prescription_is_made_and_signed_in_one_place_each_by_the_right_of_a_doctor() {
    let services = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for (words, file, way) in [
        ("prescriptions().insert(", "draft.rs", "pub async fn begin_prescription("),
        ("prescriptions().sign(", "sign.rs", "pub async fn sign_prescription("),
    ] {
        assert_eq!(holding(&services, words), [file], "{words}");
        let text = std::fs::read_to_string(services.join("services/prescriptions").join(file)).unwrap();
        let (before, _) = text.split_once(words).unwrap();
        let head = before.rsplit("pub async fn ").next().unwrap();
        assert!(before.contains(way) && head.contains("act: DoctorAct"), "{words} stands behind {way}");
    }
}
