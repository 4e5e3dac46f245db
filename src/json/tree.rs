//! The tree of a document. miniserde has one too; this one is never dropped, has no
//! keys in nodes of a B-tree, and takes half the code.

use crate::text::keep;
use alloc::boxed::Box;
use alloc::collections::BinaryHeap;
use alloc::vec::Vec;
use core::cmp::Ordering;
use core::fmt;
use miniserde::de::{Deserialize, Map, Seq, Visitor};
use miniserde::{Result, make_place};

/// Any value.
#[derive(Clone, Copy, Debug)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number.
    Number(Number),
    /// A string.
    String(&'static str),
    /// An array.
    Array(&'static [Value]),
    /// An object.
    Object(Object),
}

/// A number, an integer where it has no fraction and 64 bits are enough.
#[derive(Clone, Copy, Debug)]
pub enum Number {
    /// From 0 on.
    U64(u64),
    /// Below 0.
    I64(i64),
    /// Any other. No property takes one, so which one it is is not kept, nor all
    /// that it takes to write it.
    Other,
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Number::U64(number) => number.fmt(f),
            Number::I64(number) => number.fmt(f),
            Number::Other => f.write_str("null"),
        }
    }
}

/// The properties of an object, as they came.
#[derive(Clone, Copy, Debug)]
pub struct Object(&'static [Property]);

#[derive(Clone, Copy, Debug)]
struct Property {
    key: &'static str,
    /// Which one of the object's it is: of two with one key the last counts.
    index: usize,
    value: Value,
}

impl PartialEq for Property {
    fn eq(&self, other: &Property) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Property {}

impl PartialOrd for Property {
    fn partial_cmp(&self, other: &Property) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Property {
    fn cmp(&self, other: &Property) -> Ordering {
        self.key.cmp(other.key).then(self.index.cmp(&other.index))
    }
}

impl Object {
    /// The value of a property. Objects that are asked have few.
    pub fn get(&self, key: &str) -> Option<&'static Value> {
        self.0.iter().rev().find(|property| property.key == key).map(|property| &property.value)
    }

    /// All properties, sorted by key, each key once.
    pub fn sorted(&self) -> impl Iterator<Item = (&'static str, &'static Value)> {
        let mut sorted = BinaryHeap::from_iter(self.0).into_sorted_vec();
        sorted.dedup_by(|next, kept| {
            let same = next.key == kept.key;
            if same {
                *kept = *next;
            }
            same
        });
        sorted.into_iter().map(|property| (property.key, &property.value))
    }
}

make_place!(Place);

impl Deserialize for Value {
    fn begin(out: &mut Option<Value>) -> &mut dyn Visitor {
        Place::new(out)
    }
}

impl Visitor for Place<Value> {
    fn null(&mut self) -> Result<()> {
        self.out = Some(Value::Null);
        Ok(())
    }

    fn boolean(&mut self, value: bool) -> Result<()> {
        self.out = Some(Value::Bool(value));
        Ok(())
    }

    fn string(&mut self, text: &str) -> Result<()> {
        self.out = Some(Value::String(keep(text)));
        Ok(())
    }

    fn negative(&mut self, number: i64) -> Result<()> {
        self.out = Some(Value::Number(Number::I64(number)));
        Ok(())
    }

    fn nonnegative(&mut self, number: u64) -> Result<()> {
        self.out = Some(Value::Number(Number::U64(number)));
        Ok(())
    }

    fn float(&mut self, _: f64) -> Result<()> {
        self.out = Some(Value::Number(Number::Other));
        Ok(())
    }

    fn seq(&mut self) -> Result<Box<dyn Seq + '_>> {
        Ok(Box::new(Items { out: &mut self.out, items: Vec::new(), item: None }))
    }

    fn map(&mut self) -> Result<Box<dyn Map + '_>> {
        Ok(Box::new(Properties {
            out: &mut self.out,
            properties: Vec::new(),
            key: "",
            value: None,
        }))
    }
}

/// An array under construction.
struct Items<'o> {
    out: &'o mut Option<Value>,
    items: Vec<Value>,
    /// Where the last one is put.
    item: Option<Value>,
}

impl Items<'_> {
    fn take(&mut self) {
        self.items.extend(self.item.take());
    }
}

impl Seq for Items<'_> {
    fn element(&mut self) -> Result<&mut dyn Visitor> {
        self.take();
        Ok(Deserialize::begin(&mut self.item))
    }

    fn finish(&mut self) -> Result<()> {
        self.take();
        *self.out = Some(Value::Array(core::mem::take(&mut self.items).leak()));
        Ok(())
    }
}

/// An object under construction.
struct Properties<'o> {
    out: &'o mut Option<Value>,
    properties: Vec<Property>,
    /// The key of the last one, and where its value is put.
    key: &'static str,
    value: Option<Value>,
}

impl Properties<'_> {
    fn take(&mut self) {
        if let Some(value) = self.value.take() {
            let index = self.properties.len();
            self.properties.push(Property { key: self.key, index, value });
        }
    }
}

impl Map for Properties<'_> {
    fn key(&mut self, key: &str) -> Result<&mut dyn Visitor> {
        self.take();
        self.key = keep(key);
        Ok(Deserialize::begin(&mut self.value))
    }

    fn finish(&mut self) -> Result<()> {
        self.take();
        *self.out = Some(Value::Object(Object(core::mem::take(&mut self.properties).leak())));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Writer, parse};
    use alloc::format;

    fn round(text: &str) -> alloc::string::String {
        let mut writer = Writer::new();
        writer.value(&parse(text.as_bytes()).unwrap());
        writer.finish()
    }

    #[test]
    fn properties_are_sorted_and_the_last_of_two_counts() {
        for (text, sorted) in [
            (r#"{"a":1,"b":[],"c":{}}"#, r#"{"a":1,"b":[],"c":{}}"#),
            (r#"{"b":1,"a":2,"b":null,"a":3}"#, r#"{"a":3,"b":null}"#),
            (r#"{"a":1,"a":2,"a":{"y":0,"x":-5}}"#, r#"{"a":{"x":-5,"y":0}}"#),
            (
                r#"[{},[],"",true,-9,18446744073709551615,1e+30,-0.5]"#,
                r#"[{},[],"",true,-9,18446744073709551615,null,null]"#,
            ),
        ] {
            assert_eq!(round(text), sorted);
        }
        let many = (0..3000).rev().map(|n| format!("\"{}\":{n}", n % 1000));
        let many = many.collect::<alloc::vec::Vec<_>>().join(",");
        let super::Value::Object(object) = parse(format!("{{{many}}}").as_bytes()).unwrap() else {
            panic!("an object");
        };
        assert_eq!(object.sorted().count(), 1000);
        for n in 0..1000 {
            let value = object.get(&format!("{n}")).unwrap();
            assert!(
                matches!(value, super::Value::Number(super::Number::U64(v)) if *v == n),
                "{n}: {value:?}"
            );
        }
        assert!(object.get("1000").is_none() && object.get("").is_none());
    }
}
