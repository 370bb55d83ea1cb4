//! What leaves the hospital as a file verifies without it, and any changed letter of it is found.

use std::time::Duration;

use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use yunzhen::services::verifying::verify_export;
use yunzhen::store::Db;

use super::audits::entries;
use super::prescriptions::{approval, claim, pharmacy, signed};
use super::proofs::sign;
use super::stage::{Stage, nothing};
use crate::support::binary::bare;
use crate::support::sql::run;

/// The letters of an answer.
pub(super) async fn text(stage: &Stage, method: reqwest::Method, path: &str, token: &str) -> String {
    let url = format!("http://{}/api/v1{path}", stage.server.http_addr);
    let mut request = reqwest::Client::new().request(method.clone(), url).bearer_auth(token);
    if method == reqwest::Method::POST {
        request = request.json(&json!({ "reason": "医疗纠纷" }));
    }
    let answer = request.send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
    answer.text().await.unwrap()
}

pub(super) async fn key(stage: &Stage, boss: &str) -> String {
    stage.get("/audit/days", boss).await.ok()["fingerprint"].as_str().unwrap().to_owned()
}

/// Somebody's hand in a file.
#[derive(Clone, Debug)]
enum Hand {
    Replaces(Index, char),
    PutsIn(Index, char),
    TakesOut(Index),
    CutsAt(Index),
    Swaps(Index, Index),
}

impl Hand {
    fn at(&self, text: &str) -> String {
        let mut letters: Vec<char> = text.chars().collect();
        let count = letters.len();
        match self {
            Self::Replaces(at, letter) => letters[at.index(count)] = *letter,
            Self::PutsIn(at, letter) => letters.insert(at.index(count + 1), *letter),
            Self::TakesOut(at) => {
                letters.remove(at.index(count));
            }
            Self::CutsAt(at) => letters.truncate(at.index(count)),
            Self::Swaps(one, other) => letters.swap(one.index(count), other.index(count)),
        }
        letters.into_iter().collect()
    }
}

fn any_hand() -> impl Strategy<Value = Hand> {
    // Letters that stand in such files, so that what comes of it still reads.
    let letter = || {
        prop_oneof![
            4 => prop::char::ranges(vec!['0'..='9', 'a'..='f', 'A'..='F', 'g'..='z'].into()),
            1 => prop::sample::select(vec![' ', '\n', '\r', '"', ',', ':', '{', '}', '\\', '肺', '炎']),
        ]
    };
    prop_oneof![
        6 => (any::<Index>(), letter()).prop_map(|(at, letter)| Hand::Replaces(at, letter)),
        2 => (any::<Index>(), letter()).prop_map(|(at, letter)| Hand::PutsIn(at, letter)),
        1 => any::<Index>().prop_map(Hand::TakesOut),
        1 => any::<Index>().prop_map(Hand::CutsAt),
        1 => (any::<Index>(), any::<Index>()).prop_map(|(one, other)| Hand::Swaps(one, other)),
    ]
}

/// Whoever knows the key, and whoever knows nothing, finds any change.
pub(super) fn every_change_is_found(whole: &str, key: &str) {
    verify_export(whole, Some(key)).unwrap();
    let head = whole.split('\n').next().unwrap_or_default();
    let config = Config { cases: 600, failure_persistence: None, ..Config::default() };
    let mut runner = TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha));
    // Half of the hands go into the first line, where most stands that no hash of what follows covers.
    let done = runner.run(&(any_hand(), any::<bool>()), |(hand, in_head)| {
        let changed = if in_head { whole.replacen(head, &hand.at(head), 1) } else { hand.at(whole) };
        prop_assume!(changed != whole);
        prop_assert!(verify_export(&changed, Some(key)).is_err(), "{hand:?}");
        prop_assert!(verify_export(&changed, None).is_err(), "{hand:?}");
        Ok(())
    });
    done.unwrap();
}

/// What `yunzhen verify` says of a file, and whether it says yes.
pub(super) fn verify(text: &str, key: &str) -> (String, bool) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("export");
    std::fs::write(&file, text).unwrap();
    let output = bare(&["verify", file.to_str().unwrap(), "--key", key]).output().unwrap();
    (String::from_utf8([output.stdout, output.stderr].concat()).unwrap(), output.status.success())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_visit_holds_its_prescriptions_with_signatures_and_states_and_any_changed_letter_is_found() {
    let stage = Stage::open().await;
    let visit = stage.visit_of(1, json!({})).await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let rx = signed(&stage, &visit).await;
    let pharmacist = stage.staff("pharmacist").await;
    claim(&stage, &pharmacist, &rx).await.ok();
    pharmacy(&stage, &pharmacist, &rx, "approve", approval(&rx)).await.ok();
    stage.clock.advance(Duration::from_hours(48));
    stage.server.services.seal_audit_days().await.unwrap();
    let boss = stage.staff("admin").await;
    let (path, key) = (format!("/visits/{}/seal", visit.id), key(&stage, &boss).await);
    let whole = text(&stage, reqwest::Method::POST, &path, &boss).await;
    let sheets: Vec<Value> = whole
        .lines()
        .skip(1)
        .map(|line| serde_json::from_str::<Value>(line).unwrap())
        .filter(|line| line["is"] == "prescription")
        .collect();
    let [sheet] = &sheets[..] else { panic!("{} prescriptions", sheets.len()) };
    assert_eq!((&sheet["state"], &sheet["number"]), (&json!("expired"), &rx["number"]));
    assert!(sheet["versions"][0]["content"].as_str().unwrap().contains("茯苓"));
    assert_eq!(
        (&sheet["signatures"][0]["purpose"], &sheet["review_signatures"][0]["purpose"]),
        (&json!("prescription"), &json!("review"))
    );
    assert!(whole.contains("rx.approved"), "what happened to it is in the entries");
    let (said, yes) = verify(&whole, &key);
    assert!(yes && said.contains("1 prescriptions") && said.contains("3 signatures"), "{said}");
    let (said, yes) = verify(&whole.replacen("茯苓", "附子", 1), &key);
    assert!(!yes && said.contains("NOT authentic"), "{said}");
    every_change_is_found(&whole, &key);
    assert_eq!(entries(&stage, "visit.seal").await[0].2.as_deref(), Some("dispute"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealed_visit_says_in_words_how_it_ends_as_its_doctor_signed_and_not_as_somebody_wrote_since() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    sign(&stage, &visit, 0, "感冒", None).await;
    let choose = async |outcome: Value| {
        stage.post(&format!("/visits/{}/outcome", visit.id), &visit.doctor, outcome).await.ok();
    };
    choose(json!({ "outcome": "home_care" })).await;
    choose(json!({ "outcome": "go_to_hospital", "reason": "需面诊" })).await;
    stage.clock.advance(Duration::from_hours(48));
    stage.server.services.seal_audit_days().await.unwrap();
    let boss = stage.staff("admin").await;
    let (path, key) = (format!("/visits/{}/seal", visit.id), key(&stage, &boss).await);
    let whole = text(&stage, reqwest::Method::POST, &path, &boss).await;
    let mut lines = whole.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    let line = lines.find(|line| line["is"] == "outcome").unwrap();
    assert_eq!((&line["words"]["zh"], &line["reason"]), (&json!("转线下就诊"), &json!("需面诊")));
    assert_eq!(line["signatures"].as_array().unwrap().len(), 2, "what was chosen before stays");
    let (said, yes) = verify(&whole, &key);
    assert!(yes && said.contains("outcome 转线下就诊 (go to the hospital), signed by account_"), "{said}");
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    for forged in ["outcome = 'home_care', outcome_reason = null", "outcome = null, outcome_reason = null"] {
        run(&db, format!("update visit set {forged}").leak()).await;
        let refused = stage.post(&path, &boss, json!({ "reason": "医疗纠纷" })).await;
        assert_eq!(refused.refusal().1, "signature.broken", "{forged}");
    }
    db.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_day_of_a_queue_verifies_offline_and_any_changed_letter_is_found() {
    let stage = Stage::open().await;
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    for n in 1..=4 {
        stage.patient_waiting(n, nothing()).await;
    }
    for _ in 0..3 {
        let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
        let version = json!({ "version": view["current"]["version"] });
        stage.post(&format!("/desks/{desk}/skip"), &doctor, version).await.ok();
        stage.pass(Duration::from_secs(1)).await;
    }
    let boss = stage.staff("admin").await;
    let clinic = stage.get("/clinics", &boss).await.ok()[0]["id"].as_str().unwrap().to_owned();
    let path = format!("/clinics/{clinic}/queue-days/2023-11-15");
    let whole = text(&stage, reqwest::Method::GET, &path, &boss).await;
    stage.clock.advance(Duration::from_hours(48));
    stage.server.services.seal_audit_days().await.unwrap();
    let key = key(&stage, &stage.staff("admin").await).await;
    let (said, yes) = verify(&whole, &key);
    assert!(yes && said.contains("the queue of fever") && said.contains("0 findings"), "{said}");
    every_change_is_found(&whole, &key);
    let (said, yes) = verify(&whole, &"0".repeat(64));
    assert!(!yes && said.contains("signed by the key"), "{said}");
}
