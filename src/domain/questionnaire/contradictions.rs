//! Answers that cannot all be true: a nurse calls and asks (rule M03). Nothing is corrected silently.

use serde::Serialize;
use serde_json::{Value, json};

use crate::domain::triage::RED_FLAGS;

use super::answers::Answers;
use super::facts::{Context, Visible};
use super::schema::Questionnaire;

/// One disagreement between answers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Contradiction {
    /// Stable code.
    pub code: &'static str,
    /// The items that disagree.
    pub items: Vec<&'static str>,
}

/// From this temperature on a patient has a fever, whatever they say.
const FEVER: f64 = 37.3;

/// Two readings of one oximeter a minute apart should not differ by more, in percent.
const OXIMETER_SPREAD: f64 = 4.0;

/// What disagrees among the visible answers, in a fixed order.
pub fn contradictions(form: &Questionnaire, answers: &Answers, context: &Context) -> Vec<Contradiction> {
    let read = Visible::of(form, answers, context);
    let is = |link_id: &str, code: &str| read.code(link_id) == Some(code);
    let no_fever = read.flag("sx.fever") == Some(false);
    let hot = |celsius: Option<f64>| celsius.is_some_and(|celsius| celsius >= FEVER);
    let has = |link_id: &str, code: &str| read.codes(link_id).is_some_and(|codes| codes.contains(&code));
    let later_than_today = |link_id: &str| read.date(link_id).is_some_and(|date| date > context.today);
    let both = |a: &str, b: &str| read.number(a).zip(read.number(b));

    let ill_on_paper = read.flag("sx.fever") == Some(true)
        || read.code("sx.cough").is_some_and(|code| code != "none")
        || read.code("sx.dysp").is_some_and(|code| code != "none");
    let onset = read.date("sx.onset").filter(|onset| *onset <= context.today);
    let days_ill = onset.map(|onset| (context.today - onset).get_days());

    let checks: [(bool, &'static str, &[&'static str]); 14] = [
        (no_fever && hot(read.temperature()), "fever_denied_but_measured", &["sx.fever", "sx.temp"]),
        (no_fever && hot(read.number("sx.temp.max")), "fever_denied_but_remembered", &["sx.fever", "sx.temp.max"]),
        (
            // A fever that began before the illness; the day of the onset itself counts.
            read.number("fev.days").zip(days_ill).is_some_and(|(fever, ill)| fever > f64::from(ill) + 1.0),
            "fever_longer_than_illness",
            &["fev.days", "sx.onset"],
        ),
        (
            both("sx.temp.max", "sx.temp").is_some_and(|(highest, now)| highest < now),
            "highest_temperature_below_present",
            &["sx.temp.max", "sx.temp"],
        ),
        (is("sx.vomit", "none") && has("sx.other", "vomiting"), "vomiting_and_none", &["sx.vomit", "sx.other"]),
        (is("sx.vomit", "persistent") && is("sx.intake", "normal"), "vomits_all_but_eats", &["sx.vomit", "sx.intake"]),
        (read.flag("sx.mind") == Some(false) && is("ch.play", "drowsy"), "awake_and_drowsy", &["sx.mind", "ch.play"]),
        (is("co.reason", "psych") && ill_on_paper, "only_distress_but_ill", &["co.reason"]),
        (later_than_today("sx.onset"), "onset_in_future", &["sx.onset"]),
        (later_than_today("epi.8"), "discharge_in_future", &["epi.8"]),
        (later_than_today("epi.7.date"), "test_in_future", &["epi.7.date"]),
        (
            both("vs.spo2", "vs.spo2.again").is_some_and(|(a, b)| (a - b).abs() > OXIMETER_SPREAD),
            "oximeter_unsteady",
            &["vs.spo2", "vs.spo2.again"],
        ),
        (
            both("vs.bp.sys", "vs.bp.dia").is_some_and(|(upper, lower)| upper <= lower),
            "pressures_swapped",
            &["vs.bp.sys", "vs.bp.dia"],
        ),
        (later_than_today("su.arrive"), "arrival_in_future", &["su.arrive"]),
    ];
    let among_answers = checks.into_iter().filter(|check| check.0);
    let among_answers = among_answers.map(|(_, code, items)| Contradiction { code, items: items.to_vec() });

    // A *yes* on the first page that the declaration takes back: the first word may have been the true one.
    let taken_back = RED_FLAGS.iter().filter(|flag| context.red_flags.iter().any(|id| id == flag.id));
    let taken_back = taken_back.filter(|flag| match (answers.get(flag.link_id), flag.option) {
        (None, _) => false,
        (Some(answer), None) => *answer != json!(true),
        (Some(answer), Some(_)) => !matches!(answer, Value::String(code) if code == "rest" || code == "sentence"),
    });
    let taken_back = taken_back.map(|flag| Contradiction { code: "red_flag_taken_back", items: vec![flag.link_id] });
    among_answers.chain(taken_back).collect()
}
