//! `oxbpf verify --compare`: what is different from results of another time or kernel.

use std::collections::BTreeMap;
use std::io::{self, Write};
use std::str::FromStr;

use serde::Serialize;

use super::result::{FIGURES, Figures, Program, Report, State};
use crate::command::VerifyArgs;
use crate::output::{Output, Style, counted};
use crate::table::{Cell, Column, Table};

/// How much a figure may grow.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Threshold {
    figure: &'static str,
    percent: f64,
}

impl FromStr for Threshold {
    type Err = String;

    fn from_str(text: &str) -> Result<Threshold, String> {
        let (name, percent) = text
            .split_once('=')
            .ok_or("it is to be a figure and percents, such as `insns=10%`")?;
        let names = || FIGURES.iter().map(|(name, _)| *name);
        let figure = names().find(|known| *known == name).ok_or_else(|| {
            let all: Vec<_> = names().collect();
            format!("there is no figure `{name}`, but {}", all.join(", "))
        })?;
        let percent = percent.strip_suffix('%').unwrap_or(percent);
        let percent: f64 = percent
            .parse()
            .map_err(|_| format!("`{percent}` is no number of percents"))?;
        if !(0.0..=1e9).contains(&percent) {
            return Err(format!("{percent} percent is not between 0 and a billion"));
        }
        Ok(Threshold { figure, percent })
    }
}

/// All that is different.
#[derive(Debug)]
pub(super) struct Comparison {
    old_kernel: String,
    kernel: String,
    programs: Vec<Difference>,
    compared: usize,
}

impl Comparison {
    pub(super) fn is_worse(&self) -> bool {
        self.programs.iter().any(|program| program.is_worse)
    }
}

/// What of that is shown.
#[derive(Serialize)]
struct Shown<'c> {
    old_kernel: &'c str,
    kernel: &'c str,
    programs: Vec<&'c Difference>,
    compared: usize,
}

/// What is different about one program.
#[derive(Debug, Serialize)]
struct Difference {
    object: String,
    program: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    old_state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    figures: BTreeMap<&'static str, Growth>,
    is_worse: bool,
}

#[derive(Clone, Copy, Debug, Serialize)]
struct Growth {
    from: u64,
    to: u64,
    /// None from nothing.
    #[serde(skip_serializing_if = "Option::is_none")]
    percent: Option<f64>,
    is_worse: bool,
}

/// Times differ from one run to the next. They count only if a threshold asks for them.
const TIMES: &[&str] = &["verification_us", "load_us"];

pub(super) fn compare(old: &Report, new: &Report, thresholds: &[Threshold]) -> Comparison {
    let key = |program: &Program| (program.object.clone(), program.program.clone());
    let mut before: BTreeMap<_, &Program> = old.programs.iter().map(|p| (key(p), p)).collect();
    let mut programs = Vec::new();
    for program in &new.programs {
        let old = before.remove(&key(program));
        programs.push(difference(old, Some(program), thresholds));
    }
    programs.extend(
        before
            .into_values()
            .map(|old| difference(Some(old), None, thresholds)),
    );
    let compared = programs.len();
    programs.retain(|p| p.old_state != p.state || !p.figures.is_empty());
    Comparison {
        old_kernel: old.kernel.clone(),
        kernel: new.kernel.clone(),
        programs,
        compared,
    }
}

fn difference(
    old: Option<&Program>,
    new: Option<&Program>,
    thresholds: &[Threshold],
) -> Difference {
    let (old_state, state) = (old.map(|p| p.state), new.map(|p| p.state));
    let some = old.or(new);
    let figures = match (old, new) {
        (Some(old), Some(new)) => growths(&old.figures, &new.figures, thresholds),
        _ => BTreeMap::new(),
    };
    // A program that is new has no state to be worse than, unless it is refused.
    let was_fine = old_state.is_none_or(State::is_fine);
    let is_refused = state.is_some_and(|state| !state.is_fine());
    Difference {
        object: some.map(|p| p.object.clone()).unwrap_or_default(),
        program: some.map(|p| p.program.clone()).unwrap_or_default(),
        old_state,
        state,
        reason: new.and_then(|p| p.reason.clone()).filter(|_| is_refused),
        is_worse: (was_fine && is_refused) || figures.values().any(|growth| growth.is_worse),
        figures,
    }
}

fn growths(
    old: &Figures,
    new: &Figures,
    thresholds: &[Threshold],
) -> BTreeMap<&'static str, Growth> {
    let mut growths = BTreeMap::new();
    for (name, figure) in FIGURES {
        let (Some(from), Some(to)) = (figure(old), figure(new)) else {
            continue;
        };
        let threshold = thresholds
            .iter()
            .find(|threshold| threshold.figure == *name);
        if from == to || (threshold.is_none() && TIMES.contains(name)) {
            continue;
        }
        let percent = (from > 0).then(|| (to as f64 - from as f64) / from as f64 * 100.0);
        let is_worse = threshold.is_some_and(|threshold| match percent {
            Some(percent) => percent > threshold.percent,
            None => to > from,
        });
        let growth = Growth {
            from,
            to,
            percent,
            is_worse,
        };
        growths.insert(*name, growth);
    }
    growths
}

const COLUMNS: &[Column] = &[
    Column::left("PROGRAM"),
    Column::left("FIGURE"),
    Column::right("BEFORE"),
    Column::right("NOW"),
    Column::right("CHANGE"),
];

pub(super) fn show(
    comparison: &Comparison,
    args: &VerifyArgs,
    output: &Output,
) -> anyhow::Result<()> {
    let shown = |program: &&Difference| !args.failed || program.is_worse;
    let programs: Vec<&Difference> = comparison.programs.iter().filter(shown).collect();
    if output.is_json {
        return output.json(&Shown {
            old_kernel: &comparison.old_kernel,
            kernel: &comparison.kernel,
            programs,
            compared: comparison.compared,
        });
    }
    let mut out = io::BufWriter::new(io::stdout().lock());
    if args.csv {
        return csv(&programs, &mut out);
    }
    let mut table = Table::new(COLUMNS);
    let state = |state: Option<State>| state.map_or("none", State::name);
    for program in programs {
        let name = format!("{}/{}", program.object, program.program);
        if program.old_state != program.state {
            let style = if program.is_worse {
                Style::Bad
            } else {
                Style::Good
            };
            table.row([
                name.as_str().into(),
                "verdict".into(),
                state(program.old_state).into(),
                Cell::styled(state(program.state), style),
                Cell::default(),
            ]);
        }
        if let Some(reason) = &program.reason {
            table.line(4, reason.as_str());
        }
        for (figure, growth) in &program.figures {
            let change = growth.percent.map(|percent| format!("{percent:+.1}%"));
            let change = change.unwrap_or_default();
            table.row([
                name.as_str().into(),
                (*figure).into(),
                growth.from.to_string().into(),
                growth.to.to_string().into(),
                match growth.is_worse {
                    true => Cell::styled(change, Style::Bad),
                    false => change.into(),
                },
            ]);
        }
    }
    if !table.is_empty() {
        table.write(output, &mut out)?;
    }
    let changed = comparison.programs.len();
    let worse = comparison.programs.iter().filter(|p| p.is_worse).count();
    writeln!(
        out,
        "{} on {} and before on {}: {changed} changed, {worse} worse",
        counted(comparison.compared, "program"),
        comparison.kernel,
        comparison.old_kernel
    )?;
    out.flush()?;
    Ok(())
}

fn csv(programs: &[&Difference], out: &mut dyn Write) -> anyhow::Result<()> {
    writeln!(out, "object,program,figure,before,now,is_worse")?;
    let state = |state: Option<State>| state.map_or("none", State::name);
    for program in programs {
        let Difference {
            object,
            program: name,
            is_worse,
            ..
        } = program;
        let (old, new) = (state(program.old_state), state(program.state));
        if old != new {
            writeln!(out, "{object},{name},verdict,{old},{new},{is_worse}")?;
        }
        for (
            figure,
            Growth {
                from, to, is_worse, ..
            },
        ) in &program.figures
        {
            writeln!(out, "{object},{name},{figure},{from},{to},{is_worse}")?;
        }
    }
    out.flush()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(state: State, insns: u64, load_us: u64) -> Report {
        Report {
            kernel: "6.1".to_owned(),
            programs: vec![Program {
                object: "o".to_owned(),
                program: "p".to_owned(),
                state,
                figures: Figures {
                    insns: Some(insns),
                    load_us: Some(load_us),
                    ..Figures::default()
                },
                ..Program::default()
            }],
        }
    }

    fn is_worse(old: &Report, new: &Report, thresholds: &[&str]) -> bool {
        let thresholds: Vec<Threshold> = thresholds.iter().map(|t| t.parse().unwrap()).collect();
        compare(old, new, &thresholds).is_worse()
    }

    #[test]
    fn worse_is_what_is_refused_or_grew_too_much() {
        let old = report(State::Accepted, 100, 10);
        assert!(is_worse(&old, &report(State::Refused, 100, 10), &[]));
        assert!(!is_worse(&report(State::Refused, 1, 1), &old, &[]));
        assert!(!is_worse(&old, &report(State::Accepted, 1000, 10), &[]));
        assert!(!is_worse(
            &old,
            &report(State::Accepted, 110, 10),
            &["insns=10%"]
        ));
        assert!(is_worse(
            &old,
            &report(State::Accepted, 111, 10),
            &["insns=10%"]
        ));
        assert!(!is_worse(
            &old,
            &report(State::Accepted, 111, 90),
            &["insns=20"]
        ));
        assert!(is_worse(
            &old,
            &report(State::Accepted, 100, 90),
            &["load_us=20"]
        ));
    }

    #[test]
    fn times_alone_are_no_difference() {
        let (old, new) = (
            report(State::Accepted, 1, 10),
            report(State::Accepted, 1, 90),
        );
        assert!(compare(&old, &new, &[]).programs.is_empty());
    }

    #[test]
    fn programs_that_come_and_go_are_told() {
        let none = Report {
            kernel: String::new(),
            programs: Vec::new(),
        };
        let some = report(State::Accepted, 1, 1);
        assert_eq!(compare(&none, &some, &[]).programs.len(), 1);
        assert_eq!(compare(&some, &none, &[]).programs.len(), 1);
        assert!(!is_worse(&some, &none, &[]));
        assert!(is_worse(&none, &report(State::Refused, 1, 1), &[]));
    }

    #[test]
    fn thresholds_say_what_is_wrong_with_them() {
        assert_eq!(
            "insns=10%".parse(),
            Ok(Threshold {
                figure: "insns",
                percent: 10.0
            })
        );
        for (text, says) in [
            ("insns", "such as `insns=10%`"),
            ("speed=1", "there is no figure `speed`, but size, insns"),
            ("insns=x", "`x` is no number"),
            ("insns=-1", "not between 0"),
        ] {
            let error = text.parse::<Threshold>().unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}
