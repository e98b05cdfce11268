//! The matrix as people read it: suites down, runners across, and below it what the cells leave out.

use std::collections::BTreeSet;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use comfy_table::{Cell, ContentArrangement, Table, presets};

use crate::case::{Case, Suite};
use crate::columns::{Column, State};
use crate::suites::SUITES;
use crate::verdict::Verdict;

/// How the cases that were run have ended.
#[derive(Clone, Debug, Default)]
pub(crate) struct Record(Arc<Mutex<Vec<Entry>>>);

#[derive(Clone, Debug)]
struct Entry {
    column: String,
    suite: &'static str,
    case: &'static str,
    verdict: Verdict,
}

impl Record {
    /// Notes how a case ended.
    pub(crate) fn add(
        &self,
        column: &Column,
        suite: &'static Suite,
        case: &'static Case,
        verdict: Verdict,
    ) {
        let mut entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.push(Entry {
            column: column.name(),
            suite: suite.name,
            case: case.name,
            verdict,
        });
    }

    fn entries(&self) -> Vec<Entry> {
        let entries = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        entries.clone()
    }
}

/// Prints the matrix of what was run.
pub(crate) fn print(columns: &[Column], record: &Record, out: &mut dyn Write) -> io::Result<()> {
    let entries = record.entries();
    let shown: Vec<&Column> = columns.iter().filter(|column| is_shown(column)).collect();
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_FULL_CONDENSED)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header(&shown));
    for suite in SUITES {
        if entries.iter().any(|entry| entry.suite == suite.name) {
            let mut row = vec![Cell::new(suite.name)];
            row.extend(
                shown
                    .iter()
                    .map(|column| cell(column, suite.name, &entries)),
            );
            table.add_row(row);
        }
    }
    writeln!(out, "{table}")?;
    print_states(columns, out)?;
    print_reasons(&entries, out)
}

/// Runners that are missing have their reasons below, and no columns of their own.
fn is_shown(column: &Column) -> bool {
    matches!(column.state, State::Ready { .. })
}

fn header(columns: &[&Column]) -> Vec<String> {
    let mut header = vec!["suite".to_owned()];
    let names = columns.iter();
    header.extend(names.map(|column| format!("{}\n{}", column.runner.name(), column.mode)));
    header
}

/// `5 pass, 1 skip`.
fn cell(column: &Column, suite: &str, entries: &[Entry]) -> Cell {
    let name = column.name();
    let of_cell = entries
        .iter()
        .filter(|entry| entry.column == name && entry.suite == suite);
    let verdicts: Vec<&Verdict> = of_cell.map(|entry| &entry.verdict).collect();
    let count = |is_wanted: fn(&Verdict) -> bool| {
        let verdicts = verdicts.iter();
        verdicts.filter(|verdict| is_wanted(verdict)).count()
    };
    let parts = [
        (count(|verdict| matches!(verdict, Verdict::Fail(_))), "FAIL"),
        (count(|verdict| *verdict == Verdict::Pass), "pass"),
        (count(|verdict| matches!(verdict, Verdict::Skip(_))), "skip"),
    ];
    let parts: Vec<String> = parts
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, what)| format!("{count} {what}"))
        .collect();
    Cell::new(parts.join(", "))
}

fn print_states(columns: &[Column], out: &mut dyn Write) -> io::Result<()> {
    for column in columns {
        let (state, reason) = match &column.state {
            State::Ready { version, device } => ("ready   ", format!("{version}, on {device}")),
            State::OtherFormats(reason) => ("skip    ", reason.clone()),
            State::Missing(reason) => ("missing ", reason.clone()),
        };
        writeln!(out, "{state} {}: {reason}", column.name())?;
    }
    Ok(())
}

fn print_reasons(entries: &[Entry], out: &mut dyn Write) -> io::Result<()> {
    let mut lines = BTreeSet::new();
    for entry in entries {
        let (suite, case, column) = (entry.suite, entry.case, &entry.column);
        match &entry.verdict {
            Verdict::Pass => {}
            Verdict::Skip(reason) => {
                lines.insert(format!("skip     {column} {suite}/{case}: {reason}"));
            }
            Verdict::Fail(reason) => {
                lines.insert(format!("FAIL     {column} {suite}/{case}: {reason}"));
            }
        }
    }
    lines.iter().try_for_each(|line| writeln!(out, "{line}"))
}
