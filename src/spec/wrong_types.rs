//! A value of another type in the place of each property: the error names it.

use super::Spec;
use super::tests::FULL;
use crate::json::Document;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use miniserde::json::{self, Array, Number, Object, Value};

/// What is put in the places of others.
fn values() -> [Value; 5] {
    [
        Value::Bool(true),
        Value::Number(Number::U64(7)),
        Value::String("text".into()),
        Value::Array(Array::new()),
        Value::Object(Object::new()),
    ]
}

/// Calls `visit` with the path of each value below `value`; what it puts there is
/// taken back.
fn each(value: &mut Value, path: &str, root: &mut dyn FnMut(&mut Value, &str)) {
    root(value, path);
    match value {
        Value::Object(object) => {
            for (key, below) in object.iter_mut() {
                let path = match (key.as_bytes().contains(&b'.'), path.is_empty()) {
                    (true, _) => format!("{path}[{key:?}]"),
                    (false, true) => key.clone(),
                    (false, false) => format!("{path}.{key}"),
                };
                each(below, &path, root);
            }
        }
        Value::Array(values) => {
            for (index, below) in values.iter_mut().enumerate() {
                each(below, &format!("{path}[{index}]"), root);
            }
        }
        _ => {}
    }
}

fn error(text: &str) -> String {
    let document = Document::parse(text.as_bytes(), "config.json").unwrap();
    Spec::read(&document).err().map_or(String::new(), |error| error.to_string())
}

/// The whole document is one text: a mark stands where the value of a place is.
#[test]
fn every_one_is_named() {
    const MARK: &str = "the value that is put here";
    let mut full: Value = json::from_str(FULL).unwrap();
    let mut places: Vec<String> = Vec::new();
    each(&mut full, "", &mut |_, path| places.push(path.into()));
    assert!(places.len() > 250, "{}", places.len());
    for place in places.iter().filter(|place| !place.is_empty()) {
        let mut was = Value::Null;
        let mut marked: Value = json::from_str(FULL).unwrap();
        each(&mut marked, "", &mut |value, path| {
            if path == place {
                was = core::mem::replace(value, Value::String(MARK.into()));
            }
        });
        if matches!(was, Value::Null) {
            continue;
        }
        let text = json::to_string(&marked);
        for value in values() {
            if core::mem::discriminant(&was) == core::mem::discriminant(&value) {
                continue;
            }
            let text = text.replace(&format!("\"{MARK}\""), &json::to_string(&value));
            let error = error(&text);
            let named = error.contains(&format!(" {place}: expected"));
            assert!(error.starts_with("config.json:1:") && named, "{place}: {error:?}");
        }
    }
}
