//! Prints the tasks of the system, those that have run longest last.

use std::{io::Read, mem::size_of, time::Duration};

use oxbpf::{Iter, Loader, map::Plain};

mod tasks {
    oxbpf::include_bpf!("tasks");
}

use tasks::Task;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let objects = Loader::new().load(tasks::Spec::embedded()?)?;
    let link = Iter::new().attach(&objects.programs.write_task)?;
    let mut bytes = Vec::new();
    link.read_iter()?.read_to_end(&mut bytes)?;
    let records = bytes.chunks_exact(size_of::<Task>());
    let mut tasks: Vec<Task> = records.filter_map(Task::from_bytes).collect();
    tasks.sort_by_key(|task| task.cpu_time);
    println!(
        "{:>8} {:>8} {:>8} {:16} CPU TIME",
        "PID", "THREAD", "PARENT", "COMM"
    );
    for task in tasks {
        println!(
            "{:>8} {:>8} {:>8} {:16} {:?}",
            task.tgid,
            task.pid,
            task.parent,
            task.comm,
            Duration::from_nanos(task.cpu_time)
        );
    }
    Ok(())
}
