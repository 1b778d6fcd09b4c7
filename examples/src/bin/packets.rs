//! Prints once a second how many packets came in, by network of an allow list, and from where else:
//! `packets INTERFACE [--drop] [PREFIX...]`. `--drop` drops what comes from elsewhere.

use std::{env, net::Ipv4Addr, thread, time::Duration};

use oxbpf::{Loader, Xdp, map::Prefix};

mod packets {
    oxbpf::include_bpf!("packets");
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = env::args().skip(1);
    let interface = arguments
        .next()
        .ok_or("usage: packets INTERFACE [--drop] [PREFIX...]")?;
    let mut spec = packets::Spec::embedded()?;
    let mut networks: Vec<Prefix<Ipv4Addr>> = Vec::new();
    for argument in arguments {
        match argument.as_str() {
            "--drop" => spec.rodata.drop = true.into(),
            prefix => networks.push(prefix.parse()?),
        }
    }
    let objects = Loader::new().load(spec)?;
    let allowed = &objects.maps.allowed;
    for network in networks {
        allowed.set(&network, &0)?;
    }
    let _link = Xdp::new(&interface).attach(&objects.programs.count)?;
    println!("Counting what comes in on {interface}:");
    loop {
        thread::sleep(Duration::from_secs(1));
        for entry in allowed.iter() {
            let (network, count) = entry?;
            println!("{count:>12} from {network}");
        }
        for entry in objects.maps.strangers.iter() {
            let (address, count) = entry?;
            println!(
                "{count:>12} from {}, a stranger",
                Ipv4Addr::from(u32::from_be(address))
            );
        }
        println!("{:>12} not of IPv4", objects.bss.others().load()?);
    }
}
