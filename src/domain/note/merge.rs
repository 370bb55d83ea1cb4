//! Two edits of one note become one: field by field, sets by their members, words by their lines.
//!
//! `theirs` is what is saved already. Where both sides wrote different things into one place, theirs stays and both are
//! handed out as a conflict, for a person to decide: a merge loses no word of either side.
//! Browsers ask the server for it, so that there is one way to merge.

use std::sync::LazyLock;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::NoteContent;
use super::terms::{FieldForm, TERMS};

/// Two edits as one.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// What both agree on; at a conflict, theirs.
    pub content: NoteContent,
    /// Where they do not.
    pub conflicts: Vec<FieldConflict>,
}

/// One place into which both sides wrote.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FieldConflict {
    /// Where in the content.
    pub path: Vec<String>,
    /// What was there before; null for nothing.
    #[schema(value_type = Object)]
    pub base: Value,
    /// What this window wrote.
    #[schema(value_type = Object)]
    pub mine: Value,
    /// What is saved.
    #[schema(value_type = Object)]
    pub theirs: Value,
}

/// Merges `mine` and `theirs`, which both began at `base`.
pub fn merge(base: &NoteContent, mine: &NoteContent, theirs: &NoteContent) -> Merged {
    let [base, mine, theirs_value] = [base, mine, theirs].map(value_of);
    let mut conflicts = Vec::new();
    let merged = merge_values(&mut Vec::new(), Some(&base), Some(&mine), Some(&theirs_value), &mut conflicts);
    // Every part comes from a note and fits its place; if a rule above were wrong, theirs is what nobody loses by.
    if let Some(Ok(content)) = merged.map(serde_json::from_value) {
        return Merged { content, conflicts };
    }
    let conflict = FieldConflict { path: Vec::new(), base, mine, theirs: theirs_value };
    Merged { content: theirs.clone(), conflicts: vec![conflict] }
}

pub(super) fn value_of(content: &NoteContent) -> Value {
    serde_json::to_value(content).expect("a note is plain data and always serializes")
}

fn merge_values(
    path: &mut Vec<String>,
    base: Option<&Value>,
    mine: Option<&Value>,
    theirs: Option<&Value>,
    conflicts: &mut Vec<FieldConflict>,
) -> Option<Value> {
    if mine == theirs || base == theirs {
        return mine.cloned();
    }
    if base == mine {
        return theirs.cloned();
    }
    if let Some([base, mine, theirs]) = objects(base, mine, theirs) {
        let keys: std::collections::BTreeSet<_> = base.keys().chain(mine.keys()).chain(theirs.keys()).collect();
        let mut merged = Map::new();
        for key in keys {
            path.push(key.clone());
            let value = merge_values(path, base.get(key), mine.get(key), theirs.get(key), conflicts);
            path.pop();
            merged.extend(value.map(|value| (key.clone(), value)));
        }
        return Some(Value::Object(merged));
    }
    if let Some([base, mine, theirs]) = lists(path, base, mine, theirs) {
        return Some(Value::Array(merge_lists(path, base, mine, theirs, conflicts)));
    }
    if let Some([base, mine, theirs]) = words(path, base, mine, theirs)
        && let Some(text) = merge_lines(base, mine, theirs)
    {
        return Some(Value::String(text));
    }
    let or_null = |value: Option<&Value>| value.cloned().unwrap_or(Value::Null);
    let (base, mine) = (or_null(base), or_null(mine));
    conflicts.push(FieldConflict { path: path.clone(), base, mine, theirs: or_null(theirs) });
    theirs.cloned()
}

/// The three as objects that can be merged key by key; what is absent is empty. An object with a `state` is one thing
/// as long as the states differ: a pulse that was felt and one that was not have no fields in common.
pub(super) fn objects<'a>(
    base: Option<&'a Value>,
    mine: Option<&'a Value>,
    theirs: Option<&'a Value>,
) -> Option<[&'a Map<String, Value>; 3]> {
    static EMPTY: LazyLock<Map<String, Value>> = LazyLock::new(Map::new);
    let all = [base, mine, theirs];
    if !all.iter().flatten().all(|value| value.is_object()) {
        return None;
    }
    let maps = all.map(|value| value.and_then(Value::as_object).unwrap_or(&*EMPTY));
    let [first, ..] = maps;
    maps.iter().all(|map| map.get("state") == first.get("state")).then_some(maps)
}

/// The three as sets; a field that takes one term is not a set.
fn lists<'a>(
    path: &[String],
    base: Option<&'a Value>,
    mine: Option<&'a Value>,
    theirs: Option<&'a Value>,
) -> Option<[&'a [Value]; 3]> {
    let all = [base, mine, theirs];
    if !all.iter().flatten().all(|value| value.is_array()) {
        return None;
    }
    let is_single = match path {
        [_, findings, field, terms] if findings == "findings" && terms == "terms" => {
            TERMS.field(field).is_none_or(|field| field.how != FieldForm::Many)
        }
        _ => false,
    };
    let list = |value: Option<&'a Value>| value.and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    (!is_single).then(|| all.map(list))
}

/// What a member of a set is known by.
fn key(value: &Value) -> &Value {
    value.get("code").unwrap_or(value)
}

/// Theirs without what mine took away, then what mine added; a member that both kept is merged.
fn merge_lists(
    path: &mut Vec<String>,
    base: &[Value],
    mine: &[Value],
    theirs: &[Value],
    conflicts: &mut Vec<FieldConflict>,
) -> Vec<Value> {
    let find = |list: &'_ [Value], member: &Value| list.iter().find(|other| key(other) == key(member)).cloned();
    let mut merged = Vec::new();
    for member in theirs {
        let before = find(base, member);
        match find(mine, member) {
            Some(ours) => {
                path.push(key(member).as_str().unwrap_or_default().to_owned());
                merged.extend(merge_values(path, before.as_ref(), Some(&ours), Some(member), conflicts));
                path.pop();
            }
            // Taken away by mine, unless theirs wrote into it meanwhile.
            None if before.as_ref() == Some(member) => {}
            None => merged.push(member.clone()),
        }
    }
    for member in mine {
        let before = find(base, member);
        // Taken away by theirs, unless mine wrote into it meanwhile.
        if find(theirs, member).is_none() && before.as_ref() != Some(member) {
            merged.push(member.clone());
        }
    }
    merged
}

/// Whether words stand at this path: the fields of the note itself, and `words` wherever they are.
pub(super) fn is_words(path: &[String]) -> bool {
    path.len() == 1 || path.last().is_some_and(|name| name == "words")
}

fn words<'a>(
    path: &[String],
    base: Option<&'a Value>,
    mine: Option<&'a Value>,
    theirs: Option<&'a Value>,
) -> Option<[&'a str; 3]> {
    let all = [base, mine, theirs];
    let fits = is_words(path) && all.iter().flatten().all(|value| value.is_string());
    fits.then(|| all.map(|value| value.and_then(Value::as_str).unwrap_or_default()))
}

/// Pairs of lines above which nobody waits for a comparison; such texts are shown side by side.
const PAIRS_LIMIT: usize = 250_000;

/// The two edits of a text as one, if no line was written by both.
fn merge_lines(base: &str, mine: &str, theirs: &str) -> Option<String> {
    let [base, mine, theirs] = [base, mine, theirs].map(|text| text.split('\n').collect::<Vec<_>>());
    let (in_mine, in_theirs) = (common(&base, &mine)?, common(&base, &theirs)?);
    let mut merged = Vec::new();
    let (mut b, mut m, mut t) = (0, 0, 0);
    // The lines that nobody touched cut the text into stretches; each stretch has one writer at most.
    let untouched = in_mine.iter().filter_map(|(line, at_mine)| {
        in_theirs.iter().find(|(other, _)| other == line).map(|(_, at_theirs)| (*line, *at_mine, *at_theirs))
    });
    for (at_base, at_mine, at_theirs) in untouched.chain([(base.len(), mine.len(), theirs.len())]) {
        let (was, ours, others) = (&base[b..at_base], &mine[m..at_mine], &theirs[t..at_theirs]);
        if ours == others || was == others {
            merged.extend_from_slice(ours);
        } else if was == ours {
            merged.extend_from_slice(others);
        } else {
            return None;
        }
        merged.extend(base.get(at_base));
        (b, m, t) = (at_base + 1, at_mine + 1, at_theirs + 1);
    }
    Some(merged.join("\n"))
}

/// The longest run of equal lines of both, as places in each; `None` for texts that are too long to compare.
pub(super) fn common(left: &[&str], right: &[&str]) -> Option<Vec<(usize, usize)>> {
    let (rows, columns) = (left.len() + 1, right.len() + 1);
    if rows * columns > PAIRS_LIMIT {
        return None;
    }
    // `longest[l][r]`: how many lines of `left[l..]` and `right[r..]` can be paired.
    let mut longest = vec![vec![0_usize; columns]; rows];
    for l in (0..left.len()).rev() {
        for r in (0..right.len()).rev() {
            longest[l][r] =
                if left[l] == right[r] { longest[l + 1][r + 1] + 1 } else { longest[l + 1][r].max(longest[l][r + 1]) };
        }
    }
    let (mut l, mut r, mut pairs) = (0, 0, Vec::new());
    while l < left.len() && r < right.len() {
        if left[l] == right[r] {
            pairs.push((l, r));
            (l, r) = (l + 1, r + 1);
        } else if longest[l + 1][r] >= longest[l][r + 1] {
            l += 1;
        } else {
            r += 1;
        }
    }
    Some(pairs)
}

#[cfg(test)]
pub(super) mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;
    use crate::domain::note::exams::{Finding, FourExams, NotTaken, Pulse, PulseBy, Tongue, Wrist};
    use crate::domain::note::{Diagnosis, DiagnosisKind, Vitals};

    /// Any note, from few words and few terms, so that edits meet.
    pub fn notes() -> impl Strategy<Value = NoteContent> {
        let text = || prop::collection::vec("[abc甲乙]{0,2}", 0..4).prop_map(|lines| lines.join("\n"));
        let some = |codes: &'static [&'static str]| {
            prop::sample::subsequence(codes.to_vec(), 0..=codes.len())
                .prop_map(|codes| codes.into_iter().map(str::to_owned).collect::<Vec<_>>())
        };
        let one = |codes: &'static [&'static str]| {
            prop::option::of(prop::sample::select(codes)).prop_map(|code| code.map(|code| vec![code.to_owned()]))
        };
        let finding = |terms: Option<Vec<String>>, words| Finding { terms: terms.unwrap_or_default(), words };
        let pulse = prop_oneof![
            Just(None),
            Just(Some(Pulse::NotTaken { why: NotTaken::Remote })),
            Just(Some(Pulse::NotTaken { why: NotTaken::Declined })),
            (some(&["pulse.fu", "pulse.shuo", "pulse.jin"]), text()).prop_map(|(cun, words)| {
                let left = Wrist { cun, ..Wrist::default() };
                Some(Pulse::Taken { by: PulseBy::Device, left, right: Wrist::default(), rate: None, words })
            }),
        ];
        let western = |(code, provisional): (String, bool)| Diagnosis {
            kind: DiagnosisKind::Western,
            code,
            zh: String::new(),
            en: String::new(),
            tm1: Vec::new(),
            provisional,
        };
        let diagnoses = (some(&["J00", "R05", "R51"]), any::<bool>())
            .prop_map(move |(codes, open)| codes.into_iter().map(|code| western((code, open))).collect::<Vec<_>>());
        let exams = (
            (one(&["ask.sweat.none", "ask.sweat.night"]), text()),
            some(&["ask.nose.clear", "ask.nose.thick", "ask.nose.blocked"]),
            some(&["tongue.red", "tongue.pale", "tongue.teeth_marked"]),
            pulse,
        )
            .prop_map(move |((sweat, words), nose, body, pulse)| {
                let mut findings = BTreeMap::new();
                let sweat = finding(sweat, words);
                if sweat != Finding::default() {
                    findings.insert("ask.sweat".to_owned(), sweat);
                }
                if !nose.is_empty() {
                    findings.insert("ask.nose".to_owned(), finding(Some(nose), String::new()));
                }
                let tongue = Tongue { body, ..Tongue::default() };
                FourExams { findings, tongue, pulse, ..FourExams::default() }
            });
        (text(), text(), prop::option::of(36..40_u8), exams, diagnoses).prop_map(
            |(complaint, advice, temperature, exams, diagnoses)| NoteContent {
                complaint,
                advice,
                vitals: Vitals { temperature: temperature.map(f64::from), ..Vitals::default() },
                exams,
                diagnoses,
                ..NoteContent::default()
            },
        )
    }

    fn complaint(text: &str) -> NoteContent {
        NoteContent { complaint: text.to_owned(), ..NoteContent::default() }
    }

    #[test]
    fn different_lines_of_one_text_merge() {
        let merged = merge(
            &complaint("发热\n咳嗽\n乏力"),
            &complaint("发热三天\n咳嗽\n乏力"),
            &complaint("发热\n咳嗽\n乏力\n咽痛"),
        );
        assert_eq!(merged.content.complaint, "发热三天\n咳嗽\n乏力\n咽痛");
        assert!(merged.conflicts.is_empty());
    }

    #[test]
    fn one_line_written_twice_is_for_a_person_to_decide() {
        let merged = merge(&complaint("发热"), &complaint("发热三天"), &complaint("发热两天"));
        assert_eq!(merged.content.complaint, "发热两天");
        let conflict = &merged.conflicts[0];
        assert_eq!((conflict.mine.as_str(), conflict.theirs.as_str()), (Some("发热三天"), Some("发热两天")));
    }

    #[test]
    fn a_pulse_that_one_felt_and_the_other_did_not_is_one_conflict() {
        let with = |pulse| NoteContent { exams: FourExams { pulse, ..FourExams::default() }, ..NoteContent::default() };
        let felt = Pulse::Taken {
            by: PulseBy::Device,
            left: Wrist { cun: vec!["pulse.fu".to_owned()], ..Wrist::default() },
            right: Wrist::default(),
            rate: None,
            words: String::new(),
        };
        let (mine, theirs) = (with(Some(felt)), with(Some(Pulse::NotTaken { why: NotTaken::Remote })));
        let merged = merge(&NoteContent::default(), &mine, &theirs);
        assert_eq!(merged.content, theirs);
        assert_eq!(merged.conflicts.len(), 1);
        assert_eq!(merged.conflicts[0].path, ["exams", "pulse"]);
    }

    #[derive(Deserialize)]
    struct Case {
        name: String,
        base: NoteContent,
        mine: NoteContent,
        theirs: NoteContent,
        merged: NoteContent,
        conflicts: Vec<Vec<String>>,
    }

    #[test]
    fn the_written_cases_hold() {
        let cases: Vec<Case> = serde_json::from_str(include_str!("merge_cases.json")).unwrap();
        for case in cases {
            let merged = merge(&case.base, &case.mine, &case.theirs);
            assert_eq!(merged.content, case.merged, "{}", case.name);
            let paths: Vec<_> = merged.conflicts.into_iter().map(|conflict| conflict.path).collect();
            assert_eq!(paths, case.conflicts, "{}", case.name);
        }
    }

    /// Every line, code and figure of a note.
    fn atoms(value: &Value) -> std::collections::BTreeSet<String> {
        match value {
            Value::Object(map) => map.values().flat_map(atoms).collect(),
            Value::Array(list) => list.iter().flat_map(atoms).collect(),
            Value::String(text) => text.split('\n').map(str::to_owned).collect(),
            other => [other.to_string()].into(),
        }
    }

    proptest! {
        #[test]
        fn edits_of_different_fields_always_merge(base in notes(), mine in notes(), theirs in notes()) {
            // Mine wrote the words above, theirs everything below.
            let mine = NoteContent { complaint: mine.complaint, vitals: mine.vitals, ..base.clone() };
            let theirs = NoteContent { complaint: base.complaint.clone(), vitals: base.vitals.clone(), ..theirs };
            let merged = merge(&base, &mine, &theirs);
            prop_assert!(merged.conflicts.is_empty());
            prop_assert_eq!(merged.content, NoteContent { complaint: mine.complaint, vitals: mine.vitals, ..theirs });
        }

        #[test]
        fn a_merge_loses_no_word_of_either_side(base in notes(), mine in notes(), theirs in notes()) {
            let merged = merge(&base, &mine, &theirs);
            let mut kept = atoms(&value_of(&merged.content));
            for conflict in &merged.conflicts {
                kept.extend(atoms(&conflict.mine));
                kept.extend(atoms(&conflict.theirs));
            }
            let before = atoms(&value_of(&base));
            for side in [&mine, &theirs] {
                for atom in atoms(&value_of(side)).difference(&before) {
                    prop_assert!(kept.contains(atom), "{atom} is gone");
                }
            }
        }

        #[test]
        fn whoever_alone_wrote_is_right(base in notes(), mine in notes()) {
            prop_assert_eq!(merge(&base, &mine, &base), Merged { content: mine.clone(), conflicts: Vec::new() });
            prop_assert_eq!(merge(&base, &base, &mine), Merged { content: mine, conflicts: Vec::new() });
        }
    }
}
