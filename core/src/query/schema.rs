//! The JSON Schema (draft 2020-12) of questions and answers, made from the types that are read and written.

use super::{Entry, QUESTIONS, Subject};
use crate::value::{Timestamp, Value};
use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema as schema};
use serde_json::{Map, Value as Json, json};
use std::borrow::Cow;

/// The JSON Schema of questions, with descriptions; `#/$defs/answers` describes the answer of each by its name.
///
/// It ends in a line feed and stands in `docs/queries.schema.json`; write that file anew with
/// `cargo run -p tactful --example query_schema > docs/queries.schema.json`.
#[must_use]
pub fn json_schema() -> String {
    let draft = SchemaSettings::draft2020_12();
    let mut questions = draft.clone().with(|settings| settings.inline_subschemas = true).into_generator();
    let mut answers = draft.for_serialize().into_generator();
    let (mut asked, mut answered) = (Vec::new(), Map::new());
    for entry in QUESTIONS {
        let (question, answer) = (entry.schema)(&mut questions, &mut answers);
        asked.push(whole(entry, question));
        answered.insert(entry.name.to_owned(), answer.to_value());
    }
    let mut definitions = answers.take_definitions(true);
    definitions.insert("answers".to_owned(), json!({ "properties": answered }));
    let document = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tactful questions",
        "description": "Questions to an engine or a customer base. `$defs.answers.properties` has the answer of each by its name.",
        "oneOf": asked,
        "$defs": definitions,
    });
    format!("{document:#}\n")
}

/// A question with the keys that all have.
fn whole(entry: &Entry, question: Schema) -> Json {
    let mut question = question.to_value();
    let Some(object) = question.as_object_mut() else { return question };
    object.insert("title".to_owned(), json!(entry.name));
    let properties = object.entry("properties").or_insert_with(|| json!({}));
    if let Some(properties) = properties.as_object_mut() {
        properties.insert("query".to_owned(), json!({ "const": entry.name }));
        let about = "The version of the question; 1 when not given.";
        properties.insert("version".to_owned(), json!({ "const": 1, "description": about }));
        if entry.subject == Subject::Customer {
            let about = "Whom it is about, written `namespace:value`: needed when a customer base is asked, refused when the customer is given.";
            properties.insert("identifier".to_owned(), json!({ "type": "string", "description": about }));
        }
    }
    let required = object.entry("required").or_insert_with(|| json!([]));
    if let Some(required) = required.as_array_mut() {
        required.insert(0, json!("query"));
    }
    question
}

impl JsonSchema for Timestamp {
    fn schema_name() -> Cow<'static, str> {
        "instant".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema!({ "type": "string", "format": "date-time" })
    }

    fn inline_schema() -> bool {
        true
    }
}

impl JsonSchema for Value {
    fn schema_name() -> Cow<'static, str> {
        "value".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        schema!({ "description": "Decimals, money, times and durations are text, bytes hexadecimal digits." })
    }
}
