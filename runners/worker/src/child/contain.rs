//! Keeps a panic in a runner from ending the child.

use std::any::Any;
use std::panic::AssertUnwindSafe;

/// What `work` gives, or the message of its panic. What it worked on must not be used any more then.
pub fn contain<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).map_err(|payload| message(payload.as_ref()))
}

fn message(payload: &(dyn Any + Send)) -> String {
    let text = payload
        .downcast_ref::<&str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str));
    match text {
        Some(text) => format!("it panicked: {text}"),
        None => "it panicked".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_told_with_its_message() {
        assert_eq!(contain(|| 3), Ok(3));
        let number = 3;
        let panicked = contain(|| panic!("no {number}"));
        assert_eq!(panicked, Err::<(), _>("it panicked: no 3".to_owned()));
    }
}
