//! What ONNX Runtime says of an error, without what the caller knows or only its own developers can use.

/// The message without the code and the path that stand before it, and without source files and functions.
pub(super) fn reason(error: &ort::Error) -> String {
    plain(error.message())
}

fn plain(message: &str) -> String {
    // `[ONNXRuntimeError] : 1 : FAIL : what went wrong`
    let coded = message.split_once("[ONNXRuntimeError] : ");
    let text = coded.map_or(message, |(_, coded)| {
        coded.splitn(3, " : ").nth(2).unwrap_or(coded)
    });
    // `Load model from /a/b.onnx failed:what went wrong`: the caller knows what it wanted to load.
    let loading = text.split_once(" failed:");
    let text = match loading {
        Some((start, rest)) if start.starts_with("Load model from ") => rest,
        _ => text,
    };
    without_locations(text).trim().to_owned()
}

/// Where ONNX Runtime's own developers have their source files.
const SOURCES: &str = "/onnxruntime_src/";

fn without_locations(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, located)) = rest.split_once(SOURCES) {
        plain.push_str(before);
        rest = after_signature(located);
    }
    plain.push_str(rest);
    plain
}

/// What follows `a/b.cc:12 ReturnType Class::Function(...) const [with T = float]`.
fn after_signature(located: &str) -> &str {
    let Some((_, parameters)) = located.split_once('(') else {
        return located;
    };
    let mut depth = 1_usize;
    let ends = |&(_, character): &(usize, char)| {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth == 0 && character == ' '
    };
    let end = parameters.char_indices().find(ends);
    let rest = end.and_then(|(position, _)| parameters.get(position + 1..));
    let rest = rest.unwrap_or_default();
    let rest = rest.strip_prefix("const ").unwrap_or(rest);
    match rest.split_once("] ") {
        Some((template, rest)) if template.starts_with("[with ") => rest,
        _ => rest,
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
        check(
            "Load model from /a/b.onnx failed:/onnxruntime_src/core/graph/model.cc:256 \
             onnxruntime::Model::Model(onnx::ModelProto&&, const onnxruntime::PathString&) too new",
            "too new",
        );
        check(
            "while running Conv: /onnxruntime_src/a.h:1 virtual Status T::Compute(Context*) const it broke",
            "while running Conv: it broke",
        );
        check(
            "Exception: /onnxruntime_src/a.cc:2 Locale::Locale(const std::string&)::<lambda()> no locale",
            "Exception: no locale",
        );
        check(
            "/onnxruntime_src/a.cc:3 bool f(T (*)(int), int) [with T = float; U = int] a (b) c",
            "a (b) c",
        );
    }
}
