//! The one place where a stranger's JSON becomes a type.

use serde::de::{DeserializeOwned, Error};
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value};

use crate::protocol::error::{ErrorCode, Problem};

/// Parses a value; the problem names the field that is wrong.
///
/// No text may hold U+0000: PostgreSQL cannot keep it, SQLite would, and nobody means it.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    refuse_null(bytes)?;
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let words = error.inner().to_string();
        let quoted = words.split('`').nth(1).map(str::to_owned);
        // Behind a `type` tag serde forgets where it is: it says no path, and the place must be searched.
        let root = || serde_json::from_slice(bytes).ok().filter(|_| path == ".");
        let under = |name: &str| if path == "." { name.to_owned() } else { format!("{path}.{name}") };
        if words.starts_with("unknown field") {
            // The path of an unknown field already ends with it.
            let field = quoted.unwrap_or(path.clone());
            let found = root().and_then(|root| holder::<T>(&root, &field, Map::remove));
            let field = if path.ends_with(&field) { path } else { found.unwrap_or(field) };
            return problem(ErrorCode::UnknownField, Some(field), "this field is not known here");
        }
        match (words.starts_with("missing field"), quoted) {
            (true, Some(name)) => {
                let found = root()
                    .and_then(|root| holder::<T>(&root, &name, |object, name| object.insert(name.into(), Value::Null)));
                problem(ErrorCode::Malformed, Some(found.unwrap_or_else(|| under(&name))), "this field is missing")
            }
            _ if path == "." => match root().and_then(|root| culprit::<T>(&root, &[])) {
                None => problem(ErrorCode::Malformed, None, "this is not the JSON that is expected here"),
                field => problem(ErrorCode::Malformed, field, "this field has another type or an unknown value"),
            },
            _ => problem(ErrorCode::Malformed, Some(path), "this field has another type or an unknown value"),
        }
    })?;
    json.end().map_err(|_| problem(ErrorCode::Malformed, None, "there is more after the JSON value"))?;
    Ok(value)
}

/// A query holds texts.
pub(super) fn number_in_text<'de, T: std::str::FromStr, D: Deserializer<'de>>(text: D) -> Result<T, D::Error> {
    String::deserialize(text)?.parse().map_err(|_| Error::custom("not a number"))
}

/// Fields of one object among which a culprit is searched; the search copies the object once for each.
const SEARCHED: usize = 16;

/// Which field is wrong, where the error does not say: it is the one without which something else, or nothing, is said.
fn culprit<T: DeserializeOwned>(root: &Value, above: &[&str]) -> Option<String> {
    let object = above.iter().fold(root, |place, name| &place[*name]).as_object()?;
    let said = T::deserialize(root).err()?.to_string();
    let names = object.keys().map(String::as_str).filter(|_| object.len() <= SEARCHED);
    // Without its tag nothing is understood, whatever else is wrong.
    let (tag, names): (Vec<_>, Vec<_>) = names.partition(|name| *name == "type");
    let mut paths = names.into_iter().chain(tag).map(|name| above.iter().copied().chain([name]).collect::<Vec<_>>());
    let path = paths.find(|path| {
        let mut without = root.clone();
        let place = above.iter().fold(&mut without, |place, name| &mut place[*name]);
        place.as_object_mut().map(|object| object.remove(path[above.len()]));
        T::deserialize(&without).err().is_none_or(|error| error.to_string() != said)
    })?;
    Some(culprit::<T>(root, &path).unwrap_or_else(|| path.join(".")))
}

/// The path of a field of which the error says the name alone: it may be in the whole or in one of its objects. It is
/// where `mend` changes what is said to something else than that a field is missing or unknown.
fn holder<T: DeserializeOwned>(
    root: &Value,
    name: &str,
    mend: impl Fn(&mut Map<String, Value>, &str) -> Option<Value>,
) -> Option<String> {
    let objects = root.as_object()?.iter().filter(|(_, inner)| inner.is_object()).take(SEARCHED);
    let mut paths = objects.map(|(holder, _)| format!("/{holder}")).chain([String::new()]);
    let above = paths.find(|above| {
        let mut mended = root.clone();
        mended.pointer_mut(above).and_then(Value::as_object_mut).map(|object| mend(object, name));
        let said = T::deserialize(&mended).err().map(|error| error.to_string()).unwrap_or_default();
        !said.starts_with("missing field") && !said.starts_with("unknown field")
    })?;
    Some(format!("{above}/{name}").trim_start_matches('/').replace('/', "."))
}

fn refuse_null(bytes: &[u8]) -> Result<(), Problem> {
    // JSON can say it only like this; most bodies do not, and are looked at once.
    const ESCAPED: &[u8] = br"\u0000";
    if !bytes.windows(ESCAPED.len()).any(|window| window == ESCAPED) {
        return Ok(());
    }
    // What is no JSON at all is told as that, by the parser proper.
    let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return Ok(()) };
    match null_in(&value, String::new()) {
        None => Ok(()),
        Some(path) => {
            let field = Some(path).filter(|path| !path.is_empty());
            Err(problem(ErrorCode::Invalid, field, "a text must not hold U+0000"))
        }
    }
}

/// Where U+0000 stands: the path of a text, or of the object whose key holds it.
fn null_in(value: &Value, path: String) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then_some(path),
        Value::Array(items) => items.iter().enumerate().find_map(|(at, item)| null_in(item, format!("{path}[{at}]"))),
        Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            if name.contains('\0') {
                return Some(path.clone());
            }
            null_in(field, if path.is_empty() { name.clone() } else { format!("{path}.{name}") })
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn problem(code: ErrorCode, field: Option<String>, message: &str) -> Problem {
    let (retry_after, remaining, next, newer) = (None, None, None, None);
    Problem { code, message: message.to_owned(), field, retry_after, remaining, next, newer }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Outer {
        #[expect(dead_code, reason = "only its parsing is tested")]
        inner: Inner,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    struct Inner {
        #[expect(dead_code, reason = "only its parsing is tested")]
        count: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "type", rename_all = "snake_case", deny_unknown_fields)]
    enum Tagged {
        Count {
            #[expect(dead_code, reason = "only its parsing is tested")]
            id: u64,
            #[expect(dead_code, reason = "only its parsing is tested")]
            inner: Option<Inner>,
        },
    }

    #[test]
    fn behind_a_tag_the_field_is_named_too() {
        let field = |json: &str| parse::<Tagged>(json.as_bytes()).unwrap_err().field;
        assert_eq!(field(r#"{"type":"count","id":"x"}"#), Some("id".into()));
        assert_eq!(field(r#"{"type":"count","id":1,"inner":7}"#), Some("inner".into()));
        assert_eq!(field(r#"{"type":"count","id":1,"inner":{"count":"x"}}"#), Some("inner.count".into()));
        assert_eq!(field(r#"{"type":"count"}"#), Some("id".into()));
        assert_eq!(field(r#"{"type":"count","id":1,"inner":{}}"#), Some("inner.count".into()));
        assert_eq!(field(r#"{"type":"count","inner":{"count":1}}"#), Some("id".into()));
        assert_eq!(field(r#"{"type":"count","id":1,"inner":{"count":1,"zz":1}}"#), Some("inner.zz".into()));
        assert_eq!(field(r#"{"type":"count","id":1,"zz":1}"#), Some("zz".into()));
        assert_eq!(field(r#"{"type":"dance","id":1}"#), Some("type".into()));
        assert_eq!(field(r#"{"type":7,"id":1}"#), Some("type".into()));
        assert_eq!(field(r#"{"id":1}"#), Some("type".into()));
        assert_eq!(field("7"), None);
    }

    fn refused(json: &str) -> (ErrorCode, Option<String>) {
        let refusal = parse::<Outer>(json.as_bytes()).unwrap_err();
        (refusal.code, refusal.field)
    }

    #[test]
    fn a_null_character_is_refused_wherever_it_stands_and_its_spelling_in_letters_is_not() {
        let field = |json: &str| parse::<Value>(json.as_bytes()).unwrap_err().field;
        assert_eq!(field(r#""\u0000""#), None);
        assert_eq!(field(r#"{"a":{"b":["x","y\u0000"]}}"#), Some("a.b[1]".into()));
        assert_eq!(field(r#"{"a":{"b\u0000":1}}"#), Some("a".into()));
        assert_eq!(parse::<Value>(br#"{"a":"\u0000"}"#).unwrap_err().code, ErrorCode::Invalid);
        assert_eq!(parse::<Value>(br#"{"a":"\\u0000"}"#), Ok(serde_json::json!({ "a": r"\u0000" })));
        assert_eq!(parse::<Value>(b"{\"a\":\"\0\"}").unwrap_err().code, ErrorCode::Malformed);
        assert_eq!(parse::<Value>(br#"{"a":"\u0000""#).unwrap_err().code, ErrorCode::Malformed);
    }

    #[test]
    fn a_refused_body_names_the_field() {
        assert_eq!(refused("{}"), (ErrorCode::Malformed, Some("inner".into())));
        assert_eq!(refused(r#"{"inner":{}}"#), (ErrorCode::Malformed, Some("inner.count".into())));
        assert_eq!(refused(r#"{"inner":{"count":"x"}}"#), (ErrorCode::Malformed, Some("inner.count".into())));
        assert_eq!(refused(r#"{"inner":{"count":300}}"#), (ErrorCode::Malformed, Some("inner.count".into())));
        assert_eq!(refused(r#"{"inner":{"count":1},"x":1}"#), (ErrorCode::UnknownField, Some("x".into())));
        assert_eq!(refused("not json"), (ErrorCode::Malformed, None));
        assert_eq!(refused(r#"{"inner":{"count":1}} {}"#), (ErrorCode::Malformed, None));
    }
}
