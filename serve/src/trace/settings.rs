//! What is traced, as clients may ask and, where they may, change it: for all models, and for some by name.

use std::collections::BTreeMap;

use crate::refusal::{Refusal, RefusalKind};

/// What is traced of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceSettings {
    /// Whether the times of requests are traced.
    pub timestamps: bool,
    /// One in how many requests is traced.
    pub rate: u32,
    /// How many more are traced; all when there is no number.
    pub count: Option<u32>,
    /// After how many the file is begun anew; never for 0.
    pub log_frequency: u32,
}

impl Default for TraceSettings {
    fn default() -> Self {
        Self {
            timestamps: false,
            rate: 1000,
            count: None,
            log_frequency: 0,
        }
    }
}

/// A setting as it is asked for: its values, or back to what holds for all.
pub(crate) type Wanted = (String, Option<Vec<String>>);

/// How many more are traced; all when there is no number.
#[derive(Clone, Copy, Debug)]
struct Quota(Option<u32>);

/// Settings of one model that are not those of all.
#[derive(Clone, Copy, Debug, Default)]
struct Own {
    timestamps: Option<bool>,
    rate: Option<u32>,
    count: Option<Quota>,
    log_frequency: Option<u32>,
}

/// What is traced of every model.
#[derive(Clone, Debug)]
pub(super) struct AllSettings {
    /// As the server was started.
    first: TraceSettings,
    all: Own,
    models: BTreeMap<String, Own>,
}

impl AllSettings {
    pub(super) const fn new(first: TraceSettings) -> Self {
        Self {
            first,
            all: Own {
                timestamps: None,
                rate: None,
                count: None,
                log_frequency: None,
            },
            models: BTreeMap::new(),
        }
    }

    /// Those of this model, or of all where none is named.
    pub(super) fn of(&self, model: Option<&str>) -> TraceSettings {
        let all = self.all.over(self.first);
        let own = model.and_then(|model| self.models.get(model));
        own.map_or(all, |own| own.over(all))
    }

    /// Changes some; all of them or, when one is wrong, none.
    pub(super) fn change(
        &mut self,
        model: Option<&str>,
        wanted: &[Wanted],
        has_destination: bool,
    ) -> Result<(), Refusal> {
        let known = match model {
            None => self.all,
            Some(model) => self.models.get(model).copied().unwrap_or_default(),
        };
        let mut changed = known;
        for (name, values) in wanted {
            changed.set(name, values.as_deref())?;
        }
        if changed.timestamps == Some(true) && !has_destination {
            return Err(Refusal::invalid(
                "traces go nowhere: the server was started without a file or an address for them",
            ));
        }
        match model {
            None => self.all = changed,
            Some(model) => {
                self.models.insert(model.to_owned(), changed);
            }
        }
        Ok(())
    }

    /// Notes that one more was traced.
    pub(super) fn traced(&mut self, model: &str) {
        let left = self
            .of(Some(model))
            .count
            .map(|left| left.saturating_sub(1));
        let own = self.models.get_mut(model).filter(|own| own.count.is_some());
        own.unwrap_or(&mut self.all).count = Some(Quota(left));
    }
}

impl Own {
    fn over(self, other: TraceSettings) -> TraceSettings {
        TraceSettings {
            timestamps: self.timestamps.unwrap_or(other.timestamps),
            rate: self.rate.unwrap_or(other.rate),
            count: self.count.map_or(other.count, |quota| quota.0),
            log_frequency: self.log_frequency.unwrap_or(other.log_frequency),
        }
    }

    fn set(&mut self, name: &str, values: Option<&[String]>) -> Result<(), Refusal> {
        match name {
            "trace_file" => {
                return Err(Refusal::new(
                    RefusalKind::Unsupported,
                    "trace file location can not be updated through network protocol",
                ));
            }
            "trace_mode" => {
                return Err(Refusal::new(
                    RefusalKind::Unsupported,
                    "trace mode can not be updated through network protocol",
                ));
            }
            "trace_level" => self.timestamps = values.map(level).transpose()?,
            "trace_rate" => self.rate = number(name, values, 0)?,
            "trace_count" => {
                let count = number::<i64>(name, values, -1)?;
                self.count = count.map(|count| Quota(u32::try_from(count).ok()));
            }
            "log_frequency" => self.log_frequency = number(name, values, 0)?,
            other => {
                let text = format!("'{other}' is no trace setting");
                return Err(Refusal::invalid(text));
            }
        }
        Ok(())
    }
}

/// Whether these levels trace times.
fn level(names: &[String]) -> Result<bool, Refusal> {
    let mut timestamps = false;
    for name in names {
        match name.as_str() {
            "OFF" => {}
            "TIMESTAMPS" => timestamps = true,
            "TENSORS" => {
                return Err(Refusal::new(
                    RefusalKind::Unsupported,
                    "tensors are not traced: they may hold what nobody else should read",
                ));
            }
            other => {
                let text = format!("'{other}' is no trace level: it is OFF or TIMESTAMPS");
                return Err(Refusal::invalid(text));
            }
        }
    }
    Ok(timestamps)
}

fn number<N: TryFrom<i64>>(
    name: &str,
    values: Option<&[String]>,
    least: i64,
) -> Result<Option<N>, Refusal> {
    let Some(values) = values else {
        return Ok(None);
    };
    let [text] = values else {
        return Err(Refusal::invalid(format!("'{name}' has one value")));
    };
    let wrong = || {
        let text = format!("Unable to parse '{name}'. Expecting value >= {least}, got:{text}");
        Refusal::invalid(text)
    };
    let number: i64 = text.parse().map_err(|_| wrong())?;
    if number < least || number > u32::MAX.into() {
        return Err(wrong());
    }
    N::try_from(number).map(Some).map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(name: &str, value: Option<&str>) -> Wanted {
        (name.to_owned(), value.map(|value| vec![value.to_owned()]))
    }

    #[test]
    fn a_model_has_settings_of_its_own_until_it_gives_them_back() {
        let mut settings = AllSettings::new(TraceSettings::default());
        settings
            .change(None, &[wanted("trace_rate", Some("5"))], true)
            .unwrap();
        settings
            .change(Some("m"), &[wanted("trace_rate", Some("1"))], true)
            .unwrap();
        assert_eq!(settings.of(Some("m")).rate, 1);
        assert_eq!(settings.of(Some("n")).rate, 5);
        settings
            .change(Some("m"), &[wanted("trace_rate", None)], true)
            .unwrap();
        assert_eq!(settings.of(Some("m")).rate, 5);
        settings
            .change(None, &[wanted("trace_rate", None)], true)
            .unwrap();
        assert_eq!(settings.of(None).rate, 1000);
    }

    #[test]
    fn what_is_counted_runs_out() {
        let mut settings = AllSettings::new(TraceSettings::default());
        settings
            .change(None, &[wanted("trace_count", Some("2"))], true)
            .unwrap();
        settings.traced("m");
        assert_eq!(settings.of(Some("m")).count, Some(1));
        settings.traced("m");
        settings.traced("m");
        assert_eq!(settings.of(None).count, Some(0));
    }

    #[test]
    fn what_cannot_be_set_says_so_and_changes_nothing() {
        let mut settings = AllSettings::new(TraceSettings::default());
        let mut check = |name: &str, value: &str, expected: &str| {
            let both = [wanted("trace_rate", Some("7")), wanted(name, Some(value))];
            let refusal = settings.change(None, &both, false).unwrap_err();
            assert_eq!(refusal.text, expected);
            assert_eq!(settings.of(None), TraceSettings::default());
        };
        check(
            "trace_count",
            "-2",
            "Unable to parse 'trace_count'. Expecting value >= -1, got:-2",
        );
        check(
            "trace_level",
            "ALL",
            "'ALL' is no trace level: it is OFF or TIMESTAMPS",
        );
        check(
            "trace_level",
            "TIMESTAMPS",
            "traces go nowhere: the server was started without a file or an address for them",
        );
        check("trace_speed", "1", "'trace_speed' is no trace setting");
    }
}
