use proptest::prelude::*;

use super::*;

fn skipped(text: &str) -> Result<(), Fault> {
    let mut cursor = Cursor::new(text.as_bytes());
    cursor.skip()?;
    cursor.end()
}

#[test]
fn what_is_json_is_stepped_over_and_nothing_else() {
    let check = |text: &str, expected: bool| assert_eq!(skipped(text).is_ok(), expected, "{text}");
    for text in [
        "{}",
        " [ ] ",
        r#"{"a":[1,-2.5e+3,true,false,null,"x"]}"#,
        "NaN",
        "-Infinity",
        r#""\u00e9\ud83d\ude00\n""#,
        "0",
        "-0.5",
    ] {
        check(text, true);
    }
    for text in [
        "",
        "{",
        "[1,]",
        "{\"a\"}",
        "{\"a\":1,}",
        "{a:1}",
        "01",
        "1.",
        ".5",
        "1e",
        "+1",
        "nul",
        "tru",
        "\"",
        "\"\\x\"",
        "\"\\ud83d\"",
        "\"\\udc00\"",
        "\"\\",
        "\"\n\"",
        "[1] 2",
        "-",
        "1 1",
        "[1 2]",
        "{\"a\" 1}",
    ] {
        check(text, false);
    }
}

#[test]
fn a_member_is_there_once() {
    let check = |names: &[String], expected: bool| {
        let members: Vec<String> = names.iter().map(|name| format!("{name:?}:1")).collect();
        let text = format!("{{{}}}", members.join(","));
        assert_eq!(skipped(&text).is_ok(), expected, "{text}");
    };
    let mut names: Vec<String> = (0..30).map(|number| number.to_string()).collect();
    check(&names, true);
    for again in ["0", "7", "8", "29"] {
        names.push(again.to_owned());
        check(&names, false);
        names.pop();
    }
    assert!(skipped(r#"{"a":1,"\u0061":2}"#).is_err());
}

#[test]
fn strings_come_without_their_escapes() {
    let check = |text: &str, expected: &str| {
        assert_eq!(Cursor::new(text.as_bytes()).string().unwrap(), expected);
    };
    check(r#""plain é""#, "plain é");
    check(r#""\"\\\/\b\f\n\r\t\u0000""#, "\"\\/\u{8}\u{c}\n\r\t\0");
    check(r#""\ud83d\ude00""#, "😀");
}

#[test]
fn what_is_no_text_is_refused_with_its_place() {
    let fault = Cursor::new(b"\"ab\xff\"").string().unwrap_err();
    let expected = "failed to parse the request JSON buffer: Invalid encoding in string. at 3";
    assert_eq!(fault.to_string(), expected);
}

proptest! {
    #[test]
    fn it_agrees_with_another_parser(text in r#"[\[\]{}:,"0-9eE.tfn+a-]{0,24}"#) {
        let ours = skipped(&text).is_ok();
        let theirs = serde_json::from_str::<serde_json::Value>(&text);
        // Numbers that no double holds are for the type of the tensor to judge.
        let too_large = theirs.as_ref().is_err_and(|it| it.to_string().contains("out of range"));
        let twice = skipped(&text).is_err_and(|it| it.to_string().contains("member twice"));
        prop_assert_eq!(ours || twice, theirs.is_ok() || too_large, "{}", text);
    }

    #[test]
    fn any_text_comes_back(text in "\\PC{0,20}|[\u{0}-\u{1f}\"\\\\/]{0,20}") {
        let written = serde_json::to_string(&text).unwrap();
        prop_assert_eq!(Cursor::new(written.as_bytes()).string().unwrap(), text.as_str());
    }

    #[test]
    fn no_bytes_make_it_fall_over(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
        let mut cursor = Cursor::new(&bytes);
        while cursor.rest() > 0 && cursor.skip().is_ok() {}
    }
}
