use super::*;
use alloc::string::ToString;
use alloc::vec::Vec;

fn syntax(text: &str) -> String {
    let SyntaxError { position, what } = parse(text.as_bytes()).expect_err(text);
    alloc::format!("{}:{}: {what}", position.line, position.column)
}

#[test]
fn syntax_errors_have_a_place_and_a_reason() {
    let check = |text, expect| assert_eq!(syntax(text), expect, "{text:?}");
    check("", "1:1: unexpected end of file");
    check("  \n", "2:1: unexpected end of file");
    check("{\n  \"a\": 1\n  \"b\": 2\n}", "3:3: expected `,` or `}`");
    check("{\"a\": [1 2]}", "1:10: expected `,` or `]`");
    check("{\"a\": [1, 2}", "1:12: expected `,` or `]`");
    check("{\"a\": 1,}", "1:9: expected a property name");
    check("{a: 1}", "1:2: expected a property name or `}`");
    check("{\"a\" 1}", "1:6: expected `:`");
    check("{\"a\": }", "1:7: expected a value");
    check("[1,]", "1:4: expected a value");
    check("{\"a\": [{\"b\": \"c", "1:16: unexpected end of file");
    check("{\"a\": 1}}", "1:9: expected the end of the document");
    check("{\"a\": 1} x", "1:10: expected the end of the document");
    check("[tru]", "1:5: expected `true`, `false` or `null`");
    check("[01]", "1:2: a number with a leading zero");
    check("[-]", "1:3: expected a digit");
    check("[1.]", "1:4: expected a digit");
    check("[1e]", "1:4: expected a digit");
    check("[1, 1e999]", "1:5: a number beyond the range of numbers");
    check("[1e99, \"\\x\"]", "1:10: unknown escape in a string");
    check("[\"\\u12g4\"]", "1:7: expected four hexadecimal digits");
    check("[\"\\ud800\"]", "1:3: half of a surrogate pair");
    check("[\"\\ud800\\u0041\"]", "1:3: half of a surrogate pair");
    check("[\"\\udc00\"]", "1:3: half of a surrogate pair");
    check("[\"a\nb\"]", "1:4: a control character in a string");
    check("[\"\u{e9}\u{e9}\" 1]", "1:7: expected `,` or `]`");
    check("[\0]", "1:2: expected a value");
}

#[test]
fn invalid_utf8_has_a_place() {
    let error = parse(b"{\"a\":\n \"\xff\"}").err().unwrap();
    assert_eq!(error.what, "invalid UTF-8");
    assert_eq!(error.position, Position { line: 2, column: 3 });
    // An earlier error comes first.
    assert_eq!(parse(b"{a \xff").err().unwrap().what, "expected a property name or `}`");
}

#[test]
fn nesting_does_not_recurse() {
    let deep = "[".repeat(200_000);
    assert_eq!(syntax(&deep), "1:200001: unexpected end of file");
    let closed = deep + &"]".repeat(200_000);
    let value = parse(closed.as_bytes()).ok().unwrap();
    assert_eq!(locate(closed.as_bytes(), "[0]"), Position { line: 1, column: 2 });
    let mut writer = Writer::new();
    writer.value(&value);
    assert!(writer.finish().contains("null"));
}

#[test]
fn every_prefix_and_every_damaged_byte_is_diagnosed() {
    let text = br#"{"a": [1, -2.5e3, "x\u00e9\n"], "b": {"c": null, "d": [true, false, {}]}}"#;
    for end in 0..text.len() {
        assert_eq!(parse(&text[..end]).err().unwrap().what, "unexpected end of file", "{end}");
    }
    for at in 0..text.len() {
        for byte in [b'!', b'"', b'{', b']', b',', 0, 0xff] {
            let mut damaged = text.to_vec();
            damaged[at] = byte;
            // No panic, and where the parser refuses, a place within the text.
            if let Err(error) = parse(&damaged) {
                assert!(error.position.column <= damaged.len() + 1);
            }
            locate(&damaged, "b.d[2].x");
        }
    }
}

#[test]
fn positions_of_properties() {
    let text = "{\n  \"a\": 1,\n  \"list\": [ {\"k\\\"}\": \"]\"},\n    {\"x.y\": [0, 1], \"z\": 2}],\n \"a\": 3\n}";
    let check = |path: &str, line, column| {
        assert_eq!(locate(text.as_bytes(), path), Position { line, column }, "{path}");
    };
    check("", 1, 1);
    check("a", 5, 2); // the last one counts
    check("list", 3, 3);
    check("list[0]", 3, 13);
    check("list[1].z", 4, 21);
    check("list[1][\"x.y\"]", 4, 6);
    check("list[1][\"x.y\"][1]", 4, 17);
    // The last place on the way to what is missing.
    check("list[1].missing", 4, 5);
    check("list[7]", 3, 3);
    check("missing.deeper", 1, 1);
}

fn complaint(text: &str, build: impl FnOnce(&Node<'_, '_>)) -> String {
    let document = Document::parse(text.as_bytes(), "f").unwrap();
    let result = document.read(build);
    result.err().map_or(String::new(), |error| error.to_string())
}

#[test]
fn wrong_types_deep_inside() {
    let text = "{\"process\": {\n \"args\": [\"a\", \"b\", 3]}}";
    let error = complaint(text, |node| {
        node.object("process", &mut None, |node| node.strings("args", &mut Vec::new()));
    });
    assert_eq!(error, "f:2:21: process.args[2]: expected a string, found a number");
}

#[test]
fn typed_readers() {
    let check = |value: &str, read: &dyn Fn(&Node<'_, '_>), expect: &str| {
        let text = alloc::format!("{{\"v\":{value}}}");
        let error = complaint(&text, read);
        let expect =
            if expect.is_empty() { String::new() } else { alloc::format!("f:1:2: v: {expect}") };
        assert_eq!(error, expect, "{value}");
    };
    check("null", &|node| assert_eq!(node.u64("v"), None), "");
    check("18446744073709551615", &|node| assert_eq!(node.u64("v"), Some(u64::MAX)), "");
    check("-1", &|node| assert_eq!(node.i64("v"), Some(-1)), "");
    check("-0", &|node| assert_eq!(node.u64("v"), Some(0)), "");
    check("-2147483648", &|node| assert_eq!(node.i32("v"), Some(i32::MIN)), "");
    check("true", &|node| assert!(node.flag("v")), "");
    check("\"\"", &|node| assert_eq!(node.text("v"), None), "");
    check("-1", &|node| _ = node.u32("v"), "out of range: allowed are 0 to 4294967295");
    check("65536", &|node| _ = node.u16("v"), "out of range: allowed are 0 to 65535");
    check(
        "9223372036854775808",
        &|node| _ = node.i64("v"),
        "out of range: allowed are -9223372036854775808 to 9223372036854775807",
    );
    let fraction = "expected an integer, found a number with a fraction or beyond 64 bits";
    check("1.0", &|node| _ = node.u64("v"), fraction);
    check("1e3", &|node| _ = node.u64("v"), fraction);
    check("18446744073709551616", &|node| _ = node.u64("v"), fraction);
    check("\"1\"", &|node| _ = node.u64("v"), "expected an integer, found a string");
    check("1", &|node| _ = node.bool("v"), "expected a boolean, found a number");
    check("[]", &|node| _ = node.text("v"), "expected a string, found an array");
    check("{}", &|node| node.strings("v", &mut Vec::new()), "expected an array, found an object");
    check(
        "false",
        &|node| node.string_map("v", &mut Vec::new()),
        "expected an object, found a boolean",
    );
    check(
        "false",
        &|node| node.object("v", &mut None, |node| _ = node.text("x")),
        "expected an object, found a boolean",
    );
    check("\"a\\u0000b\"", &|node| _ = node.text("v"), "a string with a NUL byte");
    check("\"\"", &|node| _ = node.required_text("v"), "must not be empty");
    check(
        "\"x\"",
        &|node| _ = node.get("v").unwrap().word("a b "),
        "unknown value \"x\"; known are: a b",
    );
}

#[test]
fn missing_properties_point_to_the_object() {
    let error = complaint("{\n\"a\": {}}", |node| {
        node.object("a", &mut None, |node| _ = node.required_text("b"));
    });
    assert_eq!(error, "f:2:1: a.b: required property is missing");
}

#[test]
fn the_first_complaint_counts() {
    let error = complaint("{\"a\":1,\"b\":2}", |node| {
        node.text("b");
        node.text("a");
    });
    assert_eq!(error, "f:1:8: b: expected a string, found a number");
}

#[test]
fn giving_up_is_an_error() {
    let document = Document::parse(b"{\"a\":1}", "f").unwrap();
    let check = |result: Result<u64>, expect: &str| {
        assert_eq!(result.map_err(|error| error.to_string()), Err(expect.to_string()));
    };
    check(document.try_read(|node| node.u64("b")), "f:1:1: incomplete");
    let text = document.try_read(|node| node.text("a").map(|_| 0));
    check(text, "f:1:2: a: expected a string, found a number");
    assert_eq!(document.try_read(|node| node.u64("a")), Ok(1));
}

#[test]
fn keys_that_need_quotes() {
    let error = complaint("{\"m\": {\"a.b\": \"\", \"c[\": 1}}", |node| {
        node.string_map("m", &mut Vec::new());
    });
    assert_eq!(error, "f:1:19: m[\"c[\"]: expected a string, found a number");
}

#[test]
fn writes_like_go() {
    let mut writer = Writer::new();
    writer.open_object();
    writer.string_field("text", "a\"\\\n\t\r\u{8}\u{c}\u{1}\u{7f}<é\u{2028}");
    writer.number_field("number", -5);
    writer.bool_field("yes", true);
    writer.key("nothing");
    writer.null();
    writer.array_field("empty");
    writer.close();
    writer.object_field("none");
    writer.close();
    writer.strings_field("list", &mut ["a", "b"].into_iter());
    writer.map_field("map", &[("k", "{[,:\\\"]}")]);
    writer.close();
    let text = writer.finish();
    assert_eq!(
        text,
        "{\"text\":\"a\\\"\\\\\\n\\t\\r\\b\\f\\u0001\u{7f}<é\\u2028\",\"number\":-5,\"yes\":true,\
         \"nothing\":null,\"empty\":[],\"none\":{},\"list\":[\"a\",\"b\"],\
         \"map\":{\"k\":\"{[,:\\\\\\\"]}\"}}"
    );
    let lines = indent(&text, "  ");
    let tail: Vec<_> = lines.lines().skip(2).collect();
    assert_eq!(
        tail.join("\n"),
        "  \"number\": -5,\n  \"yes\": true,\n  \"nothing\": null,\n  \"empty\": [],\n  \
         \"none\": {},\n  \"list\": [\n    \"a\",\n    \"b\"\n  ],\n  \"map\": {\n    \
         \"k\": \"{[,:\\\\\\\"]}\"\n  }\n}"
    );
}

#[test]
fn values_survive_a_round() {
    for text in [
        r#"{"a":[1,-2,18446744073709551615,null,true],"b":{"c":"d"}}"#,
        r#"[[],{},"",[[0]]]"#,
        r#""x""#,
    ] {
        let value = parse(text.as_bytes()).ok().unwrap();
        let mut writer = Writer::new();
        writer.value(&value);
        assert_eq!(writer.finish(), text);
    }
}
