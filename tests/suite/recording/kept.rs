//! What is recorded, of whom, and who may see it.

use std::path::Path;

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnectOptions;
use tokio_util::task::TaskTracker;
use yunzhen::app;
use yunzhen::domain::record::webm::{PICTURES, SOUND};

use super::scene::{Call, blocks, film, recordings, skew};
use crate::clinic::stage::Stage;
use crate::media::client::Film;

/// Three years, counted without leap days.
const THREE_YEARS: i64 = 3 * 365 * 24 * 3_600_000;

fn base(stage: &Stage) -> String {
    format!("http://{}", stage.server.http_addr)
}

async fn begin(stage: &Stage, policy: bool, consent: bool) -> Call {
    app::set_recording(&stage.server.services.config, "fever", policy).await.unwrap();
    Call::begin(&base(stage), consent, &TaskTracker::new()).await
}

/// All bytes of all files under a folder.
fn bytes_of(folder: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    entries.flat_map(|path| if path.is_dir() { bytes_of(&path) } else { std::fs::read(path).unwrap() }).collect()
}

async fn audited(stage: &Stage, action: &str) -> Vec<(String, String)> {
    let file = SqliteConnectOptions::new().filename(stage.folder.path().join("yunzhen.db")).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(file).await.unwrap();
    let rows = sqlx::query("select actor, subject from audit where action = $1 order by seq").bind(action);
    rows.fetch_all(&pool).await.unwrap().iter().map(|row| (row.get(0), row.get(1))).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_recorded_with_consent_and_played_by_its_doctor_alone_with_sound_and_picture_in_step() {
    let stage = Stage::open().await;
    let mut call = begin(&stage, true, true).await;
    call.patient.sees_recording(true).await;
    call.doctor.sees_recording(true).await;
    call.talk(100).await;
    let Call { patient, doctor, visit, base, .. } = call;
    let (token, others) = (doctor.token.clone(), patient.token.clone());
    patient.leave().await;
    doctor.leave().await;

    let list = recordings(&stage, &visit, &token, 2).await;
    let mut roles: Vec<_> = list.iter().map(|one| one["role"].as_str().unwrap().to_owned()).collect();
    roles.sort_unstable();
    assert_eq!(roles, ["doctor", "patient"], "one film each: {list:?}");
    for one in &list {
        let film = film(&base, one["id"].as_str().unwrap(), &token).await;
        let blocks = blocks(&film);
        for track in [SOUND, PICTURES] {
            let ticks: Vec<_> = blocks.iter().filter(|b| b.track == track).map(|b| Film::read(&b.data).0).collect();
            let step = if track == SOUND { 2 } else { 4 };
            assert!(ticks.len() > 60 && ticks.windows(2).all(|two| two[1] == two[0] + step), "all of it: {ticks:?}");
        }
        let (worst, flashes) = skew(&blocks);
        assert!(
            flashes >= 2 && worst <= 40,
            "{flashes} flashes are at most {worst} ms from their beeps: {:?}",
            super::scene::marks(&blocks)
        );
        let last = blocks.iter().map(|block| block.at).max().unwrap();
        assert!(one["millis"].as_u64().unwrap().abs_diff(last) < 100 && one["size"] == film.len());
        assert!(one["retain_until"].as_i64().unwrap() >= stage.clock.now().as_millis() + THREE_YEARS);
        assert_eq!((&one["is_cut"], &one["gaps"]), (&false.into(), &0.into()));
    }
    let id = list[0]["id"].as_str().unwrap();
    let own = stage.get("/recordings", &token).await.ok();
    assert_eq!(own.as_array().unwrap().len(), 2);

    let path = format!("/recordings/{id}/media");
    let colleague = stage.staff("doctor2").await;
    assert_eq!(stage.get(&path, &colleague).await.refusal(), (404, "request.not_found"));
    assert_eq!(stage.get("/recordings", &colleague).await.ok(), serde_json::json!([]));
    assert_eq!(stage.get(&path, &others).await.status, 403);
    assert_eq!(stage.get(&path, "").await.status, 401);

    let played = audited(&stage, "recording.play").await;
    assert!(
        played.iter().any(|(actor, subject)| actor.starts_with("account_")
            && subject.replace('-', "").ends_with(&id.replace('-', ""))),
        "{played:?}"
    );
    let stored = bytes_of(&stage.folder.path().join("recordings"));
    assert!(stored.len() > 2000 && bytes_of(&stage.folder.path().join("spool")).is_empty());
    for clear in [&b"V_VP8"[..], b"OpusHead", &[0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0]] {
        assert!(!stored.windows(clear.len()).any(|window| window == clear), "sealed at rest");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_patients_yes_or_the_clinics_nothing_is_recorded_and_nobody_is_told_otherwise() {
    for (policy, consent) in [(true, false), (false, true)] {
        let stage = Stage::open().await;
        let mut call = begin(&stage, policy, consent).await;
        call.talk(50).await;
        assert!(!call.patient.is_told_of_recording() && !call.doctor.is_told_of_recording());
        let (visit, token) = (call.visit.clone(), call.doctor.token.clone());
        call.patient.leave().await;
        call.doctor.leave().await;
        assert!(recordings(&stage, &visit, &token, 0).await.is_empty());
        assert!(bytes_of(&stage.folder.path().join("spool")).is_empty());
    }
}
