//! The JSON Schema (draft 2020-12) of playbooks, made from the same description that checks them.

use super::shape::{Field, Leaf, Object, Shape};
use super::table::PLAYBOOK;
use super::types;
use serde_json::{Map, Value, json};

/// What a name is: see the loader's check of names.
const NAME: &str = "^[A-Za-z_][A-Za-z0-9_]{0,99}$";

/// A length of time above zero, as far as a pattern can tell.
const DURATION: &str = "^\\+?(([0-9]+(\\.[0-9]*)?|\\.[0-9]+)(ns|us|\u{b5}s|ms|s|m|h|d|w))+$";

/// A type that has something in parentheses; the others are listed, so that editors complete them.
const TYPE: &str = r"^ *((bool|int|uint|double|number|string|timestamp|duration|date|geo_point|point|postal_code)|(decimal|money|list|enum|postal_code) *\(.*\)) *$";

/// The JSON Schema of a playbook, with descriptions, so that editors complete and check; `#/$defs/part` describes a document
/// that is a part of one.
///
/// It ends in a line feed and stands in `docs/playbook.schema.json`; write that file anew with
/// `cargo run -p tactful --example playbook_schema > docs/playbook.schema.json`.
#[must_use]
pub fn json_schema() -> String {
    let mut definitions = Map::new();
    define(&PLAYBOOK, &mut definitions);
    let mut part = definitions.remove(&slug(PLAYBOOK.name)).unwrap_or_default();
    let required = part.as_object_mut().and_then(|part| part.remove("required")).unwrap_or_default();
    definitions.insert("part".to_owned(), part);
    let schema = json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "tactful playbook",
        "description": PLAYBOOK.doc,
        "$ref": "#/$defs/part",
        "required": required,
        "$defs": definitions,
    });
    format!("{schema:#}\n")
}

fn slug(name: &str) -> String {
    name.replace([' ', '-'], "_")
}

/// Adds an object and all it refers to to the definitions.
fn define(object: &'static Object, definitions: &mut Map<String, Value>) {
    let name = slug(object.name);
    if definitions.contains_key(&name) {
        return;
    }
    definitions.insert(name.clone(), Value::Null);
    let properties: Map<String, Value> =
        object.fields.iter().map(|field| (field.key.to_owned(), describe(field, definitions))).collect();
    let required: Vec<&str> = object.fields.iter().filter(|field| field.required).map(|field| field.key).collect();
    let kinds = if object.marks.is_empty() && object.may_be_empty() { json!(["object", "null"]) } else { json!("object") };
    let mut schema = json!({
        "description": object.doc,
        "type": kinds,
        "properties": properties,
        "additionalProperties": false,
    });
    if let (Some(schema), false) = (schema.as_object_mut(), required.is_empty()) {
        schema.insert("required".to_owned(), json!(required));
    }
    definitions.insert(name, schema);
}

fn describe(field: &'static Field, definitions: &mut Map<String, Value>) -> Value {
    let mut schema = shape(&field.shape, definitions);
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), json!(field.doc));
        if let Ok(default) = serde_json::from_str::<Value>(field.default) {
            schema.insert("default".to_owned(), default);
        }
    }
    schema
}

fn shape(of: &'static Shape, definitions: &mut Map<String, Value>) -> Value {
    match of {
        Shape::Object(object) => {
            define(object, definitions);
            json!({ "$ref": format!("#/$defs/{}", slug(object.name)) })
        }
        Shape::Names(inner) => json!({
            "type": ["object", "null"],
            "propertyNames": { "pattern": NAME },
            "additionalProperties": shape(inner, definitions),
        }),
        Shape::List(inner) => json!({ "type": "array", "items": shape(inner, definitions) }),
        Shape::Leaf(leaf) => single(leaf),
        Shape::Either(shapes) => {
            let all: Vec<Value> = shapes.iter().map(|inner| shape(inner, definitions)).collect();
            json!({ "anyOf": all })
        }
    }
}

fn single(leaf: &Leaf) -> Value {
    match leaf {
        Leaf::Text => json!({ "type": "string" }),
        Leaf::Reference(_) => json!({ "type": "string", "pattern": NAME }),
        Leaf::Rule => json!({ "type": ["string", "boolean", "number"] }),
        Leaf::Bool => json!({ "type": "boolean" }),
        Leaf::Whole(low, high) => {
            let mut schema = json!({ "type": "integer" });
            if let Some(schema) = schema.as_object_mut() {
                if *low != i64::MIN {
                    schema.insert("minimum".to_owned(), json!(low));
                }
                if *high != i64::MAX {
                    schema.insert("maximum".to_owned(), json!(high));
                }
            }
            schema
        }
        Leaf::Number(low, high) => {
            let mut schema = json!({ "type": "number" });
            if let Some(schema) = schema.as_object_mut() {
                if low.is_finite() {
                    schema.insert("exclusiveMinimum".to_owned(), json!(low));
                }
                if high.is_finite() {
                    schema.insert("exclusiveMaximum".to_owned(), json!(high));
                }
            }
            schema
        }
        Leaf::Amount(high) => json!({ "type": "number", "minimum": 0, "exclusiveMaximum": high }),
        Leaf::Duration => json!({ "type": "string", "pattern": DURATION }),
        Leaf::Instant => json!({ "type": "string", "format": "date-time" }),
        Leaf::Type => json!({ "anyOf": [{ "enum": types::SIMPLE }, { "type": "string", "pattern": TYPE }] }),
        Leaf::Zone => json!({ "type": "string" }),
        Leaf::Word(words) => json!({ "enum": words }),
        Leaf::Pattern(pattern, expected) => json!({ "type": "string", "pattern": pattern, "description": expected }),
        Leaf::Any => json!({}),
    }
}
