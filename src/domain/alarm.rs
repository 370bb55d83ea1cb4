//! Alarms: calls for help that do not wait in a queue, and a nurse's calls.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How long whoever took an alarm keeps it without being heard; then it rings again.
pub const LEASE: Duration = Duration::from_secs(30);
/// Alarms of one origin that ring in a clinic at once; the next are folded behind them. A family or a ward behind one
/// address is heard, for staff are coming to it already, and a stranger who cries a hundred times rings three times.
pub const RINGING: i64 = 3;
/// Calls for help of one network of strangers that wait folded in a clinic. Beyond it the one that waits longest of those
/// whose page is closed makes room for the next: a flood fills no table, and whoever stays on the line is kept.
pub const FOLDED: usize = 100;

/// What raised an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmKind {
    /// A yes on the first page, before any identity.
    RedFlag,
    /// Triage found EMERGENCY.
    Triage,
    /// A waiting patient became an emergency.
    Worsened,
    /// A nurse calls a waiting patient by video.
    NurseCall,
}

impl AlarmKind {
    /// All kinds.
    pub const ALL: [Self; 4] = [Self::RedFlag, Self::Triage, Self::Worsened, Self::NurseCall];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RedFlag => "red_flag",
            Self::Triage => "triage",
            Self::Worsened => "worsened",
            Self::NurseCall => "nurse_call",
        }
    }
}

/// What came of an alarm.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum AlarmOutcome {
    /// 120 took over.
    HandedTo120,
    /// Sent to a hospital.
    SentOffline,
    /// Not an emergency; back to the queue or to the clinic's link.
    FalseAlarm,
    /// Nobody could be reached.
    NotReached,
}

impl AlarmOutcome {
    /// All outcomes.
    pub const ALL: [Self; 4] = [Self::HandedTo120, Self::SentOffline, Self::FalseAlarm, Self::NotReached];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::HandedTo120 => "handed_to120",
            Self::SentOffline => "sent_offline",
            Self::FalseAlarm => "false_alarm",
            Self::NotReached => "not_reached",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_and_outcomes_are_the_same_word_everywhere() {
        for kind in AlarmKind::ALL {
            assert_eq!(serde_json::to_value(kind).unwrap(), kind.as_str());
        }
        for outcome in AlarmOutcome::ALL {
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.as_str());
        }
    }
}
