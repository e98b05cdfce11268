//! How many instances a model gets, and on what kind of device.

use super::ConfigError;
use crate::proto::ModelInstanceGroup;
use crate::proto::model_instance_group::Kind;

/// The most instances of a model.
const MOST: usize = 1024;

/// Where a model is asked to run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Placement {
    /// Wherever is best.
    #[default]
    Any,
    /// On the host's processor.
    Cpu,
    /// On the GPU of this number.
    Gpu(u32),
}

/// How many instances the groups are together, and where they are to be: where the first group is.
pub(crate) fn placed(groups: &[ModelInstanceGroup]) -> Result<(usize, Placement), ConfigError> {
    let mut count = 0;
    let mut placement = Placement::Any;
    for (index, group) in groups.iter().enumerate() {
        let field = |name: &str| format!("instance_group[{index}].{name}");
        let Ok(of_group) = usize::try_from(group.count) else {
            let reason = format!("there cannot be {} instances", group.count);
            return Err(ConfigError::field(field("count"), reason));
        };
        let place = place(group, field)?;
        if index == 0 {
            placement = place;
        }
        // With several GPUs, there are so many on each.
        count += of_group.max(1) * group.gpus.len().max(1);
        if count > MOST {
            let reason = format!("there can be {MOST} instances at the most");
            return Err(ConfigError::field(field("count"), reason));
        }
    }
    Ok((count.max(1), placement))
}

fn place(
    group: &ModelInstanceGroup,
    field: impl Fn(&str) -> String,
) -> Result<Placement, ConfigError> {
    let kind = Kind::try_from(group.kind)
        .map_err(|_| ConfigError::field(field("kind"), "there is no such kind"))?;
    if group.passive {
        let reason = "passive instances are not offered";
        return Err(ConfigError::field(field("passive"), reason));
    }
    let mut gpus = Vec::new();
    for gpu in &group.gpus {
        let number = u32::try_from(*gpu);
        let reason = || format!("{gpu} is no number of a GPU");
        gpus.push(number.map_err(|_| ConfigError::field(field("gpus"), reason()))?);
    }
    match kind {
        Kind::Cpu if !gpus.is_empty() => {
            let reason = "an instance on the processor has no GPU";
            Err(ConfigError::field(field("gpus"), reason))
        }
        Kind::Cpu => Ok(Placement::Cpu),
        Kind::Gpu => Ok(Placement::Gpu(gpus.first().copied().unwrap_or(0))),
        Kind::Auto | Kind::Model => Ok(Placement::Any),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::repository::config::of_text;

    #[test]
    fn groups_are_counted_and_placed() {
        let check = |text: &str, expected: Result<(usize, Placement), &str>| {
            let config = of_text(text.as_bytes()).unwrap();
            let found = placed(&config.instance_group).map_err(|error| error.to_string());
            assert_eq!(found, expected.map_err(str::to_owned), "{text}");
        };
        check("", Ok((1, Placement::Any)));
        check("instance_group { kind: KIND_CPU }", Ok((1, Placement::Cpu)));
        check(
            "instance_group [ { count: 2 kind: KIND_GPU gpus: [ 1, 2 ] }, { count: 3 } ]",
            Ok((7, Placement::Gpu(1))),
        );
        check(
            "instance_group { count: -1 }",
            Err("instance_group[0].count: there cannot be -1 instances"),
        );
        check(
            "instance_group { count: 5000 }",
            Err("instance_group[0].count: there can be 1024 instances at the most"),
        );
        check(
            "instance_group { kind: KIND_CPU gpus: 0 }",
            Err("instance_group[0].gpus: an instance on the processor has no GPU"),
        );
        check(
            "instance_group { kind: 9 }",
            Err("instance_group[0].kind: there is no such kind"),
        );
    }
}
