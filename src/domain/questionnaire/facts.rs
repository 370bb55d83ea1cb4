//! From answers to facts of triage: each variable from the items that its declaration names as its source.

use jiff::civil::Date;
use serde_json::{Map, Value, json};

use crate::domain::identity::{age_in_months, age_in_years, parse_date};
use crate::domain::people::Sex;
use crate::domain::triage::{Circumstances, Facts, RED_FLAGS};

use super::answers::Answers;
use super::contradictions::contradictions;
use super::schema::{Item, Questionnaire};

/// What is known of the patient without asking.
#[derive(Clone, Debug, PartialEq)]
pub struct Context {
    /// The day of the visit in the hospital's time zone.
    pub today: Date,
    /// From the identity document.
    pub birth_date: Date,
    /// From the identity document.
    pub sex: Sex,
    /// The edition of the national protocol in force today: 6 to 9.
    pub protocol: u8,
    /// Whether the patient is admitted now, by the hospital's register.
    pub in_hospital: Option<bool>,
    /// The ids of the questions of the first page that were answered *yes*.
    pub red_flags: Vec<String>,
}

/// The items that must not stay open: an unanswered one brings a nurse's call (rule M03).
const MUST_KNOW: [&str; 14] = [
    "sx.dysp", "sx.chest", "sx.lips", "sx.mind", "sx.skin", "sx.urine", "sx.seiz", "sx.neck", "sx.ob", "ch.feed",
    "ch.dist", "ch.play", "sx.heat", "sx.self",
];

/// So long after the discharge new symptoms count as a relapse.
const RELAPSE_DAYS: i32 = 14;

impl Context {
    /// The value that a condition may ask for by this name.
    pub(super) fn known(&self, name: &str) -> Option<Value> {
        match name {
            "age" => Some(json!(age_in_years(self.birth_date, self.today))),
            "sex" => Some(json!(match self.sex {
                Sex::Female => "female",
                Sex::Male => "male",
            })),
            _ => None,
        }
    }
}

/// The answers that the eight questions of the first page stand for; `yes` holds the ids answered *yes*.
///
/// The result is a change for [`Answers::merged`], so that nobody is asked twice.
pub fn answers_of_first_page(yes: &[String]) -> Map<String, Value> {
    let answer = |flag: &crate::domain::triage::RedFlag| match (yes.iter().any(|id| id == flag.id), flag.option) {
        (true, Some(option)) => Some(json!(option)),
        (false, Some(_)) => None,
        (is_yes, None) => Some(json!(is_yes)),
    };
    RED_FLAGS.iter().filter_map(|flag| Some((flag.link_id.to_owned(), answer(flag)?))).collect()
}

/// What the answers say of the patient; what was not answered, or is no longer asked, is unknown.
pub fn facts_from_answers(form: &Questionnaire, answers: &Answers, context: &Context) -> Facts {
    let read = Visible::of(form, answers, context);
    let mut facts = Facts::default();
    let mut misfit = false;
    let mut learn = |name: &str, value: Option<Value>| {
        // Items are bounded more tightly than variables, so a misfit is a questionnaire of another time: ask a person.
        misfit |= facts.set(name, &value.unwrap_or(Value::Null)).is_err();
    };

    learn("age_m", Some(json!(age_in_months(context.birth_date, context.today))));
    learn("sex", Some(json!(if context.sex == Sex::Female { "F" } else { "M" })));
    learn("proto", Some(json!(context.protocol)));
    learn("in_hosp", context.in_hospital.map(Value::from));

    for (name, link_id) in SAME_VALUE {
        learn(name, read.value(link_id).cloned());
    }
    learn("temp", read.temperature().map(Value::from));
    learn("spo2", read.lower("vs.spo2", "vs.spo2.again").map(Value::from));
    learn("sbp", read.number("vs.bp.sys").map(Value::from));
    learn("bmi", read.body_mass_index().map(Value::from));
    learn("sweat", either(read.flag("sx.sweat"), read.flag("sx.skin")));
    learn("epi1", either(read.flag("epi.1"), read.flag("epi.5")));
    learn("ob", read.chose_any("sx.ob", |_| true));
    learn("oth_any", read.chose_any("sx.other", |_| true));
    learn("oth_resp", read.chose_any("sx.other", |code| matches!(code, "sore_throat" | "runny_nose" | "smell_taste")));
    learn("chronic", read.chose_any("rf.dis", |_| true));
    learn("chd", read.chose_any("rf.dis", |code| code == "cardio"));
    // The weeks after birth carry the dangers of the last weeks before it: the obstetric rules apply to both.
    learn("preg", read.code_is("rf.preg", &["pregnant", "postpartum"]));
    learn("worse", read.code_is("sx.worse", &["worse"]));
    learn("ch_drowsy", read.code_is("ch.play", &["drowsy"]));
    for (name, link_id, yes) in [("ct", "lab.ct", "yes"), ("wbc", "lab.wbc", "yes"), ("igm", "lab.igm", "pos")] {
        learn(name, read.code_is(link_id, &[yes]).filter(|_| read.code(link_id) != Some("not_done")));
    }
    learn("onset_d", read.days_since("sx.onset", context.today).map(Value::from));
    let since_discharge = read.days_since("epi.8", context.today);
    learn("recov14", since_discharge.map(|days| json!(days <= RELAPSE_DAYS)));

    let missing = MUST_KNOW.iter().any(|link_id| read.is_asked(link_id) && read.value(link_id).is_none());
    learn("redflag_missing", Some(json!(missing)));
    let contradicts = !contradictions(form, answers, context).is_empty();
    learn("contradiction", Some(json!(contradicts)));
    if misfit {
        facts.set("contradiction", &json!(true)).expect("the vocabulary has this flag");
    }

    facts.circumstances = Circumstances {
        lives_alone: read.flag("rf.alone"),
        frail: read.codes("a11y").map(|codes| codes.contains(&"family")),
        can_isolate: read.flag("rf.room"),
    };
    facts
}

/// Variables that are an answer as it stands: the options of these items have the words of the variables as codes.
const SAME_VALUE: [(&str, &str); 28] = [
    ("fever", "sx.fever"),
    ("fever_days", "fev.days"),
    ("cough", "sx.cough"),
    ("dysp", "sx.dysp"),
    ("chest", "sx.chest"),
    ("cyan", "sx.lips"),
    ("mind", "sx.mind"),
    ("skin", "sx.skin"),
    ("anuria", "sx.urine"),
    ("seiz", "sx.seiz"),
    ("neck", "sx.neck"),
    ("heat", "sx.heat"),
    ("selfharm", "sx.self"),
    ("preg_wk", "rf.preg.weeks"),
    ("intake", "sx.intake"),
    ("vomit", "sx.vomit"),
    ("hr", "vs.hr"),
    ("rr", "vs.rr"),
    ("immune", "rf.imm"),
    ("smoke", "rf.smoke"),
    ("ch_dist", "ch.dist"),
    ("ch_feed", "ch.feed"),
    ("epi2", "epi.2"),
    ("epi3", "epi.3"),
    ("epi4", "epi.4"),
    ("code", "epi.code"),
    ("pcr", "epi.7"),
    ("reason", "co.reason"),
];

/// True if one is, false if one is and none is true, else unknown.
fn either(a: Option<bool>, b: Option<bool>) -> Option<Value> {
    match (a, b) {
        (Some(true), _) | (_, Some(true)) => Some(json!(true)),
        (None, None) => None,
        _ => Some(json!(false)),
    }
}

/// The answers to what is asked now; an answer to a question that has gone is not read.
pub(super) struct Visible<'a> {
    items: Vec<&'a Item>,
    answers: &'a Answers,
}

impl<'a> Visible<'a> {
    pub(super) fn of(form: &'a Questionnaire, answers: &'a Answers, context: &Context) -> Self {
        Self { items: answers.visible(form, context), answers }
    }

    pub(super) fn is_asked(&self, link_id: &str) -> bool {
        self.items.iter().any(|item| item.link_id == link_id)
    }

    pub(super) fn value(&self, link_id: &str) -> Option<&'a Value> {
        self.answers.get(link_id).filter(|_| self.is_asked(link_id))
    }

    pub(super) fn flag(&self, link_id: &str) -> Option<bool> {
        self.value(link_id)?.as_bool()
    }

    pub(super) fn number(&self, link_id: &str) -> Option<f64> {
        self.value(link_id)?.as_f64()
    }

    pub(super) fn code(&self, link_id: &str) -> Option<&'a str> {
        self.value(link_id)?.as_str()
    }

    /// The chosen options without the one that says “none of these”.
    pub(super) fn codes(&self, link_id: &str) -> Option<Vec<&'a str>> {
        let chosen = self.value(link_id)?.as_array()?;
        Some(chosen.iter().filter_map(Value::as_str).filter(|code| *code != "none").collect())
    }

    pub(super) fn date(&self, link_id: &str) -> Option<Date> {
        parse_date(self.code(link_id)?)
    }

    /// Days from the answered date to today; none for a day that has not come, or that nobody remembers.
    fn days_since(&self, link_id: &str, today: Date) -> Option<i32> {
        let days = (today - self.date(link_id)?).get_days();
        (0..=3650).contains(&days).then_some(days)
    }

    /// The higher of the readings: a forehead that is warm is measured again in the armpit, and both are kept.
    pub(super) fn temperature(&self) -> Option<f64> {
        let readings = [self.number("sx.temp"), self.number("sx.temp.again")];
        readings.into_iter().flatten().max_by(f64::total_cmp)
    }

    fn lower(&self, first: &str, second: &str) -> Option<f64> {
        [self.number(first), self.number(second)].into_iter().flatten().min_by(f64::total_cmp)
    }

    /// kg/m², unrounded.
    fn body_mass_index(&self) -> Option<f64> {
        let metres = self.number("rf.bmi.height")? / 100.0;
        Some(self.number("rf.bmi.weight")? / (metres * metres))
    }

    fn chose_any(&self, link_id: &str, counts: impl Fn(&str) -> bool) -> Option<Value> {
        Some(json!(self.codes(link_id)?.into_iter().any(counts)))
    }

    fn code_is(&self, link_id: &str, wanted: &[&str]) -> Option<Value> {
        Some(json!(wanted.contains(&self.code(link_id)?)))
    }
}
