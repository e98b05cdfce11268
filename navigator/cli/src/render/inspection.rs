//! `nav inspect` for people.

use nav_navigator::inspect::{Facts, Inspection};
use nav_package_format::TensorSpec;
use nav_package_format::onnx::{ModelFacts, OtherValue};
use nav_package_format::torchscript::ArchiveFacts;

use super::table::{bytes, table, text};

/// Files first, then what only models of this kind have.
pub(crate) fn inspection(inspection: &Inspection) -> String {
    let mut sections = vec![files(inspection)];
    match &inspection.facts {
        Facts::Onnx(facts) => sections.extend(onnx(facts)),
        Facts::TorchScript(facts) => sections.push(torch_script(facts)),
    }
    sections.join("\n\n")
}

fn files(inspection: &Inspection) -> String {
    let mut lines = vec![
        format!("model     {}", inspection.path.display()),
        format!("format    {}", inspection.format),
        format!("trust     {}", inspection.trust),
        format!("size      {}", bytes(inspection.file.bytes)),
        format!("sha256    {}", inspection.file.sha256),
    ];
    if let Some(named_as) = inspection.named_as {
        lines.push(format!(
            "note      the name says {named_as}, the content is {}",
            inspection.format
        ));
    }
    for file in &inspection.external_files {
        lines.push(format!(
            "external  {} ({}, sha256 {})",
            file.path,
            bytes(file.bytes),
            file.sha256
        ));
    }
    lines.join("\n")
}

fn onnx(facts: &ModelFacts) -> Vec<String> {
    let opsets = facts
        .opset_imports
        .iter()
        .map(|(domain, version)| format!("{domain} {version}"));
    let opsets: Vec<String> = opsets.collect();
    let producer = [
        facts.producer_name.as_str(),
        facts.producer_version.as_str(),
    ];
    let parameters = &facts.parameters;
    let mut about = vec![
        format!("opset     {}", opsets.join(", ")),
        format!("ir        {}", facts.ir_version),
        format!("producer  {}", producer.join(" ").trim()),
        format!(
            "weights   {} parameters, {}",
            parameters.total.elements,
            bytes(parameters.total.bytes)
        ),
    ];
    if !facts.custom_domains.is_empty() {
        let domains = facts.custom_domains.join(", ");
        about.push(format!(
            "custom    operators of {domains} need a library of their own"
        ));
    }
    let mut sections = vec![about.join("\n"), values(facts)];
    let operators = facts.operators.iter().map(|operator| {
        let domain = if operator.domain == "ai.onnx" {
            ""
        } else {
            operator.domain.as_str()
        };
        let dot = if domain.is_empty() { "" } else { "." };
        format!("{domain}{dot}{} {}", operator.op_type, operator.count)
    });
    let operators: Vec<String> = operators.collect();
    sections.push(format!("operators\n  {}", operators.join(", ")));
    sections
}

/// Inputs and outputs in the order of the graph.
fn values(facts: &ModelFacts) -> String {
    let mut table = table(["ROLE", "NAME", "TYPE", "SHAPE"]);
    let mut add = |role: &str, specs: &[TensorSpec], others: &[OtherValue]| {
        // Both lists keep the order of the graph; the others know where they stand in it.
        let mut specs = specs.iter();
        let mut others = others.iter().peekable();
        for position in 0.. {
            if let Some(other) = others.next_if(|other| other.position == position) {
                table.add_row([role, &other.name, &other.kind, ""]);
            } else if let Some(spec) = specs.next() {
                table.add_row([role, &spec.name, spec.dtype.name(), &spec.dims_text()]);
            } else {
                break;
            }
        }
    };
    add("input", &facts.signature.inputs, &facts.other_inputs);
    add("default", &facts.defaults, &[]);
    add("output", &facts.signature.outputs, &facts.other_outputs);
    text(&table)
}

fn torch_script(facts: &ArchiveFacts) -> String {
    let mut lines = vec![
        format!(
            "archive   {}, {} entries, {} code files",
            facts.root, facts.entries, facts.code_files
        ),
        format!(
            "weights   {} tensors, {}",
            facts.tensors,
            bytes(facts.tensor_bytes)
        ),
    ];
    if let Some(version) = facts.format_version {
        lines.push(format!("version   {version}"));
    }
    if let Some(class) = &facts.class {
        lines.push(format!("class     {class}"));
    }
    lines.push(match &facts.forward {
        Some(forward) => format!("forward   {forward}"),
        None => "forward   not found in the code".to_owned(),
    });
    lines.push(
        "values    shapes and types of inputs and outputs are not in a TorchScript file".to_owned(),
    );
    lines.join("\n")
}
