//! The one place where a stranger's JSON becomes a type.

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::protocol::error::{ErrorCode, Problem};

/// Parses a value; the problem names the field that is wrong.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut json = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut json).map_err(|error| {
        let path = error.path().to_string();
        let words = error.inner().to_string();
        let quoted = words.split('`').nth(1).map(str::to_owned);
        let under = |name: &str| if path == "." { name.to_owned() } else { format!("{path}.{name}") };
        if words.starts_with("unknown field") {
            // The path of an unknown field already ends with it.
            let field = quoted.unwrap_or(path.clone());
            let field = if path.ends_with(&field) { path } else { field };
            return problem(ErrorCode::UnknownField, Some(field), "this field is not known here");
        }
        match (words.starts_with("missing field"), quoted) {
            (true, Some(name)) => problem(ErrorCode::Malformed, Some(under(&name)), "this field is missing"),
            _ if path == "." => match serde_json::from_slice(bytes).ok().and_then(|root| culprit::<T>(&root, &[])) {
                None => problem(ErrorCode::Malformed, None, "this is not the JSON that is expected here"),
                field => problem(ErrorCode::Malformed, field, "this field has another type or an unknown value"),
            },
            _ => problem(ErrorCode::Malformed, Some(path), "this field has another type or an unknown value"),
        }
    })?;
    json.end().map_err(|_| problem(ErrorCode::Malformed, None, "there is more after the JSON value"))?;
    // What PostgreSQL cannot keep is refused at the border, whatever the database. A text holds it only as this escape.
    if bytes.windows(6).any(|six| six == br"\u0000")
        && let Some(path) = serde_json::from_slice(bytes).ok().and_then(|root| with_null(&root))
    {
        let field = path.trim_start_matches('.').to_owned();
        return Err(problem(ErrorCode::Invalid, Some(field), "a text cannot hold U+0000"));
    }
    Ok(value)
}

/// Fields of one object among which a culprit is searched; the search copies the object once for each.
const SEARCHED: usize = 16;

/// Which field has the wrong type, where the error does not say: behind a `type` tag serde forgets where it is. It is
/// the field without which something else, or nothing, is said.
fn culprit<T: DeserializeOwned>(root: &Value, above: &[&str]) -> Option<String> {
    let object = above.iter().fold(root, |place, name| &place[*name]).as_object()?;
    let said = T::deserialize(root).err()?.to_string();
    let names = object.keys().map(String::as_str).filter(|_| object.len() <= SEARCHED);
    let mut paths = names.map(|name| above.iter().copied().chain([name]).collect::<Vec<_>>());
    let path = paths.find(|path| {
        let mut without = root.clone();
        let place = above.iter().fold(&mut without, |place, name| &mut place[*name]);
        place.as_object_mut().map(|object| object.remove(path[above.len()]));
        T::deserialize(&without).err().is_none_or(|error| error.to_string() != said)
    })?;
    Some(culprit::<T>(root, &path).unwrap_or_else(|| path.join(".")))
}

/// The path of a text or name that holds U+0000, such as `.texts[0]`.
fn with_null(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => text.contains('\0').then(String::new),
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(at, item)| Some(format!("[{at}]{}", with_null(item)?)))
        }
        Value::Object(fields) => fields.iter().find_map(|(name, field)| {
            if name.contains('\0') {
                Some(format!(".{}", name.replace('\0', "")))
            } else {
                Some(format!(".{name}{}", with_null(field)?))
            }
        }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

fn problem(code: ErrorCode, field: Option<String>, message: &str) -> Problem {
    Problem { code, message: message.to_owned(), field, retry_after: None, remaining: None }
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

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
        assert_eq!(field(r#"{"type":"count","id":1,"zz":1}"#), Some("zz".into()));
        assert_eq!(field(r#"{"type":"dance","id":1}"#), Some("type".into()));
        assert_eq!(field(r#"{"type":7,"id":1}"#), Some("type".into()));
        assert_eq!(field(r#"{"id":1}"#), Some("type".into()));
        assert_eq!(field("[]"), None);
    }

    #[test]
    fn a_text_that_no_database_keeps_is_refused_by_field() {
        #[derive(Debug, Deserialize)]
        struct Texts {
            #[expect(dead_code, reason = "only its parsing is tested")]
            texts: Vec<Value>,
        }
        let refused = |json: &str| parse::<Texts>(json.as_bytes()).map(drop).map_err(|p| (p.code, p.field));
        let invalid = |field: &str| Err((ErrorCode::Invalid, Some(field.to_owned())));
        assert_eq!(refused(r#"{"texts":["a\u0000b"]}"#), invalid("texts[0]"));
        assert_eq!(refused(r#"{"texts":[1,{"a\u0000":1}]}"#), invalid("texts[1].a"));
        assert_eq!(refused(r#"{"texts":["a\\u0000b"]}"#), Ok(()), "a backslash and five letters");
    }

    fn refused(json: &str) -> (ErrorCode, Option<String>) {
        let refusal = parse::<Outer>(json.as_bytes()).unwrap_err();
        (refusal.code, refusal.field)
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
