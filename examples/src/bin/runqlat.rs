//! Prints how long tasks wait for a CPU, as a histogram: `runqlat [SECONDS [PID]]`.

use std::{env, thread, time::Duration};

use oxbpf::{
    Loader,
    map::{Histogram, Scale},
};

mod runqlat {
    oxbpf::include_bpf!("runqlat");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let seconds = arguments.next().map_or(Ok(5), |word| word.parse())?;
    let mut spec = runqlat::Spec::embedded()?;
    if let Some(pid) = arguments.next() {
        spec.rodata.only_pid = pid.parse()?;
    }
    let objects = Loader::new().load(spec)?;
    let links = objects.attach_all()?;
    thread::sleep(Duration::from_secs(seconds));
    links.detach()?;

    let waits = Histogram::from_array(Scale::Log2, &objects.maps.delays)?;
    print!("{}", waits.draw("microseconds"));
    Ok(())
}
