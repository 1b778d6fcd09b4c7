//! Rings as asynchronous streams, in a real kernel.

#[macro_use]
mod common;

use std::time::{Duration, Instant};

use fixtures::rings::{Objects, Spec};
use oxbpf::program::TestRun;
use oxbpf::ring::{AsyncIoStream, TokioStream};
use oxbpf::{Loader, PerfBuffer, Program, RingBuffer};

const SHORT: Duration = Duration::from_millis(50);
const TIMES: usize = 5000;

fn load() -> Objects {
    Loader::new().load(Spec::embedded().unwrap()).unwrap()
}

fn run(program: &Program, times: u32) {
    let run = TestRun {
        data: &[0; 64],
        repeat: times,
        ..TestRun::default()
    };
    program.test_run(run).unwrap();
}

fn runtime() -> tokio::runtime::Runtime {
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    runtime.enable_io().build().unwrap()
}

/// Writes one record after the other, with pauses of many lengths between: whoever misses one hangs.
fn write(objects: &Objects, sample: bool) {
    std::thread::sleep(SHORT);
    for n in 0..TIMES {
        match sample {
            true => run(&objects.programs.write_sample, 1),
            false => run(&objects.programs.write_event, 1),
        }
        if n % 100 == 0 {
            std::thread::sleep(Duration::from_micros(n as u64 % 700));
        }
    }
}

#[test]
fn tokio_reads_a_ring_buffer() {
    let objects = load();
    let ring: RingBuffer = objects.maps.events.typed().unwrap();
    let mut seqs = Vec::new();
    std::thread::scope(|scope| {
        scope.spawn(|| write(&objects, false));
        runtime().block_on(async {
            let mut stream = TokioStream::new(ring).unwrap();
            let start = Instant::now();
            stream.readable().await.unwrap();
            assert!(start.elapsed() >= SHORT / 2);
            while seqs.len() < TIMES {
                let record = stream.next().await.unwrap();
                seqs.push(u64::from_ne_bytes(*record.first_chunk().unwrap()));
            }
            let mut ring = stream.into_inner();
            assert!(ring.next().unwrap().is_none());
        });
    });
    assert!(seqs.len() == TIMES, "{}", seqs.len());
}

#[test]
fn async_io_reads_a_perf_buffer() {
    let objects = load();
    let samples: PerfBuffer = objects.maps.samples.typed().unwrap();
    let mut count = 0;
    std::thread::scope(|scope| {
        scope.spawn(|| write(&objects, true));
        // Any executor will do; this one has a reactor of its own, which is not used.
        runtime().block_on(async {
            let mut stream = AsyncIoStream::new(samples).unwrap();
            stream.readable().await.unwrap();
            while count < TIMES {
                assert_eq!(stream.next().await.unwrap().len(), 20);
                count += 1;
                while let Some(_record) = stream.events().next().unwrap() {
                    count += 1;
                }
            }
        });
    });
    assert_eq!(count, TIMES);
}

/// As generic code uses them.
#[test]
fn both_are_streams() {
    fn records<S: futures_core::Stream<Item = oxbpf::Result<Vec<u8>>> + Unpin + Send>(
        stream: S,
    ) -> S {
        stream
    }
    let objects = load();
    let ring: RingBuffer = objects.maps.events.typed().unwrap();
    run(&objects.programs.write_event, 2);
    runtime().block_on(async {
        let mut stream = records(TokioStream::new(ring).unwrap());
        let next = std::future::poll_fn(|context| {
            futures_core::Stream::poll_next(std::pin::Pin::new(&mut stream), context)
        });
        assert_eq!(next.await.unwrap().unwrap().len(), 16);
        // Dropped while it waits, it leaves the record to the next.
        let mut ring = stream.into_inner();
        drop(ring.next().unwrap().unwrap());
        let mut stream = records(AsyncIoStream::new(ring).unwrap());
        assert!(
            std::future::poll_fn(|context| {
                let next =
                    futures_core::Stream::poll_next(std::pin::Pin::new(&mut stream), context);
                std::task::Poll::Ready(next.is_pending())
            })
            .await
        );
        run(&objects.programs.write_event, 1);
        assert_eq!(stream.next().await.unwrap().len(), 16);
    });
}
