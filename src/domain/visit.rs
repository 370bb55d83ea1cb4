//! The visit: how it ends, what follows, and what its note must hold.

use serde::{Deserialize, Serialize};

use crate::domain::room::RoomEnd;
use crate::domain::text::Text;

/// Who speaks in a visit's conversation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChatSide {
    /// The patient, or who answers for the patient.
    Patient,
    /// The hospital.
    Staff,
    /// Who was invited into the call.
    Guest,
}

impl ChatSide {
    /// All sides.
    pub const ALL: [Self; 3] = [Self::Patient, Self::Staff, Self::Guest];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Patient => "patient",
            Self::Staff => "staff",
            Self::Guest => "guest",
        }
    }
}

/// What happens after the visit; one click.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// 居家自我照护.
    HomeCare,
    /// 转线下就诊.
    GoToHospital,
    /// 闭环转运.
    ClosedLoopTransport,
    /// 复诊随访.
    FollowUp,
    /// 120 急救.
    Emergency120,
}

impl Outcome {
    /// All outcomes.
    pub const ALL: [Self; 5] =
        [Self::HomeCare, Self::GoToHospital, Self::ClosedLoopTransport, Self::FollowUp, Self::Emergency120];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HomeCare => "home_care",
            Self::GoToHospital => "go_to_hospital",
            Self::ClosedLoopTransport => "closed_loop_transport",
            Self::FollowUp => "follow_up",
            Self::Emergency120 => "emergency120",
        }
    }

    /// What it is called at the desk.
    pub fn name(self) -> Text {
        match self {
            Self::HomeCare => Text::new("居家自我照护", "care at home"),
            Self::GoToHospital => Text::new("转线下就诊", "go to the hospital"),
            Self::ClosedLoopTransport => Text::new("闭环转运", "closed-loop transport"),
            Self::FollowUp => Text::new("复诊随访", "follow-up"),
            Self::Emergency120 => Text::new("120 急救", "emergency (120)"),
        }
    }

    /// Where the patient is referred to (转诊); nothing where the outcome sends them nowhere.
    pub fn refers_to(self) -> Option<Text> {
        match self {
            Self::HomeCare | Self::FollowUp => None,
            Self::GoToHospital => Some(Text::new("医院门诊（线下就诊）", "a hospital's outpatient clinic, in person")),
            Self::ClosedLoopTransport => {
                Some(Text::new("定点医院（闭环转运）", "the designated hospital, by dedicated transport"))
            }
            Self::Emergency120 => Some(Text::new("急诊（120 急救）", "an emergency department, by ambulance (120)")),
        }
    }

    /// Whether the doctor suspects an infectious disease that is reported within two hours: dedicated transport is for those
    /// who meet the case definition (诊疗方案, journeys of the fever clinic).
    pub const fn is_suspicion(self) -> bool {
        matches!(self, Self::ClosedLoopTransport)
    }

    /// Whether the doctor says why: who cannot be treated online is sent to a hospital with the reason (互联网诊疗管理办法（试行）
    /// Art. 16). Whoever is in danger waits for no words.
    pub const fn asks_reason(self) -> bool {
        matches!(self, Self::GoToHospital)
    }

    /// What the patient should do next, in plain words.
    pub fn next_step(self) -> Text {
        match self {
            Self::HomeCare => Text::new(
                "请在家休息，按医生的建议照顾自己，每天早晚各测一次体温。",
                "Please rest at home, follow the doctor's advice, and take your temperature every morning and evening.",
            ),
            Self::GoToHospital => Text::new(
                "请尽快到医院就诊。出门请戴口罩，尽量不乘公共交通工具。",
                "Please go to a hospital soon. Wear a mask and avoid public transport if you can.",
            ),
            Self::ClosedLoopTransport => Text::new(
                "请留在家中等待，会有专车接您到定点医院。请不要自行外出。",
                "Please stay where you are. A dedicated vehicle will take you to the designated hospital.",
            ),
            Self::FollowUp => Text::new(
                "请按约定的时间复诊。如有变化，可以提前联系我们。",
                "Please come back at the agreed time. Contact us earlier if anything changes.",
            ),
            Self::Emergency120 => Text::new(
                "请立即拨打 120。拨通前请不要离开身边的人。",
                "Call 120 now. Stay with somebody until help arrives.",
            ),
        }
    }
}

/// When to worry, whatever the outcome: the safety net that every patient takes home.
pub fn safety_net() -> Vec<Text> {
    [
        ("呼吸困难加重，或静息时也感到气促", "Breathing gets harder, or you are breathless at rest"),
        ("胸痛或胸口持续压迫感", "Chest pain or lasting pressure in the chest"),
        ("神志不清、难以唤醒，或新出现的意识模糊", "Confusion, or being hard to wake"),
        ("口唇或面色发青", "Blue lips or face"),
        ("高热持续三天不退，或退后又起", "High fever for three days, or fever that comes back"),
        ("不能进食饮水，或半天没有小便", "Not able to eat or drink, or no urine for half a day"),
    ]
    .into_iter()
    .map(|(zh, en)| Text::new(zh, en))
    .collect()
}

/// How a visit ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum VisitEnd {
    /// The doctor ended it with an outcome.
    Finished,
    /// It was not the right person.
    WrongPerson,
    /// The patient went on to another clinic.
    Transferred,
    /// The doctor was away for too long; the ticket is back in the queue.
    DoctorLost,
    /// The patient could not be reached any more; the ticket is back in the queue.
    PatientLost,
    /// The doctor was away and the patient became an emergency: somebody else calls at once.
    Emergency,
}

impl VisitEnd {
    /// All ends.
    pub const ALL: [Self; 6] =
        [Self::Finished, Self::WrongPerson, Self::Transferred, Self::DoctorLost, Self::PatientLost, Self::Emergency];

    /// The word in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::WrongPerson => "wrong_person",
            Self::Transferred => "transferred",
            Self::DoctorLost => "doctor_lost",
            Self::PatientLost => "patient_lost",
            Self::Emergency => "emergency",
        }
    }

    /// What those in the room of the visit are told.
    pub const fn room_end(self) -> RoomEnd {
        match self {
            Self::Finished => RoomEnd::Finished,
            Self::WrongPerson => RoomEnd::WrongPerson,
            Self::Transferred => RoomEnd::Transferred,
            Self::DoctorLost => RoomEnd::StaffLost,
            Self::PatientLost => RoomEnd::PatientLost,
            Self::Emergency => RoomEnd::Emergency,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn outcomes_are_the_same_word_everywhere_and_have_a_next_step() {
        for outcome in Outcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
            assert!(!outcome.next_step().is_incomplete());
        }
    }

    #[test]
    fn only_an_outcome_that_sends_the_patient_elsewhere_refers() {
        let refers = |outcome: &Outcome| outcome.refers_to().is_some();
        let those: Vec<Outcome> = Outcome::ALL.into_iter().filter(refers).collect();
        assert_eq!(those, [Outcome::GoToHospital, Outcome::ClosedLoopTransport, Outcome::Emergency120]);
        assert!(Outcome::ALL.into_iter().all(|outcome| !outcome.asks_reason() || refers(&outcome)));
    }

    #[test]
    fn ends_are_the_same_word_everywhere() {
        for end in VisitEnd::ALL {
            assert_eq!(serde_json::to_value(end).unwrap(), end.as_str());
        }
    }

    #[test]
    fn only_a_finished_visit_ends_its_room_as_finished() {
        for end in VisitEnd::ALL {
            assert_eq!(end.room_end() == RoomEnd::Finished, end == VisitEnd::Finished, "{end:?}");
        }
    }
}
