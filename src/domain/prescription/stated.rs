//! What stands on the paper beside what is prescribed, as it was when the doctor signed.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::note::words::diagnoses;
use crate::domain::note::{Diagnosis, DiagnosisKind, NoteContent};
use crate::domain::time::Timestamp;
use crate::domain::written::letters;

/// Days that a prescription is good for at most, its own among them (处方管理办法 Art. 18).
pub const MOST_VALID_DAYS: u8 = 3;

/// Beside what is prescribed: the front of the paper (处方管理办法 Art. 5) and how long it is good.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Stated {
    /// The coded diagnoses of the record.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub diagnoses: Vec<Diagnosis>,
    /// The diagnosis in the doctor's words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub diagnosis: String,
    /// Days for which it is good, its own among them; its own alone where nothing was said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub longer: Option<Longer>,
    /// Whose it is, as [`crate::domain::signature::identity`] says it; what was signed before that was asked has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub identity: Option<String>,
    /// Number, basis, days and until when it is good; what was signed before these were has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub face: Option<Face>,
}

/// What stands on a sheet beside its words, as its row says it when it is signed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Face {
    /// Its number.
    pub number: String,
    /// On whose word it exists, by its code.
    pub basis: String,
    /// The first day that it is for, `YYYY-MM-DD`.
    pub from: String,
    /// The last.
    pub to: String,
    /// Until when it is good.
    pub until: Timestamp,
}

impl Face {
    /// Whether a sheet may be for these days: those that were signed, or as many from the day on which it was handed out.
    pub fn is_for(&self, from: &str, to: &str, handed_out: Option<Date>) -> bool {
        let Some(day) = handed_out else { return (from, to) == (self.from.as_str(), self.to.as_str()) };
        let days = |from: &str, to: &str| {
            let (from, to): (Date, Date) = (from.parse().ok()?, to.parse().ok()?);
            from.until(to).ok().map(|span| span.get_days())
        };
        from == day.to_string() && days(from, to).is_some() && days(from, to) == days(&self.from, &self.to)
    }
}

/// Why a prescription is good for longer than its day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = LongerValidity)]
pub struct Longer {
    /// Two or three.
    pub days: u8,
    /// The doctor's reason.
    pub reason: String,
}

impl Stated {
    /// What the record says now.
    pub fn of(note: NoteContent, longer: Option<Longer>) -> Self {
        Self { diagnoses: note.diagnoses, diagnosis: note.diagnosis, longer, identity: None, face: None }
    }

    /// A record that says so much of it and no more.
    pub fn note(self) -> NoteContent {
        NoteContent { diagnoses: self.diagnoses, diagnosis: self.diagnosis, ..NoteContent::default() }
    }

    /// Whether it says what is treated: a coded diagnosis of any kind, or words with a letter in them.
    pub fn has_diagnosis(&self) -> bool {
        !self.diagnoses.is_empty() || letters(&self.diagnosis) > 0
    }

    /// For how many days after its own it is good.
    pub fn days_more(&self) -> i64 {
        self.longer.as_ref().map_or(0, |longer| i64::from(longer.days) - 1)
    }

    /// The last day on which it may be handed out.
    pub fn last_day(&self, signed_on: Date) -> Date {
        signed_on.checked_add(jiff::Span::new().days(self.days_more())).unwrap_or(signed_on)
    }

    /// The diagnosis in Chinese with its codes: disease and pattern, the western one, the doctor's words.
    pub fn diagnosis_line(&self) -> Option<String> {
        let of = |kind: DiagnosisKind| {
            let diagnoses = self.diagnoses.iter().filter(|one| one.kind == kind).cloned().collect();
            line(&NoteContent { diagnoses, ..NoteContent::default() }).map(|said| format!("{}：{said}", name(kind)))
        };
        let words = line(&NoteContent { diagnosis: self.diagnosis.clone(), ..NoteContent::default() });
        let kinds = [DiagnosisKind::Disease, DiagnosisKind::Pattern, DiagnosisKind::Western];
        let said: Vec<String> = kinds.into_iter().filter_map(of).chain(words).collect();
        (!said.is_empty()).then(|| said.join("；"))
    }
}

/// Whose a sheet is, in the words that were signed of it; nothing where nobody asked.
pub fn identity_in(stated: Option<&str>) -> Option<String> {
    serde_json::from_str::<Stated>(stated?).ok()?.identity
}

/// What stands on the sheet beside its words, in the words that were signed of it; nothing where that was not signed yet.
pub fn face_in(stated: Option<&str>) -> Option<Face> {
    serde_json::from_str::<Stated>(stated?).ok()?.face
}

fn line(note: &NoteContent) -> Option<String> {
    diagnoses(note).map(|said| said.zh.trim_end_matches('。').to_owned())
}

const fn name(kind: DiagnosisKind) -> &'static str {
    match kind {
        DiagnosisKind::Disease => "中医诊断",
        DiagnosisKind::Pattern => "证候",
        DiagnosisKind::Western => "西医诊断",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(kind: DiagnosisKind, code: &str, zh: &str) -> Diagnosis {
        Diagnosis { kind, code: code.into(), zh: zh.into(), en: zh.into(), tm1: Vec::new(), provisional: false }
    }

    #[test]
    fn a_sheet_is_for_the_days_that_were_signed_or_for_as_many_from_the_day_of_handing_out() {
        let face = Face {
            number: "R1".into(),
            basis: "return_visit".into(),
            from: "2023-12-30".into(),
            to: "2024-01-05".into(),
            until: Timestamp::from_millis(1),
        };
        assert!(face.is_for("2023-12-30", "2024-01-05", None));
        let handed = Some("2024-01-01".parse().unwrap());
        assert!(face.is_for("2024-01-01", "2024-01-07", handed));
        for (from, to, day) in [
            ("2023-12-31", "2024-01-06", None),
            ("2023-12-30", "2024-01-06", None),
            ("2024-01-01", "2024-01-08", handed),
            ("2023-12-30", "2024-01-05", handed),
            ("2024-01-01", "soon", handed),
        ] {
            assert!(!face.is_for(from, to, day), "{from} {to}");
        }
    }

    #[test]
    fn disease_pattern_and_western_code_are_named_in_this_order_and_the_words_come_last() {
        let diagnoses = vec![
            coded(DiagnosisKind::Western, "J06.9", "急性上呼吸道感染"),
            coded(DiagnosisKind::Pattern, "B02.02.05.05", "风热犯肺证"),
            coded(DiagnosisKind::Disease, "A01.01", "感冒病"),
        ];
        let note = NoteContent { diagnoses, diagnosis: "恢复期".into(), ..NoteContent::default() };
        let said = Stated::of(note, None).diagnosis_line().unwrap();
        assert_eq!(
            said,
            "中医诊断：感冒病（A01.01）；证候：风热犯肺证（B02.02.05.05）；西医诊断：急性上呼吸道感染（J06.9）；恢复期"
        );
        assert_eq!(Stated::default().diagnosis_line(), None);
    }

    #[test]
    fn a_prescription_is_good_on_its_day_and_with_a_reason_on_the_next_or_the_one_after_it() {
        let day = Date::constant(2026, 12, 31);
        assert_eq!(Stated::default().last_day(day), day);
        let longer = |days| Stated { longer: Some(Longer { days, reason: "偏远".into() }), ..Stated::default() };
        assert_eq!(longer(2).last_day(day), Date::constant(2027, 1, 1));
        assert_eq!(longer(MOST_VALID_DAYS).last_day(day), Date::constant(2027, 1, 2));
    }

    #[test]
    fn whose_it_is_stands_in_the_signed_words_and_those_of_before_say_nothing_of_it() {
        let before = r#"{"diagnosis":"感冒"}"#;
        let read: Stated = serde_json::from_str(before).unwrap();
        assert_eq!((serde_json::to_string(&read).unwrap().as_str(), identity_in(Some(before))), (before, None));
        let (id, content, report, answers) = ("prescription_1", "{}", "{}", "{}");
        let hash =
            crate::domain::prescription::Signed { id, version: 2, content, report, answers, stated: Some(before) }
                .hash();
        assert_eq!(hash, "30b4b4de520e13e5bfed8e467c87c59054303ff6e7a7d7377aea4662e72621da", "as it was hashed then");
        let now = serde_json::to_string(&Stated { identity: Some("patient_1:aa".into()), ..read }).unwrap();
        assert_eq!(identity_in(Some(&now)).as_deref(), Some("patient_1:aa"));
        assert_eq!(identity_in(None), None);
    }

    #[test]
    fn what_was_not_said_is_not_there() {
        assert_eq!(serde_json::to_string(&Stated::default()).unwrap(), "{}");
    }
}
