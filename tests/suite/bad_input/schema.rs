//! From a schema of the API document to a body that has its form, and to every way of getting one field of it wrong.

use serde_json::{Map, Value, json};

/// The API document, and values for fields of which not every text is sensible.
pub struct Document(pub Value, Value);

/// How a field is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wrong {
    /// It is required and not there.
    Missing,
    /// It has another type.
    Mistyped,
    /// It is not in the document.
    Unknown,
    /// It is a text or a list of 10,000.
    Oversized,
    /// It is a text that holds U+0000, which PostgreSQL cannot keep.
    Null,
}

/// A body with one wrong field.
#[derive(Clone, Debug)]
pub struct Case {
    /// The body.
    pub body: Value,
    /// What is wrong.
    pub wrong: Wrong,
    /// With which field, such as `content.vitals.temperature`.
    pub field: String,
}

impl Document {
    /// The document of this server; `sensible` holds values by the name of their field.
    pub fn new(sensible: Value) -> Self {
        Self(serde_json::from_str(&yunzhen::app::openapi()).expect("the document is JSON"), sensible)
    }

    /// A schema behind its references; of several forms the first that is not `null`.
    fn plain(&self, schema: &Value) -> Value {
        if let Some(name) = schema["$ref"].as_str() {
            let name = name.trim_start_matches("#/components/schemas/");
            return self.plain(&self.0["components"]["schemas"][name]);
        }
        if let Some(forms) = schema["oneOf"].as_array() {
            let form = forms.iter().find(|form| form["type"] != "null").expect("one form is something");
            return self.plain(form);
        }
        if let Some(parts) = schema["allOf"].as_array() {
            let mut whole = json!({ "type": "object", "properties": {}, "required": [] });
            for part in parts.iter().map(|part| self.plain(part)) {
                let more = part["properties"].as_object().cloned().unwrap_or_default();
                whole["properties"].as_object_mut().expect("made above").extend(more);
                let more = part["required"].as_array().cloned().unwrap_or_default();
                whole["required"].as_array_mut().expect("made above").extend(more);
            }
            return whole;
        }
        schema.clone()
    }

    /// Whether `null` is a value of this field.
    fn may_be_null(schema: &Value) -> bool {
        let has_null = |list: &Value| list.as_array().is_some_and(|list| list.iter().any(|one| *one == "null"));
        let form_is_null = |form: &Value| form["type"] == "null";
        has_null(&schema["type"]) || schema["oneOf"].as_array().is_some_and(|forms| forms.iter().any(form_is_null))
    }

    /// A value of this form, with every field that it can have.
    pub fn sample(&self, schema: &Value) -> Value {
        let schema = self.plain(schema);
        if let Some(words) = schema["enum"].as_array() {
            return words[0].clone();
        }
        match kind(&schema) {
            "object" => {
                let fields = schema["properties"].as_object().into_iter().flatten();
                let value = |name: &String, field: &Value| {
                    let known = self.plain(field)["enum"].as_array().cloned();
                    // A word of one list is none of another list of the same name.
                    let fits = |value: &&Value| known.as_ref().is_none_or(|words| words.contains(value));
                    self.1.get(name).filter(fits).cloned().unwrap_or_else(|| self.sample(field))
                };
                Value::Object(fields.map(|(name, field)| (name.clone(), value(name, field))).collect())
            }
            "array" => json!([self.sample(&schema["items"])]),
            "integer" | "number" => json!(1),
            "boolean" => json!(true),
            _ if schema["format"] == "uuid" => json!("0190a0a0-0000-7000-8000-000000000009"),
            _ => json!("x"),
        }
    }

    /// Every way of getting one field wrong.
    pub fn cases(&self, schema: &Value) -> Vec<Case> {
        let sample = self.sample(schema);
        let mut cases = Vec::new();
        self.walk(schema, &sample, &[], &mut cases);
        cases
    }

    fn walk(&self, schema: &Value, sample: &Value, path: &[&str], cases: &mut Vec<Case>) {
        let schema = self.plain(schema);
        let Some(fields) = schema["properties"].as_object() else { return };
        let mut add = |path: &[&str], wrong, change: &dyn Fn(&mut Map<String, Value>, &str)| {
            let (name, above) = path.split_last().expect("a field has a name");
            let mut body = sample.clone();
            let place = above.iter().fold(&mut body, |place, name| &mut place[*name]);
            change(place.as_object_mut().expect("fields are in objects"), name);
            cases.push(Case { body, wrong, field: path.join(".") });
        };
        let unknown: Vec<&str> = path.iter().copied().chain(["zz"]).collect();
        add(&unknown, Wrong::Unknown, &|object, name| drop(object.insert(name.to_owned(), json!(1))));
        for (name, field) in fields {
            let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
            let set = |value: Value| {
                move |object: &mut Map<String, Value>, name: &str| drop(object.insert(name.to_owned(), value.clone()))
            };
            if schema["required"].as_array().is_some_and(|required| required.iter().any(|one| one == name)) {
                add(&path, Wrong::Missing, &|object, name| drop(object.remove(name)));
            }
            let plain = self.plain(field);
            let is_text = kind(&plain) == "string";
            add(&path, Wrong::Mistyped, &set(if is_text { json!(7) } else { json!("x") }));
            if !Self::may_be_null(field) {
                add(&path, Wrong::Mistyped, &set(Value::Null));
            }
            if is_text {
                add(&path, Wrong::Oversized, &set(json!("x".repeat(10_000))));
                add(&path, Wrong::Null, &set(json!("x\0x")));
            }
            if kind(&plain) == "array" {
                let item = self.sample(&plain["items"]);
                add(&path, Wrong::Oversized, &set(json!(vec![item; 10_000])));
            }
        }
        for (name, field) in fields {
            let path: Vec<&str> = path.iter().copied().chain([name.as_str()]).collect();
            self.walk(field, sample, &path, cases);
        }
    }
}

/// The type of a plain schema; of several the first that is not `null`.
fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or_default(),
        kind => kind.as_str().unwrap_or_default(),
    }
}

#[test]
fn a_schema_becomes_every_way_of_getting_it_wrong() {
    let document = Document(json!({}), json!({ "name": "Zhang" }));
    let schema = json!({ "type": "object", "required": ["name"], "properties": {
        "name": { "type": "string" }, "at": { "type": "object", "properties": { "n": { "type": ["integer", "null"] } } } } });
    assert_eq!(document.sample(&schema), json!({ "at": { "n": 1 }, "name": "Zhang" }));
    let cases = document.cases(&schema);
    let found: Vec<_> = cases.iter().map(|case| (case.wrong, case.field.as_str())).collect();
    let wanted = [
        (Wrong::Unknown, "zz"),
        (Wrong::Mistyped, "at"),
        (Wrong::Mistyped, "at"),
        (Wrong::Missing, "name"),
        (Wrong::Mistyped, "name"),
        (Wrong::Mistyped, "name"),
        (Wrong::Oversized, "name"),
        (Wrong::Null, "name"),
        (Wrong::Unknown, "at.zz"),
        (Wrong::Mistyped, "at.n"),
    ];
    assert_eq!(found, wanted);
    assert_eq!(cases[3].body, json!({ "at": { "n": 1 } }));
}
