//! Messages in JSON: the members in the order of the schema, each one spelled out, and 64 bits as numbers, as
//! clients of this protocol have it and the JSON of protobuf does not.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use prost::Name;
use prost_reflect::{
    DescriptorPool, DynamicMessage, FieldDescriptor, Kind, MapKey, ReflectMessage, Value,
};

use crate::wire::{double, integer, separated, string};

/// The schema as programs read it.
pub(crate) const SCHEMA: &[u8] = include_bytes!("schema.bin");

#[expect(
    clippy::unwrap_used,
    reason = "the bytes are the program's own, and a test reads them"
)]
static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| DescriptorPool::decode(SCHEMA).unwrap());

/// A message as the schema describes it, which takes any of its members by name.
pub(crate) fn dynamic<M: Name>() -> Option<DynamicMessage> {
    let descriptor = POOL.get_message_by_name(&M::full_name())?;
    Some(DynamicMessage::new(descriptor))
}

/// A message in JSON.
pub(crate) fn json<M: Name>(message: &M) -> String {
    let mut out = String::new();
    if let Some(mut dynamic) = dynamic::<M>() {
        // What was a message of this kind is one.
        drop(dynamic.transcode_from(message));
        write_message(&mut out, &dynamic);
    }
    out
}

fn write_message(out: &mut String, message: &DynamicMessage) {
    let descriptor = message.descriptor();
    let is_told = |field: &FieldDescriptor| !field.supports_presence() || message.has_field(field);
    let mut fields: Vec<FieldDescriptor> = descriptor.fields().filter(is_told).collect();
    fields.sort_by_key(|field| field.path().last().copied());
    listed(out, ('{', '}'), fields, |out, field| {
        string(out, field.name());
        out.push(':');
        write_value(out, &message.get_field(&field), &field.kind());
    });
}

fn write_value(out: &mut String, value: &Value, kind: &Kind) {
    match value {
        Value::Bool(value) => integer(out, value),
        Value::I32(number) => integer(out, number),
        Value::I64(number) => integer(out, number),
        Value::U32(number) => integer(out, number),
        Value::U64(number) => integer(out, number),
        Value::F32(number) => double(out, (*number).into()),
        Value::F64(number) => double(out, *number),
        Value::String(text) => string(out, text),
        Value::Bytes(bytes) => string(out, &String::from_utf8_lossy(bytes)),
        Value::EnumNumber(number) => match kind.as_enum().and_then(|it| it.get_value(*number)) {
            Some(value) => string(out, value.name()),
            None => integer(out, number),
        },
        Value::Message(message) => write_message(out, message),
        Value::List(values) => listed(out, ('[', ']'), values, |out, value| {
            write_value(out, value, kind);
        }),
        Value::Map(members) => write_map(out, members, kind),
    }
}

fn write_map(out: &mut String, members: &HashMap<MapKey, Value>, kind: &Kind) {
    let Some(of_values) = kind
        .as_message()
        .map(|it| it.map_entry_value_field().kind())
    else {
        return;
    };
    let members: BTreeMap<String, &Value> = members
        .iter()
        .map(|(key, value)| (key_text(key), value))
        .collect();
    listed(out, ('{', '}'), members, |out, (name, value)| {
        string(out, &name);
        out.push(':');
        write_value(out, value, &of_values);
    });
}

fn key_text(key: &MapKey) -> String {
    match key {
        MapKey::Bool(value) => value.to_string(),
        MapKey::I32(number) => number.to_string(),
        MapKey::I64(number) => number.to_string(),
        MapKey::U32(number) => number.to_string(),
        MapKey::U64(number) => number.to_string(),
        MapKey::String(text) => text.clone(),
    }
}

/// Items between these two, with commas between them.
fn listed<T>(
    out: &mut String,
    (open, close): (char, char),
    items: impl IntoIterator<Item = T>,
    write: impl FnMut(&mut String, T),
) {
    out.push(open);
    separated(out, items, write);
    out.push(close);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::proto::{
        ModelStatistics, ModelVersionPolicy, StatisticDuration, model_version_policy,
    };

    #[test]
    fn every_member_is_spelled_out_in_the_order_of_the_schema() {
        let duration = StatisticDuration {
            count: 1,
            ns: u64::MAX,
        };
        assert_eq!(json(&duration), r#"{"count":1,"ns":18446744073709551615}"#);
        let of_model = ModelStatistics {
            name: "m\"".to_owned(),
            ..ModelStatistics::default()
        };
        let text = json(&of_model);
        let expected = r#"{"name":"m\"","version":"","last_inference":0,"inference_count":0,"#;
        assert!(text.starts_with(expected), "{text}");
        assert!(!text.contains("inference_stats"), "{text}");
    }

    #[test]
    fn one_of_several_is_told_alone() {
        let latest = model_version_policy::Latest { num_versions: 2 };
        let policy = ModelVersionPolicy {
            policy_choice: Some(model_version_policy::PolicyChoice::Latest(latest)),
        };
        assert_eq!(json(&policy), r#"{"latest":{"num_versions":2}}"#);
    }
}
