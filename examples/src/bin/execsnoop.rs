//! Prints the programs that are started, and by whom.

use oxbpf::Loader;

mod execsnoop {
    oxbpf::include_bpf!("execsnoop");
}

fn main() -> oxbpf::Result<()> {
    let objects = Loader::new().load(execsnoop::Spec::embedded()?)?;
    let mut events = objects.maps.events.reader()?;
    let _links = objects.attach_all()?;
    println!("{:>8} {:>6} {:16} PATH", "PID", "UID", "COMM");
    let mut lost = 0;
    for event in events.events(None) {
        let event = event?;
        println!(
            "{:>8} {:>6} {:16} {}",
            event.pid, event.uid, event.comm, event.path
        );
        let now = objects.bss.lost().load()?;
        if now > lost {
            eprintln!("{} events were lost", now - lost);
            lost = now;
        }
    }
    Ok(())
}
