//! What becomes of a prescription: each state holds what it knows, and a transition consumes the old one.
//!
//! Law: nothing is dispensable without a doctor's and a pharmacist's signature, and any change voids every signature.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::herb::gate::{Finding, Needs, Report};
use crate::domain::ids::AccountId;
use crate::domain::prescription::Stated;
use crate::domain::time::Timestamp;
use crate::domain::written::letters;

/// A state as a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = RxState)]
pub enum Phase {
    /// Being written.
    Draft,
    /// Signed by its doctor; the pharmacist judges.
    Signed,
    /// The pharmacist has approved it.
    Approved,
    /// The pharmacist, or the second doctor, has given it back for a correction.
    Returned,
    /// The pharmacist has refused it.
    Refused,
    /// Handed out.
    Dispensed,
    /// Its doctor has stopped it.
    Stopped,
    /// Its time is over.
    Expired,
}

impl Phase {
    /// Every word.
    pub const ALL: [Self; 8] = [
        Self::Draft,
        Self::Signed,
        Self::Approved,
        Self::Returned,
        Self::Refused,
        Self::Dispensed,
        Self::Stopped,
        Self::Expired,
    ];

    /// The word in a column and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Draft => "draft",
            Self::Signed => "signed",
            Self::Approved => "approved",
            Self::Returned => "returned",
            Self::Refused => "refused",
            Self::Dispensed => "dispensed",
            Self::Stopped => "stopped",
            Self::Expired => "expired",
        }
    }

    /// Whether a pharmacist has approved it, and that is in force.
    pub const fn is_approved(self) -> bool {
        matches!(self, Self::Approved | Self::Dispensed)
    }
}

/// Whether a second doctor has to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Second {
    /// No.
    NotNeeded,
    /// Yes, and nobody did.
    Awaited,
    /// This one did.
    Given(AccountId),
}

/// What a pharmacist says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Yes.
    Approve,
    /// Not so: the doctor corrects it.
    Return(String),
    /// No.
    Refuse(String),
}

/// Where a prescription stands, with what that state knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum State {
    /// Being written; nobody has signed.
    Draft,
    /// Signed.
    Signed {
        /// By its doctor.
        by: AccountId,
        /// Good until.
        until: Timestamp,
        /// And a second one.
        second: Second,
    },
    /// Approved.
    Approved {
        /// By its doctor.
        by: AccountId,
        /// By this pharmacist.
        pharmacist: AccountId,
        /// Good until.
        until: Timestamp,
    },
    /// Given back.
    Returned {
        /// Why.
        reason: String,
    },
    /// Refused.
    Refused {
        /// Why.
        reason: String,
    },
    /// Handed out.
    Dispensed {
        /// By its doctor.
        by: AccountId,
        /// By this pharmacist.
        pharmacist: AccountId,
    },
    /// Stopped.
    Stopped {
        /// Why.
        reason: String,
    },
    /// Over.
    Expired,
}

/// Why a step is not possible.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// Not from this state.
    State,
    /// Findings without an answer; the first one's rule.
    Unanswered(String),
    /// Findings that nothing opens online; the first one's rule.
    RefusedOnline(String),
    /// Nobody has said yet what it is for.
    Undiagnosed,
    /// A finding wants the second signature of the doctor, who has seen it once more; the first one's key.
    Unconfirmed(String),
    /// The second doctor has to sign first.
    SecondSignature,
    /// A doctor is not the second beside themselves.
    SameDoctor,
    /// Its time is over.
    Expired,
}

/// The reasons of a doctor, by the key of the finding.
pub type Answers = BTreeMap<String, String>;

/// The first finding that keeps a prescription from being signed.
pub fn unanswered<'report>(report: &'report Report, answers: &Answers) -> Option<&'report Finding> {
    report.findings.iter().find(|finding| match finding.needs {
        Needs::Nothing => false,
        Needs::Answer | Needs::Confirm | Needs::SecondDoctor => {
            answers.get(&finding.key).is_none_or(|reason| letters(reason) < 2)
        }
        Needs::Ask | Needs::Never => true,
    })
}

impl State {
    /// The state as a word.
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Draft => Phase::Draft,
            Self::Signed { .. } => Phase::Signed,
            Self::Approved { .. } => Phase::Approved,
            Self::Returned { .. } => Phase::Returned,
            Self::Refused { .. } => Phase::Refused,
            Self::Dispensed { .. } => Phase::Dispensed,
            Self::Stopped { .. } => Phase::Stopped,
            Self::Expired => Phase::Expired,
        }
    }

    /// The doctor writes: whatever was signed before is signed no more.
    ///
    /// # Errors
    /// From a state in which the sheet is no longer the doctor's.
    pub fn change(self) -> Result<Self, Wrong> {
        match self {
            Self::Draft | Self::Signed { .. } | Self::Returned { .. } => Ok(Self::Draft),
            Self::Approved { .. } | Self::Refused { .. } | Self::Dispensed { .. } | Self::Stopped { .. } => {
                Err(Wrong::State)
            }
            Self::Expired => Err(Wrong::Expired),
        }
    }

    /// The doctor signs, every finding answered and the diagnosis stated; it is good until a moment. A warned sheet is signed
    /// by two acts: `is_confirmed` says that the second one was asked for by itself and done.
    ///
    /// # Errors
    /// With the first finding that keeps it from being signed, or where the record has no diagnosis to state.
    pub fn sign(
        self,
        by: AccountId,
        report: &Report,
        answers: &Answers,
        is_confirmed: bool,
        stated: &Stated,
        until: Timestamp,
    ) -> Result<Self, Wrong> {
        if self != Self::Draft {
            return Err(Wrong::State);
        }
        if let Some(refused) = report.refused() {
            return Err(Wrong::RefusedOnline(refused.rule.clone()));
        }
        if let Some(open) = unanswered(report, answers) {
            return Err(Wrong::Unanswered(open.key.clone()));
        }
        if !stated.has_diagnosis() {
            return Err(Wrong::Undiagnosed);
        }
        if let Some(warned) = report.findings.iter().find(|one| one.needs == Needs::Confirm && !is_confirmed) {
            return Err(Wrong::Unconfirmed(warned.key.clone()));
        }
        let second = if report.needs_second_doctor() { Second::Awaited } else { Second::NotNeeded };
        Ok(Self::Signed { by, until, second })
    }

    /// A second doctor signs beside the first.
    ///
    /// # Errors
    /// Where no second is awaited, or it is the first again.
    pub fn countersign(self, doctor: AccountId) -> Result<Self, Wrong> {
        match self {
            Self::Signed { by, .. } if by == doctor => Err(Wrong::SameDoctor),
            Self::Signed { by, until, second: Second::Awaited } => {
                Ok(Self::Signed { by, until, second: Second::Given(doctor) })
            }
            _ => Err(Wrong::State),
        }
    }

    /// A second doctor does not sign beside the first: it goes back to whoever wrote it.
    ///
    /// # Errors
    /// As [`State::countersign`].
    pub fn decline(self, doctor: AccountId, reason: String) -> Result<Self, Wrong> {
        self.countersign(doctor).map(|_| Self::Returned { reason })
    }

    /// A pharmacist judges. What is given back or refused needs no second doctor before.
    ///
    /// # Errors
    /// From another state, after its time, or before the second doctor signed.
    pub fn review(self, pharmacist: AccountId, verdict: Verdict, now: Timestamp) -> Result<Self, Wrong> {
        let Self::Signed { by, until, second } = self else { return Err(Wrong::State) };
        if now >= until {
            return Err(Wrong::Expired);
        }
        match verdict {
            Verdict::Approve if second == Second::Awaited => Err(Wrong::SecondSignature),
            Verdict::Approve => Ok(Self::Approved { by, pharmacist, until }),
            Verdict::Return(reason) => Ok(Self::Returned { reason }),
            Verdict::Refuse(reason) => Ok(Self::Refused { reason }),
        }
    }

    /// It is handed out.
    ///
    /// # Errors
    /// Unless it is approved and its time is not over.
    pub fn dispense(self, now: Timestamp) -> Result<Self, Wrong> {
        match self {
            Self::Approved { by, pharmacist, until } if now < until => Ok(Self::Dispensed { by, pharmacist }),
            Self::Approved { .. } | Self::Expired => Err(Wrong::Expired),
            _ => Err(Wrong::State),
        }
    }

    /// The doctor stops it, as when the patient turns out to be pregnant; also after it was handed out.
    ///
    /// # Errors
    /// From a state in which nothing of it is in anybody's hand.
    pub fn stop(self, reason: String) -> Result<Self, Wrong> {
        match self {
            Self::Signed { .. } | Self::Approved { .. } | Self::Dispensed { .. } => Ok(Self::Stopped { reason }),
            Self::Draft | Self::Returned { .. } | Self::Refused { .. } | Self::Stopped { .. } | Self::Expired => {
                Err(Wrong::State)
            }
        }
    }

    /// When it runs out by itself.
    pub fn runs_out_at(&self) -> Option<Timestamp> {
        match self {
            Self::Signed { until, .. } | Self::Approved { until, .. } => Some(*until),
            _ => None,
        }
    }

    /// The state that it is at `now`: what has run out is over.
    #[must_use]
    pub fn at(self, now: Timestamp) -> Self {
        if self.runs_out_at().is_some_and(|until| now >= until) { Self::Expired } else { self }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;
    use uuid::Uuid;

    use super::*;
    use crate::domain::herb::gate::Severity;
    use crate::domain::text::Text;
    use crate::domain::triage::RuleSetStatus;

    const MORNING: Timestamp = Timestamp::from_millis(1_600_000_000_000);
    /// Until when what is signed in the morning is good.
    const NIGHT: Timestamp = Timestamp::from_millis(1_600_000_000_000 + 14 * 3_600_000);

    fn doctor(number: u128) -> AccountId {
        AccountId::from_uuid(Uuid::from_u128(number))
    }

    fn finding(needs: Needs) -> Finding {
        Finding {
            key: format!("{needs:?}@0"),
            rule: format!("{needs:?}"),
            lines: vec![0],
            severity: Severity::Warn,
            needs,
            fact: Text::new("甲", "a"),
            source: Text::new("乙", "b"),
            edition: "c".into(),
        }
    }

    fn report(needs: &[Needs]) -> Report {
        Report {
            findings: needs.iter().copied().map(finding).collect(),
            passed: Vec::new(),
            data_version: "1".into(),
            data_status: RuleSetStatus::Draft,
        }
    }

    fn answered(report: &Report) -> Answers {
        report.findings.iter().map(|finding| (finding.key.clone(), "病情需要".to_owned())).collect()
    }

    /// What the record says it is for.
    fn cold() -> Stated {
        Stated { diagnosis: "感冒".into(), ..Stated::default() }
    }

    fn signed(needs: &[Needs]) -> State {
        let report = report(needs);
        State::Draft.sign(doctor(1), &report, &answered(&report), true, &cold(), NIGHT).unwrap()
    }

    #[test]
    fn words_on_the_wire_and_in_columns_are_the_same() {
        assert!(Phase::ALL.iter().all(|word| serde_json::to_value(word).unwrap() == word.as_str()));
    }

    #[test]
    fn an_unanswered_finding_keeps_a_prescription_from_being_signed() {
        for needs in [Needs::Answer, Needs::Confirm, Needs::SecondDoctor] {
            let report = report(&[Needs::Nothing, needs]);
            let blank = Answers::from([(format!("{needs:?}@0"), "  ".to_owned())]);
            for answers in [Answers::new(), blank] {
                let refused = State::Draft.sign(doctor(1), &report, &answers, true, &cold(), MORNING);
                assert_eq!(refused, Err(Wrong::Unanswered(format!("{needs:?}@0"))));
            }
            assert!(State::Draft.sign(doctor(1), &report, &answered(&report), true, &cold(), MORNING).is_ok());
        }
    }

    #[test]
    fn what_is_for_nothing_is_not_signed() {
        let clean = report(&[]);
        let blank = Stated { diagnosis: " 　".into(), ..Stated::default() };
        for stated in [Stated::default(), blank] {
            let refused = State::Draft.sign(doctor(1), &clean, &Answers::new(), true, &stated, NIGHT);
            assert_eq!(refused, Err(Wrong::Undiagnosed));
        }
        assert!(State::Draft.sign(doctor(1), &clean, &Answers::new(), true, &cold(), NIGHT).is_ok());
    }

    #[test]
    fn a_warned_sheet_is_signed_by_two_acts_and_another_by_one() {
        for needs in [Needs::Nothing, Needs::Answer, Needs::Confirm, Needs::SecondDoctor] {
            let report = report(&[Needs::Answer, needs]);
            let sign = |twice| State::Draft.sign(doctor(1), &report, &answered(&report), twice, &cold(), NIGHT);
            let once = if needs == Needs::Confirm { Some(Wrong::Unconfirmed("Confirm@0".into())) } else { None };
            assert_eq!(sign(false).err(), once, "{needs:?}");
            assert!(sign(true).is_ok(), "{needs:?}");
        }
    }

    #[test]
    fn no_reason_opens_what_is_missing_or_never_online() {
        let missing = report(&[Needs::Ask]);
        let refused = State::Draft.sign(doctor(1), &missing, &answered(&missing), true, &cold(), MORNING);
        assert_eq!(refused, Err(Wrong::Unanswered("Ask@0".into())));
        let never = report(&[Needs::Never]);
        let refused = State::Draft.sign(doctor(1), &never, &answered(&never), true, &cold(), MORNING);
        assert_eq!(refused, Err(Wrong::RefusedOnline("Never".into())));
    }

    #[test]
    fn an_opposing_pair_waits_for_another_doctor_and_not_for_the_same() {
        let waiting = signed(&[Needs::SecondDoctor]);
        let early = waiting.clone().review(doctor(9), Verdict::Approve, MORNING);
        assert_eq!(early, Err(Wrong::SecondSignature));
        assert_eq!(waiting.clone().countersign(doctor(1)), Err(Wrong::SameDoctor));
        let both = waiting.countersign(doctor(2)).unwrap();
        assert_eq!(both.clone().countersign(doctor(3)), Err(Wrong::State), "two are enough");
        assert_eq!(both.review(doctor(9), Verdict::Approve, MORNING).unwrap().phase(), Phase::Approved);
        assert_eq!(signed(&[]).countersign(doctor(2)), Err(Wrong::State), "nobody asked for a second");
    }

    #[test]
    fn whoever_may_sign_beside_the_first_may_decline_and_it_goes_back_with_the_reason() {
        let waiting = signed(&[Needs::SecondDoctor]);
        let no = |state: State, who| state.decline(doctor(who), "半夏反乌头，无依据".into());
        assert_eq!(no(waiting.clone(), 1), Err(Wrong::SameDoctor));
        let back = no(waiting.clone(), 2).unwrap();
        assert_eq!(back, State::Returned { reason: "半夏反乌头，无依据".into() });
        assert_eq!(back.clone().change(), Ok(State::Draft), "its doctor corrects it");
        assert_eq!(no(back, 3), Err(Wrong::State));
        assert_eq!(no(waiting.countersign(doctor(2)).unwrap(), 3), Err(Wrong::State), "it is signed by two");
        assert_eq!(no(signed(&[]), 2), Err(Wrong::State), "nobody asked for a second");
    }

    #[test]
    fn a_prescription_runs_out_at_its_moment_and_not_one_before() {
        let before = NIGHT - Duration::from_millis(1);
        let after = NIGHT;
        for state in [signed(&[]), signed(&[]).review(doctor(9), Verdict::Approve, MORNING).unwrap()] {
            assert_ne!(state.clone().at(before).phase(), Phase::Expired);
            assert_eq!(state.at(after).phase(), Phase::Expired);
        }
        let approved = signed(&[]).review(doctor(9), Verdict::Approve, before).unwrap();
        assert_eq!(approved.clone().dispense(before).unwrap().phase(), Phase::Dispensed);
        assert_eq!(approved.dispense(after), Err(Wrong::Expired));
        assert_eq!(signed(&[]).review(doctor(9), Verdict::Approve, after), Err(Wrong::Expired));
    }

    #[test]
    fn what_was_handed_out_can_be_stopped_and_nothing_follows_a_stop() {
        let out = signed(&[]).review(doctor(9), Verdict::Approve, MORNING).unwrap().dispense(MORNING).unwrap();
        let stopped = out.stop("患者妊娠".into()).unwrap();
        assert_eq!(stopped.clone().change(), Err(Wrong::State));
        assert_eq!(stopped.clone().dispense(MORNING), Err(Wrong::State));
        assert_eq!(stopped.at(NIGHT + Duration::from_hours(72)).phase(), Phase::Stopped, "a stop is the last word");
        assert_eq!(State::Draft.stop("x".into()), Err(Wrong::State));
    }

    /// What somebody may try.
    #[derive(Clone, Debug)]
    enum Step {
        Change,
        Sign(Vec<Needs>, bool, bool, bool),
        Countersign(u128),
        Review(u8),
        Dispense,
        Stop,
        Later,
    }

    fn step() -> impl Strategy<Value = Step> {
        let needs = prop::sample::select(vec![
            Needs::Nothing,
            Needs::Answer,
            Needs::Confirm,
            Needs::SecondDoctor,
            Needs::Ask,
            Needs::Never,
        ]);
        prop_oneof![
            Just(Step::Change),
            (prop::collection::vec(needs, 0..3), any::<bool>(), any::<bool>(), any::<bool>())
                .prop_map(|(needs, is_said, is_diagnosed, twice)| Step::Sign(needs, is_said, is_diagnosed, twice)),
            (1_u128..4).prop_map(Step::Countersign),
            (0_u8..3).prop_map(Step::Review),
            Just(Step::Dispense),
            Just(Step::Stop),
            Just(Step::Later),
        ]
    }

    proptest! {
        #[test]
        fn nothing_is_dispensable_without_doctor_and_pharmacist(steps in prop::collection::vec(step(), 0..40)) {
            let mut state = State::Draft;
            let mut now = MORNING;
            // Who has signed the sheet as it is.
            let (mut by_doctor, mut by_second, mut by_pharmacist, mut wants_second) = (false, false, false, false);
            for step in steps {
                let before = state.clone();
                let next = match step.clone() {
                    Step::Change => state.change(),
                    Step::Sign(needs, is_said, is_diagnosed, is_confirmed) => {
                        let report = report(&needs);
                        let stated = if is_diagnosed { cold() } else { Stated::default() };
                        let answers = if is_said { answered(&report) } else { Answers::new() };
                        state.sign(doctor(1), &report, &answers, is_confirmed, &stated, now + Duration::from_hours(72))
                    }
                    Step::Countersign(number) => state.countersign(doctor(number)),
                    Step::Review(0) => state.review(doctor(9), Verdict::Approve, now),
                    Step::Review(1) => state.review(doctor(9), Verdict::Return("改".into()), now),
                    Step::Review(_) => state.review(doctor(9), Verdict::Refuse("否".into()), now),
                    Step::Dispense => state.dispense(now),
                    Step::Stop => state.stop("停".into()),
                    Step::Later => {
                        now = now + Duration::from_hours(20);
                        Ok(state.at(now))
                    }
                };
                let Ok(next) = next else {
                    state = before;
                    continue;
                };
                match step {
                    Step::Change => (by_doctor, by_second, by_pharmacist) = (false, false, false),
                    Step::Sign(needs, _, is_diagnosed, is_confirmed) => {
                        prop_assert!(is_diagnosed, "nothing is signed that is for nothing");
                        prop_assert!(is_confirmed || !needs.contains(&Needs::Confirm), "by two acts");
                        by_doctor = true;
                        wants_second = needs.contains(&Needs::SecondDoctor);
                    }
                    Step::Countersign(number) => {
                        prop_assert_ne!(number, 1);
                        by_second = true;
                    }
                    Step::Review(0) => by_pharmacist = true,
                    Step::Dispense => {
                        prop_assert!(by_doctor && by_pharmacist && (by_second || !wants_second));
                    }
                    Step::Review(_) | Step::Stop | Step::Later => {}
                }
                state = next;
            }
        }

        #[test]
        fn any_change_leaves_no_signature(needs in prop::sample::select(vec![Needs::Nothing, Needs::SecondDoctor]), both: bool) {
            let mut state = signed(&[needs]);
            if both && needs == Needs::SecondDoctor {
                state = state.countersign(doctor(2)).unwrap();
            }
            let changed = state.change().unwrap();
            prop_assert_eq!(&changed, &State::Draft);
            let approved = changed.clone().review(doctor(9), Verdict::Approve, MORNING);
            prop_assert_eq!(approved, Err(Wrong::State));
            prop_assert_eq!(changed.dispense(MORNING), Err(Wrong::State));
        }
    }
}
