//! What is recorded, of whom, and who may see it.

use std::path::Path;
use std::time::Duration;

use sqlx::Row as _;
use sqlx::sqlite::SqliteConnectOptions;
use tokio_util::task::TaskTracker;
use yunzhen::app;
use yunzhen::domain::recording::webm::{PICTURES, SOUND};
use yunzhen::store::Db;

use super::scene::{Call, blocks, film, recordings, skew};
use crate::clinic::audits::entries;
use crate::clinic::stage::Stage;
use crate::media::client::PATIENCE;
use crate::media::sending::Film;
use crate::support::sql;

/// Three years, counted without leap days.
const THREE_YEARS: i64 = 3 * 365 * 24 * 3_600_000;

fn base(stage: &Stage) -> String {
    format!("http://{}", stage.server.http_addr)
}

async fn begin(stage: &Stage, policy: bool, consent: bool) -> Call {
    app::clinics::set_recording(&stage.server.services.config, "fever", None, policy).await.unwrap();
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
        assert_eq!(one["missing"], serde_json::json!([]));
        assert_eq!((&one["is_unpictured"], &one["is_screen"]), (&false.into(), &false.into()));
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

    let played = entries(&stage, "recording.play").await;
    assert!(
        played.iter().any(|(actor, subject, _)| actor.starts_with("account_")
            && subject.replace('-', "").ends_with(&id.replace('-', ""))),
        "{played:?}"
    );
    assert!(played.iter().all(|(_, _, purpose)| purpose.as_deref() == Some("treatment")), "{played:?}");
    let stored = bytes_of(&stage.folder.path().join("recordings"));
    assert!(stored.len() > 2000 && bytes_of(&stage.folder.path().join("spool")).is_empty());
    for clear in [&b"V_VP8"[..], b"OpusHead", &[0x9d, 0x01, 0x2a, 0x40, 0x01, 0xf0]] {
        assert!(!stored.windows(clear.len()).any(|window| window == clear), "sealed at rest");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_camera_that_speaks_h264_alone_is_seen_and_its_film_holds_the_sound_and_says_that_pictures_are_missing() {
    let stage = Stage::open().await;
    app::clinics::set_recording(&stage.server.services.config, "fever", None, true).await.unwrap();
    let mut call = Call::begin_with_chips(&base(&stage), &TaskTracker::new()).await;
    call.patient.sees_recording(true).await;
    call.talk(100).await;
    let Call { patient, doctor, visit, base, .. } = call;
    let token = doctor.token.clone();
    patient.leave().await;
    doctor.leave().await;
    for one in recordings(&stage, &visit, &token, 2).await {
        assert_eq!((&one["is_unpictured"], &one["is_cut"]), (&true.into(), &false.into()), "{one}");
        assert!(one["gaps"].as_u64().unwrap() >= 1, "{one}");
        let unpictured = one["missing"].as_array().unwrap().iter().find(|gap| gap["cause"] == "codec").unwrap();
        assert_eq!((&unpictured["kind"], &unpictured["from"]), (&"video".into(), &0.into()), "{one}");
        let film = film(&base, one["id"].as_str().unwrap(), &token).await;
        let blocks = blocks(&film);
        assert!(blocks.len() > 20 && blocks.iter().all(|block| block.track == SOUND));
    }
    // Where the films cannot be read there is the list all the same.
    std::fs::remove_dir_all(stage.folder.path().join("recordings")).unwrap();
    for one in recordings(&stage, &visit, &token, 2).await {
        assert!(one["gaps"].as_u64().unwrap() >= 1 && one["missing"].is_null(), "{one}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_shown_screen_is_a_film_of_its_own_of_whoever_shows_it_kept_as_long_and_played_by_the_doctor_alone() {
    let stage = Stage::open().await;
    app::clinics::set_recording(&stage.server.services.config, "fever", None, true).await.unwrap();
    let mut call = Call::begin_showing(&base(&stage), &TaskTracker::new()).await;
    call.patient.sees_recording(true).await;
    call.talk(100).await;
    let Call { patient, doctor, visit, base, .. } = call;
    let token = doctor.token.clone();
    patient.leave().await;
    doctor.leave().await;
    let list = recordings(&stage, &visit, &token, 3).await;
    let of = |role: &str, is_screen: bool| {
        let mut found = list.iter().filter(|one| one["role"] == role && one["is_screen"] == is_screen);
        found.next().unwrap_or_else(|| panic!("{role} {is_screen}: {list:?}"))
    };
    let (screen, face) = (of("doctor", true), of("doctor", false));
    assert!(list.len() == 3 && of("patient", false)["gaps"] == 0, "whoever shows none has no such film: {list:?}");
    assert_eq!((&screen["gaps"], &screen["part"], &screen["is_cut"]), (&0.into(), &1.into(), &false.into()));
    for (one, is_screen) in [(screen, true), (face, false)] {
        let film = film(&base, one["id"].as_str().unwrap(), &token).await;
        let blocks = blocks(&film);
        let pictures: Vec<_> = blocks.iter().filter(|block| block.track == PICTURES).collect();
        assert!(pictures.iter().all(|block| Film::is_of_a_screen(&block.data) == is_screen), "one in each");
        assert_eq!(pictures.len() == blocks.len(), is_screen, "a screen has no sound");
        let ticks: Vec<_> = pictures.iter().map(|block| Film::read(&block.data).0).collect();
        assert!(ticks.len() > 30 && ticks.windows(2).all(|two| two[1] == two[0] + 4), "all of it: {ticks:?}");
        assert!(one["retain_until"].as_i64().unwrap() >= stage.clock.now().as_millis() + THREE_YEARS);
    }
    let colleague = stage.staff("doctor2").await;
    let path = format!("/recordings/{}/media", screen["id"].as_str().unwrap());
    assert_eq!(stage.get(&path, &colleague).await.refusal(), (404, "request.not_found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_late_repeat_of_an_old_withdrawal_takes_back_nothing_that_was_agreed_to_since() {
    let stage = Stage::open().await;
    app::clinics::set_recording(&stage.server.services.config, "fever", None, true).await.unwrap();
    let (patient, id) = stage.known_patient(1).await;
    stage.consent(&patient, &id, true).await;
    let texts = stage.get("/consents", &patient).await.ok();
    let text = texts.as_array().unwrap().iter().find(|text| text["kind"] == "process_record").unwrap();
    let no = serde_json::json!({ "kind": "process_record", "version": text["version"], "granted": false });
    let path = format!("/patients/{id}/consents");
    let withdraw = async |key: &str| {
        stage.send(reqwest::Method::POST, &path, &patient, Some(no.clone()), Some(key)).await.ok();
    };
    stage.clock.advance(Duration::from_secs(1));
    withdraw("old").await;
    stage.clock.advance(Duration::from_secs(1));
    let (doctor, desk) = stage.doctor_at_desk("doctor", 0).await;
    stage.consent(&patient, &id, true).await;
    let declaration = stage.declare(&patient, &id, serde_json::json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
    stage.post("/tickets", &patient, serde_json::json!({ "declaration": declaration["id"] })).await.ok();
    let view = stage.act(&format!("/desks/{desk}/call-next"), &doctor).await.ok();
    let (ticket, version) = (view["current"]["ticket"].as_str().unwrap(), &view["current"]["version"]);
    let accept = serde_json::json!({ "version": version });
    let accepted = stage.post(&format!("/tickets/{ticket}/accept"), &patient, accept).await.ok();
    let confirm = serde_json::json!({ "version": accepted["version"] });
    stage.post(&format!("/desks/{desk}/confirm"), &doctor, confirm).await.ok();

    let file = SqliteConnectOptions::new().filename(stage.folder.path().join("yunzhen.db")).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(file).await.unwrap();
    let recorded = async || {
        sqlx::query_scalar::<_, bool>("select recording from room where purpose = 'visit'")
            .fetch_one(&pool)
            .await
            .unwrap()
    };
    assert!(recorded().await);
    withdraw("old").await;
    assert!(recorded().await, "the answer of then, and nothing more");
    withdraw("new").await;
    assert!(!recorded().await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_consent_that_is_taken_back_stops_the_recording_at_once_and_what_was_recorded_before_is_kept_and_says_so() {
    let stage = Stage::open().await;
    let mut call = begin(&stage, true, true).await;
    call.patient.sees_recording(true).await;
    call.talk(50).await;
    let (agreed_at, token) = (stage.clock.now().as_millis(), call.doctor.token.clone());
    stage.clock.advance(Duration::from_secs(5));
    let stop = format!("/visits/{}/recording/stop", call.visit);
    assert_eq!(stage.act(&stop, &token).await.status, 403, "the patient decides");
    let decision = stage.act(&stop, &call.patient.token).await.ok();
    assert_eq!((&decision["kind"], &decision["granted"]), (&"process_record".into(), &false.into()));
    call.patient.sees_recording(false).await;
    call.doctor.sees_recording(false).await;
    let filmed = [call.patient.client.filmed(), call.doctor.client.filmed()];
    // The films are there while the call goes on, and nothing is added to them.
    let list = recordings(&stage, &call.visit, &token, 2).await;
    call.talk(50).await;
    for (role, filmed) in ["patient", "doctor"].into_iter().zip(filmed) {
        let one = list.iter().find(|one| one["role"] == role).unwrap();
        assert_eq!((&one["is_withdrawn"], &one["is_cut"]), (&true.into(), &false.into()), "{one}");
        let film = film(&call.base, one["id"].as_str().unwrap(), &token).await;
        let ticks: Vec<_> = blocks(&film).iter().map(|block| Film::read(&block.data).0).collect();
        assert!(
            ticks.len() > 30 && ticks.iter().all(|tick| *tick <= filmed),
            "{role}: nothing after {filmed}: {ticks:?}"
        );
    }
    // What was agreed to when it began stands beside the film, whatever was decided since.
    let file = SqliteConnectOptions::new().filename(stage.folder.path().join("yunzhen.db")).read_only(true);
    let pool = sqlx::SqlitePool::connect_with(file).await.unwrap();
    let consents: Vec<(String, i64)> =
        sqlx::query_as("select consent_version, consent_at from recording").fetch_all(&pool).await.unwrap();
    assert!(consents.iter().all(|(version, at)| !version.is_empty() && *at <= agreed_at), "{consents:?}");
    assert_eq!(audited(&stage, "recording.withdraw").await.len(), 1);

    // A yes in the same visit begins nothing anew, and a reload neither.
    stage.consent(&call.patient.token, &call.patient_id, true).await;
    call.talk(25).await;
    assert!(!call.patient.is_told_of_recording());
    let visit = call.visit.clone();
    call.patient.leave().await;
    call.doctor.leave().await;
    assert_eq!(recordings(&stage, &visit, &token, 2).await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_wants_it_is_filmed_no_more_although_it_cannot_be_written_and_says_it_until_it_is() {
    let stage = Stage::open().await;
    let mut call = begin(&stage, true, true).await;
    call.patient.sees_recording(true).await;
    call.talk(50).await;
    let (refused, token) = (call.doctor.stops_recording().await, call.doctor.token.clone());
    assert_eq!(refused["problem"]["code"], "auth.forbidden", "the patient decides");
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "create trigger away before insert on consent begin select raise(abort, 'away'); end").await;
    assert!(call.patient.is_told_of_recording(), "nobody else's word stops it");
    assert_eq!(call.patient.stops_recording().await["type"], "refused");
    call.patient.sees_recording(false).await;
    call.doctor.sees_recording(false).await;
    let filmed = call.patient.client.filmed();
    call.talk(50).await;
    sql::run(&db, "drop trigger away").await;
    db.close().await;
    stage.clock.advance(Duration::from_secs(1));
    for _ in 0..2 {
        assert_eq!(call.patient.stops_recording().await["type"], "done");
    }
    assert_eq!(audited(&stage, "recording.withdraw").await.len(), 1, "written once");
    let consents = format!("/patients/{}/consents", call.patient_id);
    let decided = stage.get(&consents, &call.patient.token).await.ok();
    let records = decided.as_array().unwrap().iter().filter(|one| one["kind"] == "process_record");
    assert_eq!(records.map(|one| one["granted"].clone()).collect::<Vec<_>>(), [true, false]);
    let list = recordings(&stage, &call.visit, &token, 2).await;
    let one = list.iter().find(|one| one["role"] == "patient").unwrap();
    assert_eq!((&one["is_withdrawn"], &one["is_cut"]), (&true.into(), &false.into()), "{one}");
    let film = film(&call.base, one["id"].as_str().unwrap(), &token).await;
    let ticks: Vec<_> = blocks(&film).iter().map(|block| Film::read(&block.data).0).collect();
    assert!(ticks.len() > 30 && ticks.iter().all(|tick| *tick <= filmed), "nothing after {filmed}: {ticks:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_patient_who_wants_it_is_filmed_no_more_while_the_database_is_away() {
    let stage = Stage::open().await;
    let mut call = begin(&stage, true, true).await;
    call.patient.sees_recording(true).await;
    call.talk(50).await;
    stage.server.services.close().await;
    assert_eq!(call.patient.stops_recording().await["problem"]["code"], "server.unavailable");
    call.patient.sees_recording(false).await;
    call.doctor.sees_recording(false).await;
    call.talk(25).await;
}

/// A call that was recorded, and whose visit is over.
async fn recorded_to_the_end(stage: &Stage) -> Call {
    let mut call = begin(stage, true, true).await;
    call.patient.sees_recording(true).await;
    call.talk(50).await;
    let (visit, token) = (&call.visit, &call.doctor.token);
    let outcome = serde_json::json!({ "outcome": "home_care" });
    stage.post(&format!("/visits/{visit}/outcome"), token, outcome).await.ok();
    stage.act(&format!("/visits/{visit}/end"), token).await.ok();
    call
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_is_kept_for_three_years_and_not_a_millisecond_less_and_its_end_is_audited() {
    let stage = Stage::open().await;
    let call = recorded_to_the_end(&stage).await;
    let (visit, token) = (call.visit.clone(), call.doctor.token.clone());
    let until = recordings(&stage, &visit, &token, 2).await[0]["retain_until"].as_i64().unwrap();
    let services = &stage.server.services;
    let films = || bytes_of(&stage.folder.path().join("recordings")).len();
    let to_the_end = u64::try_from(until - stage.clock.now().as_millis()).unwrap();
    stage.clock.advance(Duration::from_millis(to_the_end));
    assert_eq!(services.remove_recordings().await.unwrap(), 0, "in its last millisecond");
    assert!(films() > 2000);
    stage.clock.advance(Duration::from_millis(1));
    let administrator = stage.staff("admin").await;
    let why = serde_json::json!({ "reason": "医疗纠纷" });
    let hold = stage.post(&format!("/visits/{visit}/hold"), &administrator, why.clone()).await.ok();
    assert_eq!(services.remove_recordings().await.unwrap(), 0, "somebody wants it kept");
    assert!(films() > 2000);
    let lift = format!("/holds/{}/lift", hold["id"].as_str().unwrap());
    assert_eq!(stage.post(&lift, &administrator, why).await.status, 204);
    assert_eq!(services.remove_recordings().await.unwrap(), 2);
    assert_eq!((films(), audited(&stage, "recording.expire").await.len()), (0, 2));
    assert_eq!(services.remove_recordings().await.unwrap(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_film_plays_for_the_visit_in_which_it_was_made_whatever_its_row_says() {
    let stage = Stage::open().await;
    let call = recorded_to_the_end(&stage).await;
    let (visit, token) = (call.visit.clone(), call.doctor.token.clone());
    let film = recordings(&stage, &visit, &token, 2).await[0]["id"].as_str().unwrap().to_owned();
    let media = format!("/recordings/{film}/media");
    assert_eq!(stage.get(&media, &token).await.status, 206);
    let administrator = stage.staff("admin").await;
    let broken = async || stage.act("/audit/verify", &administrator).await.ok()["broken"].clone();
    assert_eq!(broken().await, serde_json::Value::Null);

    stage.clock.advance(Duration::from_secs(1));
    let other = stage.visit_of(2, serde_json::json!({ "sx.fever": true, "sx.temp": 38.2 })).await;
    let db = Db::open(&format!("sqlite:{}", stage.folder.path().join("yunzhen.db").display())).await.unwrap();
    sql::run(&db, "update recording set visit_id = (select id from visit order by started_at desc limit 1)").await;
    db.close().await;
    assert_eq!(recordings(&stage, &other.id, &other.doctor, 2).await.len(), 2, "the rows are believed so far");
    assert_eq!(stage.get(&media, &other.doctor).await.refusal(), (404, "request.not_found"));
    let told = broken().await;
    assert!(told.as_str().is_some_and(|told| told.contains("the film of entry")), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_wrong_person_no_film_is_shown_or_kept() {
    let stage = Stage::open().await;
    let mut call = begin(&stage, true, true).await;
    call.patient.sees_recording(true).await;
    call.doctor.sees_recording(true).await;
    call.talk(50).await;
    let (visit, token) = (call.visit.clone(), call.doctor.token.clone());
    // One film is stored already when the doctor sees who it is, the other grows.
    call.patient.leave().await;
    let film = recordings(&stage, &visit, &token, 1).await[0]["id"].as_str().unwrap().to_owned();
    stage.post(&format!("/desks/{}/wrong-person", call.desk), &token, call.version).await.ok();
    assert!(recordings(&stage, &visit, &token, 0).await.is_empty());
    let media = stage.get(&format!("/recordings/{film}/media"), &token).await;
    assert_eq!(media.refusal(), (404, "request.not_found"));
    let spool = stage.folder.path().join("spool");
    let discarded = async {
        let mut look = tokio::time::interval(Duration::from_millis(100));
        while !bytes_of(&spool).is_empty() {
            look.tick().await;
        }
    };
    tokio::time::timeout(PATIENCE, discarded).await.expect("the growing one is discarded");
    assert_eq!(stage.server.services.remove_recordings().await.unwrap(), 1);
    assert!(bytes_of(&stage.folder.path().join("recordings")).is_empty());
    assert_eq!(audited(&stage, "recording.discard").await.len(), 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_player_may_ask_for_the_end_of_a_film() {
    let stage = Stage::open().await;
    let mut call = begin(&stage, true, true).await;
    call.patient.sees_recording(true).await;
    call.talk(50).await;
    let (visit, token, base) = (call.visit.clone(), call.doctor.token.clone(), call.base.clone());
    call.patient.leave().await;
    call.doctor.leave().await;
    let id = recordings(&stage, &visit, &token, 2).await[0]["id"].as_str().unwrap().to_owned();
    let whole = film(&base, &id, &token).await;
    let ask = |range: &'static str| {
        let request = reqwest::Client::new().get(format!("{base}/api/v1/recordings/{id}/media")).bearer_auth(&token);
        request.header(reqwest::header::RANGE, range).send()
    };
    let end = ask("bytes=-500").await.unwrap();
    let place = format!("bytes {}-{}/{}", whole.len() - 500, whole.len() - 1, whole.len());
    assert_eq!((end.status().as_u16(), end.headers()["content-range"].to_str().unwrap()), (206, &place[..]));
    assert_eq!(end.bytes().await.unwrap(), whole[whole.len() - 500..]);
    assert_eq!(ask("bytes=-0").await.unwrap().status(), 416);
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
