//! What changed between two versions of a note.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::NoteContent;
use super::merge::{common, is_words, objects, value_of};

/// One place that differs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = NoteChange)]
pub struct Change {
    /// Where in the content.
    pub path: Vec<String>,
    /// What was there; absent for nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<Object>)]
    pub was: Option<Value>,
    /// What is there now; absent for nothing.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    #[schema(value_type = Option<Object>)]
    pub is: Option<Value>,
    /// Of words: line by line.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub lines: Vec<Line>,
}

/// One line of two texts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Line {
    /// In which of both it stands.
    pub state: LineState,
    /// The line.
    pub text: String,
}

/// In which of two texts a line stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum LineState {
    /// In both.
    Same,
    /// Only in the older.
    Gone,
    /// Only in the newer.
    New,
}

/// Every place in which `newer` differs from `older`, in the order of their names.
pub fn diff(older: &NoteContent, newer: &NoteContent) -> Vec<Change> {
    let mut changes = Vec::new();
    compare(&mut Vec::new(), Some(&value_of(older)), Some(&value_of(newer)), &mut changes);
    changes
}

fn compare(path: &mut Vec<String>, was: Option<&Value>, is: Option<&Value>, changes: &mut Vec<Change>) {
    if was == is {
        return;
    }
    if let Some([was, is, _]) = objects(was, is, is) {
        let keys: std::collections::BTreeSet<_> = was.keys().chain(is.keys()).collect();
        for key in keys {
            path.push(key.clone());
            compare(path, was.get(key), is.get(key), changes);
            path.pop();
        }
        return;
    }
    let text = |value: Option<&Value>| value.and_then(Value::as_str).unwrap_or_default().to_owned();
    let lines = if is_words(path) && [was, is].iter().flatten().all(|value| value.is_string()) {
        lines(&text(was), &text(is))
    } else {
        Vec::new()
    };
    changes.push(Change { path: path.clone(), was: was.cloned(), is: is.cloned(), lines });
}

/// Two texts as one list of lines.
pub fn lines(was: &str, is: &str) -> Vec<Line> {
    let split = |text: &str| if text.is_empty() { Vec::new() } else { text.split('\n').map(str::to_owned).collect() };
    let (was, is): (Vec<String>, Vec<String>) = (split(was), split(is));
    let [left, right] = [&was, &is].map(|lines| lines.iter().map(String::as_str).collect::<Vec<_>>());
    // Texts too long to compare stand one after the other.
    let pairs = common(&left, &right).unwrap_or_default();
    let mut all = Vec::new();
    let (mut l, mut r) = (0, 0);
    let line = |state, text: &&str| Line { state, text: (*text).to_owned() };
    for (at_left, at_right) in pairs.into_iter().chain([(left.len(), right.len())]) {
        all.extend(left[l..at_left].iter().map(|text| line(LineState::Gone, text)));
        all.extend(right[r..at_right].iter().map(|text| line(LineState::New, text)));
        all.extend(left.get(at_left).map(|text| line(LineState::Same, text)));
        (l, r) = (at_left + 1, at_right + 1);
    }
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Map;

    use super::*;
    use crate::domain::note::exams::is_default;
    use crate::domain::note::merge::tests::notes;

    /// The newer version, from the older one and what changed; `None` when they do not belong together.
    fn apply(older: &NoteContent, changes: &[Change]) -> Option<NoteContent> {
        let mut value = value_of(older);
        for change in changes {
            put(&mut value, &change.path, change.is.clone())?;
        }
        serde_json::from_value(value).ok()
    }

    fn put(value: &mut Value, path: &[String], is: Option<Value>) -> Option<()> {
        let (last, above) = path.split_last()?;
        let mut place = value.as_object_mut()?;
        for name in above {
            place = place.entry(name).or_insert_with(|| Value::Object(Map::new())).as_object_mut()?;
        }
        match is {
            Some(is) => place.insert(last.clone(), is),
            None => place.remove(last),
        };
        Some(())
    }

    #[test]
    fn a_changed_line_is_told_as_gone_and_new() {
        let line = |state, text: &str| Line { state, text: text.to_owned() };
        assert_eq!(
            lines("发热\n咳嗽", "发热\n干咳"),
            [line(LineState::Same, "发热"), line(LineState::Gone, "咳嗽"), line(LineState::New, "干咳")]
        );
    }

    #[test]
    fn the_same_note_has_no_changes() {
        assert!(diff(&NoteContent::default(), &NoteContent::default()).is_empty());
    }

    proptest! {
        #[test]
        fn the_diff_of_two_versions_rebuilds_the_second(older in notes(), newer in notes()) {
            let changes = diff(&older, &newer);
            let mut rebuilt = apply(&older, &changes).unwrap();
            // A finding whose every part went is no finding.
            rebuilt.exams.findings.retain(|_, finding| !is_default(finding));
            prop_assert_eq!(rebuilt, newer);
        }

        #[test]
        fn the_lines_of_two_texts_hold_both(was in "[ab\n]{0,12}", is in "[ab\n]{0,12}") {
            let all = lines(&was, &is);
            let side = |not| {
                all.iter().filter(|line| line.state != not).map(|line| line.text.as_str()).collect::<Vec<_>>().join("\n")
            };
            prop_assert_eq!(side(LineState::New), was);
            prop_assert_eq!(side(LineState::Gone), is);
        }
    }
}
