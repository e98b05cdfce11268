//! A profile of system calls as the OCI has it, made into what the kernel takes. Names that this processor does not have are passed over,
//! as container runtimes do.

use seccompiler::{BpfProgram, Error, compile_from_json};
use serde::Deserialize;
use serde_json::{Value, json};

/// What ends a process, or refuses a call, in the words of the compiler of filters.
const KILL: &str = "kill_process";

/// A profile.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Profile {
    default_action: Action,
    #[serde(default = "not_permitted")]
    default_errno_ret: u32,
    syscalls: Vec<Rule>,
}

/// What becomes of some calls.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    names: Vec<String>,
    action: Action,
    #[serde(default = "not_permitted")]
    errno_ret: u32,
    #[serde(default)]
    args: Vec<Argument>,
}

#[derive(Clone, Copy, Debug, Deserialize, PartialEq, Eq)]
enum Action {
    #[serde(rename = "SCMP_ACT_ALLOW")]
    Allow,
    #[serde(rename = "SCMP_ACT_ERRNO")]
    Refuse,
}

/// A condition on an argument.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Argument {
    index: u8,
    value: u64,
    #[serde(default)]
    value_two: u64,
    op: Comparison,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Comparison {
    #[serde(rename = "SCMP_CMP_EQ")]
    Equal,
    #[serde(rename = "SCMP_CMP_MASKED_EQ")]
    MaskedEqual,
}

const fn not_permitted() -> u32 {
    1
}

impl Profile {
    /// The filters that are the profile together: the kernel takes the sternest answer. One lets through what is allowed and what has
    /// an answer of its own, and one each gives those.
    pub(crate) fn filters(&self, strict: bool) -> Result<Vec<BpfProgram>, Error> {
        assert_eq!(
            self.default_action,
            Action::Refuse,
            "it allows what it does not name"
        );
        let otherwise = if strict {
            json!(KILL)
        } else {
            json!({ "errno": self.default_errno_ret })
        };
        let mut let_through = Vec::new();
        let mut filters = Vec::new();
        for rule in &self.syscalls {
            let calls = rule.calls();
            if rule.action == Action::Refuse {
                let refuse = json!({ "errno": rule.errno_ret });
                filters.push(filter(&calls, &refuse, &json!("allow"))?);
            }
            let_through.extend(calls);
        }
        filters.push(filter(&let_through, &json!("allow"), &otherwise)?);
        Ok(filters)
    }
}

impl Rule {
    /// Its calls, of those that this processor has.
    fn calls(&self) -> Vec<Value> {
        let args: Vec<Value> = self.args.iter().map(Argument::condition).collect();
        let named = self.names.iter().map(|name| {
            if args.is_empty() {
                json!({ "syscall": name })
            } else {
                json!({ "syscall": name, "args": args })
            }
        });
        let is_known = |call: &Value| {
            let alone = filter(std::slice::from_ref(call), &json!("allow"), &json!(KILL));
            alone.is_ok()
        };
        named.filter(is_known).collect()
    }
}

impl Argument {
    fn condition(&self) -> Value {
        let (op, value) = match self.op {
            Comparison::Equal => (json!("eq"), self.value),
            Comparison::MaskedEqual => (json!({ "masked_eq": self.value }), self.value_two),
        };
        json!({ "index": self.index, "type": "qword", "op": op, "val": value })
    }
}

/// One filter: what becomes of these calls, and of all others.
fn filter(calls: &[Value], these: &Value, others: &Value) -> Result<BpfProgram, Error> {
    let one =
        json!({ "one": { "match_action": these, "mismatch_action": others, "filter": calls } });
    let processor = std::env::consts::ARCH.try_into()?;
    let mut compiled = compile_from_json(one.to_string().as_bytes(), processor)?;
    compiled.remove("one").ok_or(Error::EmptyFilter)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shipped() -> Profile {
        serde_json::from_str(include_str!("../../deploy/seccomp.json")).unwrap()
    }

    #[test]
    fn the_shipped_profile_is_one_and_this_processor_has_what_it_allows() {
        let shipped = shipped();
        assert_eq!(shipped.filters(true).unwrap().len(), 2);
        let calls = shipped.syscalls.iter().map(|rule| rule.calls().len());
        assert!(calls.sum::<usize>() > 200);
    }

    #[test]
    fn the_shipped_profile_names_nothing_that_reaches_other_processes_or_the_system() {
        let shipped = shipped();
        let named: Vec<&str> = shipped
            .syscalls
            .iter()
            .flat_map(|rule| rule.names.iter().map(String::as_str))
            .collect();
        let mut once = named.clone();
        once.retain(|name| *name != "socket");
        let count = once.len();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), count, "a call is named twice");
        for refused in [
            "bpf",
            "init_module",
            "io_uring_setup",
            "kexec_load",
            "keyctl",
            "mount",
            "open_by_handle_at",
            "perf_event_open",
            "process_vm_readv",
            "ptrace",
            "setns",
            "setuid",
            "unshare",
            "userfaultfd",
        ] {
            assert!(!named.contains(&refused), "{refused}");
        }
    }
}
