//! Objects that were linked, in a real kernel.

#[macro_use]
mod common;

use fixtures::parts::{LIBRARY, MAIN};
use oxbpf::map::HashMap;
use oxbpf::object::{CollectionSpec, Linker};
use oxbpf::program::TestRun;
use oxbpf::{Collection, Loader};

fn linked(parts: &[&[u8]]) -> CollectionSpec {
    let mut linker = Linker::new();
    for part in parts {
        linker.add("part.o", part).unwrap();
    }
    CollectionSpec::parse_named("linked", &linker.link().unwrap()).unwrap()
}

fn run(collection: &Collection, program: &str) -> u32 {
    let run = TestRun {
        data: &[0; 14],
        ..TestRun::default()
    };
    let program = collection.program(program).unwrap();
    program.test_run(run).unwrap().return_value
}

/// What the two parts say in C, worked out by hand; in either order.
#[test]
fn the_parts_work_together() {
    for parts in [[MAIN, LIBRARY], [LIBRARY, MAIN]] {
        let collection = match Loader::new().load(linked(&parts)) {
            Err(error) if error.to_string().contains("Arg#0 type PTR") => {
                skip!("this kernel has no pointers among the arguments of global functions")
            }
            loaded => loaded.unwrap(),
        };
        // helper(3) of the first with scale 3, the strong choose(1), hidden_here(2).
        assert_eq!(run(&collection, "count"), 3 * 3 + (1 + 200) + (2 ^ 0x55));
        let total = collection.global::<u64>(".data", "total").unwrap();
        assert_eq!(total.load().unwrap(), 40 + u64::from(b'o'));
        // add_up() of the second calls helper(2) there, with scale 5; then helper(4) of the first.
        assert_eq!(run(&collection, "second"), (2 + 5) + 4 * 3);
        assert_eq!(total.load().unwrap(), 40 + u64::from(b'o') + 9 * 2);
        // reveal(limit), hidden_here(1), helper(1) of the second, choose(3).
        let third = 7 + (1 ^ 0x55) + (1 + 5) + (3 + 200);
        assert_eq!(run(&collection, "third"), third);
        assert_eq!(
            collection
                .global::<u64>(".bss", "zeroed")
                .unwrap()
                .load()
                .unwrap(),
            1
        );

        // Both see the same map.
        let shared = collection.map("shared_map").unwrap();
        let shared: HashMap<u64, [u64; 2]> = shared.typed().unwrap();
        shared.set(&5, &[0, 100]).unwrap();
        run(&collection, "count");
        assert_eq!(shared.get(&5).unwrap(), Some([0, 107]));
    }
}
