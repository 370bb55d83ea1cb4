//! What the patient reads: the same record under titles that nobody needs to have studied, without codes, and with a
//! word on what could not be examined at a distance.

use crate::domain::text::Text;

use super::NoteContent;
use super::exams::{NotTaken, Pulse};
use super::words::{Section, sections};

/// The record in plain words: what was found, why, what to do, in the order in which a patient asks.
pub fn plain(content: &NoteContent) -> Vec<Section> {
    let mut told: Vec<Section> = Vec::new();
    let all = sections(content);
    let mut tell = |id: &str, title: (&str, &str), text: Option<Text>| {
        told.extend(text.map(|text| Section { id: id.to_owned(), title: Text::new(title.0, title.1), text }));
    };
    let said = |id: &str| all.iter().find(|section| section.id == id).map(|section| section.text.clone());
    let line = content.diagnosis_line();
    tell("diagnosis", ("医生的判断", "What the doctor found"), (!line.zh.is_empty()).then_some(line));
    tell("advice", ("您该怎么做", "What you should do"), said("advice"));
    tell("complaint", ("您说的不舒服", "What you told the doctor"), said("complaint"));
    tell("history", ("病情经过", "How it went"), said("history"));
    tell("background", ("以往的病和过敏", "Earlier illness and allergies"), said("background"));
    tell("vitals", ("测量的数值", "What was measured"), said("vitals"));
    tell("examination", ("医生看到的", "What the doctor saw"), said("examination"));
    tell("exams.look", ("看到的", "By looking"), said("exams.look"));
    tell("exams.tongue", ("舌头", "The tongue"), said("exams.tongue"));
    tell("exams.listen", ("听到的", "By listening"), said("exams.listen"));
    tell("exams.ask", ("问到的", "By asking"), said("exams.ask"));
    tell("exams.women", ("月经与怀孕", "Periods and pregnancy"), said("exams.women"));
    let pulse = match &content.exams.pulse {
        Some(Pulse::NotTaken { why: NotTaken::Remote }) => {
            Some(Text::new("这次是视频就诊，医生没有为您把脉。", "This was a visit by video; nobody felt your pulse."))
        }
        Some(Pulse::NotTaken { why: NotTaken::Declined }) => {
            Some(Text::new("按您的意愿，这次没有把脉。", "As you wished, nobody felt your pulse."))
        }
        _ => said("exams.pulse"),
    };
    tell("exams.pulse", ("脉", "The pulse"), pulse);
    tell("exams.touch", ("摸到的", "By touching"), said("exams.touch"));
    tell("principle", ("治疗的方向", "The aim of the treatment"), said("principle"));
    told
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::note::exams::FourExams;
    use crate::domain::note::{Diagnosis, DiagnosisKind};

    #[test]
    fn a_patient_reads_no_codes_and_what_could_not_be_examined() {
        let diagnosis = Diagnosis {
            kind: DiagnosisKind::Western,
            code: "J00".to_owned(),
            zh: "急性鼻咽炎".to_owned(),
            en: "Acute nasopharyngitis [common cold]".to_owned(),
            tm1: Vec::new(),
            provisional: false,
        };
        let content = NoteContent {
            advice: "多喝水".to_owned(),
            diagnoses: vec![diagnosis],
            exams: FourExams { pulse: Some(Pulse::NotTaken { why: NotTaken::Remote }), ..FourExams::default() },
            ..NoteContent::default()
        };
        let told = plain(&content);
        assert_eq!(told[0].text.zh, "急性鼻咽炎");
        assert_eq!(told[1].text.zh, "多喝水");
        assert!(told.iter().any(|section| section.text.zh.contains("没有为您把脉")));
        assert!(told.iter().all(|section| !section.text.zh.contains("J00")));
    }

    #[test]
    fn nothing_of_a_record_is_kept_from_its_patient() {
        let content = NoteContent {
            complaint: "一".to_owned(),
            history: "二".to_owned(),
            background: "三".to_owned(),
            examination: "四".to_owned(),
            diagnosis: "五".to_owned(),
            advice: "六".to_owned(),
            principle: vec!["X-FA-02".to_owned()],
            ..NoteContent::default()
        };
        assert_eq!(plain(&content).len(), sections(&content).len());
    }
}
