//! Patients on paper: what each of them is told, written down by hand from the decision table.

use std::collections::BTreeSet;

use super::{Circumstances, Facts, Level, assess, fever_clinic};

/// Who, the known facts, and what is expected: level, disposition, matched rules, and whether a nurse calls.
const PATIENTS: &[(&str, &str, &str)] = &[
    ("nothing known", "{}", "ADVICE D7_advice A01"),
    (
        "a healthy adult",
        r#"{"age_m": 360, "fever": false, "temp": 36.6, "cough": "none", "dysp": "none", "code": "green"}"#,
        "ADVICE D7_advice A01",
    ),
    ("confusion", r#"{"age_m": 360, "mind": true}"#, "EMERGENCY D1_120 E01"),
    ("oxygen at the severe threshold", r#"{"age_m": 360, "spo2": 93}"#, "EMERGENCY D1_120 E02 U06 A01"),
    ("oxygen between the thresholds", r#"{"age_m": 360, "spo2": 94}"#, "URGENT D3_offline_2h U06 A01"),
    ("oxygen just above the thresholds", r#"{"age_m": 360, "spo2": 95}"#, "ADVICE D7_advice A01"),
    ("fast breathing of an adult", r#"{"age_m": 360, "rr": 30}"#, "EMERGENCY D1_120 E03 U06 A01"),
    ("slightly fast breathing of an adult", r#"{"age_m": 360, "rr": 21}"#, "URGENT D3_offline_2h U06 A01"),
    ("fast breathing, age unknown", r#"{"rr": 45}"#, "ADVICE D7_advice A01"),
    ("fast breathing of a newborn", r#"{"age_m": 1, "rr": 60}"#, "EMERGENCY D1_120_child E03a A01"),
    ("fast breathing of an infant", r#"{"age_m": 2, "rr": 50}"#, "EMERGENCY D1_120_child E03b A01"),
    ("fast breathing of a small child", r#"{"age_m": 59, "rr": 40}"#, "EMERGENCY D1_120_child E03c A01"),
    ("slow breathing of an adult", r#"{"age_m": 360, "rr": 8}"#, "EMERGENCY D1_120 E03d A01"),
    ("slow breathing of a child", r#"{"age_m": 143, "rr": 8}"#, "ADVICE D7_advice A01"),
    ("breathless at rest with oximeter", r#"{"age_m": 360, "dysp": "rest", "spo2": 97}"#, "EMERGENCY D1_120 E04 S02"),
    (
        "breathless on the stairs without oximeter",
        r#"{"age_m": 360, "dysp": "exertion"}"#,
        "URGENT D3_offline_2h U06 M02 S02",
    ),
    ("blue lips", r#"{"age_m": 360, "cyan": true}"#, "EMERGENCY D1_120 E04"),
    ("chest pain at forty", r#"{"age_m": 480, "chest": true}"#, "EMERGENCY D1_120 E05 U15"),
    ("chest pain just before forty", r#"{"age_m": 479, "chest": true}"#, "URGENT D4_video_first U15"),
    ("chest pain with sweating", r#"{"age_m": 360, "chest": true, "sweat": true}"#, "EMERGENCY D1_120 E05 U15"),
    ("low pressure of an adult", r#"{"age_m": 360, "sbp": 90}"#, "EMERGENCY D1_120 E06 A01"),
    ("very fast pulse of an adult", r#"{"age_m": 360, "hr": 131}"#, "EMERGENCY D1_120 E06 U06 A01"),
    ("fast pulse of an adult", r#"{"age_m": 360, "hr": 111}"#, "URGENT D3_offline_2h U06 A01"),
    ("slow pulse of an adult", r#"{"age_m": 360, "hr": 40}"#, "URGENT D3_offline_2h U06 A01"),
    ("mottled skin of a child", r#"{"age_m": 120, "skin": true}"#, "EMERGENCY D1_120_child E06c"),
    ("massive haemoptysis", r#"{"age_m": 360, "cough": "massive", "epi1": false}"#, "EMERGENCY D1_120 E07 S02"),
    ("blood-streaked sputum", r#"{"age_m": 360, "cough": "streak"}"#, "URGENT D3_offline_2h U12 S02"),
    ("stiff neck", r#"{"age_m": 360, "neck": true}"#, "EMERGENCY D1_120 E08"),
    ("a toddler who refuses feeds", r#"{"age_m": 23, "ch_feed": true}"#, "EMERGENCY D1_120_child E09"),
    (
        "a two-year-old who refuses feeds, no fever",
        r#"{"age_m": 24, "ch_feed": true, "code": "green"}"#,
        "ADVICE D6_reroute_clinic A02",
    ),
    ("a drowsy child", r#"{"age_m": 100, "ch_drowsy": true}"#, "EMERGENCY D1_120_child E09"),
    ("fever of a newborn, not measured", r#"{"age_m": 2, "fever": true}"#, "EMERGENCY D8_child_now E10 S01"),
    ("fever of a three-month-old", r#"{"age_m": 3, "temp": 39.0}"#, "URGENT D8_child U11 S01"),
    ("hyperpyrexia", r#"{"age_m": 360, "temp": 41.0}"#, "EMERGENCY D1_120 E11 U13 S01"),
    ("heat stroke", r#"{"age_m": 360, "temp": 40.0, "heat": true}"#, "EMERGENCY D1_120 E11 U13 S01"),
    ("thoughts of self-harm", r#"{"age_m": 360, "selfharm": true}"#, "EMERGENCY D9_crisis E12"),
    ("pregnant and bleeding", r#"{"age_m": 360, "sex": "F", "preg": true, "ob": true}"#, "EMERGENCY D1_120_ob E13"),
    (
        "pregnant with fever",
        r#"{"age_m": 360, "sex": "F", "preg": true, "temp": 38.0, "code": "green"}"#,
        "URGENT D8_ob U10 S01",
    ),
    (
        "exposed, feverish and lymphopenic",
        r#"{"age_m": 360, "epi2": true, "temp": 38.2, "wbc": true, "pcr": "none"}"#,
        "URGENT D2_closed_loop U01 U03 S07",
    ),
    (
        "three clinical findings without exposure",
        r#"{"age_m": 360, "fever": true, "ct": true, "wbc": true, "pcr": "neg"}"#,
        "URGENT D2_closed_loop U01 S01",
    ),
    (
        "IgM counts from protocol 8 on",
        r#"{"age_m": 360, "fever": true, "ct": true, "igm": true, "proto": 8, "pcr": "neg"}"#,
        "URGENT D2_closed_loop U01 S01",
    ),
    (
        "IgM did not count in protocol 7",
        r#"{"age_m": 360, "fever": true, "ct": true, "igm": true, "proto": 7, "pcr": "neg"}"#,
        "STANDARD D4_video S01",
    ),
    (
        "a test never mentioned is not a negative test",
        r#"{"age_m": 360, "fever": true, "ct": true, "wbc": true}"#,
        "STANDARD D4_video S01",
    ),
    ("positive test at home", r#"{"age_m": 360, "pcr": "pos"}"#, "URGENT D2_closed_loop U02 A01"),
    ("positive test in hospital", r#"{"age_m": 360, "pcr": "pos", "in_hosp": true}"#, "ADVICE D7_advice A01"),
    ("exposed with a cough", r#"{"age_m": 360, "epi3": true, "cough": "dry"}"#, "URGENT D2_closed_loop U03 S07"),
    ("red code with fatigue", r#"{"age_m": 360, "code": "red", "oth_any": true}"#, "URGENT D2_closed_loop U04 S07"),
    ("red code without symptoms", r#"{"age_m": 360, "code": "red"}"#, "STANDARD D5b_central_isolation S05 A01"),
    (
        "yellow code with diarrhoea",
        r#"{"age_m": 360, "code": "yellow", "oth_any": true}"#,
        "STANDARD D4_video+D5_observe_grid S03 S07",
    ),
    ("yellow code without symptoms", r#"{"age_m": 360, "code": "yellow"}"#, "STANDARD D5_observe_grid S06 A01"),
    (
        "cured, and ill again",
        r#"{"age_m": 360, "recov14": true, "oth_any": true, "code": "green"}"#,
        "URGENT D2_closed_loop U05 A02",
    ),
    ("fever for three days", r#"{"age_m": 360, "temp": 38.0, "fever_days": 3}"#, "URGENT D3_offline_2h U07 S01"),
    ("fever for two days", r#"{"age_m": 360, "temp": 38.0, "fever_days": 2}"#, "STANDARD D4_video S01"),
    ("worse in the second week", r#"{"age_m": 360, "worse": true, "onset_d": 5}"#, "URGENT D3_offline_2h U08 A01"),
    ("worse on the fourth day", r#"{"age_m": 360, "worse": true, "onset_d": 4}"#, "ADVICE D7_advice A01"),
    (
        "over sixty with a sore throat",
        r#"{"age_m": 721, "oth_resp": true, "oth_any": true}"#,
        "URGENT D4_video_first U09 S02",
    ),
    (
        "exactly sixty with a sore throat",
        r#"{"age_m": 720, "oth_resp": true, "oth_any": true}"#,
        "STANDARD D4_video S02",
    ),
    ("high fever", r#"{"age_m": 360, "temp": 39.1}"#, "URGENT D4_video_first U13 S01"),
    ("fever just below high", r#"{"age_m": 360, "temp": 39.0}"#, "STANDARD D4_video S01"),
    ("temperature at the threshold", r#"{"age_m": 360, "temp": 37.3}"#, "STANDARD D4_video S01"),
    ("temperature below the threshold", r#"{"age_m": 360, "temp": 37.2}"#, "ADVICE D7_advice A01"),
    ("hypothermia", r#"{"age_m": 360, "temp": 35.0}"#, "URGENT D3_offline_2h U14 A01"),
    ("nothing stays down", r#"{"age_m": 360, "vomit": "persistent", "code": "green"}"#, "URGENT D3_offline_2h U12 A02"),
    ("only fatigue, green code", r#"{"age_m": 360, "oth_any": true, "code": "green"}"#, "ADVICE D6_reroute_clinic A02"),
    ("only fatigue, no code", r#"{"age_m": 360, "oth_any": true, "code": "none"}"#, "STANDARD D4_video S07 A02"),
    ("only fatigue, code unknown", r#"{"age_m": 360, "oth_any": true}"#, "STANDARD D4_video Z99"),
    ("exposed without symptoms", r#"{"age_m": 360, "epi4": true}"#, "STANDARD D5_observe_grid S04 A01"),
    (
        "exposed with diarrhoea",
        r#"{"age_m": 360, "epi1": true, "oth_any": true, "code": "green"}"#,
        "STANDARD D4_video S07",
    ),
    ("test pending", r#"{"age_m": 360, "pcr": "pending"}"#, "STANDARD D4_video S08 A01"),
    ("distress alone", r#"{"age_m": 360, "reason": "psych"}"#, "ADVICE D10_psych A03 A01"),
    ("distress with fever", r#"{"age_m": 360, "reason": "psych", "fever": true}"#, "STANDARD D4_video S01"),
    ("contradicting answers", r#"{"age_m": 360, "contradiction": true}"#, "ADVICE D7_advice A01 +nurse"),
    (
        "unanswered red flags",
        r#"{"age_m": 360, "oth_any": true, "redflag_missing": true, "code": "green"}"#,
        "ADVICE D6_reroute_clinic A02 +nurse",
    ),
];

fn facts(json: &str) -> Facts {
    Facts::from_json(&serde_json::from_str(json).unwrap()).unwrap()
}

#[test]
fn every_patient_on_paper_is_assessed_as_written() {
    for (who, known, expected) in PATIENTS {
        let result = assess(fever_clinic(), &facts(known));
        let nurse = if result.nurse_call { " +nurse" } else { "" };
        let found = format!("{} {} {}{nurse}", result.level, result.disposition, result.matched.join(" "));
        assert_eq!(found, *expected, "{who}");
    }
}

#[test]
fn no_rule_is_dead() {
    let fired: BTreeSet<String> =
        PATIENTS.iter().flat_map(|(_, known, _)| assess(fever_clinic(), &facts(known)).matched).collect();
    let all: BTreeSet<String> = fever_clinic().rules().map(|rule| rule.id.clone()).collect();
    assert_eq!(all.len(), 46);
    assert_eq!(fired, all);
}

fn modifiers(json: &str, circumstances: Circumstances) -> Vec<String> {
    let mut facts = facts(json);
    facts.circumstances = circumstances;
    assess(fever_clinic(), &facts).modifiers.into_iter().map(|modifier| modifier.id).collect()
}

#[test]
fn instructions_are_added_for_those_whom_they_concern() {
    let nothing = Circumstances::default();
    let infectious = r#"{"age_m": 360, "spo2": 92, "epi2": true, "cough": "dry"}"#;
    assert_eq!(modifiers(infectious, nothing), ["X1"]);
    assert_eq!(modifiers(r#"{"age_m": 360, "spo2": 92}"#, nothing), [""; 0]);
    assert_eq!(modifiers(r#"{"age_m": 167, "mind": true}"#, nothing), ["X2", "X4"]);
    assert_eq!(modifiers(r#"{"age_m": 168, "mind": true}"#, nothing), [""; 0]);
    assert_eq!(modifiers(r#"{"age_m": 360, "mind": true, "preg": true}"#, nothing), ["X3"]);
    assert_eq!(modifiers(r#"{"age_m": 360, "contradiction": true}"#, nothing), ["M03"]);
    assert_eq!(modifiers("{}", Circumstances { lives_alone: Some(true), ..nothing }), ["X4"]);
    assert_eq!(modifiers("{}", Circumstances { frail: Some(true), ..nothing }), ["X4"]);
}

#[test]
fn the_grid_is_told_only_of_those_who_are_known_to_have_no_room_of_their_own() {
    let feverish = r#"{"age_m": 360, "temp": 38.2}"#;
    let room = |can_isolate| Circumstances { can_isolate, ..Circumstances::default() };
    assert_eq!(modifiers(feverish, room(Some(false))), ["X5"]);
    assert_eq!(modifiers(feverish, room(Some(true))), [""; 0]);
    assert_eq!(modifiers(feverish, room(None)), [""; 0]);
    assert_eq!(modifiers(r#"{"age_m": 360, "mind": true}"#, room(Some(false))), [""; 0]);
}

#[test]
fn an_unmeasured_fever_is_assumed_and_the_assumption_is_told() {
    let assumed = assess(fever_clinic(), &facts(r#"{"age_m": 360, "fever": true}"#));
    assert_eq!(assumed.assumptions.iter().map(|a| a.id.as_str()).collect::<Vec<_>>(), ["M01"]);
    assert_eq!(assumed.level, Level::Standard);
    let measured = assess(fever_clinic(), &facts(r#"{"age_m": 360, "fever": true, "temp": 37.0}"#));
    assert!(measured.assumptions.is_empty());
}
