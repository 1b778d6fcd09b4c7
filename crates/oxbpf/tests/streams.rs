//! Rings as asynchronous streams, in a real kernel.

#[macro_use]
mod common;

use std::os::fd::{AsFd, BorrowedFd};
use std::time::{Duration, Instant};

use fixtures::rings::{Objects, Spec};
use oxbpf::program::TestRun;
use oxbpf::ring::{AsyncIoStream, Events, Record, TokioStream};
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

/// A reader that finds nothing, just before a record comes.
struct TooEarly<E> {
    events: E,
    program: Option<Program>,
}

impl<E> TooEarly<E> {
    fn is_early(&mut self) -> bool {
        let early = self.program.take();
        early.inspect(|program| run(program, 1)).is_some()
    }
}

impl<E: AsFd> AsFd for TooEarly<E> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.events.as_fd()
    }
}

impl<E: Events> Events for TooEarly<E> {
    fn next(&mut self) -> oxbpf::Result<Option<Record<'_>>> {
        match self.is_early() {
            true => Ok(None),
            false => self.events.next(),
        }
    }

    fn wait(&mut self, timeout: Option<Duration>) -> oxbpf::Result<bool> {
        match self.is_early() {
            true => Ok(false),
            false => self.events.wait(timeout),
        }
    }

    fn for_each(&mut self, max: usize, each: &mut dyn FnMut(Record<'_>)) -> oxbpf::Result<usize> {
        self.events.for_each(max, each)
    }

    fn lost(&self) -> u64 {
        self.events.lost()
    }
}

/// The kernel says of a perf buffer but once that there is something: to whoever asks, the reactor's registration included.
#[test]
fn what_comes_while_the_reactor_is_told_is_not_missed() {
    let soon = |what: &str, done: &dyn Fn()| {
        let before = Instant::now();
        done();
        assert!(before.elapsed() < Duration::from_secs(2), "{what}");
    };
    let objects = load();
    let early = |events, program: &Program| TooEarly {
        events,
        program: Some(program.clone()),
    };
    let samples = || PerfBuffer::new(objects.maps.samples.clone()).unwrap();
    let program = &objects.programs.write_sample;
    // A record that comes later would end a wait that should not have been.
    let late = || {
        std::thread::sleep(Duration::from_secs(3));
        run(program, 1);
    };
    std::thread::scope(|scope| {
        scope.spawn(late);
        soon("async-io: next", &|| {
            let mut stream = AsyncIoStream::new(early(samples(), program)).unwrap();
            let record = runtime().block_on(stream.next()).unwrap();
            assert_eq!(record.len(), 20);
        });
        soon("async-io: readable", &|| {
            let mut stream = AsyncIoStream::new(early(samples(), program)).unwrap();
            runtime().block_on(stream.readable()).unwrap();
        });
        soon("tokio: next", &|| {
            let record = runtime().block_on(async {
                let mut stream = TokioStream::new(early(samples(), program)).unwrap();
                stream.next().await.unwrap()
            });
            assert_eq!(record.len(), 20);
        });
        soon("tokio: readable", &|| {
            runtime().block_on(async {
                let mut stream = TokioStream::new(early(samples(), program)).unwrap();
                stream.readable().await.unwrap();
            });
        });
    });
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
