//! Who may read a record, and for which purpose.
//!
//! Treating somebody needs no question. Whoever reads outside of a treatment says why; whoever has nothing to do with
//! the patient at all breaks the glass: with a reason in words, an alarm at once, and a review by somebody else.

use serde::{Deserialize, Serialize};

/// Characters of a reason for breaking the glass.
pub const REASON_LIMIT: usize = 500;
/// A reason in fewer characters is none.
pub const REASON_LEAST: usize = 4;

/// Letters in it, at least.
const LETTERS_LEAST: usize = 2;

/// Why a record was read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// The patient is on the reader's desk.
    Treating,
    /// The reader saw the patient in this visit and has not signed yet.
    OwnWork,
    /// The treating doctor has asked the reader for an opinion, which is not given yet.
    Consultation,
    /// The reader treated this patient, and reads again.
    Continuity,
    /// The reader never did; somebody will ask why.
    BreakGlass,
    /// An administrator took the whole of it away as a sealed file; somebody will ask why.
    Dispute,
}

impl Access {
    /// Every purpose.
    pub const ALL: [Self; 6] =
        [Self::Treating, Self::OwnWork, Self::Consultation, Self::Continuity, Self::BreakGlass, Self::Dispute];

    /// The word in the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Treating => "treating",
            Self::OwnWork => "own_work",
            Self::Consultation => "consultation",
            Self::Continuity => "continuity",
            Self::BreakGlass => "break_glass",
            Self::Dispute => "dispute",
        }
    }
}

/// Whether these words say why: letters of any script, and not blanks or signs that nobody sees.
pub fn is_reason(words: &str) -> bool {
    let words = words.trim();
    (REASON_LEAST..=REASON_LIMIT).contains(&words.chars().count())
        && words.chars().filter(|letter| letter.is_alphabetic()).count() >= LETTERS_LEAST
}

/// Why something of a patient was read, in the audit: a closed list, so that a reader of the log knows every word of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReadPurpose {
    /// A record, as [`decide`] found.
    Record(Access),
    /// The patient is on the reader's desk, or was.
    Treatment,
    /// A nurse calls before the visit.
    NurseCall,
    /// A pharmacist judges.
    Review,
    /// A second doctor is to sign.
    Countersign,
    /// Somebody else's visit is looked for, by a document or a number of a day.
    Finding,
    /// A case of an infectious disease is reported, as the law wants it.
    Reporting,
    /// An administrator looks after an adverse event.
    Safety,
    /// The patient, or who answers for the patient.
    Own,
}

impl ReadPurpose {
    /// Every purpose.
    pub const ALL: [Self; 14] = [
        Self::Record(Access::Treating),
        Self::Record(Access::OwnWork),
        Self::Record(Access::Consultation),
        Self::Record(Access::Continuity),
        Self::Record(Access::BreakGlass),
        Self::Record(Access::Dispute),
        Self::Treatment,
        Self::NurseCall,
        Self::Review,
        Self::Countersign,
        Self::Finding,
        Self::Reporting,
        Self::Safety,
        Self::Own,
    ];

    /// The word in the audit.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Record(access) => access.as_str(),
            Self::Treatment => "treatment",
            Self::NurseCall => "nurse_call",
            Self::Review => "review",
            Self::Countersign => "countersign",
            Self::Finding => "finding",
            Self::Reporting => "reporting",
            Self::Safety => "safety",
            Self::Own => "own",
        }
    }

    /// The purpose of a word in the audit, if this program knows it.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.as_str() == word)
    }
}

impl Serialize for ReadPurpose {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.as_str())
    }
}

impl<'de> Deserialize<'de> for ReadPurpose {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let word = String::deserialize(deserializer)?;
        Self::from_word(&word).ok_or_else(|| serde::de::Error::custom("no such purpose"))
    }
}

/// What a reader says of the purpose.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = AskedPurpose)]
pub enum Asked {
    /// To go on with a treatment.
    Continuity,
    /// In spite of having nothing to do with it.
    BreakGlass,
}

/// How somebody else judged a broken glass.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// There was a reason.
    Justified,
    /// There was none.
    NotJustified,
}

impl Verdict {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Justified, Self::NotJustified];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Justified => "justified",
            Self::NotJustified => "not_justified",
        }
    }
}

/// What ties a reader to a visit; the closest tie counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tie {
    /// The patient of the visit is on the reader's desk now; while it rings, under this very name.
    OnDesk,
    /// The reader is the doctor of the visit, and its note is not signed.
    Writing,
    /// An opinion was asked of the reader, and is open.
    Consulted,
    /// The reader is the doctor of this or of another visit of the patient.
    Treated,
    /// Nothing.
    Stranger,
}

/// Why a record is not shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Closed {
    /// Say why first.
    PurposeMissing,
    /// Break the glass with a reason in words.
    ReasonMissing,
}

/// Whether the record is shown, and under which purpose the read is written down.
pub fn decide(asked: Option<Asked>, reason: &str, tie: Tie) -> Result<Access, Closed> {
    match (tie, asked) {
        (Tie::OnDesk, _) => Ok(Access::Treating),
        (Tie::Writing, _) => Ok(Access::OwnWork),
        (Tie::Consulted, _) => Ok(Access::Consultation),
        (Tie::Treated, Some(Asked::Continuity)) => Ok(Access::Continuity),
        (_, Some(Asked::BreakGlass)) if is_reason(reason) => Ok(Access::BreakGlass),
        (_, Some(Asked::BreakGlass)) => Err(Closed::ReasonMissing),
        (Tie::Stranger, Some(Asked::Continuity)) | (_, None) => Err(Closed::PurposeMissing),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_purpose_is_the_same_word_everywhere() {
        for access in Access::ALL {
            assert_eq!(serde_json::to_value(access).unwrap(), access.as_str());
        }
    }

    #[test]
    fn every_purpose_of_a_read_has_a_word_of_its_own() {
        let words: std::collections::BTreeSet<&str> = ReadPurpose::ALL.iter().map(|one| one.as_str()).collect();
        assert_eq!(words.len(), ReadPurpose::ALL.len());
    }

    #[test]
    fn whoever_is_asked_for_an_opinion_reads_for_that_and_breaks_no_glass() {
        for asked in [None, Some(Asked::Continuity), Some(Asked::BreakGlass)] {
            assert_eq!(decide(asked, "急会诊需要", Tie::Consulted), Ok(Access::Consultation));
        }
    }

    #[test]
    fn treating_and_writing_need_no_question() {
        assert_eq!(decide(None, "", Tie::OnDesk), Ok(Access::Treating));
        assert_eq!(decide(None, "", Tie::Writing), Ok(Access::OwnWork));
    }

    #[test]
    fn reading_again_needs_a_purpose_and_a_treatment() {
        assert_eq!(decide(None, "", Tie::Treated), Err(Closed::PurposeMissing));
        assert_eq!(decide(Some(Asked::Continuity), "", Tie::Treated), Ok(Access::Continuity));
        assert_eq!(decide(Some(Asked::Continuity), "", Tie::Stranger), Err(Closed::PurposeMissing));
    }

    #[test]
    fn a_stranger_breaks_the_glass_with_words_or_not_at_all() {
        assert_eq!(decide(Some(Asked::BreakGlass), "急会诊需要", Tie::Stranger), Ok(Access::BreakGlass));
        for reason in ["", "   ", " 急 ", "\u{200b}\u{200b}\u{200b}\u{200b}", "....", "急\u{200b}\u{200b}\u{200b}"] {
            assert_eq!(decide(Some(Asked::BreakGlass), reason, Tie::Stranger), Err(Closed::ReasonMissing));
        }
    }

    #[test]
    fn a_treating_doctor_is_never_counted_as_breaking_in() {
        assert_eq!(decide(Some(Asked::BreakGlass), "急会诊需要", Tie::OnDesk), Ok(Access::Treating));
    }
}
