//! The rules of the waiting room.

use std::collections::HashSet;

use proptest::prelude::*;
use serde_json::json;

use super::{Assessment, Facts, Level, RuleSetStatus, assess, fever_clinic, rule, waiting_room};

const CHANGES: [&str; 4] = ["better", "same", "worse", "much_worse"];

fn ask(breath: &str, state: &str, temperature: Option<f64>, months: u32) -> Assessment {
    let known = json!({ "wait_breath": breath, "wait_state": state, "temp": temperature, "age_m": months });
    assess(waiting_room(), &Facts::from_json(known.as_object().unwrap()).unwrap())
}

#[test]
fn each_rule_speaks_at_its_threshold() {
    for (breath, state, temperature, months, level, matched) in [
        ("same", "same", None, 400, Level::Advice, vec!["W99"]),
        ("better", "better", Some(39.0), 400, Level::Advice, vec!["W99"]),
        ("worse", "same", None, 400, Level::Urgent, vec!["W11"]),
        ("same", "worse", None, 400, Level::Urgent, vec!["W12"]),
        ("same", "same", Some(39.1), 400, Level::Urgent, vec!["W13"]),
        ("same", "same", Some(40.9), 400, Level::Urgent, vec!["W13"]),
        ("same", "same", Some(41.0), 400, Level::Emergency, vec!["W03", "W13"]),
        ("much_worse", "worse", None, 400, Level::Emergency, vec!["W01", "W12"]),
        ("same", "much_worse", None, 400, Level::Emergency, vec!["W02"]),
        ("same", "same", Some(38.0), 2, Level::Emergency, vec!["W04"]),
        ("same", "same", Some(38.0), 3, Level::Advice, vec!["W99"]),
        ("same", "same", Some(39.0), 35, Level::Urgent, vec!["W14"]),
        ("same", "same", Some(39.0), 36, Level::Advice, vec!["W99"]),
    ] {
        let result = ask(breath, state, temperature, months);
        assert_eq!((result.level, result.matched), (level, matched.iter().map(|id| (*id).to_owned()).collect()));
        assert_eq!(result.nurse_call, breath == "worse" || state == "worse");
    }
}

#[test]
fn the_rules_of_the_waiting_room_are_an_unsigned_draft_and_share_no_id_with_the_others() {
    assert_eq!(waiting_room().status(), RuleSetStatus::Draft);
    assert_ne!(waiting_room().version(), fever_clinic().version());
    assert!(waiting_room().is_fallback("W99") && !waiting_room().is_fallback("W01"));
    let all: Vec<_> = fever_clinic().rules().chain(waiting_room().rules()).collect();
    let ids: HashSet<_> = all.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids.len(), all.len());
    assert!(all.iter().all(|one| rule(&one.id) == Some(*one)));
}

proptest! {
    #[test]
    fn the_three_questions_never_lower_a_level(
        level in prop::sample::select(Level::ALL.to_vec()),
        breath in prop::sample::select(CHANGES.to_vec()),
        state in prop::sample::select(CHANGES.to_vec()),
        temperature in prop::option::of(30.0..45.0_f64),
        months in 0..1200_u32,
    ) {
        let proposed = ask(breath, state, temperature, months).level;
        prop_assert_eq!(level.raised_to(proposed), level.max(proposed));
    }

    #[test]
    fn a_worse_answer_never_brings_a_milder_level(
        at in 0..3_usize,
        state in prop::sample::select(CHANGES.to_vec()),
        temperature in prop::option::of(30.0..45.0_f64),
        months in 0..1200_u32,
    ) {
        let level = |at: usize| ask(CHANGES[at], state, temperature, months).level;
        prop_assert!(level(at) <= level(at + 1));
        let level = |at: usize| ask(state, CHANGES[at], temperature, months).level;
        prop_assert!(level(at) <= level(at + 1));
    }
}
