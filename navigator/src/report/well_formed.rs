//! Whether a page is well-formed, for tests: stricter than any browser. Every element is closed, in order; every
//! attribute is quoted and there once; every reference is known; every id is there once and every id that is
//! referred to is there. It knows no more of HTML than which elements are empty.

use std::collections::BTreeSet;

const EMPTY: &[&str] = &["meta"];

/// What is wrong with a page.
pub(super) fn well_formed(page: &str) -> Result<(), String> {
    let mut rest = page
        .strip_prefix("<!DOCTYPE html>")
        .ok_or("there is no document type")?;
    let mut open: Vec<&str> = Vec::new();
    let mut ids = BTreeSet::new();
    let mut wanted = BTreeSet::new();
    while let Some((text, after)) = rest.split_once('<') {
        check_text(text)?;
        if open.is_empty() && !text.trim().is_empty() {
            return Err(format!("text outside of all elements: {text}"));
        }
        let (tag, after) = after.split_once('>').ok_or("a tag does not end")?;
        rest = after;
        if let Some(name) = tag.strip_prefix('/') {
            if open.pop() != Some(name) {
                return Err(format!("</{name}> closes nothing"));
            }
            continue;
        }
        let (tag, closed) = match tag.strip_suffix('/') {
            Some(tag) => (tag, true),
            None => (tag, false),
        };
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        if !name.bytes().all(|byte| byte.is_ascii_alphanumeric()) || name.is_empty() {
            return Err(format!("<{name} is no element"));
        }
        for (attribute, value) in read_attributes(attributes)? {
            if attribute == "id" && !ids.insert(value) {
                return Err(format!("two have the id {value}"));
            }
            if attribute.starts_with("aria-") && attribute.ends_with("by") {
                wanted.extend(value.split(' '));
            }
        }
        if name == "style" {
            // What is in it is no markup, and ends where it ends.
            let end = rest.find("</style>").ok_or("a style does not end")?;
            rest = rest.split_at(end).1;
        }
        if !closed && !EMPTY.contains(&name) {
            open.push(name);
        }
    }
    if let Some(missing) = wanted.difference(&ids).next() {
        return Err(format!("nothing has the id {missing}"));
    }
    match open.last() {
        Some(name) => Err(format!("<{name}> is never closed")),
        None => Ok(()),
    }
}

/// No bare `>` or `&`, and only references that every reader knows.
fn check_text(text: &str) -> Result<(), String> {
    if text.contains('>') {
        return Err(format!("a bare > in {text}"));
    }
    for reference in text.split('&').skip(1) {
        let known = ["lt;", "gt;", "amp;", "quot;", "#x27;", "#x2f;"];
        if !known.iter().any(|known| reference.starts_with(known)) {
            return Err(format!("a bare & before {reference}"));
        }
    }
    Ok(())
}

fn read_attributes(mut text: &str) -> Result<Vec<(&str, &str)>, String> {
    let mut read: Vec<(&str, &str)> = Vec::new();
    while !text.is_empty() {
        let (name, after) = text
            .split_once("=\"")
            .ok_or_else(|| format!("an attribute without a value: {text}"))?;
        let (value, after) = after
            .split_once('"')
            .ok_or_else(|| format!("a value does not end: {text}"))?;
        let plain = |byte: u8| byte.is_ascii_alphabetic() || byte == b'-';
        if name.is_empty() || !name.bytes().all(plain) || read.iter().any(|one| one.0 == name) {
            return Err(format!("`{name}` is no attribute, or is there twice"));
        }
        check_text(value)?;
        read.push((name, value));
        text = match after.strip_prefix(' ') {
            Some(after) => after,
            None if after.is_empty() => after,
            None => return Err(format!("attributes without a space between: {after}")),
        };
    }
    Ok(read)
}

#[test]
fn what_browsers_forgive_is_found() {
    let check = |body: &str, expected: bool| {
        let page = format!("<!DOCTYPE html>\n<html>{body}</html>\n");
        assert_eq!(well_formed(&page).is_ok(), expected, "{body}");
    };
    check("<p class=\"a\">1 &lt; 2</p>", true);
    check("<p>", false);
    check("<b><i></b></i>", false);
    check("1 > 2", false);
    check("a & b", false);
    check("<p class=a></p>", false);
    check("<p id=\"a\"></p><p id=\"a\"></p>", false);
    check("<p aria-labelledby=\"a\"></p>", false);
    check("<p class=\"a\"onclick=\"b\"></p>", false);
}
