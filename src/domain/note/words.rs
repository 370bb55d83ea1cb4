//! How a record reads: sentences in both languages at once, made from the terms.

use serde::{Deserialize, Serialize};

use crate::domain::text::Text;

use super::NoteContent;
use super::exams::{ColourCard, FourExams, Light, NotTaken, Pregnancy, Pulse, PulseBy, Tongue, Women, Wrist};
use super::terms::{Exam, TERMS};

/// One part of a record, as it is read and printed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Section {
    /// What it is, for instance `exams.tongue`; the same in every version.
    pub id: String,
    /// Its title.
    pub title: Text,
    /// What it says; written words stand in the language of their writer in both.
    pub text: Text,
}

/// The parts of a record that say anything, in the order of a record.
pub fn sections(content: &NoteContent) -> Vec<Section> {
    let mut all = Vec::new();
    push_written(&mut all, "complaint", ("主诉", "Complaint"), &content.complaint);
    push_written(&mut all, "history", ("现病史", "History"), &content.history);
    push_written(&mut all, "background", ("既往史、过敏史", "Past illness and allergies"), &content.background);
    push(&mut all, "vitals", ("生命体征", "Vital signs"), vitals(content));
    push_written(&mut all, "examination", ("检查所见", "Examination"), &content.examination);
    all.extend(exam_sections(&content.exams));
    push(&mut all, "diagnosis", ("诊断", "Diagnosis"), diagnoses(content));
    let principle = content.principle.iter().filter_map(|code| TERMS.get(code)).map(|term| (&*term.zh, &*term.en));
    push(&mut all, "principle", ("治则治法", "Principle of treatment"), joined(principle));
    push_written(&mut all, "advice", ("医嘱与建议", "Advice"), &content.advice);
    all
}

/// The four examinations, each with its title; nothing for examinations that nobody began.
pub fn exam_sections(exams: &FourExams) -> Vec<Section> {
    let mut all = Vec::new();
    if exams.is_empty() {
        return all;
    }
    push(&mut all, "exams.look", ("望诊", "Looking"), findings(exams, Exam::Look));
    push(&mut all, "exams.tongue", ("舌象", "Tongue"), tongue(&exams.tongue));
    push(&mut all, "exams.listen", ("闻诊", "Listening and smelling"), findings(exams, Exam::Listen));
    push(&mut all, "exams.ask", ("问诊", "Asking"), findings(exams, Exam::Ask));
    push(&mut all, "exams.women", ("经带胎产", "Women's matters"), women(&exams.women));
    push(&mut all, "exams.pulse", ("脉象", "Pulse"), pulse(exams.pulse.as_ref()));
    push(&mut all, "exams.touch", ("按诊", "Palpation"), findings(exams, Exam::Touch));
    all
}

fn push(all: &mut Vec<Section>, id: &str, title: (&str, &str), text: Option<Text>) {
    all.extend(text.map(|text| Section { id: id.to_owned(), title: Text::new(title.0, title.1), text }));
}

fn push_written(all: &mut Vec<Section>, id: &str, title: (&str, &str), words: &str) {
    let words = words.trim();
    push(all, id, title, (!words.is_empty()).then(|| Text::new(words, words)));
}

/// Parts as one sentence in each language; `None` for no parts.
fn joined<Z: AsRef<str>, E: AsRef<str>>(parts: impl Iterator<Item = (Z, E)>) -> Option<Text> {
    let mut text = Text::new("", "");
    for (zh, en) in parts {
        if !text.zh.is_empty() {
            text.zh.push('，');
            text.en.push_str(", ");
        }
        text.zh.push_str(zh.as_ref());
        text.en.push_str(en.as_ref());
    }
    (!text.zh.is_empty()).then_some(text)
}

fn parts(codes: &[String], words: &str) -> Vec<(String, String)> {
    let mut parts: Vec<_> = codes
        .iter()
        // A term that a later edition dropped is shown by its code, never left out.
        .map(|code| TERMS.get(code).map_or((code.clone(), code.clone()), |term| (term.zh.clone(), term.en.clone())))
        .collect();
    let words = words.trim();
    if !words.is_empty() {
        parts.push((words.to_owned(), words.to_owned()));
    }
    parts
}

fn findings(exams: &FourExams, exam: Exam) -> Option<Text> {
    // In the order of the fields, not of their names.
    let fields = TERMS.fields().iter().filter(|field| field.exam == exam);
    let sentences = fields.filter_map(|field| {
        let finding = exams.findings.get(&field.id)?;
        let mut text = joined(parts(&finding.terms, &finding.words).into_iter())?;
        // Words alone do not say of what they are.
        if finding.terms.is_empty() {
            text = Text::new(format!("{}：{}", field.zh, text.zh), format!("{}: {}", field.en, text.en));
        }
        Some(text)
    });
    sentence(sentences)
}

/// Sentences as one paragraph.
fn sentence(texts: impl Iterator<Item = Text>) -> Option<Text> {
    texts.reduce(|all, next| Text::new(format!("{}；{}", all.zh, next.zh), format!("{}; {}", all.en, next.en)))
}

fn tongue(tongue: &Tongue) -> Option<Text> {
    if *tongue == Tongue::default() {
        return None;
    }
    let sublingual = tongue.sublingual.clone().into_iter();
    let codes: Vec<String> = tongue.body.iter().chain(&tongue.coating).cloned().chain(sublingual).collect();
    let mut all = parts(&codes, &tongue.words);
    let mut note = |zh: &str, en: &str| all.push((zh.to_owned(), en.to_owned()));
    match tongue.light {
        Some(Light::Daylight) => note("日光下所见", "seen in daylight"),
        Some(Light::Lamp) => note("灯光下所见", "seen by lamplight"),
        Some(Light::Poor) => note("光线不佳", "seen in poor light"),
        None => {}
    }
    match tongue.stained_within_2h {
        Some(true) => note("2小时内有染苔饮食或药物", "something that stains was taken within 2 hours"),
        Some(false) => note("2小时内无染苔饮食或药物", "nothing that stains was taken within 2 hours"),
        None => {}
    }
    if tongue.colour_card == Some(ColourCard::Passed) {
        note("色卡校正通过", "colours agree with the card");
    } else if tongue.is_for_orientation() {
        note("图像颜色未校正，仅供参考", "colours were not calibrated and are for orientation only");
    }
    joined(all.into_iter())
}

fn pulse(pulse: Option<&Pulse>) -> Option<Text> {
    let (by, left, right, rate, words) = match pulse? {
        Pulse::NotTaken { why: NotTaken::Remote } => {
            return Some(Text::new("未切脉（远程就诊）", "not taken (remote visit)"));
        }
        Pulse::NotTaken { why: NotTaken::Declined } => {
            return Some(Text::new("未切脉（患者不愿意）", "not taken (declined by the patient)"));
        }
        Pulse::Taken { by, left, right, rate, words } => (by, left, right, rate, words),
    };
    let mut all = Vec::new();
    if left == right {
        all.extend(wrist(left).map(|text| (format!("双手{}", text.zh), format!("both wrists: {}", text.en))));
    } else {
        all.extend(wrist(left).map(|text| (format!("左手{}", text.zh), format!("left wrist: {}", text.en))));
        all.extend(wrist(right).map(|text| (format!("右手{}", text.zh), format!("right wrist: {}", text.en))));
    }
    all.extend(rate.map(|rate| (format!("脉率{rate}次/分"), format!("{rate} beats a minute"))));
    all.extend(parts(&[], words));
    if *by == PulseBy::Device {
        all.push(("脉诊仪所测".to_owned(), "by a pulse device".to_owned()));
    }
    joined(all.into_iter())
}

/// One wrist; three positions that agree are said once.
fn wrist(wrist: &Wrist) -> Option<Text> {
    if wrist.cun == wrist.guan && wrist.guan == wrist.chi {
        return felt(&wrist.cun);
    }
    let names = [("寸", "cun"), ("关", "guan"), ("尺", "chi")];
    let said = names.into_iter().zip(wrist.positions());
    let said = said.filter_map(|((zh, en), (_, codes))| felt(codes).map(|text| (zh, en, text)));
    joined(said.map(|(zh, en, text)| (format!("{zh}{}", text.zh), format!("{en} {}", text.en))))
}

/// Pulses of one position: as the pair that they make, if there is one.
fn felt(codes: &[String]) -> Option<Text> {
    if let Some(pair) = TERMS.combine(codes) {
        return Some(pair.text());
    }
    joined(parts(codes, "").into_iter())
}

fn women(women: &Women) -> Option<Text> {
    let mut all = Vec::new();
    let mut note = |zh: String, en: String| all.push((zh, en));
    match women.pregnancy {
        Some(Pregnancy::No) => note("未孕".to_owned(), "not pregnant".to_owned()),
        Some(Pregnancy::Pregnant) => match women.weeks {
            Some(weeks) => note(format!("妊娠{weeks}周"), format!("pregnant, week {weeks}")),
            None => note("妊娠".to_owned(), "pregnant".to_owned()),
        },
        Some(Pregnancy::Postpartum) => note("产后6周内".to_owned(), "within 6 weeks after birth".to_owned()),
        Some(Pregnancy::Lactating) => note("哺乳期".to_owned(), "breast-feeding".to_owned()),
        Some(Pregnancy::Unsure) => {
            note("是否妊娠不详".to_owned(), "not known whether pregnant".to_owned());
        }
        None => {}
    }
    match women.last_period.as_deref() {
        None => {}
        Some("none") => note("无月经".to_owned(), "no periods".to_owned()),
        Some(day) => note(format!("末次月经{day}"), format!("last period {day}")),
    }
    joined(all.into_iter().chain(parts(&[], &women.words)))
}

fn vitals(content: &NoteContent) -> Option<Text> {
    let vitals = &content.vitals;
    let names = [
        ("体温", "temperature", "℃", "°C", vitals.temperature),
        ("心率", "heart rate", "次/分", "/min", vitals.heart_rate),
        ("呼吸", "respiratory rate", "次/分", "/min", vitals.respiratory_rate),
        ("血氧", "oxygen saturation", "%", "%", vitals.oxygen_saturation),
    ];
    let mut all: Vec<_> = names
        .into_iter()
        .filter_map(|(zh, en, zh_unit, en_unit, value)| {
            value.map(|value| (format!("{zh}{value}{zh_unit}"), format!("{en} {value} {en_unit}")))
        })
        .collect();
    if vitals.systolic.is_some() || vitals.diastolic.is_some() {
        let said = |value: Option<f64>| value.map_or("–".to_owned(), |value| value.to_string());
        let pressure = format!("{}/{}", said(vitals.systolic), said(vitals.diastolic));
        all.push((format!("血压{pressure}mmHg"), format!("blood pressure {pressure} mmHg")));
    }
    joined(all.into_iter())
}

/// The diagnoses with their codes, then the words.
pub fn diagnoses(content: &NoteContent) -> Option<Text> {
    let said = content.diagnoses.iter().map(|diagnosis| {
        let codes = std::iter::once(&diagnosis.code).chain(&diagnosis.tm1).cloned().collect::<Vec<_>>().join(" / ");
        let (zh, en) = if diagnosis.provisional { ("，待定", ", provisional") } else { ("", "") };
        Text::new(format!("{}（{codes}{zh}）", diagnosis.zh), format!("{} ({codes}{en})", diagnosis.en))
    });
    let words = content.diagnosis.trim();
    let written = (!words.is_empty()).then(|| Text::new(words, words));
    sentence(said.chain(written))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::domain::note::exams::Finding;
    use crate::domain::note::{Diagnosis, DiagnosisKind};

    fn codes(codes: &[&str]) -> Vec<String> {
        codes.iter().map(|&code| code.to_owned()).collect()
    }

    fn said(content: &NoteContent, id: &str) -> (String, String) {
        let section = sections(content).into_iter().find(|section| section.id == id).unwrap();
        (section.text.zh, section.text.en)
    }

    #[test]
    fn structured_terms_say_themselves_in_both_languages() {
        let finding = |terms: &[&str], words: &str| Finding { terms: codes(terms), words: words.to_owned() };
        let findings = BTreeMap::from([
            ("ask.sweat".to_owned(), finding(&["ask.sweat.none"], "")),
            ("ask.chills".to_owned(), finding(&["ask.chills.both"], "午后重")),
            ("look.posture".to_owned(), finding(&[], "蜷卧")),
        ]);
        let tongue = Tongue {
            body: codes(&["tongue.red_tip"]),
            coating: codes(&["coating.thin", "coating.white"]),
            ..Tongue::default()
        };
        let exams = FourExams {
            findings,
            tongue,
            pulse: Some(Pulse::NotTaken { why: NotTaken::Remote }),
            ..FourExams::default()
        };
        let content = NoteContent { exams, ..NoteContent::default() };
        let pair = |zh: &str, en: &str| (zh.to_owned(), en.to_owned());
        assert_eq!(said(&content, "exams.ask"), pair("恶寒发热，午后重；无汗", "chills with fever, 午后重; no sweat"));
        assert_eq!(said(&content, "exams.look"), pair("姿态：蜷卧", "Posture: 蜷卧"));
        assert_eq!(
            said(&content, "exams.tongue"),
            pair(
                "舌尖红，薄苔，白苔，图像颜色未校正，仅供参考",
                "red tip of the tongue, thin coating, white coating, colours were not calibrated and are for orientation only"
            )
        );
        assert_eq!(said(&content, "exams.pulse"), pair("未切脉（远程就诊）", "not taken (remote visit)"));
    }

    #[test]
    fn a_pulse_that_is_the_same_everywhere_is_said_once_and_as_its_pair() {
        let all = codes(&["pulse.fu", "pulse.shuo"]);
        let same = Wrist { cun: all.clone(), guan: all.clone(), chi: all };
        let taken = |left, right| {
            let pulse = Pulse::Taken { by: PulseBy::Device, left, right, rate: Some(96), words: String::new() };
            let exams = FourExams { pulse: Some(pulse), ..FourExams::default() };
            said(&NoteContent { exams, ..NoteContent::default() }, "exams.pulse")
        };
        assert_eq!(taken(same.clone(), same.clone()).0, "双手脉浮数，脉率96次/分，脉诊仪所测");
        let other = Wrist { guan: codes(&["pulse.xian"]), ..Wrist::default() };
        assert_eq!(
            taken(same, other).1,
            "left wrist: floating and rapid pulse, right wrist: guan wiry pulse, 96 beats a minute, by a pulse device"
        );
    }

    #[test]
    fn a_diagnosis_is_read_with_its_codes() {
        let diagnosis = Diagnosis {
            kind: DiagnosisKind::Pattern,
            code: "B02.02.05.05".to_owned(),
            zh: "风热犯肺证".to_owned(),
            en: "Wind-heat invading the lung pattern".to_owned(),
            tm1: codes(&["SF8A"]),
            provisional: true,
        };
        let content = NoteContent { diagnoses: vec![diagnosis], ..NoteContent::default() };
        assert_eq!(said(&content, "diagnosis").0, "风热犯肺证（B02.02.05.05 / SF8A，待定）");
    }

    #[test]
    fn a_record_of_words_alone_has_no_examinations() {
        let content = NoteContent { complaint: "发热".to_owned(), ..NoteContent::default() };
        assert_eq!(sections(&content).len(), 1);
    }
}
