//! Declarations as patients fill them in, and as nobody would.

use jiff::civil::date;
use proptest::prelude::*;
use serde_json::{Map, Value, json};

use crate::domain::people::Sex;
use crate::domain::triage::{Level, RED_FLAGS, assess, fever_clinic, variables};

use super::*;

fn adult() -> Context {
    Context {
        today: date(2026, 8, 1),
        birth_date: date(1990, 5, 1),
        sex: Sex::Female,
        protocol: 8,
        in_hospital: None,
        red_flags: Vec::new(),
    }
}

fn answers(json: &Value) -> Answers {
    Answers::from_json(fever_intake(), json.as_object().unwrap(), Asked::Clinician).unwrap()
}

fn fact(json: &Value, name: &str) -> Option<Value> {
    facts_from_answers(fever_intake(), &answers(json), &adult()).to_json().get(name).cloned()
}

fn refused(json: &Value, by: Asked) -> (String, &'static str) {
    let error = Answers::from_json(fever_intake(), json.as_object().unwrap(), by).unwrap_err();
    (error.link_id, error.fault.code())
}

fn visible(json: &Value, context: &Context) -> Vec<String> {
    answers(json).visible(fever_intake(), context).into_iter().map(|item| item.link_id.clone()).collect()
}

/// Answers everything that is required, the harmless way, until nothing is missing.
fn healthy(context: &Context) -> Answers {
    let form = fever_intake();
    let mut answers = Answers::default();
    for _ in 0..10 {
        let open = answers.missing(form, context);
        if open.is_empty() {
            return answers;
        }
        let change = open.iter().map(|link_id| (link_id.clone(), harmless(form.item(link_id).unwrap()))).collect();
        answers = answers.merged(form, &change, Asked::Patient).unwrap();
    }
    panic!("the questionnaire never ends");
}

fn harmless(item: &Item) -> Value {
    match item.kind {
        // Bad news is a yes everywhere but here.
        ItemType::Boolean => json!(["su.promise", "loc.now", "rf.room"].contains(&item.link_id.as_str())),
        ItemType::Choice => json!(item.options[0].code),
        ItemType::Choices => json!([item.options.iter().find(|option| option.exclusive).unwrap().code]),
        ItemType::Integer | ItemType::Quantity => json!(item.min),
        ItemType::Date => json!("2026-07-30"),
        ItemType::String | ItemType::Text if item.format == Some(Format::Phone) => json!("13800001234"),
        ItemType::String | ItemType::Text => json!("无"),
        ItemType::Group => unreachable!("a group has no answer"),
    }
}

#[test]
fn a_healthy_person_of_any_age_and_sex_can_finish_and_gets_advice_without_a_call() {
    let mut advice = 0;
    for birth_date in [date(2026, 6, 1), date(2021, 1, 1), date(2012, 1, 1), date(1990, 1, 1), date(1940, 1, 1)] {
        for sex in [Sex::Female, Sex::Male] {
            let context = Context { birth_date, sex, ..adult() };
            let facts = facts_from_answers(fever_intake(), &healthy(&context), &context);
            let result = assess(fever_clinic(), &facts);
            assert!(!result.nurse_call, "{result:?}");
            advice += usize::from(result.level == Level::Advice);
        }
    }
    assert_eq!(advice, 10);
}

#[test]
fn an_empty_form_is_never_reassurance_without_a_call() {
    let facts = facts_from_answers(fever_intake(), &Answers::default(), &adult());
    let result = assess(fever_clinic(), &facts);
    assert!(result.nurse_call && facts.is_true("redflag_missing"), "{result:?}");
}

#[test]
fn questions_appear_for_those_whom_they_concern() {
    let man = Context { sex: Sex::Male, ..adult() };
    let child = Context { birth_date: date(2022, 8, 2), ..adult() };
    let asks = |json: Value, context: &Context, link_id: &str| visible(&json, context).contains(&link_id.to_owned());
    assert!(asks(json!({}), &adult(), "rf.preg") && !asks(json!({}), &man, "rf.preg"));
    assert!(asks(json!({}), &child, "ch.feed") && !asks(json!({}), &adult(), "ch.feed"));
    assert!(asks(json!({}), &child, "id.guardian.name") && !asks(json!({}), &adult(), "id.guardian.name"));
    assert!(asks(json!({ "sx.fever": true }), &adult(), "fev.days") && !asks(json!({}), &adult(), "fev.days"));
    assert!(asks(json!({ "sx.temp": 37.3 }), &adult(), "fev.days"));
    assert!(asks(json!({ "sx.chest": true }), &adult(), "sx.sweat"));
    assert!(asks(json!({ "rf.preg": "pregnant" }), &adult(), "sx.ob"));
    assert!(!asks(json!({ "rf.preg": "pregnant" }), &man, "sx.ob"));
    assert!(asks(json!({ "loc.now": false }), &adult(), "loc.now.place"));
    assert!(asks(json!({ "rf.med": ["other"] }), &adult(), "rf.med.names"));
    assert!(!asks(json!({ "rf.med": ["none"] }), &adult(), "rf.med.names"));
}

#[test]
fn a_pledge_that_is_refused_leaves_the_declaration_incomplete() {
    let change = json!({ "su.promise": false });
    let refused = healthy(&adult()).merged(fever_intake(), change.as_object().unwrap(), Asked::Patient).unwrap();
    assert_eq!(refused.missing(fever_intake(), &adult()), ["su.promise"]);
}

#[test]
fn each_wrong_answer_is_refused_with_its_link_id_and_a_code() {
    for (json, code) in [
        (json!({ "sx.feverr": true }), "unknown_item"),
        (json!({ "sx.feverr": null }), "unknown_item"),
        (json!({ "id.name": "演示患者" }), "not_asked_here"),
        (json!({ "co.consent": true }), "not_asked_here"),
        (json!({ "lab.ct": "yes" }), "not_asked_here"),
        (json!({ "id.addr": "x" }), "not_asked_here"),
        (json!({ "sx.fever": "yes" }), "wrong_type"),
        (json!({ "sx.temp": "38" }), "wrong_type"),
        (json!({ "fev.days": 1.5 }), "wrong_type"),
        (json!({ "sx.cough": 3 }), "wrong_type"),
        (json!({ "sx.other": "fatigue" }), "wrong_type"),
        (json!({ "sx.cough": "wet" }), "not_an_option"),
        (json!({ "sx.other": ["fatigue", "fatigue"] }), "not_an_option"),
        (json!({ "sx.other": ["fatigue", "none"] }), "exclusive_options"),
        (json!({ "sx.other": [] }), "empty"),
        (json!({ "sx.temp": 380 }), "out_of_range"),
        (json!({ "vs.spo2": 101 }), "out_of_range"),
        (json!({ "sx.onset": "yesterday" }), "not_a_date"),
        (json!({ "sx.onset": "2026-02-30" }), "not_a_date"),
        (json!({ "rf.allergy": "  " }), "empty"),
        (json!({ "rf.allergy": "长".repeat(301) }), "too_long"),
        (json!({ "rf.allergy": "a\u{0}b" }), "control_character"),
        (json!({ "id.addr.door": "a\nb" }), "control_character"),
        (json!({ "id.emerg.phone": "110" }), "not_a_phone"),
    ] {
        let link_id = json.as_object().unwrap().keys().next().unwrap().clone();
        assert_eq!(refused(&json, Asked::Patient), (link_id, code), "{json}");
    }
    // What a clinician enters may be entered by a clinician.
    answers(&json!({ "lab.ct": "yes", "lab.wbc": "no", "lab.igm": "vaccinated" }));
}

#[test]
fn one_wrong_answer_refuses_the_whole_change_and_null_takes_one_back() {
    let form = fever_intake();
    let first = answers(&json!({ "sx.fever": true, "sx.cough": "dry" }));
    let bad = json!({ "sx.fever": false, "sx.temp": 99 });
    assert!(first.clone().merged(form, bad.as_object().unwrap(), Asked::Patient).is_err());
    let back = json!({ "sx.fever": null });
    let merged = first.merged(form, back.as_object().unwrap(), Asked::Patient).unwrap();
    assert_eq!(merged, answers(&json!({ "sx.cough": "dry" })));
}

#[test]
fn each_variable_comes_from_its_source() {
    for (json, name, value) in [
        (json!({ "sx.temp": 37.1, "sx.temp.site": "armpit" }), "temp", json!(37.1)),
        (json!({ "sx.temp": 37.5, "sx.temp.site": "forehead", "sx.temp.again": 38.2 }), "temp", json!(38.2)),
        (json!({ "sx.temp": 37.5, "sx.temp.site": "forehead", "sx.temp.again": 36.8 }), "temp", json!(37.5)),
        (json!({ "vs.spo2": 96, "vs.spo2.again": 93 }), "spo2", json!(93.0)),
        (json!({ "vs.spo2": 96 }), "spo2", json!(96.0)),
        (json!({ "vs.bp.sys": 88, "vs.bp.dia": 50 }), "sbp", json!(88.0)),
        (json!({ "rf.bmi.height": 200, "rf.bmi.weight": 120 }), "bmi", json!(30.0)),
        (json!({ "sx.skin": true, "sx.chest": false }), "sweat", json!(true)),
        (json!({ "sx.skin": false, "sx.chest": true, "sx.sweat": true }), "sweat", json!(true)),
        (json!({ "sx.skin": false }), "sweat", json!(false)),
        (json!({ "epi.1": false, "epi.5": true }), "epi1", json!(true)),
        (json!({ "sx.other": ["myalgia", "smell_taste"] }), "oth_resp", json!(true)),
        (json!({ "sx.other": ["myalgia"] }), "oth_resp", json!(false)),
        (json!({ "sx.other": ["none"] }), "oth_any", json!(false)),
        (json!({ "rf.dis": ["cardio"] }), "chd", json!(true)),
        (json!({ "rf.dis": ["lung"] }), "chronic", json!(true)),
        (json!({ "rf.dis": ["none"] }), "chronic", json!(false)),
        (json!({ "rf.preg": "pregnant", "rf.preg.weeks": 30 }), "preg_wk", json!(30)),
        (json!({ "rf.preg": "postpartum" }), "preg", json!(true)),
        (json!({ "rf.preg": "postpartum", "sx.ob": ["bleeding"] }), "ob", json!(true)),
        (json!({ "sx.worse": "worse" }), "worse", json!(true)),
        (json!({ "sx.fever": true, "sx.onset": "2026-07-25" }), "onset_d", json!(7)),
        (json!({ "epi.6": "released", "epi.8": "2026-07-18" }), "recov14", json!(true)),
        (json!({ "epi.6": "released", "epi.8": "2026-07-17" }), "recov14", json!(false)),
        (json!({ "epi.7": "pending" }), "pcr", json!("pending")),
        (json!({ "epi.code": "none" }), "code", json!("none")),
        (json!({ "lab.igm": "pos" }), "igm", json!(true)),
        (json!({ "lab.igm": "vaccinated" }), "igm", json!(false)),
        (json!({ "co.reason": "psych" }), "reason", json!("psych")),
        (json!({}), "age_m", json!(435)),
        (json!({}), "sex", json!("F")),
        (json!({}), "proto", json!(8)),
    ] {
        assert_eq!(fact(&json, name), Some(value), "{name} of {json}");
    }
}

#[test]
fn what_was_not_answered_or_is_no_longer_asked_is_unknown() {
    let facts = facts_from_answers(fever_intake(), &Answers::default(), &adult()).to_json();
    let known: Vec<&str> = facts.keys().map(String::as_str).collect();
    assert_eq!(known, ["age_m", "contradiction", "proto", "redflag_missing", "sex"]);
    // Five days of fever were counted before the patient said that there was none.
    assert_eq!(fact(&json!({ "sx.fever": false, "fev.days": 5 }), "fever_days"), None);
    assert_eq!(fact(&json!({ "lab.ct": "not_done" }), "ct"), None);
    assert_eq!(fact(&json!({ "sx.fever": true, "sx.onset": "2026-08-02" }), "onset_d"), None);
}

#[test]
fn every_variable_has_a_source_that_can_make_it_known() {
    let everything = r#"{
        "sx.fever": true, "fev.days": 2, "sx.temp": 38, "sx.heat": false, "sx.cough": "dry", "sx.dysp": "none",
        "sx.chest": false, "sx.lips": false, "sx.mind": false, "sx.skin": false, "sx.urine": false, "sx.seiz": false,
        "sx.neck": false, "sx.self": false, "rf.preg": "pregnant", "rf.preg.weeks": 20, "sx.ob": ["none"],
        "sx.other": ["none"], "sx.worse": "same", "sx.onset": "2026-07-30", "sx.intake": "normal", "sx.vomit": "none",
        "vs.spo2": 98, "vs.hr": 80, "vs.rr": 16, "vs.bp.sys": 120, "rf.dis": ["none"], "rf.imm": false, "rf.smoke": false,
        "rf.bmi.height": 170, "rf.bmi.weight": 60, "epi.1": false, "epi.2": false, "epi.3": false, "epi.4": false,
        "epi.6": "released", "epi.8": "2026-01-01", "epi.code": "green", "epi.7": "neg", "lab.ct": "no", "lab.wbc": "no",
        "lab.igm": "neg", "co.reason": "fever", "ch.play": "normal", "ch.dist": false, "ch.feed": false
    }"#;
    let everything: Value = serde_json::from_str(everything).unwrap();
    let known = |context: &Context| facts_from_answers(fever_intake(), &answers(&everything), context);
    let child = Context { birth_date: date(2024, 1, 1), in_hospital: Some(false), ..adult() };
    let (woman, child) = (known(&adult()), known(&child));
    for variable in variables::VARIABLES.iter().filter(|variable| variable.source != variables::WAITING_ROOM) {
        assert!(woman.is_known(variable.name) || child.is_known(variable.name), "{}", variable.name);
    }
}

#[test]
fn answers_that_cannot_all_be_true_bring_a_nurse() {
    let codes = |json: Value, context: &Context| {
        let found = contradictions(fever_intake(), &answers(&json), context);
        found.into_iter().map(|contradiction| contradiction.code).collect::<Vec<_>>()
    };
    let breath = Context { red_flags: vec!["breath".into()], ..adult() };
    let child = Context { birth_date: date(2020, 1, 1), ..adult() };
    for (json, context, code) in [
        (json!({ "sx.fever": false, "sx.temp": 37.3 }), adult(), "fever_denied_but_measured"),
        (json!({ "sx.fever": true, "fev.days": 9, "sx.onset": "2026-07-30" }), adult(), "fever_longer_than_illness"),
        (json!({ "sx.fever": true, "sx.temp": 39, "sx.temp.max": 38 }), adult(), "highest_temperature_below_present"),
        (json!({ "sx.vomit": "none", "sx.other": ["vomiting"] }), adult(), "vomiting_and_none"),
        (json!({ "sx.vomit": "persistent", "sx.intake": "normal" }), adult(), "vomits_all_but_eats"),
        (json!({ "sx.mind": false, "ch.play": "drowsy" }), child, "awake_and_drowsy"),
        (json!({ "co.reason": "psych", "sx.cough": "dry" }), adult(), "only_distress_but_ill"),
        (json!({ "sx.fever": true, "sx.onset": "2026-08-02" }), adult(), "onset_in_future"),
        (json!({ "vs.spo2": 98, "vs.spo2.again": 90 }), adult(), "oximeter_unsteady"),
        (json!({ "vs.bp.sys": 80, "vs.bp.dia": 120 }), adult(), "pressures_swapped"),
        (json!({ "sx.dysp": "none" }), breath, "red_flag_taken_back"),
    ] {
        assert_eq!(codes(json.clone(), &context), [code], "{json}");
        assert!(facts_from_answers(fever_intake(), &answers(&json), &context).is_true("contradiction"));
    }
    assert_eq!(codes(json!({ "sx.fever": true, "sx.temp": 38, "sx.vomit": "some" }), &adult()), [""; 0]);
}

#[test]
fn nobody_is_asked_twice_what_the_first_page_has_asked() {
    let yes = vec!["breath".to_owned(), "lips".to_owned()];
    let context = Context { red_flags: yes.clone(), ..adult() };
    let given = Answers::from_json(fever_intake(), &answers_of_first_page(&yes), Asked::Patient).unwrap();
    let facts = facts_from_answers(fever_intake(), &given, &context).to_json();
    assert_eq!((&facts["dysp"], &facts["cyan"], &facts["mind"]), (&json!("rest"), &json!(true), &json!(false)));
    assert_eq!(facts["contradiction"], json!(false));
    for flag in RED_FLAGS {
        assert!(fever_intake().item(flag.link_id).is_some(), "{}", flag.link_id);
    }
}

/// Any JSON, and often something close to an answer.
fn anything() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        (-50.0..500.0_f64).prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
        prop::sample::select(
            &["none", "rest", "worse", "pos", "pregnant", "2026-07-01", "9999-12-31", "-009999-01-01"][..]
        )
        .prop_map(Value::from),
    ];
    leaf.prop_recursive(2, 8, 4, |inner| prop::collection::vec(inner, 0..4).prop_map(Value::from))
}

proptest! {
    #[test]
    fn no_json_makes_the_mapping_panic(
        values in prop::collection::vec((any::<prop::sample::Index>(), anything()), 0..40),
        born in -9000..9000_i16,
        protocol in any::<u8>(),
    ) {
        let form = fever_intake();
        let ids: Vec<&str> = form.items().map(|item| item.link_id.as_str()).collect();
        let context = Context { birth_date: date(born, 1, 1), protocol, ..adult() };
        let mut answers = Answers::default();
        for (id, value) in values {
            let change = Map::from_iter([(id.get(&ids).to_string(), value)]);
            answers = answers.clone().merged(form, &change, Asked::Clinician).unwrap_or(answers);
        }
        let facts = facts_from_answers(form, &answers, &context);
        let _ = (assess(fever_clinic(), &facts), answers.missing(form, &context));
        prop_assert_eq!(Answers::from_json(form, answers.as_json(), Asked::Clinician), Ok(answers));
    }
}
