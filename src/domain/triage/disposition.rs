//! What happens after triage: the orders that a level comes with.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::domain::text::Text;

use super::level::Level;

/// What is to be done with a patient; each is an order to the system, not a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
pub enum Disposition {
    /// The queue stops; a human speaks to the patient within a minute and stays until the ambulance takes over.
    #[serde(rename = "D1_120")]
    Call120,
    /// As [`Self::Call120`], with the paediatric hospital.
    #[serde(rename = "D1_120_child")]
    Call120Child,
    /// As [`Self::Call120`], with obstetrics.
    #[serde(rename = "D1_120_ob")]
    Call120Obstetric,
    /// No public transport; a vehicle is arranged, the receiving hospital has the summary and reports within two hours.
    #[serde(rename = "D2_closed_loop")]
    ClosedLoop,
    /// A fever clinic within two hours; a doctor reviews within ten minutes.
    #[serde(rename = "D3_offline_2h")]
    OfflineWithinTwoHours,
    /// The doctor decides by video whether the patient has to come today.
    #[serde(rename = "D3_offline_today_or_D4_first")]
    OfflineTodayOrVideoFirst,
    /// Video in order of arrival within the level.
    #[serde(rename = "D4_video")]
    Video,
    /// Video, in front of the level.
    #[serde(rename = "D4_video_first")]
    VideoFirst,
    /// Temperature twice a day, a task for the grid worker, escalation on any symptom.
    #[serde(rename = "D5_observe_grid")]
    Observation,
    /// The street or community is told; no online prescription.
    #[serde(rename = "D5b_central_isolation")]
    CentralIsolation,
    /// Symptomatic care with a safety net and two call-backs.
    #[serde(rename = "D6_home")]
    Home,
    /// A transfer that keeps the time of arrival.
    #[serde(rename = "D6_reroute_clinic")]
    OtherClinic,
    /// A text; a nurse on request.
    #[serde(rename = "D7_advice")]
    Advice,
    /// A children's fever clinic today.
    #[serde(rename = "D8_child")]
    ChildClinic,
    /// A children's hospital, at once.
    #[serde(rename = "D8_child_now")]
    ChildClinicNow,
    /// Seen jointly by obstetrics and the fever clinic.
    #[serde(rename = "D8_ob")]
    ObstetricAndFever,
    /// A warm handover; nobody hangs up.
    #[serde(rename = "D9_crisis")]
    Crisis,
    /// The counselling desk, the same day.
    #[serde(rename = "D10_psych")]
    Counselling,
    /// Both [`Self::Video`] and [`Self::Observation`].
    #[serde(rename = "D4_video+D5_observe_grid")]
    VideoAndObservation,
}

/// By when a disposition has to reach the patient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case", tag = "kind", content = "seconds")]
pub enum TargetTime {
    /// Within so many seconds of the assessment.
    Seconds(u32),
    /// Before the clinic closes for the day.
    SameDay,
    /// At once, without a human.
    Automatic,
    /// No time is set.
    NoTarget,
}

impl TargetTime {
    /// The time that may pass, where it is counted in seconds.
    pub fn within(self) -> Option<Duration> {
        match self {
            Self::Seconds(seconds) => Some(Duration::from_secs(seconds.into())),
            Self::SameDay | Self::Automatic | Self::NoTarget => None,
        }
    }
}

/// A disposition in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct DispositionCard {
    /// The code.
    pub code: Disposition,
    /// A title for staff.
    pub title: Text,
    /// What the patient is told to do next; never a diagnosis.
    pub tell: Text,
    /// By when it has to happen.
    pub target: TargetTime,
}

impl Disposition {
    /// Every disposition.
    pub const ALL: [Self; 19] = [
        Self::Call120,
        Self::Call120Child,
        Self::Call120Obstetric,
        Self::ClosedLoop,
        Self::OfflineWithinTwoHours,
        Self::OfflineTodayOrVideoFirst,
        Self::Video,
        Self::VideoFirst,
        Self::Observation,
        Self::CentralIsolation,
        Self::Home,
        Self::OtherClinic,
        Self::Advice,
        Self::ChildClinic,
        Self::ChildClinicNow,
        Self::ObstetricAndFever,
        Self::Crisis,
        Self::Counselling,
        Self::VideoAndObservation,
    ];

    /// The code on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Call120 => "D1_120",
            Self::Call120Child => "D1_120_child",
            Self::Call120Obstetric => "D1_120_ob",
            Self::ClosedLoop => "D2_closed_loop",
            Self::OfflineWithinTwoHours => "D3_offline_2h",
            Self::OfflineTodayOrVideoFirst => "D3_offline_today_or_D4_first",
            Self::Video => "D4_video",
            Self::VideoFirst => "D4_video_first",
            Self::Observation => "D5_observe_grid",
            Self::CentralIsolation => "D5b_central_isolation",
            Self::Home => "D6_home",
            Self::OtherClinic => "D6_reroute_clinic",
            Self::Advice => "D7_advice",
            Self::ChildClinic => "D8_child",
            Self::ChildClinicNow => "D8_child_now",
            Self::ObstetricAndFever => "D8_ob",
            Self::Crisis => "D9_crisis",
            Self::Counselling => "D10_psych",
            Self::VideoAndObservation => "D4_video+D5_observe_grid",
        }
    }

    /// What a level means when a person set it and no rule said more.
    pub const fn of_level(level: Level) -> Self {
        match level {
            Level::Emergency => Self::Call120,
            Level::Urgent => Self::VideoFirst,
            Level::Standard => Self::Video,
            Level::Advice => Self::Advice,
        }
    }

    /// The orders that it consists of: itself, or both halves of a double one.
    pub fn parts(self) -> Vec<Self> {
        match self {
            Self::VideoAndObservation => vec![Self::Video, Self::Observation],
            single => vec![single],
        }
    }

    /// Whether the patient waits in the queue for a video consultation.
    pub const fn is_queued(self) -> bool {
        !matches!(
            self,
            Self::Call120
                | Self::Call120Child
                | Self::Call120Obstetric
                | Self::ChildClinicNow
                | Self::Crisis
                | Self::Home
                | Self::OtherClinic
                | Self::Advice
                | Self::Counselling
                | Self::Observation
                | Self::CentralIsolation
        )
    }

    /// The disposition in words.
    pub fn card(self) -> DispositionCard {
        let (target, title, tell) = self.words();
        DispositionCard { code: self, title: Text::new(title.0, title.1), tell: Text::new(tell.0, tell.1), target }
    }

    fn words(self) -> (TargetTime, Pair, Pair) {
        use TargetTime::{Automatic, NoTarget, SameDay, Seconds};
        match self {
            Self::Call120 => (
                Seconds(60),
                ("立即拨打120", "Call 120 now"),
                (
                    "请马上拨打120。我们已通知护士和医生，请不要关闭本页面，保持视频通畅。",
                    "Please call 120 now. A nurse and a doctor have been alerted; keep this page open and the video line free.",
                ),
            ),
            Self::Call120Child => (
                Seconds(60),
                ("儿科急救", "Emergency, children's hospital"),
                (
                    "请马上拨打120，说明是孩子，要求送往有儿科急诊的医院。请不要关闭本页面。",
                    "Please call 120 now, say that it is a child, and ask for a hospital with paediatric emergency care. Keep this page open.",
                ),
            ),
            Self::Call120Obstetric => (
                Seconds(60),
                ("产科急救", "Emergency, obstetrics"),
                (
                    "请马上拨打120，说明怀孕或产后情况，要求送往有产科急诊的医院。请不要关闭本页面。",
                    "Please call 120 now, say that you are pregnant or have just given birth, and ask for a hospital with an obstetric emergency room. Keep this page open.",
                ),
            ),
            Self::ClosedLoop => (
                Seconds(600),
                ("闭环转运至定点发热门诊", "Protected transport to a designated fever clinic"),
                (
                    "请留在原处并戴好口罩，不要乘坐公共交通。医生会很快联系您，并安排专车送您到发热门诊检查。",
                    "Please stay where you are, wear a mask and do not use public transport. A doctor will contact you soon and arrange a vehicle to a fever clinic for tests.",
                ),
            ),
            Self::OfflineWithinTwoHours => (
                Seconds(600),
                ("2小时内到发热门诊就诊", "Fever clinic within two hours"),
                (
                    "您需要在2小时内到医院发热门诊当面检查。请戴好口罩，不要乘坐公共交通。医生会先与您通话。",
                    "You need to be examined at a fever clinic within two hours. Wear a mask and do not use public transport. A doctor will speak to you first.",
                ),
            ),
            Self::OfflineTodayOrVideoFirst => (
                Seconds(600),
                ("当日到院或优先视频", "Clinic today, or video first"),
                (
                    "医生会优先与您视频，再决定今天是否需要到医院检查。",
                    "A doctor will see you by video with priority and decide whether you need to come to hospital today.",
                ),
            ),
            Self::Video => (
                Seconds(3600),
                ("在线视频咨询", "Video consultation"),
                (
                    "请在候诊室等候，医生会按顺序呼叫您。等候时如果变得更不舒服，请马上告诉我们。",
                    "Please stay in the waiting room; a doctor will call you in turn. If you feel worse while waiting, tell us at once.",
                ),
            ),
            Self::VideoFirst => (
                Seconds(600),
                ("优先视频咨询", "Video consultation with priority"),
                (
                    "医生会优先呼叫您，请不要离开。等候时如果变得更不舒服，请马上告诉我们。",
                    "A doctor will call you with priority; please stay close. If you feel worse while waiting, tell us at once.",
                ),
            ),
            Self::Observation => (
                Seconds(1800),
                ("14天医学观察和社区随访", "Observation for 14 days with community follow-up"),
                (
                    "请在家观察14天，每天早晚各量一次体温。社区工作人员会联系您。出现任何不舒服请马上告诉我们。",
                    "Please stay at home for 14 days and take your temperature every morning and evening. A community worker will contact you. Tell us at once if you feel unwell.",
                ),
            ),
            Self::CentralIsolation => (
                SameDay,
                ("属地集中隔离", "Central isolation by the local authority"),
                (
                    "按照当地规定，社区会联系您并安排集中隔离。请先留在原处，戴好口罩。",
                    "Under local rules the community office will contact you and arrange your stay in central isolation. Please stay where you are and wear a mask.",
                ),
            ),
            Self::Home => (
                NoTarget,
                ("居家自我照护", "Care at home"),
                (
                    "您可以在家休息，多喝水，按时量体温。我们会在24小时和72小时后回访。变得更不舒服请马上联系我们。",
                    "You can rest at home, drink enough and take your temperature. We will ask after you in 24 and 72 hours. Contact us at once if you feel worse.",
                ),
            ),
            Self::OtherClinic => (
                NoTarget,
                ("转普通门诊", "Another clinic"),
                (
                    "您的情况更适合其他门诊。我们会帮您转过去，并保留您的到达时间。",
                    "Another clinic suits your complaint better. We will move you there and keep your time of arrival.",
                ),
            ),
            Self::Advice => (
                Automatic,
                ("健康教育", "Advice"),
                (
                    "根据您填写的内容，目前不需要安排医生通话。请阅读健康建议；如有变化请重新填写，也可以请护士联系您。",
                    "From what you told us no call with a doctor is planned now. Please read the advice; if anything changes, fill in the form again or ask for a nurse.",
                ),
            ),
            Self::ChildClinic => (
                Seconds(600),
                ("儿科发热门诊", "Children's fever clinic today"),
                (
                    "请今天带孩子到儿科发热门诊。医生会先与您通话。",
                    "Please take the child to a children's fever clinic today. A doctor will speak to you first.",
                ),
            ),
            Self::ChildClinicNow => (
                Seconds(60),
                ("儿科立即就诊", "Children's hospital now"),
                (
                    "请马上带孩子到儿科急诊，不要等待。护士会立即与您联系。",
                    "Please take the child to a children's emergency room now; do not wait. A nurse will contact you at once.",
                ),
            ),
            Self::ObstetricAndFever => (
                Seconds(600),
                ("产科与发热门诊联合接诊", "Obstetrics and fever clinic together"),
                (
                    "请到有产科的发热门诊就诊。医生会先与您通话，并通知产科。",
                    "Please go to a fever clinic with obstetrics. A doctor will speak to you first and tell the obstetricians.",
                ),
            ),
            Self::Crisis => (
                Seconds(60),
                ("危机干预", "Crisis support"),
                (
                    "谢谢您告诉我们。请不要独自一人，我们的工作人员会马上与您通话，请不要离开。",
                    "Thank you for telling us. Please do not stay alone; one of us will speak to you right now, please stay here.",
                ),
            ),
            Self::Counselling => (
                SameDay,
                ("心理疏导", "Counselling"),
                ("我们会在今天安排心理咨询人员与您联系。", "A counsellor will contact you today."),
            ),
            Self::VideoAndObservation => (
                Seconds(3600),
                ("在线视频咨询，并医学观察", "Video consultation and observation"),
                (
                    "请在候诊室等候，医生会按顺序呼叫您。之后请在家观察14天，每天早晚量体温，社区工作人员会联系您。",
                    "Please stay in the waiting room; a doctor will call you in turn. Afterwards stay at home for 14 days and take your temperature every morning and evening; a community worker will contact you.",
                ),
            ),
        }
    }
}

/// Chinese, English.
type Pair = (&'static str, &'static str);

impl fmt::Display for Disposition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The text is no code of a disposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("not a disposition")]
pub struct UnknownDisposition;

impl FromStr for Disposition {
    type Err = UnknownDisposition;

    fn from_str(code: &str) -> Result<Self, UnknownDisposition> {
        Self::ALL.into_iter().find(|disposition| disposition.as_str() == code).ok_or(UnknownDisposition)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_written_and_read_as_the_same_word_everywhere() {
        for disposition in Disposition::ALL {
            assert_eq!(serde_json::to_value(disposition).unwrap(), disposition.as_str());
            assert_eq!(disposition.as_str().parse(), Ok(disposition));
        }
    }

    #[test]
    fn there_are_eighteen_orders_and_one_double_one() {
        let single = Disposition::ALL.into_iter().filter(|disposition| disposition.parts().len() == 1);
        assert_eq!(single.count(), 18);
        assert_eq!(Disposition::VideoAndObservation.parts(), [Disposition::Video, Disposition::Observation]);
        assert_eq!(Disposition::VideoAndObservation.as_str(), "D4_video+D5_observe_grid");
    }

    #[test]
    fn every_disposition_tells_the_patient_what_to_do_and_never_that_they_are_a_suspect() {
        for card in Disposition::ALL.map(Disposition::card) {
            assert!(!card.title.is_incomplete() && !card.tell.is_incomplete(), "{}", card.code);
            assert!(
                !card.tell.zh.contains("疑似") && !card.tell.en.to_lowercase().contains("suspect"),
                "{}",
                card.code
            );
        }
    }
}
