//! What ONNX Runtime says of an error, without what only its own developers can use.

/// The message without the source file, the function and the code that stand before it.
pub(super) fn reason(error: &ort::Error) -> String {
    plain(error.message()).to_owned()
}

fn plain(message: &str) -> &str {
    let message = message.trim();
    let Some((_, coded)) = message.split_once("[ONNXRuntimeError] : ") else {
        return without_location(message);
    };
    // `1 : FAIL : what went wrong`
    let text = coded.splitn(3, " : ").nth(2).unwrap_or(coded);
    without_location(text)
}

/// `/onnxruntime_src/a/b.cc:12 ReturnType Class::Function(...) what went wrong`
fn without_location(text: &str) -> &str {
    let located = text.starts_with("/onnxruntime_src/");
    match text.split_once(") ") {
        Some((_, rest)) if located => rest.trim(),
        _ => text.trim(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_before_the_reason_is_dropped() {
        let check = |message: &str, expected: &str| assert_eq!(plain(message), expected);
        check("bad shape", "bad shape");
        check(
            "/onnxruntime_src/core/provider_bridge_ort.cc:2043 onnxruntime::Provider& \
             onnxruntime::ProviderLibrary::Get() [ONNXRuntimeError] : 1 : FAIL : Failed to load library",
            "Failed to load library",
        );
        check("/onnxruntime_src/a.cc:1 void f(int) it broke", "it broke");
    }
}
