//! Which texts are rule sets, and what is said of those that are not.

use serde_json::{Value, json};

use super::{RuleSet, RuleSetStatus, fever_clinic};

/// A small set that passes, to be broken in one place.
fn small() -> Value {
    let text = json!({ "zh": "理由", "en": "reason" });
    let rule = |id: &str, level: &str, condition: &str| {
        json!({ "id": id, "level": level, "if": condition, "do": "D7_advice", "why": text, "tell": text,
            "source": "test", "evidence": "judgement" })
    };
    json!({
        "name": text, "version": "t", "status": "draft", "signatures": [],
        "derived": [{ "name": "ill", "when": "fever or cough != none" }],
        "rules": [rule("R1", "ADVICE", "not chest"), rule("R2", "ADVICE", "mind"), rule("R9", "STANDARD", "always")],
        "fallback": { "id": "R9", "floor_for": "ill", "floor_unless": ["R2"] },
        "modifiers": [{ "id": "M", "if": "frail", "matched": ["R1"], "why": text, "tell": text }]
    })
}

fn error(change: impl FnOnce(&mut Value)) -> String {
    let mut set = small();
    change(&mut set);
    RuleSet::from_json(&set.to_string()).unwrap_err().to_string()
}

#[test]
fn the_rule_set_of_this_build_is_an_unsigned_draft_of_46_rules() {
    let set = fever_clinic();
    assert_eq!((set.status(), set.rules().count()), (RuleSetStatus::Draft, 46));
    assert!(set.rules().all(|rule| !rule.tell.zh.contains("疑似") && !rule.tell.en.contains("suspect")));
}

#[test]
fn the_fallback_stands_in_front_of_the_advice_that_it_overrules() {
    let set = RuleSet::from_json(&small().to_string()).unwrap();
    let matched = |json: Value| {
        let facts = crate::domain::triage::Facts::from_json(json.as_object().unwrap()).unwrap();
        crate::domain::triage::assess(&set, &facts).matched
    };
    assert_eq!(matched(json!({})), ["R1"]);
    assert_eq!(matched(json!({ "fever": true })), ["R9", "R1"]);
    assert_eq!(matched(json!({ "fever": true, "mind": true })), ["R1", "R2"]);
    assert_eq!(matched(json!({ "chest": true })), ["R9"]);
}

#[test]
fn a_broken_rule_set_is_refused_with_the_part_that_is_wrong() {
    assert!(error(|set| set["rules"][0]["if"] = json!("feverr")).contains("`R1` is wrong: `feverr` is not declared"));
    assert!(error(|set| set["rules"][1]["id"] = json!("R1")).contains("`R1` is there twice"));
    assert!(error(|set| set["rules"][0]["tell"]["en"] = json!(" ")).contains("`R1` does not say its reason"));
    assert!(error(|set| set["rules"][0]["do"] = json!("D99")).contains("format"));
    assert!(error(|set| set["rules"][0]["colour"] = json!(1)).contains("format"));
    assert!(error(|set| set["derived"][0]["name"] = json!("fever")).contains("`fever` is there twice"));
    assert!(error(|set| set["fallback"]["id"] = json!("R7")).contains("`R7`, which is not in the set"));
    assert!(error(|set| set["modifiers"][0]["matched"] = json!(["R8"])).contains("`R8`, which is not in the set"));
    // Where somebody lives may add an instruction, but it may not decide how urgent they are.
    assert!(error(|set| set["rules"][0]["if"] = json!("frail")).contains("`frail` is not declared"));
}

#[test]
fn only_two_people_make_a_rule_set_signed() {
    for signatures in [json!([]), json!(["a"]), json!(["a", "a "]), json!(["a", ""])] {
        let unsigned = error(|set| {
            set["status"] = json!("signed");
            set["signatures"] = signatures;
        });
        assert!(unsigned.contains("two people"), "{unsigned}");
    }
    let mut set = small();
    set["status"] = json!("signed");
    set["signatures"] = json!(["a", "b"]);
    assert_eq!(RuleSet::from_json(&set.to_string()).unwrap().status(), RuleSetStatus::Signed);
}
