//! Attaching everything of an object by its section names.

use oxbpf::ErrorKind;
use oxbpf::link::Outcome;

use super::fixture::{Fixture, spec_with};
use super::*;

/// Two that name a place, and three that do not.
const MIXED: &[&str] = &["at_tp", "at_raw_tp", "at_any_tp", "at_xdp", "at_perf_event"];

#[test]
fn attach_all_attaches_what_names_its_target_and_lists_the_rest() {
    let fixture = Fixture::load(MIXED).unwrap();
    let before = descriptors();
    let attached = fixture.collection.attach_all().unwrap();
    let names: Vec<_> = attached.iter().map(|(name, _)| name.to_owned()).collect();
    assert_eq!(names, ["at_tp", "at_raw_tp"]);
    assert!(attached.get("at_tp").is_some() && attached.get("at_xdp").is_none());
    let skipped: Vec<_> = attached
        .skipped()
        .iter()
        .map(|s| (s.name.as_str(), s.reason.as_str()))
        .collect();
    assert_eq!(
        skipped,
        [
            ("at_any_tp", "section `tp` names no target"),
            (
                "at_perf_event",
                "section `perf_event` does not say what to attach to"
            ),
            ("at_xdp", "section `xdp` does not say what to attach to"),
        ]
    );
    assert!(fixture.runs(getpgid) >= 2 * TIMES);
    attached.detach().unwrap();
    assert_eq!(fixture.runs(getpgid), 0);
    drop(fixture.collection.attach_all().unwrap());
    assert_eq!(fixture.runs(getpgid), 0);
    assert_eq!(descriptors(), before);
}

#[test]
fn attach_all_attaches_nothing_where_one_fails() {
    let fixture = Fixture::load(&["at_tp", "at_no_tp", "at_raw_tp"]).unwrap();
    let before = descriptors();
    let error = fixture.collection.attach_all().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::NotFound);
    assert!(error.to_string().contains("`at_no_tp`"), "{error}");
    assert_eq!(fixture.runs(getpgid), 0);
    assert_eq!(descriptors(), before);
}

#[test]
fn attach_each_tells_of_each_how_it_went() {
    let fixture = Fixture::load(&["at_tp", "at_no_tp", "at_xdp"]).unwrap();
    let each = fixture.collection.attach_each();
    let outcome = |name: &str| &each.iter().find(|one| one.name == name).unwrap().outcome;
    assert!(matches!(outcome("at_tp"), Outcome::Attached(_)));
    match outcome("at_no_tp") {
        Outcome::Failed(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{error}"),
        other => panic!("{other:?}"),
    }
    assert!(matches!(outcome("at_xdp"), Outcome::Skipped(_)));
    assert_eq!(fixture.runs(getpgid), TIMES);
    drop(each);
    assert_eq!(fixture.runs(getpgid), 0);
}

#[test]
fn attach_all_passes_over_what_is_to_be_attached_by_hand() {
    let mut spec = spec_with(&["at_tp", "at_no_tp"]);
    spec.program_mut("at_no_tp").unwrap().autoattach = false;
    let fixture = Fixture::load_spec(spec, &oxbpf::Loader::new()).unwrap();
    let attached = fixture.collection.attach_all().unwrap();
    assert_eq!(attached.links().len(), 1);
    assert_eq!(attached.skipped()[0].name, "at_no_tp");
    assert!(attached.skipped()[0].reason.contains("by hand"));
}
