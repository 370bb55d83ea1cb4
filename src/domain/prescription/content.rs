//! What a prescription holds: herbs on one sheet, or at most five medicines on another.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

use crate::domain::herb::{Herb, HerbSet, Method, Milligrams, Named, resolve};
use crate::domain::text::Text;
use crate::domain::written::is_plain;

/// Lines of a herbal sheet.
const LINE_LIMIT: usize = 40;
/// Medicines of a sheet (处方管理办法 Art. 6).
const MEDICINE_LIMIT: usize = 5;
/// Milligrams of one line in one dose: half a kilogram is a slip of the finger.
const MOST_MG: i64 = 500_000;

/// Which part a herb plays; the order on the sheet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
#[schema(as = HerbRole)]
pub enum Role {
    /// 君.
    Chief,
    /// 臣.
    Deputy,
    /// 佐.
    Assistant,
    /// 使.
    Guide,
}

/// When a portion is taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Timing {
    /// Whenever the day allows.
    #[default]
    Any,
    /// 饭前.
    BeforeMeal,
    /// 饭后.
    AfterMeal,
    /// 空腹.
    EmptyStomach,
    /// 睡前.
    Bedtime,
}

impl Timing {
    /// In words.
    pub fn name(self) -> Text {
        match self {
            Self::Any => Text::new("时间不限", "at any time"),
            Self::BeforeMeal => Text::new("饭前", "before meals"),
            Self::AfterMeal => Text::new("饭后40分钟", "40 minutes after meals"),
            Self::EmptyStomach => Text::new("空腹", "on an empty stomach"),
            Self::Bedtime => Text::new("睡前", "at bedtime"),
        }
    }
}

/// One herb of a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HerbLine {
    /// The name as the doctor wrote it.
    pub written: String,
    /// The herb that the doctor chose, by its name in the pharmacopoeia; needed where the written name may mean several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub herb: Option<String>,
    /// Milligrams in one dose.
    pub mg: Milligrams,
    /// How it is prepared.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Which part it plays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub role: Option<Role>,
    /// What else has to be said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remark: String,
}

/// A line as the tables read it.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    /// Its place on the sheet.
    pub index: usize,
    /// The line.
    pub line: &'a HerbLine,
    /// Its herb, where that is beyond doubt.
    pub herb: Option<&'a Herb>,
}

/// A sheet of herbs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Herbal {
    /// The formula that was inserted, where one was; the sheet says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub formula: Option<String>,
    /// The herbs, in the order of the sheet.
    pub lines: Vec<HerbLine>,
    /// 剂: how many doses.
    pub doses: u8,
    /// Doses of a day.
    pub doses_per_day: u8,
    /// Portions of a day.
    pub times_per_day: u8,
    /// Millilitres of a portion.
    pub ml: u16,
    /// When a portion is taken.
    #[serde(default)]
    pub timing: Timing,
    /// What else the patient has to know.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remark: String,
}

/// What kind of medicine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum MedicineKind {
    /// 中成药.
    Patent,
    /// 西药.
    Western,
}

/// One medicine of a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Medicine {
    /// Its generic name.
    pub name: String,
    /// What kind.
    pub kind: MedicineKind,
    /// Strength and package, such as `0.35 g × 24`.
    pub strength: String,
    /// How much at a time, such as `4 粒`.
    pub dose: String,
    /// How often a day.
    pub times_per_day: u8,
    /// For how many days.
    pub days: u8,
    /// What else has to be said.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub remark: String,
}

/// A sheet of medicines.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Medicines {
    /// At most five.
    pub items: Vec<Medicine>,
}

/// Which part of a sheet free words are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    /// The name of the formula.
    Formula,
    /// Strength or dose of a medicine.
    Label,
    /// A remark.
    Remark,
}

/// What somebody wrote in words of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words<'a> {
    /// Of which line; none of the whole sheet.
    pub line: Option<usize>,
    /// As which part.
    pub field: Field,
    /// The words.
    pub text: &'a str,
}

/// What a prescription holds. Herbs and medicines never share a sheet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Content {
    /// Herbs to be decocted.
    Herbal(Herbal),
    /// Medicines.
    Medicines(Medicines),
}

/// Why a content is none; `field` is its path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// The field.
    pub field: String,
    /// What would fit.
    pub words: String,
}

impl Misfit {
    fn new(field: impl Into<String>, words: impl Into<String>) -> Self {
        Self { field: field.into(), words: words.into() }
    }

    fn under(self, holder: &str) -> Self {
        Self { field: format!("{holder}.{}", self.field), ..self }
    }
}

/// The days of a prescription, both included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The first.
    pub from: Date,
    /// The last.
    pub to: Date,
}

impl Span {
    /// So many days from a day on.
    pub fn of(from: Date, days: u16) -> Self {
        let to = from.checked_add(jiff::Span::new().days(i64::from(days.max(1)) - 1)).unwrap_or(from);
        Self { from, to }
    }

    /// The same number of days, so many days later.
    #[must_use]
    pub fn later(self, days: i64) -> Self {
        let moved = |day: Date| day.checked_add(jiff::Span::new().days(days)).unwrap_or(day);
        Self { from: moved(self.from), to: moved(self.to) }
    }

    /// Whether both hold a day in common.
    pub fn meets(self, other: Self) -> bool {
        self.from <= other.to && other.from <= self.to
    }
}

impl Herbal {
    /// For how many days the doses last.
    pub fn days(&self) -> u16 {
        u16::from(self.doses).div_ceil(u16::from(self.doses_per_day.max(1)))
    }

    /// The lines with the herbs that they mean.
    pub fn read<'a>(&'a self, set: &'a HerbSet) -> Vec<Line<'a>> {
        let herb = |line: &'a HerbLine| match (&line.herb, resolve(set, &line.written)) {
            (Some(chosen), _) => set.herb(chosen),
            (None, Named::Herb(herb) | Named::Alike { herb, .. }) => Some(herb),
            (None, Named::Expands(_) | Named::Ask { .. } | Named::Unknown) => None,
        };
        self.lines.iter().enumerate().map(|(index, line)| Line { index, line, herb: herb(line) }).collect()
    }

    /// What a line's herb makes in a day.
    pub fn of_a_day(&self, line: &HerbLine) -> Milligrams {
        line.mg.times(i64::from(self.doses_per_day))
    }

    /// The same sheet in the order 君臣佐使; lines without a part keep their places behind.
    #[must_use]
    pub fn in_order(mut self) -> Self {
        self.lines.sort_by_key(|line| line.role.map_or(4, |role| role as u8));
        self
    }
}

impl Content {
    /// An empty sheet of herbs, for tests to fill.
    #[cfg(test)]
    pub(crate) fn empty_herbal() -> Self {
        let (lines, formula, remark) = (Vec::new(), None, String::new());
        Self::Herbal(Herbal {
            formula,
            lines,
            doses: 3,
            doses_per_day: 1,
            times_per_day: 2,
            ml: 200,
            timing: Timing::Any,
            remark,
        })
    }

    /// For how many days it lasts.
    pub fn days(&self) -> u16 {
        match self {
            Self::Herbal(sheet) => sheet.days(),
            Self::Medicines(sheet) => sheet.items.iter().map(|item| u16::from(item.days)).max().unwrap_or(0),
        }
    }

    /// All free words beside the names of the lines, line by line: whoever reads the paper reads them too.
    pub fn words<'sheet>(&'sheet self) -> Vec<Words<'sheet>> {
        let said = |line, field, text| Words { line, field, text };
        let mut words = match self {
            Self::Herbal(sheet) => {
                let Herbal { formula, lines, remark, doses: _, doses_per_day: _, times_per_day: _, ml: _, timing: _ } =
                    sheet;
                let formula = formula.iter().map(|formula| said(None, Field::Formula, formula));
                let lines = lines.iter().enumerate().map(|(index, line)| {
                    let HerbLine { remark, written: _, herb: _, mg: _, method: _, role: _ } = line;
                    said(Some(index), Field::Remark, remark)
                });
                formula.chain([said(None, Field::Remark, remark)]).chain(lines).collect::<Vec<_>>()
            }
            Self::Medicines(Medicines { items }) => {
                let of = |(index, item): (usize, &'sheet Medicine)| {
                    let Medicine { strength, dose, remark, name: _, kind: _, times_per_day: _, days: _ } = item;
                    let said = move |field, text| said(Some(index), field, text);
                    [said(Field::Label, strength), said(Field::Label, dose), said(Field::Remark, remark)]
                };
                items.iter().enumerate().flat_map(of).collect()
            }
        };
        words.retain(|words| !words.text.is_empty());
        words
    }

    /// Whether nothing stands on it.
    pub fn is_empty(&self) -> bool {
        match self {
            Self::Herbal(sheet) => sheet.lines.is_empty(),
            Self::Medicines(sheet) => sheet.items.is_empty(),
        }
    }

    /// Checks numbers, lengths, and that a chosen herb is one that its written name can mean.
    ///
    /// # Errors
    /// The first field that does not fit.
    pub fn check(&self, set: &HerbSet) -> Result<(), Misfit> {
        match self {
            Self::Herbal(sheet) => check_herbal(sheet, set).map_err(|misfit| misfit.under("herbal")),
            Self::Medicines(sheet) => check_medicines(sheet).map_err(|misfit| misfit.under("medicines")),
        }
    }
}

fn check_herbal(sheet: &Herbal, set: &HerbSet) -> Result<(), Misfit> {
    within("doses", sheet.doses, 1, 60)?;
    within("doses_per_day", sheet.doses_per_day, 1, 3)?;
    within("times_per_day", sheet.times_per_day, 1, 6)?;
    within("ml", sheet.ml, 10, 1000)?;
    text("remark", &sheet.remark, 0, 500)?;
    text("formula", sheet.formula.as_deref().unwrap_or_default(), 0, 60)?;
    if sheet.lines.len() > LINE_LIMIT {
        return Err(Misfit::new("lines", format!("at most {LINE_LIMIT} herbs")));
    }
    for (index, line) in sheet.lines.iter().enumerate() {
        let field = |name: &str| format!("lines[{index}].{name}");
        text(&field("written"), &line.written, 1, 40)?;
        text(&field("remark"), &line.remark, 0, 100)?;
        within(&field("mg"), line.mg.0, 1, MOST_MG)?;
        let Some(chosen) = &line.herb else { continue };
        let herb = set.herb(chosen).ok_or_else(|| Misfit::new(field("herb"), "no herb of the tables"))?;
        let fits = match resolve(set, &line.written) {
            Named::Herb(meant) | Named::Alike { herb: meant, .. } => meant.name == herb.name,
            Named::Ask { candidates, .. } | Named::Expands(candidates) => {
                candidates.iter().any(|candidate| candidate.name == herb.name)
            }
            // Whoever chooses a herb for a name that nobody knows would have that herb judged, and the other prepared.
            Named::Unknown => false,
        };
        if !fits {
            return Err(Misfit::new(field("herb"), "the written name means another herb"));
        }
    }
    Ok(())
}

fn check_medicines(sheet: &Medicines) -> Result<(), Misfit> {
    if sheet.items.len() > MEDICINE_LIMIT {
        return Err(Misfit::new("items", format!("at most {MEDICINE_LIMIT} medicines on a sheet")));
    }
    for (index, item) in sheet.items.iter().enumerate() {
        let field = |name: &str| format!("items[{index}].{name}");
        text(&field("name"), &item.name, 1, 60)?;
        text(&field("strength"), &item.strength, 1, 60)?;
        text(&field("dose"), &item.dose, 1, 40)?;
        text(&field("remark"), &item.remark, 0, 100)?;
        within(&field("times_per_day"), item.times_per_day, 1, 8)?;
        within(&field("days"), item.days, 1, 60)?;
    }
    Ok(())
}

fn within<T: Into<i64>>(field: &str, value: T, least: i64, most: i64) -> Result<(), Misfit> {
    let value = value.into();
    let fits = (least..=most).contains(&value);
    fits.then_some(()).ok_or_else(|| Misfit::new(field, format!("{least} to {most}")))
}

fn text(field: &str, value: &str, least: usize, most: usize) -> Result<(), Misfit> {
    let letters = value.trim().chars().count();
    if letters < least || value.chars().count() > most {
        return Err(Misfit::new(field, format!("{least} to {most} characters")));
    }
    is_plain(value).then_some(()).ok_or_else(|| Misfit::new(field, "no control characters, and none that is not seen"))
}

/// The content as one text: keys in order, whole numbers only, so that the same content always has the same text.
pub fn canonical(content: &Content) -> String {
    serde_json::to_value(content).expect("a content is plain data").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(written: &str, role: Option<Role>) -> HerbLine {
        HerbLine {
            written: written.into(),
            herb: None,
            mg: Milligrams(9000),
            method: None,
            role,
            remark: String::new(),
        }
    }

    fn herbal(lines: Vec<HerbLine>) -> Herbal {
        let Content::Herbal(sheet) = Content::empty_herbal() else { unreachable!("it is herbal") };
        Herbal { lines, ..sheet }
    }

    fn medicine() -> Medicine {
        Medicine {
            name: "连花清瘟胶囊".into(),
            kind: MedicineKind::Patent,
            strength: "0.35 g × 24".into(),
            dose: "4 粒".into(),
            times_per_day: 3,
            days: 3,
            remark: String::new(),
        }
    }

    fn wrong(content: &Content) -> String {
        content.check(HerbSet::shipped()).unwrap_err().field
    }

    #[test]
    fn the_order_is_chief_deputy_assistant_guide() {
        let lines = vec![
            line("甘草", Some(Role::Guide)),
            line("生姜", None),
            line("杏仁", Some(Role::Assistant)),
            line("麻黄", Some(Role::Chief)),
            line("桂枝", Some(Role::Deputy)),
        ];
        let ordered = herbal(lines).in_order();
        let names: Vec<_> = ordered.lines.iter().map(|line| line.written.as_str()).collect();
        assert_eq!(names, ["麻黄", "桂枝", "杏仁", "甘草", "生姜"]);
    }

    #[test]
    fn every_free_word_of_a_sheet_is_among_its_words_and_names_are_not() {
        let lines = vec![line("麻黄", None), HerbLine { remark: "打碎".into(), ..line("桂枝", None) }];
        let sheet = Herbal { formula: Some("麻黄汤".into()), remark: "忌生冷".into(), ..herbal(lines) };
        let said = |content: &Content| {
            let words = content.words().into_iter().map(|words| (words.line, words.field, words.text.to_owned()));
            words.collect::<Vec<_>>()
        };
        let of = |line, field, text: &str| (line, field, text.to_owned());
        assert_eq!(
            said(&Content::Herbal(sheet)),
            [of(None, Field::Formula, "麻黄汤"), of(None, Field::Remark, "忌生冷"), of(Some(1), Field::Remark, "打碎"),]
        );
        let items = vec![medicine(), Medicine { remark: "饭后".into(), ..medicine() }];
        let label = |index| [of(Some(index), Field::Label, "0.35 g × 24"), of(Some(index), Field::Label, "4 粒")];
        let expected = [&label(0)[..], &label(1), &[of(Some(1), Field::Remark, "饭后")]].concat();
        assert_eq!(said(&Content::Medicines(Medicines { items })), expected);
    }

    #[test]
    fn a_sheet_holds_at_most_five_medicines() {
        let sheet = |count| Content::Medicines(Medicines { items: vec![medicine(); count] });
        assert_eq!(sheet(5).check(HerbSet::shipped()), Ok(()));
        assert_eq!(wrong(&sheet(6)), "medicines.items");
    }

    #[test]
    fn a_field_that_does_not_fit_is_named() {
        let with = |change: &dyn Fn(&mut Herbal)| {
            let mut sheet = herbal(vec![line("麻黄", None)]);
            change(&mut sheet);
            wrong(&Content::Herbal(sheet))
        };
        assert_eq!(with(&|sheet| sheet.doses = 0), "herbal.doses");
        assert_eq!(with(&|sheet| sheet.doses_per_day = 9), "herbal.doses_per_day");
        assert_eq!(with(&|sheet| sheet.times_per_day = 0), "herbal.times_per_day");
        assert_eq!(with(&|sheet| sheet.ml = 5000), "herbal.ml");
        assert_eq!(with(&|sheet| sheet.remark = "长".repeat(501)), "herbal.remark");
        assert_eq!(with(&|sheet| sheet.lines[0].mg = Milligrams(0)), "herbal.lines[0].mg");
        assert_eq!(with(&|sheet| sheet.lines[0].mg = Milligrams(-9)), "herbal.lines[0].mg");
        assert_eq!(with(&|sheet| sheet.lines[0].written = "  ".into()), "herbal.lines[0].written");
        assert_eq!(with(&|sheet| sheet.lines[0].written = "麻\u{0}黄".into()), "herbal.lines[0].written");
        assert_eq!(with(&|sheet| sheet.lines = vec![line("麻黄", None); 41]), "herbal.lines");
        assert_eq!(with(&|sheet| sheet.lines[0].herb = Some("不存在草".into())), "herbal.lines[0].herb");
    }

    #[test]
    fn a_chosen_herb_is_one_that_the_written_name_can_mean() {
        let chosen = |written: &str, herb: &str| {
            let line = HerbLine { herb: Some(herb.into()), ..line(written, None) };
            Content::Herbal(herbal(vec![line])).check(HerbSet::shipped()).is_ok()
        };
        assert!(chosen("贝母", "浙贝母") && chosen("麻黄", "麻黄") && chosen("芍药", "赤芍"));
        assert!(!chosen("甘草", "附子") && !chosen("贝母", "附子") && !chosen("关白附", "白附子"));
    }

    #[test]
    fn the_same_content_is_always_the_same_text() {
        let content = Content::Herbal(herbal(vec![line("麻黄", None)]));
        let again: Content = serde_json::from_str(&canonical(&content)).unwrap();
        assert_eq!(canonical(&again), canonical(&content));
    }

    #[test]
    fn the_days_are_those_that_the_doses_last() {
        let days = |doses, doses_per_day| Herbal { doses, doses_per_day, ..herbal(Vec::new()) }.days();
        assert_eq!([days(3, 1), days(7, 2), days(1, 2)], [3, 4, 1]);
        let span = Span::of(Date::constant(2020, 2, 28), 3);
        assert_eq!(span.to, Date::constant(2020, 3, 1));
        assert!(span.meets(Span::of(Date::constant(2020, 3, 1), 1)));
        assert!(!span.meets(Span::of(Date::constant(2020, 3, 2), 7)));
    }
}
