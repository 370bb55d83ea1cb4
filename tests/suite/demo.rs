//! The two commands of the README from outside: what `demo` prints and writes, what `serve` never shows, and how both
//! say that they are well.

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::{Value, json};

use crate::clinic::stage::{LINK, Site};
use crate::support::binary::{self, Binary};

/// What a real server must be told.
const REAL: [(&str, &str); 2] =
    [("YUNZHEN_PUBLIC_URL", "https://clinic.example"), ("YUNZHEN_MEDIA_ANNOUNCE", "127.0.0.1:9")];

fn demo_json(folder: &Path) -> Value {
    let text = std::fs::read_to_string(folder.join("demo.json")).unwrap();
    serde_json::from_str(&text).unwrap()
}

/// Whoever else has an account on this machine cannot read it.
#[track_caller]
fn is_private(file: &Path) {
    use std::os::unix::fs::PermissionsExt as _;
    let mode = std::fs::metadata(file).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o600, "{}", file.display());
}

/// Status, type and text of a page.
async fn page(server: &Binary, path: &str) -> (u16, String, String) {
    let response = reqwest::get(format!("{}{path}", server.base)).await.unwrap();
    let mime = response.headers().get("content-type").map(|mime| mime.to_str().unwrap().to_owned());
    (response.status().as_u16(), mime.unwrap_or_default(), response.text().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn the_demonstration_prints_and_writes_links_and_accounts_that_work() {
    let folder = tempfile::tempdir().unwrap();
    let server = Binary::start(&["demo"], folder.path(), &[]);
    let printed = server.printed_until("/api/docs");
    let demo = demo_json(folder.path());
    let keys: Vec<_> = demo.as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(keys, ["accounts", "base_url", "booking_link", "patient_link"]);
    assert_eq!(demo["base_url"], server.base.as_str());
    let link = demo["patient_link"].as_str().unwrap();
    assert!(printed.contains(link), "{printed}");
    assert!(printed.contains(demo["booking_link"].as_str().unwrap()), "{printed}");
    let site = Site::at(&server.base);
    let accounts = demo["accounts"].as_array().unwrap();
    let mut roles = Vec::new();
    for account in accounts {
        assert_eq!(account.as_object().unwrap().keys().collect::<Vec<_>>(), ["password", "role", "username"]);
        let (name, password) = (account["username"].as_str().unwrap(), account["password"].as_str().unwrap());
        assert!(printed.lines().any(|line| line.contains(name) && line.contains(password)), "{printed}");
        let login = json!({ "username": name, "password": password });
        let tokens = site.post("/auth/login", "", login).await.ok();
        assert_eq!(tokens["subject"]["role"], account["role"]);
        roles.push(account["role"].as_str().unwrap());
    }
    assert_eq!(roles, ["doctor", "doctor", "nurse", "pharmacist", "administrator"]);
    let slots = site.get("/slots?link=demo-tcm-clinic", "").await.ok();
    assert_ne!(slots["slots"], json!([]), "there are hours to book the moment it is ready");
    like_a_clinics_week(&site, &slots).await;
    let doctor = site.staff("doctor").await;
    let clinics = site.get("/clinics", &doctor).await.ok();
    let codes: Vec<_> = clinics.as_array().unwrap().iter().map(|clinic| clinic["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["fever", "tcm"]);
    assert!(clinics.as_array().unwrap().iter().all(|clinic| !clinic["desks"].as_array().unwrap().is_empty()));
    let token = link.rsplit('/').next().unwrap();
    let landing = site.get(&format!("/links/{token}"), "").await.ok();
    assert_eq!((&landing["demo"], &landing["clinic"]), (&json!(true), &clinics[0]["id"]));
    let path = link.strip_prefix(server.base.as_str()).unwrap();
    let (status, mime, html) = page(&server, path).await;
    assert_eq!((status, mime.as_str()), (200, "text/html; charset=utf-8"));
    let script = html.split("type=\"module\" crossorigin src=\"").nth(1).unwrap().split('"').next().unwrap();
    let (status, mime, script) = page(&server, script).await;
    assert!(
        status == 200 && mime.contains("javascript") && script.contains("import"),
        "the client is inside the binary"
    );
    is_private(&folder.path().join("demo.json"));
    is_private(&folder.path().join("secret.key"));
}

/// Both doctors can be booked within the half hour, whatever the hour; a day has its gaps, and some places are taken.
async fn like_a_clinics_week(site: &Site, first: &Value) {
    let days = first["days"].as_array().unwrap();
    let mut slots = Vec::new();
    for day in &days[..3] {
        let path = format!("/slots?link=demo-tcm-clinic&day={}", day["day"].as_str().unwrap());
        slots.push(site.get(&path, "").await.ok()["slots"].as_array().unwrap().clone());
    }
    // Eight and seven half hours of the one, six and seven of the other: only the first two days have more.
    assert_eq!(slots[2].len(), 28);
    let as_of = first["as_of"].as_i64().unwrap();
    let all: Vec<&Value> = slots.iter().flatten().collect();
    let soon = all.iter().filter(|slot| slot["starts_at"].as_i64().unwrap() - as_of <= 30 * 60_000);
    let doctors: BTreeSet<&str> = soon.map(|slot| slot["doctor"].as_str().unwrap()).collect();
    assert_eq!(doctors.len(), 2, "somebody who tries it now finds both");
    let taken = all.iter().filter(|slot| slot["free"] == 0).count();
    assert!(taken > 5 && taken < all.len() / 2, "{taken} of {} are taken", all.len());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demonstration_that_starts_again_is_the_same_hospital_and_a_fresh_one_starts_over() {
    let folder = tempfile::tempdir().unwrap();
    let names = async |server: &Binary| {
        let site = Site::at(&server.base);
        site.get("/clinics", &site.staff("nurse").await).await.ok()[0]["id"].clone()
    };
    let server = Binary::start(&["demo"], folder.path(), &[]);
    let first = names(&server).await;
    drop(server);
    let server = Binary::start(&["demo"], folder.path(), &[]);
    assert_eq!(names(&server).await, first);
    drop(server);
    let server = Binary::start(&["demo", "--fresh"], folder.path(), &[]);
    assert_ne!(names(&server).await, first);
}

/// What the binary says when it refuses to start in `folder`.
fn refusal(arguments: &[&str], folder: &Path) -> String {
    let mut command = binary::bare(arguments);
    command.env("YUNZHEN_HTTP_ADDR", "127.0.0.1:0").env("YUNZHEN_MEDIA_ADDR", "127.0.0.1:0");
    let output = command.env("YUNZHEN_DATA_DIR", folder).output().unwrap();
    assert!(!output.status.success(), "it started in {}", folder.display());
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_demonstration_never_opens_nor_empties_the_folder_of_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let database = folder.path().join("yunzhen.db");
    std::fs::write(&database, "patients").unwrap();
    assert!(refusal(&["demo"], folder.path()).contains("holds the data of a real server"));
    assert!(refusal(&["demo", "--fresh"], folder.path()).contains("holds other things than a demonstration"));
    assert_eq!(std::fs::read_to_string(&database).unwrap(), "patients");
}

#[test]
fn a_key_that_cannot_be_read_whole_is_never_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("secret.key");
    std::fs::write(&key, "half a key").unwrap();
    assert!(refusal(&["demo"], folder.path()).contains("cut short"));
    assert_eq!(std::fs::read_to_string(&key).unwrap(), "half a key");
}

#[test]
fn who_cannot_start_is_told_which_address_or_folder_and_which_variable() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().unwrap();
    let http = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let media = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    let file = folder.path().join("a-file");
    std::fs::write(&file, "").unwrap();
    let (http, media) = (http.local_addr().unwrap(), media.local_addr().unwrap());
    for (variable, value) in [
        ("YUNZHEN_HTTP_ADDR", http.to_string()),
        ("YUNZHEN_MEDIA_ADDR", media.to_string()),
        ("YUNZHEN_DATA_DIR", file.join("below").display().to_string()),
    ] {
        let mut command = binary::bare(&["demo"]);
        command.env("YUNZHEN_HTTP_ADDR", "127.0.0.1:0").env("YUNZHEN_MEDIA_ADDR", "127.0.0.1:0");
        let ended = command.env("YUNZHEN_DATA_DIR", folder.path().join("data")).env(variable, &value).output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && said.contains(variable) && said.contains(&value), "{said}");
    }
    let mode = folder.path().join("data").metadata().unwrap().permissions().mode() & 0o777;
    assert_eq!(mode, 0o700, "what patients said is for this account alone");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_server_shows_no_code_offers_no_test_picture_and_knows_no_account() {
    let folder = tempfile::tempdir().unwrap();
    drop(Binary::start(&["demo"], folder.path(), &[]));
    // The demonstration's hospital, so that there is a link to open; who serves it is a real server.
    let server = Binary::start(&["serve"], folder.path(), &REAL);
    let site = Site::at(&server.base);
    let landing = site.get(&format!("/links/{LINK}"), "").await.ok();
    assert_eq!(landing["demo"], false);
    let sent = site.post("/auth/code", "", json!({ "link": LINK, "phone": "13800000001" })).await.ok();
    assert!(sent.get("demo_code").is_none(), "{sent}");
    let outbox = folder.path().join("outbox.jsonl");
    assert_eq!(std::fs::read_to_string(&outbox).unwrap().lines().count(), 1, "it went to the telephone");
    is_private(&outbox);
    let flags = json!({ "link": LINK, "yes": [landing["red_flags"][0]["id"]] });
    let line = site.post("/red-flags", "", flags).await.ok()["line"].clone();
    let caller = line["tokens"]["access_token"].as_str().unwrap();
    let grant = site.act(&format!("/alarms/{}/grant", line["alarm"].as_str().unwrap()), caller).await.ok();
    assert_eq!(grant["demo"], false);
    drop(server);

    let folder = tempfile::tempdir().unwrap();
    let server = Binary::start(&["serve"], folder.path(), &REAL);
    let site = Site::at(&server.base);
    for name in ["doctor", "doctor2", "nurse", "pharmacist", "admin"] {
        let login = json!({ "username": name, "password": format!("yunzhen-{name}") });
        assert_eq!(site.post("/auth/login", "", login).await.refusal(), (401, "auth.bad_credentials"), "{name}");
    }
    assert_eq!(site.get(&format!("/links/{LINK}"), "").await.refusal(), (404, "link.unknown"));
    assert!(!folder.path().join("demo.json").exists());
}

#[test]
fn a_real_server_that_was_told_too_little_says_what_is_missing() {
    let folder = tempfile::tempdir().unwrap();
    for (given, missing) in [(REAL[0], "YUNZHEN_MEDIA_ANNOUNCE"), (REAL[1], "YUNZHEN_PUBLIC_URL")] {
        let mut command = binary::bare(&["serve"]);
        command.env("YUNZHEN_DATA_DIR", folder.path()).env("YUNZHEN_HTTP_ADDR", "127.0.0.1:0").env(given.0, given.1);
        let ended = command.output().unwrap();
        let said = String::from_utf8_lossy(&ended.stderr);
        assert!(!ended.status.success() && said.contains(missing), "{said}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing was begun");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_says_that_it_lives_is_ready_and_how_much_it_does() {
    let folder = tempfile::tempdir().unwrap();
    let server = Binary::start(&["demo"], folder.path(), &[]);
    assert_eq!(page(&server, "/healthz").await.0, 200);
    assert_eq!(page(&server, "/readyz").await.0, 200);
    let (status, mime, text) = page(&server, "/metrics").await;
    assert_eq!(status, 200);
    assert!(mime.starts_with("text/plain"), "{mime}");
    let names: BTreeSet<&str> =
        text.lines().filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    for name in ["yunzhen_rooms", "yunzhen_connections"] {
        assert!(names.contains(name), "{text}");
        let value = text.lines().find_map(|line| line.strip_prefix(name)?.trim().parse::<f64>().ok());
        assert_eq!(value, Some(0.0), "{text}");
    }
    let asked = binary::bare(&["healthcheck"])
        .env("YUNZHEN_HTTP_ADDR", server.base.trim_start_matches("http://"))
        .env("YUNZHEN_DATA_DIR", folder.path())
        .envs(REAL)
        .output()
        .unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
    let address = server.base.trim_start_matches("http://").to_owned();
    drop(server);
    let asked = binary::bare(&["healthcheck"]).env("YUNZHEN_HTTP_ADDR", address).envs(REAL).output().unwrap();
    assert!(!asked.status.success(), "nobody answers there any more");
}

#[test]
fn the_health_check_asks_where_the_server_listens() {
    let folder = tempfile::tempdir().unwrap();
    let server = Binary::start(&["demo"], folder.path(), &[("YUNZHEN_HTTP_ADDR", "127.0.0.2:0")]);
    let address = server.base.trim_start_matches("http://");
    assert!(address.starts_with("127.0.0.2:"), "{address}");
    let asked = binary::bare(&["healthcheck"]).env("YUNZHEN_HTTP_ADDR", address).envs(REAL).output().unwrap();
    assert!(asked.status.success(), "{}", String::from_utf8_lossy(&asked.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn synthetic_patients_come_to_a_demonstration_with_fevers_of_several_levels_and_never_to_a_real_server() {
    let folder = tempfile::tempdir().unwrap();
    let server = Binary::start(&["demo", "--patients", "6"], folder.path(), &[]);
    let site = Site::at(&server.base);
    let nurse = site.staff("nurse").await;
    let clinic = site.get("/clinics", &nurse).await.ok()[0]["id"].as_str().unwrap().to_owned();
    let mut look = tokio::time::interval(std::time::Duration::from_millis(200));
    let tickets = async {
        loop {
            look.tick().await;
            let board = site.get(&format!("/clinics/{clinic}/board"), &nurse).await.ok();
            let tickets = board["tickets"].as_array().unwrap().clone();
            if tickets.len() == 6 {
                return tickets;
            }
        }
    };
    let tickets = tokio::time::timeout(std::time::Duration::from_secs(40), tickets).await.expect("all six come");
    assert!(tickets.iter().all(|ticket| ticket["phase"] == "waiting"), "{tickets:?}");
    let levels: BTreeSet<_> = tickets.iter().map(|ticket| ticket["level"].as_str().unwrap()).collect();
    assert!(levels.len() >= 2, "{levels:?}");

    let mut command = binary::bare(&["serve", "--patients", "4"]);
    let refused = command.env("YUNZHEN_DATA_DIR", folder.path()).output().unwrap();
    assert!(!refused.status.success() && String::from_utf8_lossy(&refused.stderr).contains("--patients"));
}
