//! Letters that nobody sees: none is kept in what people write freely, and no save is lost for one.

use reqwest::Method;
use serde_json::json;

use super::stage::Stage;

/// A herb whose name is hidden from whoever reads, and turned words.
const TYPED: &str = "\u{feff}附\u{200b}子\u{202e}克5\u{202c}\u{a0}先煎\u{ad}\r\n\t👩\u{200d}⚕️ 𠮷 e\u{301}";
/// What anybody reads of it.
const KEPT: &str = "附子克5 先煎\n\t👩\u{200d}⚕️ 𠮷 e\u{301}";

#[tokio::test(flavor = "multi_thread")]
async fn note_conversation_and_template_keep_no_letter_that_nobody_sees_and_lose_no_other() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let note = format!("/visits/{}/note", visit.id);
    let save = json!({ "version": 0, "content": { "complaint": TYPED, "diagnosis": "感冒",
                       "exams": { "women": { "words": TYPED }, "tongue": { "words": TYPED } } } });
    let draft = stage.send(Method::PUT, &note, &visit.doctor, Some(save), None).await.ok();
    let content = &draft["content"];
    assert_eq!(content["complaint"], KEPT);
    assert_eq!(
        (&content["exams"]["women"]["words"], &content["exams"]["tongue"]["words"]),
        (&json!(KEPT), &json!(KEPT))
    );
    let merge =
        json!({ "version": 0, "content": { "complaint": TYPED, "diagnosis": "感冒", "exams": content["exams"] } });
    let merged = stage.post(&format!("{note}/merge"), &visit.doctor, merge).await.ok();
    assert_eq!((&merged["conflicts"], &merged["content"]["complaint"]), (&json!([]), &json!(KEPT)), "and no conflict");

    let path = format!("/visits/{}/messages", visit.id);
    for (n, token) in [&visit.patient, &visit.doctor].into_iter().enumerate() {
        let line = json!({ "id": format!("0190a0a0-0000-7000-8000-00000000000{n}"), "text": TYPED });
        assert_eq!(stage.post(&path, token, line).await.ok()["text"], KEPT);
    }
    let nothing = json!({ "id": "0190a0a0-0000-7000-8000-000000000009", "text": "\u{200b}\u{2060} \u{202e}" });
    let refused = stage.post(&path, &visit.patient, nothing).await;
    assert_eq!((refused.refusal(), &refused.body["field"]), ((422, "request.invalid"), &json!("text")));

    let template = |name: &str| json!({ "name": name, "field": "advice", "body": TYPED });
    let hidden = stage.post("/templates", &visit.doctor, template("煎\u{200b}法")).await;
    assert_eq!(
        (hidden.refusal(), &hidden.body["field"]),
        ((422, "request.invalid"), &json!("name")),
        "a name is a line"
    );
    let made = stage.post("/templates", &visit.doctor, template("煎法")).await.ok();
    let made = made.as_array().unwrap().iter().find(|one| one["name"] == "煎法").unwrap().clone();
    assert_eq!(made["body"], KEPT);
    let insert = json!({ "visit": visit.id, "version": 1 });
    let id = made["id"].as_str().unwrap();
    let draft = stage.post(&format!("/templates/{id}/insert"), &visit.doctor, insert).await.ok();
    assert_eq!((&draft["content"]["advice"], &draft["content"]["inserted"][0]["text"]), (&json!(KEPT), &json!(KEPT)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_left_after_the_hidden_letters_is_what_is_counted() {
    let stage = Stage::open().await;
    let visit = stage.visit().await;
    let note = format!("/visits/{}/note", visit.id);
    let long = "长\u{200b}".repeat(4000);
    let save = json!({ "version": 0, "content": { "advice": long } });
    let draft = stage.send(Method::PUT, &note, &visit.doctor, Some(save), None).await.ok();
    assert_eq!(draft["content"]["advice"], "长".repeat(4000));
    // A diagnosis of what nobody sees is none.
    let save = json!({ "version": 1, "content": { "advice": "休息", "diagnosis": "\u{200b}\u{3164}\u{ad}" } });
    let draft = stage.send(Method::PUT, &note, &visit.doctor, Some(save), None).await.ok();
    assert_eq!(draft["content"]["diagnosis"], "");
}
