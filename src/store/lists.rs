//! Many ids as one parameter, on both databases.

use uuid::Uuid;

/// The ids as a text that [`listed`] takes apart: a JSON array of their hexadecimal digits.
pub(super) fn list(ids: impl Iterator<Item = Uuid>) -> String {
    let ids: Vec<_> = ids.map(|id| id.simple().to_string()).collect();
    serde_json::Value::from(ids).to_string()
}

/// The ids of a [`list`] that is the first parameter, as a query in brackets.
macro_rules! listed {
    (sqlite) => {
        "(select unhex(value) from json_each($1))"
    };
    (postgres) => {
        "(select value::uuid from json_array_elements_text($1::json))"
    };
}
pub(super) use listed;
