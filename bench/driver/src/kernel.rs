//! The maps that the peers open, and what is done to them between their steps.

use std::path::PathBuf;
use std::process::Command;

use oxbpf::map::HashMap;
use oxbpf::object::spec::CollectionSpec;
use oxbpf::program::TestRun;
use oxbpf::{Collection, Loader};

use worker::ENTRIES;

use crate::case::Prepare;
use crate::objects::Objects;
use crate::{Result, run};

/// As `values.bpf.c` writes them at once.
pub const RING_RECORDS: u32 = 200_000;
const PERF_RUNS: u32 = 2;
pub const PERF_RECORDS: u32 = PERF_RUNS * 1000;

/// Run the program on the CPU that is named (`linux/bpf.h`).
const BPF_F_TEST_RUN_ON_CPU: u32 = 1;

pub struct Kernel {
    values: Collection,
    pins: PathBuf,
}

impl Kernel {
    /// Loads the maps and pins them in a file system that is mounted for it, which nobody outside the mount namespace
    /// of this process sees.
    pub fn new(objects: &Objects) -> Result<Self> {
        let pins = objects.directory().join("pins");
        std::fs::create_dir_all(&pins)?;
        run(Command::new("mount")
            .args(["-t", "bpf", "bench"])
            .arg(&pins))?;
        let values = Loader::new().load(CollectionSpec::from_file(objects.path("values"))?)?;
        for name in ["hash", "drained", "percpu", "ring", "perf", "user_ring"] {
            values.map(name)?.pin(pins.join(name))?;
        }
        let kernel = Self { values, pins };
        kernel.fill("hash")?;
        kernel.values.map("percpu")?.set(
            &1u32.to_ne_bytes(),
            &vec![0; kernel.values.map("percpu")?.value_len()?],
            Default::default(),
        )?;
        Ok(kernel)
    }

    fn fill(&self, hash: &str) -> Result<()> {
        let hash: HashMap<u32, u64> = self.values.map(hash)?.typed()?;
        for key in 0..ENTRIES {
            hash.set(&key, &u64::from(key))?;
        }
        Ok(())
    }

    pub fn pin(&self, map: &str) -> PathBuf {
        self.pins.join(map)
    }

    /// Does what a map needs before a step.
    pub fn prepare(&self, prepare: Prepare) -> Result<()> {
        let sent = self.values.variable::<u64>("sent")?;
        let before = sent.load()?;
        match prepare {
            Prepare::Nothing => Ok(()),
            Prepare::FillHash => self.fill("drained"),
            Prepare::FillRing => {
                self.values
                    .program("fill_ring")?
                    .test_run(TestRun::default())?;
                expect(sent.load()? - before, RING_RECORDS)
            }
            Prepare::FillPerf => {
                for _ in 0..PERF_RUNS {
                    let run = TestRun {
                        flags: BPF_F_TEST_RUN_ON_CPU,
                        ..Default::default()
                    };
                    self.values.program("fill_perf")?.test_run(run)?;
                }
                expect(sent.load()? - before, PERF_RECORDS)
            }
            Prepare::EmptyUserRing => {
                let result = self
                    .values
                    .program("empty_user_ring")?
                    .test_run(TestRun::default())?;
                expect(u64::from(result.return_value), 0)
            }
        }
    }
}

fn expect(records: u64, wanted: u32) -> Result<()> {
    match records == u64::from(wanted) {
        true => Ok(()),
        false => Err(format!("{records} records instead of {wanted}").into()),
    }
}
