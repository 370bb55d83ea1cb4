//! The vocabulary of triage: every variable that a rule may read, its type, its bounds and the question it comes from.
//!
//! The vocabulary is code and not data, because each variable needs a mapping from the questionnaire; rule sets are
//! written in it and refused when they use another word. Bounds keep out slips of the keyboard, not illness: they are
//! wider than life.

/// What values a variable can have.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Kind {
    /// Yes or no.
    Flag,
    /// A whole number between the bounds, both included.
    Integer(i64, i64),
    /// A number between the bounds, both included.
    Number(f64, f64),
    /// One of these words, in no order.
    Choice(&'static [&'static str]),
    /// One of these words, from harmless to grave.
    Scale(&'static [&'static str]),
}

/// One thing that can be known of a patient.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Variable {
    /// The name in rules and in the JSON of facts.
    pub name: &'static str,
    /// Type and bounds.
    pub kind: Kind,
    /// The UCUM unit, or nothing.
    pub unit: &'static str,
    /// The questionnaire items it is derived from.
    pub source: &'static str,
}

const fn var(name: &'static str, kind: Kind, unit: &'static str, source: &'static str) -> Variable {
    Variable { name, kind, unit, source }
}

const fn flag(name: &'static str, source: &'static str) -> Variable {
    var(name, Kind::Flag, "", source)
}

/// All 55 variables.
pub static VARIABLES: [Variable; 55] = [
    var("age_m", Kind::Integer(0, 1800), "mo", "id.no, rf.age"),
    var("sex", Kind::Choice(&["F", "M"]), "", "id.no"),
    // Any site; the higher of a forehead reading and its repeat in the armpit.
    var("temp", Kind::Number(20.0, 50.0), "Cel", "sx.temp"),
    flag("fever", "sx.fever"),
    var("fever_days", Kind::Integer(0, 3650), "d", "fev.days"),
    var("cough", Kind::Scale(&["none", "dry", "sputum", "streak", "massive"]), "", "sx.cough"),
    var("dysp", Kind::Scale(&["none", "exertion", "rest", "sentence"]), "", "sx.dysp"),
    flag("chest", "sx.chest"),
    flag("sweat", "sx.sweat, sx.skin"),
    flag("cyan", "sx.lips"),
    flag("mind", "sx.mind"),
    flag("skin", "sx.skin"),
    flag("anuria", "sx.urine"),
    flag("seiz", "sx.seiz"),
    flag("neck", "sx.neck"),
    flag("heat", "sx.heat"),
    flag("selfharm", "sx.self"),
    flag("ob", "sx.ob"),
    flag("preg", "rf.preg"),
    var("preg_wk", Kind::Integer(0, 45), "wk", "rf.preg"),
    flag("oth_resp", "sx.other"),
    flag("oth_any", "sx.other"),
    flag("worse", "sx.worse"),
    var("onset_d", Kind::Integer(0, 3650), "d", "sx.onset"),
    var("intake", Kind::Scale(&["normal", "less", "none"]), "", "sx.intake"),
    var("vomit", Kind::Scale(&["none", "some", "persistent"]), "", "sx.vomit"),
    // The lower of two readings 60 s apart, at rest, in room air, on a warm finger.
    var("spo2", Kind::Number(0.0, 100.0), "%", "vs.spo2"),
    var("hr", Kind::Number(0.0, 400.0), "/min", "vs.hr"),
    var("rr", Kind::Number(0.0, 200.0), "/min", "vs.rr"),
    var("sbp", Kind::Number(0.0, 400.0), "mm[Hg]", "vs.bp"),
    flag("chd", "rf.dis"),
    flag("chronic", "rf.dis"),
    flag("immune", "rf.imm"),
    var("bmi", Kind::Number(3.0, 200.0), "kg/m2", "rf.bmi"),
    flag("smoke", "rf.smoke"),
    flag("ch_dist", "ch.dist"),
    flag("ch_feed", "ch.feed"),
    flag("ch_drowsy", "ch.play"),
    flag("epi1", "epi.1, epi.5"),
    flag("epi2", "epi.2"),
    flag("epi3", "epi.3"),
    flag("epi4", "epi.4"),
    var("code", Kind::Choice(&["green", "yellow", "red", "none"]), "", "epi.code"),
    var("pcr", Kind::Choice(&["none", "neg", "pos", "pending"]), "", "epi.7"),
    // Known from the hospital's own register, not asked.
    flag("in_hosp", "admission register"),
    flag("recov14", "epi.8"),
    flag("ct", "lab.ct"),
    flag("wbc", "lab.wbc"),
    flag("igm", "lab.igm"),
    // The edition of the national protocol in force on the day of the visit.
    var("proto", Kind::Integer(6, 9), "", "date of the visit"),
    var("reason", Kind::Choice(&["fever", "contact", "report", "other", "psych"]), "", "co.reason"),
    flag("contradiction", "checks between answers"),
    flag("redflag_missing", "unanswered red-flag items"),
    // Compared with the last time, by the patient.
    var("wait_breath", Kind::Scale(&["better", "same", "worse", "much_worse"]), "", WAITING_ROOM),
    var("wait_state", Kind::Scale(&["better", "same", "worse", "much_worse"]), "", WAITING_ROOM),
];

/// The source of what is asked of those who wait, and of nobody before.
pub const WAITING_ROOM: &str = "the three questions in the waiting room";

/// What only the modifiers may read: it changes whom to tell, never how urgent the patient is.
pub(super) static CIRCUMSTANCES: [Variable; 3] =
    [flag("lives_alone", "rf.alone"), flag("frail", "a11y"), flag("can_isolate", "rf.room")];

/// The place of a variable in [`VARIABLES`].
pub(super) fn position(name: &str) -> Option<usize> {
    VARIABLES.iter().position(|variable| variable.name == name)
}

impl Kind {
    /// What a person who sent a wrong value should have sent.
    pub fn expected(self) -> String {
        match self {
            Self::Flag => "true or false".into(),
            Self::Integer(min, max) => format!("a whole number from {min} to {max}"),
            Self::Number(min, max) => format!("a number from {min} to {max}"),
            Self::Choice(words) | Self::Scale(words) => format!("one of {}", words.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_two_variables_share_a_name() {
        for (i, variable) in VARIABLES.iter().chain(&CIRCUMSTANCES).enumerate() {
            let first = VARIABLES.iter().chain(&CIRCUMSTANCES).position(|other| other.name == variable.name);
            assert_eq!(first, Some(i), "{}", variable.name);
        }
    }
}
