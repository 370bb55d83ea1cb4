//! A real hospital's first day, by `yunzhen establish`.

use std::path::Path;

use serde_json::json;

use crate::clinic::stage::Site;
use crate::support::binary::{self, Binary};

const REAL: [(&str, &str); 2] =
    [("YUNZHEN_PUBLIC_URL", "https://clinic.example"), ("YUNZHEN_MEDIA_ANNOUNCE", "127.0.0.1:9")];

const CHARTER: &str = r#"
[hospital]
name_zh = "某省中医院"
name_en = "A Provincial Hospital of TCM"
help_phone = "000-0000-0000"

[[clinics]]
code = "fever"
kind = "fever"
name_zh = "发热咨询门诊"
name_en = "Fever consultation clinic"
desks = 2

[[staff]]
username = "admin.a"
role = "administrator"
name_zh = "管理员甲"
name_en = "Administrator A"
title_zh = "管理员"
title_en = "Administrator"
"#;

const MORE: &str = r#"
[[staff]]
username = "doctor.a"
role = "doctor"
name_zh = "医师甲"
name_en = "Doctor A"
title_zh = "主治医师"
title_en = "Attending physician"
licence_until = "2999-12-31"
registration = "000000000000001"
practises_since = "2010-07-01"
consent_on = "2020-01-02"

[[staff]]
username = "nurse.a"
role = "nurse"
name_zh = "护士甲"
name_en = "Nurse A"
title_zh = "主管护师"
title_en = "Nurse in charge"
"#;

fn establish(folder: &Path, charter: &str) -> (bool, String) {
    let file = folder.join("charter.toml");
    std::fs::write(&file, charter).unwrap();
    run(folder, &["establish", file.to_str().unwrap()])
}

/// Whether it went well, and what it said.
fn run(folder: &Path, arguments: &[&str]) -> (bool, String) {
    let mut command = binary::bare(arguments);
    let output = command.env("YUNZHEN_DATA_DIR", folder.join("data")).envs(REAL).output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.success(), said)
}

/// The password that was printed for a user name.
fn password<'said>(said: &'said str, username: &str) -> &'said str {
    let line = said.lines().find(|line| line.split_whitespace().any(|word| word == username)).unwrap();
    line.split_whitespace().last().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hospital_is_established_by_a_file_and_a_longer_file_adds_to_it() {
    let folder = tempfile::tempdir().unwrap();
    let (is_done, first) = establish(folder.path(), CHARTER);
    assert!(is_done && first.contains("https://clinic.example/v/"), "{first}");
    let link = first.split("/v/").nth(1).unwrap().split_whitespace().next().unwrap();
    let server = Binary::start(&["serve"], &folder.path().join("data"), &REAL);
    let site = Site::at(&server.base);
    let sign_in = async |username: &str, password: &str| {
        let login = json!({ "username": username, "password": password });
        site.post("/auth/login", "", login).await.ok()
    };
    let tokens = sign_in("admin.a", password(&first, "admin.a")).await;
    assert_eq!(tokens["subject"]["role"], "administrator");
    let token = tokens["access_token"].as_str().unwrap();
    let clinics = site.get("/clinics", token).await.ok();
    assert_eq!((&clinics[0]["code"], clinics[0]["desks"].as_array().unwrap().len()), (&json!("fever"), 2));
    let landing = site.get(&format!("/links/{link}"), "").await.ok();
    assert_eq!((&landing["demo"], &landing["clinic"]), (&json!(false), &clinics[0]["id"]));

    // The server goes on meanwhile.
    let longer = format!("{}{MORE}", CHARTER.replace("desks = 2", "desks = 3"));
    let (is_done, second) = establish(folder.path(), &longer);
    assert!(is_done && second.contains("admin.a was here before"), "{second}");
    assert!(second.contains(link) && second.contains("what is new was added"), "patients keep their link: {second}");
    let (is_done, third) = establish(folder.path(), &longer);
    assert!(is_done && third.contains("nothing was changed"), "{third}");
    let tokens = sign_in("admin.a", password(&first, "admin.a")).await;
    let clinics = site.get("/clinics", tokens["access_token"].as_str().unwrap()).await.ok();
    assert_eq!((clinics.as_array().unwrap().len(), clinics[0]["desks"].as_array().unwrap().len()), (1, 3));
    assert_eq!(sign_in("nurse.a", password(&second, "nurse.a")).await["subject"]["role"], "nurse");
    let doctor = sign_in("doctor.a", password(&second, "doctor.a")).await;
    let open = format!("/desks/{}/open", clinics[0]["desks"][0]["id"].as_str().unwrap());
    site.post(&open, doctor["access_token"].as_str().unwrap(), json!({})).await.ok();
}

#[test]
fn a_charter_with_faults_makes_nothing_and_names_each() {
    let folder = tempfile::tempdir().unwrap();
    let wrong = CHARTER.replace("code = \"fever\"", "code = \"Fever clinic\"").replace("000-0000-0000", "none");
    let (is_done, said) = establish(folder.path(), &wrong);
    assert!(!is_done && !folder.path().join("data").exists(), "{said}");
    assert!(said.contains("hospital.help_phone") && said.contains("clinics[0].code"), "{said}");
    let (is_done, said) = establish(folder.path(), &CHARTER.replace("desks = 2", "desk = 2"));
    assert!(!is_done && said.contains("desk"), "{said}");
    let (is_done, said) = establish(folder.path(), &CHARTER.replace("role = \"administrator\"", "role = \"king\""));
    assert!(!is_done && said.contains("role"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_forgot_the_password_gets_a_new_one_and_who_knew_the_old_one_is_out() {
    let folder = tempfile::tempdir().unwrap();
    let (_, said) = establish(folder.path(), CHARTER);
    let old = password(&said, "admin.a");
    let server = Binary::start(&["serve"], &folder.path().join("data"), &REAL);
    let site = Site::at(&server.base);
    let login = async |password: &str| {
        site.post("/auth/login", "", json!({ "username": "admin.a", "password": password })).await
    };
    let before = login(old).await.ok()["access_token"].as_str().unwrap().to_owned();
    let (is_done, said) = run(folder.path(), &["new-password", "admin.a"]);
    assert!(is_done, "{said}");
    let fresh = said.trim().rsplit(' ').next().unwrap();
    assert_eq!(site.get("/clinics", &before).await.status, 401, "every session is ended");
    assert_eq!(login(old).await.refusal(), (401, "auth.bad_credentials"));
    assert_eq!(login(fresh).await.ok()["subject"]["role"], "administrator");
    let (is_done, said) = run(folder.path(), &["new-password", "nobody"]);
    assert!(!is_done && said.contains("no account nobody"), "{said}");
}
