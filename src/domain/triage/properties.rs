//! What holds for every patient, not only for those on paper.

use proptest::prelude::*;
use serde_json::{Map, Value, json};

use super::variables::{Kind, VARIABLES};
use super::{Assessment, Facts, Level, assess, fever_clinic};

fn result(known: &Map<String, Value>) -> Assessment {
    assess(fever_clinic(), &Facts::from_json(known).unwrap())
}

/// Values near the thresholds of the rules, where mistakes live.
fn near_thresholds(name: &str) -> Option<Vec<f64>> {
    Some(match name {
        "temp" => vec![35.0, 35.1, 36.5, 37.2, 37.3, 37.9, 38.0, 38.9, 39.0, 39.1, 39.9, 40.0, 40.9, 41.0],
        "spo2" => vec![92.0, 93.0, 94.0, 95.0, 98.0],
        "hr" => vec![39.0, 40.0, 41.0, 80.0, 110.0, 111.0, 130.0, 131.0],
        "rr" => vec![8.0, 9.0, 16.0, 20.0, 21.0, 29.0, 30.0, 39.0, 40.0, 49.0, 50.0, 59.0, 60.0],
        "sbp" => vec![90.0, 91.0, 120.0],
        "bmi" => vec![22.0, 29.9, 30.0],
        "age_m" => {
            [0, 1, 2, 3, 11, 12, 23, 24, 35, 36, 59, 60, 143, 144, 191, 192, 479, 480, 720, 721].map(f64::from).into()
        }
        "fever_days" => vec![0.0, 2.0, 3.0],
        "preg_wk" => vec![10.0, 27.0, 28.0],
        "onset_d" => vec![1.0, 4.0, 5.0, 12.0, 13.0],
        _ => return None,
    })
}

fn value(name: &'static str, kind: Kind) -> BoxedStrategy<Value> {
    match kind {
        Kind::Flag => any::<bool>().prop_map(Value::from).boxed(),
        Kind::Choice(words) | Kind::Scale(words) => prop::sample::select(words).prop_map(Value::from).boxed(),
        Kind::Integer(min, max) => match near_thresholds(name) {
            Some(values) => prop::sample::select(values).prop_map(Value::from).boxed(),
            None => (min..=max).prop_map(Value::from).boxed(),
        },
        Kind::Number(min, max) => match near_thresholds(name) {
            Some(values) => {
                prop_oneof![4 => prop::sample::select(values), 1 => min..=max].prop_map(Value::from).boxed()
            }
            None => (min..=max).prop_map(Value::from).boxed(),
        },
    }
}

/// Any patient of whom anything may be known; `true` is rarer than chance, so that the lower levels occur.
fn patients() -> impl Strategy<Value = Map<String, Value>> {
    let one = |variable: &'static super::variables::Variable| {
        let known = if variable.kind == Kind::Flag { 0.25 } else { 0.4 };
        prop::option::weighted(known, value(variable.name, variable.kind))
    };
    VARIABLES.iter().map(one).collect::<Vec<_>>().prop_map(|values| {
        let named = VARIABLES.iter().zip(values);
        named.filter_map(|(variable, value)| Some((variable.name.to_owned(), value?))).collect()
    })
}

/// Flags that, once true, can never make a patient less urgent.
const HARM: [&str; 32] = [
    "fever",
    "chest",
    "sweat",
    "cyan",
    "mind",
    "skin",
    "anuria",
    "seiz",
    "neck",
    "heat",
    "selfharm",
    "ob",
    "preg",
    "oth_resp",
    "oth_any",
    "worse",
    "chd",
    "chronic",
    "immune",
    "smoke",
    "ch_dist",
    "ch_feed",
    "ch_drowsy",
    "epi1",
    "epi2",
    "epi3",
    "epi4",
    "recov14",
    "ct",
    "wbc",
    "contradiction",
    "redflag_missing",
];

/// Ordered words, from harmless to grave.
const GRADES: [(&str, &[&str]); 5] = [
    ("cough", &["none", "dry", "sputum", "streak", "massive"]),
    ("dysp", &["none", "exertion", "rest", "sentence"]),
    ("intake", &["normal", "less", "none"]),
    ("vomit", &["none", "some", "persistent"]),
    ("code", &["green", "yellow", "red"]),
];

/// Numbers that harm on the way up from the given normal value, or (negative direction) on the way down from it.
const NUMBERS: [(&str, f64, f64); 8] = [
    ("temp", 36.5, 1.0),
    ("rr", 9.0, 1.0),
    ("hr", 41.0, 1.0),
    ("bmi", 20.0, 1.0),
    ("fever_days", 0.0, 1.0),
    ("preg_wk", 0.0, 1.0),
    ("spo2", 100.0, -1.0),
    ("sbp", 200.0, -1.0),
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn every_patient_gets_one_level_one_disposition_and_the_reasons(known in patients()) {
        let result = result(&known);
        let rules: Vec<_> = fever_clinic().rules().collect();
        let matched: Vec<_> = result.matched.iter().map(|id| rules.iter().position(|rule| rule.id == *id).unwrap()).collect();
        prop_assert!(!matched.is_empty());
        prop_assert!(matched.is_sorted(), "file order: {:?}", result.matched);
        prop_assert_eq!(result.level, matched.iter().map(|at| rules[*at].level).max().unwrap());
        let first = matched.iter().map(|at| rules[*at]).find(|rule| rule.level == result.level).unwrap();
        prop_assert_eq!(result.disposition, first.disposition);
        prop_assert_eq!(result.reasons.len(), result.matched.len());
        prop_assert_eq!(&result.ruleset.version, fever_clinic().version());
    }

    #[test]
    fn the_same_answers_in_any_order_and_from_the_archive_give_the_same_result(known in patients()) {
        let mut backwards = Facts::default();
        for (name, value) in known.iter().rev() {
            backwards.set(name, value).unwrap();
        }
        let first = result(&known);
        prop_assert_eq!(&first, &assess(fever_clinic(), &backwards));
        prop_assert_eq!(&first, &result(&backwards.to_json()));
        let stored = serde_json::to_string(&first).unwrap();
        prop_assert_eq!(first, serde_json::from_str::<Assessment>(&stored).unwrap());
    }

    #[test]
    fn one_more_harm_never_lowers_the_level(known in patients()) {
        let before = |name: &str, value: Value| {
            let mut changed = known.clone();
            changed.insert(name.into(), value);
            result(&changed).level
        };
        for name in HARM {
            prop_assert!(before(name, json!(false)) <= before(name, json!(true)), "{} from false to true", name);
        }
        for (name, grades) in GRADES {
            for pair in grades.windows(2) {
                prop_assert!(before(name, json!(pair[0])) <= before(name, json!(pair[1])), "{} {:?}", name, pair);
            }
        }
    }

    #[test]
    fn a_number_that_moves_away_from_the_normal_never_lowers_the_level(
        known in patients(),
        a in 0.0..60.0_f64,
        b in 0.0..60.0_f64,
    ) {
        for (name, normal, direction) in NUMBERS {
            // Tenths, as instruments show them; whole numbers where the vocabulary wants them. Temperatures end at 45.
            let scale = if name == "temp" { 8.0 / 60.0 } else { 1.0 };
            let step = |x: f64| match name {
                "fever_days" | "preg_wk" => (x * 0.5).floor(),
                _ => (x * scale * 10.0).round() / 10.0,
            };
            let level = |x: f64| {
                let mut changed = known.clone();
                changed.insert(name.into(), json!(normal + direction * step(x)));
                result(&changed).level
            };
            prop_assert!(level(a.min(b)) <= level(a.max(b)), "{} at {} and {}", name, step(a.min(b)), step(a.max(b)));
        }
    }

    #[test]
    fn a_patient_with_symptoms_is_never_below_standard_except_by_a02(known in patients()) {
        let is = |name: &str| known.get(name) == Some(&json!(true));
        let more_than = |name: &str, least: &str| known.get(name).is_some_and(|word| word != least);
        let flags = ["fever", "oth_resp", "oth_any", "mind", "cyan", "skin", "anuria", "seiz", "neck", "chest", "ob",
            "ch_dist", "ch_feed", "ch_drowsy", "heat", "selfharm"];
        let symptomatic = flags.into_iter().any(is)
            || known.get("temp").and_then(Value::as_f64).is_some_and(|temp| temp >= 37.3)
            || [("cough", "none"), ("dysp", "none"), ("vomit", "none"), ("intake", "normal")].iter().any(|(n, l)| more_than(n, l));
        let result = result(&known);
        if symptomatic && result.level < Level::Standard {
            prop_assert!(result.matched.contains(&"A02".to_owned()), "{:?}", result.matched);
        }
    }

    #[test]
    fn what_is_unknown_is_the_same_as_what_was_never_asked(known in patients(), forgotten in 0..VARIABLES.len()) {
        let name = VARIABLES[forgotten].name;
        let (mut absent, mut null) = (known.clone(), known);
        absent.remove(name);
        null.insert(name.into(), Value::Null);
        prop_assert_eq!(result(&absent), result(&null));
    }
}

/// On both sides of each threshold and at it: variable, the last value without the rule, the first with it, the rule.
#[test]
fn every_threshold_holds_on_both_sides() {
    let cases: &[(&str, f64, f64, &str, &str)] = &[
        ("spo2", 93.1, 93.0, "E02", "{}"),
        ("spo2", 94.1, 94.0, "U06", "{}"),
        ("rr", 29.0, 30.0, "E03", r#"{"age_m": 60}"#),
        ("age_m", 59.0, 60.0, "E03", r#"{"rr": 30}"#),
        ("rr", 59.0, 60.0, "E03a", r#"{"age_m": 1}"#),
        ("age_m", 2.0, 1.0, "E03a", r#"{"rr": 60}"#),
        ("rr", 49.0, 50.0, "E03b", r#"{"age_m": 11}"#),
        ("age_m", 1.0, 2.0, "E03b", r#"{"rr": 50}"#),
        ("age_m", 12.0, 11.0, "E03b", r#"{"rr": 50}"#),
        ("rr", 39.0, 40.0, "E03c", r#"{"age_m": 12}"#),
        ("age_m", 11.0, 12.0, "E03c", r#"{"rr": 40}"#),
        ("age_m", 60.0, 59.0, "E03c", r#"{"rr": 40}"#),
        ("rr", 9.0, 8.0, "E03d", r#"{"age_m": 144}"#),
        ("age_m", 143.0, 144.0, "E03d", r#"{"rr": 8}"#),
        ("age_m", 479.0, 480.0, "E05", r#"{"chest": true}"#),
        ("sbp", 91.0, 90.0, "E06", r#"{"age_m": 192}"#),
        ("hr", 130.0, 131.0, "E06", r#"{"age_m": 192}"#),
        ("age_m", 191.0, 192.0, "E06", r#"{"skin": true}"#),
        ("age_m", 192.0, 191.0, "E06c", r#"{"skin": true}"#),
        ("age_m", 144.0, 143.0, "E09", r#"{"ch_dist": true}"#),
        ("age_m", 24.0, 23.0, "E09", r#"{"ch_feed": true}"#),
        ("temp", 37.9, 38.0, "E10", r#"{"age_m": 2}"#),
        ("age_m", 3.0, 2.0, "E10", r#"{"temp": 38.0}"#),
        ("temp", 40.9, 41.0, "E11", "{}"),
        ("temp", 39.9, 40.0, "E11", r#"{"heat": true}"#),
        ("proto", 7.0, 8.0, "U01", r#"{"pcr": "neg", "ct": true, "wbc": true, "igm": true}"#),
        ("rr", 20.0, 21.0, "U06", r#"{"age_m": 144}"#),
        ("age_m", 143.0, 144.0, "U06", r#"{"rr": 21}"#),
        ("hr", 110.0, 111.0, "U06", r#"{"age_m": 192}"#),
        ("hr", 41.0, 40.0, "U06", r#"{"age_m": 192}"#),
        ("fever_days", 2.0, 3.0, "U07", r#"{"temp": 38.0}"#),
        ("temp", 37.9, 38.0, "U07", r#"{"fever_days": 3}"#),
        ("onset_d", 4.0, 5.0, "U08", r#"{"worse": true}"#),
        ("onset_d", 13.0, 12.0, "U08", r#"{"worse": true}"#),
        ("temp", 37.9, 38.0, "U09", r#"{"smoke": true}"#),
        ("age_m", 720.0, 721.0, "U09", r#"{"cough": "dry"}"#),
        ("bmi", 29.9, 30.0, "U09", r#"{"cough": "dry"}"#),
        ("preg_wk", 27.0, 28.0, "U09", r#"{"cough": "dry"}"#),
        ("temp", 37.9, 38.0, "U10", r#"{"preg": true}"#),
        ("temp", 38.9, 39.0, "U11", r#"{"age_m": 3}"#),
        ("age_m", 2.0, 3.0, "U11", r#"{"temp": 39.0}"#),
        ("age_m", 36.0, 35.0, "U11", r#"{"temp": 39.0}"#),
        ("temp", 39.0, 39.1, "U13", "{}"),
        ("temp", 35.1, 35.0, "U14", r#"{"age_m": 12}"#),
        ("age_m", 11.0, 12.0, "U14", r#"{"temp": 35.0}"#),
        ("temp", 37.2, 37.3, "S01", "{}"),
        ("temp", 37.2, 37.3, "U04", r#"{"code": "red"}"#),
    ];
    for (name, without, with, rule, rest) in cases {
        let fires = |value: &f64| {
            let mut known: Map<String, Value> = serde_json::from_str(rest).unwrap();
            known.insert((*name).into(), json!(value));
            result(&known).matched.contains(&(*rule).to_owned())
        };
        assert!(!fires(without), "{rule} fired at {name} = {without}");
        assert!(fires(with), "{rule} did not fire at {name} = {with}");
    }
}
