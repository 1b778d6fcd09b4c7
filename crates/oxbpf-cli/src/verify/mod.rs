//! `oxbpf verify`: what a kernel's verifier says to the programs of objects.

pub(crate) mod compare;
mod relocation;
mod result;
mod show;
mod verifier;

use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::thread;

use anyhow::{Context, bail};

use crate::Verdict;
use crate::command::VerifyArgs;
use crate::input::{self, Object};
use crate::output::Output;
use crate::progress::Progress;
use result::{Program, Report};

pub(crate) fn run(args: &VerifyArgs, output: &Output) -> anyhow::Result<Verdict> {
    let old = match &args.compare {
        Some(path) => Some(read_old(path)?),
        None => None,
    };
    let mut objects = Vec::new();
    for file in &args.files {
        objects.extend(input::objects(file)?);
    }
    let other = args.btf.as_ref().map(|source| source.read()).transpose()?;
    let check = |object: &Object, threads: Option<NonZeroUsize>| match &other {
        Some(btf) => relocation::check(object, btf, args),
        None => verifier::check(object, threads, args),
    };
    let cpus = thread::available_parallelism().unwrap_or(NonZeroUsize::MIN);
    let jobs = args.jobs.unwrap_or(cpus).get().min(objects.len());
    let progress = Progress::counting("objects", objects.len());
    let labels = input::labels(&objects);
    let labelled: Vec<_> = objects.iter().zip(labels).collect();
    let results = in_parallel(&labelled, jobs, |(object, label)| {
        // Each object's programs one after the other, if there are objects enough to keep the CPUs busy.
        let threads = (jobs > 1 || args.jobs.is_some()).then_some(NonZeroUsize::MIN);
        progress.begin(object.path.display().to_string());
        let result = check(object, threads);
        progress.step();
        let label = |program| Program {
            object: label.clone(),
            ..program
        };
        result.map(|programs| programs.into_iter().map(label).collect::<Vec<_>>())
    });
    drop(progress);
    let mut report = Report::new(args.btf.as_ref());
    for result in results {
        report.programs.extend(result?);
    }
    if report.programs.is_empty() && !args.programs.is_empty() {
        bail!("no program is called as --program says");
    }
    let is_fine = report.programs.iter().all(|p| p.state.is_fine());
    if let Some(old) = old {
        let comparison = compare::compare(&old, &report, &args.thresholds);
        compare::show(&comparison, args, output)?;
        return Ok(match comparison.is_worse() {
            true => Verdict::No,
            false => Verdict::Yes,
        });
    }
    show::show(&report, args, output)?;
    Ok(match is_fine {
        true => Verdict::Yes,
        false => Verdict::No,
    })
}

fn read_old(path: &std::path::Path) -> anyhow::Result<Report> {
    let name = path.display();
    let text = input::read(path)?;
    serde_json::from_slice(&text).with_context(|| {
        format!(
            "`{name}` is no result of `oxbpf -o json verify`, it is {}",
            input::describe(&text)
        )
    })
}

/// Does something with each of them, some at a time, and gives the results in order.
fn in_parallel<T: Sync, R: Send>(all: &[T], jobs: usize, work: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::with_capacity(all.len()));
    let worker = || {
        while let Some((n, one)) = {
            let n = next.fetch_add(1, Ordering::Relaxed);
            all.get(n).map(|one| (n, one))
        } {
            let result = work(one);
            let mut results = results.lock().unwrap_or_else(PoisonError::into_inner);
            results.push((n, result));
        }
    };
    thread::scope(|scope| {
        for _ in 1..jobs {
            // Where no thread can be had, this one does it all.
            let _ = thread::Builder::new().spawn_scoped(scope, worker);
        }
        worker();
    });
    let mut results = results.into_inner().unwrap_or_else(PoisonError::into_inner);
    results.sort_by_key(|(n, _)| *n);
    results.into_iter().map(|(_, result)| result).collect()
}
