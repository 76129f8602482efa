//! # Contract: every answer is as `/openapi.json` says
//!
//! Whatever a test asks below `/api/v1`, its answer is held against the document: the status is
//! listed for the operation, a refusal's code too, and JSON has the members that it may have and
//! those that it must have. So the document is true as far as the tests go.

use std::net::SocketAddr;
use std::sync::OnceLock;

use serde_json::Value;

use crate::strict::{Dialogue, Response};

/// The same for all servers of this program.
static DOCUMENT: OnceLock<Value> = OnceLock::new();

fn document(address: SocketAddr) -> &'static Value {
    DOCUMENT.get_or_init(|| {
        let mut dialogue = Dialogue::open(address);
        dialogue.send("GET /api/v1/openapi.json HTTP/1.1\r\nHost: a\r\n\r\n");
        let response = dialogue.response();
        assert_eq!(response.status, 200);
        serde_json::from_slice(&response.body).unwrap()
    })
}

/// Holds an answer against the document.
#[track_caller]
pub(crate) fn hold(address: SocketAddr, method: &str, path: &str, response: &Response) {
    let is_json = response.field("Content-Type") == Some("application/json");
    let method = method.to_ascii_lowercase();
    if matches!(method.as_str(), "head" | "options") || response.status == 405 {
        return;
    }
    let path = path.split('?').next().unwrap();
    let document = document(address);
    let Some(operation) = find(document, path).and_then(|it| it.get(&method)) else {
        assert_eq!(response.status, 404, "{method} {path} is not told");
        return;
    };
    let status = response.status.to_string();
    let told = &operation["responses"][&status];
    let text = response.text();
    assert!(
        told.is_object(),
        "{method} {path}: {status} is not told: {text}"
    );
    if !is_json {
        return;
    }
    let value: Value = serde_json::from_str(&text).unwrap();
    if response.status >= 400 {
        let codes = told["x-codes"].as_array().unwrap();
        let code = &value["error"]["code"];
        assert!(
            codes.contains(code),
            "{method} {path}: {code} is not told: {text}"
        );
    }
    let Some(shape) = told.pointer("/content/application~1json/schema") else {
        // Files may be JSON, too.
        return;
    };
    if let Err(wrong) = fits(document, shape, &value) {
        panic!("{method} {path}: {wrong}: {text}");
    }
}

/// The operations of a path; what stands for itself goes before parameters.
fn find<'d>(document: &'d Value, path: &str) -> Option<&'d Value> {
    let paths = document["paths"].as_object().unwrap();
    let fits = |pattern: &str| {
        pattern.split('/').count() == path.split('/').count()
            && pattern
                .split('/')
                .zip(path.split('/'))
                .all(|(one, other)| one.starts_with('{') || one == other)
    };
    let found = paths.iter().filter(|(pattern, _)| fits(pattern));
    found
        .min_by_key(|(pattern, _)| pattern.matches('{').count())
        .map(|(_, operations)| operations)
}

fn fits(document: &Value, shape: &Value, value: &Value) -> Result<(), String> {
    if let Some(name) = shape["$ref"].as_str() {
        let shape = document.pointer(name.trim_start_matches('#')).unwrap();
        return fits(document, shape, value);
    }
    if let Some(choices) = shape["anyOf"].as_array() {
        let wrong = |shape| fits(document, shape, value).err();
        let wrong: Option<Vec<String>> = choices.iter().map(wrong).collect();
        return wrong.map_or(Ok(()), |wrong| Err(wrong.join(", and ")));
    }
    if let Some(words) = shape["enum"].as_array() {
        return match words.contains(value) {
            true => Ok(()),
            false => Err(format!("{value} is none of {words:?}")),
        };
    }
    let is = |kind: &str| match kind {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "integer" => value.is_i64() || value.is_u64(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "null" => value.is_null(),
        other => panic!("a type {other}"),
    };
    let kinds = match &shape["type"] {
        Value::String(kind) => vec![kind.as_str()],
        Value::Array(kinds) => kinds.iter().filter_map(Value::as_str).collect(),
        other => panic!("a shape without a type: {other}"),
    };
    if !kinds.iter().any(|kind| is(kind)) {
        return Err(format!("{value} is no {kinds:?}"));
    }
    match value {
        Value::Array(items) => {
            let mut items = items.iter();
            items.try_for_each(|item| fits(document, &shape["items"], item))
        }
        Value::Object(members) => {
            for name in shape["required"].as_array().into_iter().flatten() {
                let name = name.as_str().unwrap();
                if !members.contains_key(name) {
                    return Err(format!("`{name}` is missing"));
                }
            }
            let more = &shape["additionalProperties"];
            for (name, member) in members {
                match (shape["properties"].get(name), more) {
                    (Some(shape), _) => fits(document, shape, member)?,
                    (None, Value::Bool(true)) => {}
                    (None, Value::Object(_)) => fits(document, more, member)?,
                    (None, _) => return Err(format!("`{name}` is not told")),
                }
            }
            Ok(())
        }
        _ => Ok(()),
    }
}

#[test]
fn the_document_is_served_to_everybody() {
    let parlour = crate::support::Parlour::start();
    let document = parlour.nobody().get("/openapi.json").expect(200);
    assert_eq!(document["openapi"], "3.1.0");
    let paths = document["paths"].as_object().unwrap();
    let parameter = &paths["/rooms/{room}"]["get"]["parameters"][0]["name"];
    assert_eq!(parameter, "room");
}
