//! Texts that a doctor inserts by an act, and the mark that each leaves in the note.
//!
//! Whoever reads a note must see which words were typed and which came from a template. The mark is the server's: it is
//! made when a template is inserted, no save can add or drop one, and it is part of what is signed. It goes only when
//! no line of its text is left.

use serde::{Deserialize, Serialize};

use crate::domain::ids::{AccountId, TemplateId};
use crate::domain::prose::prose;
use crate::domain::time::Timestamp;

use super::NoteContent;

/// Characters of a template's name.
pub const NAME_LIMIT: usize = 60;
/// Characters of its text.
pub const BODY_LIMIT: usize = 2000;
/// Marks of one note.
pub const MARKS_LIMIT: usize = 50;

/// The field that a template is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TemplateField {
    /// 主诉.
    Complaint,
    /// 现病史.
    History,
    /// 既往史、过敏史.
    Background,
    /// 检查所见.
    Examination,
    /// 诊断.
    Diagnosis,
    /// 医嘱与建议.
    Advice,
}

impl TemplateField {
    /// Every field.
    pub const ALL: [Self; 6] =
        [Self::Complaint, Self::History, Self::Background, Self::Examination, Self::Diagnosis, Self::Advice];

    /// The word in the database and on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Complaint => "complaint",
            Self::History => "history",
            Self::Background => "background",
            Self::Examination => "examination",
            Self::Diagnosis => "diagnosis",
            Self::Advice => "advice",
        }
    }

    fn of(self, content: &NoteContent) -> &String {
        match self {
            Self::Complaint => &content.complaint,
            Self::History => &content.history,
            Self::Background => &content.background,
            Self::Examination => &content.examination,
            Self::Diagnosis => &content.diagnosis,
            Self::Advice => &content.advice,
        }
    }

    fn of_mut(self, content: &mut NoteContent) -> &mut String {
        match self {
            Self::Complaint => &mut content.complaint,
            Self::History => &mut content.history,
            Self::Background => &mut content.background,
            Self::Examination => &mut content.examination,
            Self::Diagnosis => &mut content.diagnosis,
            Self::Advice => &mut content.advice,
        }
    }
}

/// The mark of a text that came from a template.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Inserted {
    /// From which template.
    pub template: TemplateId,
    /// Its name at that time.
    pub name: String,
    /// Into which field.
    pub field: TemplateField,
    /// The text as it was inserted.
    pub text: String,
    /// Whose act it was.
    pub by: AccountId,
    /// When.
    pub at: Timestamp,
}

impl Inserted {
    /// Whether any line of it is left in its field.
    fn is_left_in(&self, content: &NoteContent) -> bool {
        let field = self.field.of(content);
        // A template of before hidden letters were taken out of what is written may hold some.
        prose(&self.text).lines().any(|line| !line.trim().is_empty() && field.contains(line.trim()))
    }
}

/// The note with a template's text at the end of its field, marked.
#[must_use]
pub fn insert(mut content: NoteContent, mark: Inserted) -> NoteContent {
    let field = mark.field.of_mut(&mut content);
    if !field.trim().is_empty() {
        field.push('\n');
    }
    field.push_str(&mark.text);
    content.inserted.push(mark);
    content
}

/// A note as it is saved: with the marks that the version before had, whatever its browser says about them.
#[must_use]
pub fn with_marks(mut content: NoteContent, before: &[Inserted]) -> NoteContent {
    content.inserted = before.iter().filter(|mark| mark.is_left_in(&content)).cloned().collect();
    content
}

#[cfg(test)]
mod tests {
    use uuid::Uuid;

    use super::*;

    fn mark() -> Inserted {
        Inserted {
            template: TemplateId::from_uuid(Uuid::from_u128(1)),
            name: "感冒".to_owned(),
            field: TemplateField::Advice,
            text: "多喝水\n注意休息".to_owned(),
            by: AccountId::from_uuid(Uuid::from_u128(2)),
            at: Timestamp::from_millis(3),
        }
    }

    #[test]
    fn a_field_is_the_same_word_everywhere() {
        for field in TemplateField::ALL {
            assert_eq!(serde_json::to_value(field).unwrap(), field.as_str());
        }
    }

    #[test]
    fn an_inserted_text_stands_below_what_was_typed_and_is_marked() {
        let typed = NoteContent { advice: "按时吃药".to_owned(), ..NoteContent::default() };
        let content = insert(typed, mark());
        assert_eq!(content.advice, "按时吃药\n多喝水\n注意休息");
        assert_eq!(content.inserted, [mark()]);
    }

    #[test]
    fn a_save_neither_adds_nor_drops_a_mark() {
        let content = insert(NoteContent::default(), mark());
        let edited = NoteContent { advice: "每天多喝水".to_owned(), ..NoteContent::default() };
        assert_eq!(with_marks(edited, &content.inserted).inserted, [mark()], "a line of it is left");
        let forged = NoteContent { inserted: vec![mark()], ..NoteContent::default() };
        assert!(with_marks(forged, &[]).inserted.is_empty(), "a browser cannot make one");
        let cleared = NoteContent { advice: "遵医嘱".to_owned(), ..NoteContent::default() };
        assert!(with_marks(cleared, &content.inserted).inserted.is_empty(), "nothing of it is left");
    }
}
