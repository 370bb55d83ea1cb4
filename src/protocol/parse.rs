//! The one place where a stranger's JSON becomes a type.

use serde::de::DeserializeOwned;

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
            _ if path == "." => problem(ErrorCode::Malformed, None, "this is not the JSON that is expected here"),
            _ => problem(ErrorCode::Malformed, Some(path), "this field has another type or an unknown value"),
        }
    })?;
    json.end().map_err(|_| problem(ErrorCode::Malformed, None, "there is more after the JSON value"))?;
    Ok(value)
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
