//! Each invariant is seen to fail: what a machine did is told otherwise, and the invariant says so by name.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

mod calls;
mod departures;
mod discovery;
mod membership;
mod memory;
mod people;
mod pictures;
mod quality;
mod recording;
mod told_otherwise;

use std::collections::BTreeSet;

use confocal_conference::{ConferenceEvent, ConferenceId, Effect, Generation, LegId, MediaCommand};
use confocal_conference_model::invariants::ALL;
use confocal_conference_model::invariants::sameness::{self, Output, Records};

#[test]
fn each_invariant_fails_where_it_should() {
    let cases = [
        calls::cases_of_calls(),
        calls::cases_of_endings(),
        calls::cases_of_media(),
        membership::cases_of_membership(),
        people::cases_of_rooms(),
        people::cases_of_people(),
        recording::cases_of_recordings(),
        quality::cases_of_quality(),
        pictures::cases_of_pictures(),
        discovery::cases_of_discovery(),
        departures::cases_of_departures(),
        memory::cases_of_time_and_memory(),
    ];
    let mut seen_to_fail = BTreeSet::new();
    for (name, broken) in cases.into_iter().flatten() {
        assert!(broken.contains(&name), "{name} held; what did not: {broken:?}");
        seen_to_fail.insert(name);
    }
    let all: BTreeSet<&str> = ALL.into_iter().flatten().map(|invariant| invariant.name).collect();
    assert_eq!(seen_to_fail, all, "each one was seen to fail, and there is no other");
}

#[test]
fn machines_that_differ_are_told_apart() {
    let (nothing, none) = (Output::default(), Records::new());
    let effects = vec![Effect::Media(MediaCommand::Close { leg: LegId(1), generation: Generation(0) })];
    let something = Output { effects, ..Output::default() };
    let news = Output {
        effects: vec![Effect::Notify(ConferenceEvent::Closed { conference: ConferenceId(1) })],
        ..Output::default()
    };
    let records = |text: &str| Records::from([("conf/!a".to_owned(), text.as_bytes().to_vec())]);
    let (one, two) = (records("1"), records("2"));

    let same = sameness::as_if_never_restarted;
    assert!(same((&nothing, &one), (&news, &one)).is_ok(), "news are told anew after a restart");
    for differs in [
        same((&nothing, &none), (&something, &none)),
        same((&nothing, &one), (&nothing, &two)),
        same((&nothing, &one), (&nothing, &none)),
    ] {
        assert_eq!(differs.unwrap_err().name, "a_restart_changes_nothing_but_the_sessions");
    }
    let broken = sameness::nothing_more(&something).unwrap_err();
    assert_eq!(broken.name, "telling_the_time_twice_changes_nothing");
    assert_eq!(sameness::equal(&nothing, &something).unwrap_err().name, "equal_inputs_give_equal_effects");
    let broken = sameness::readable::<(), _>(Err("damaged")).unwrap_err();
    assert_eq!((broken.name, broken.what.as_str()), ("what_was_written_can_be_restored", "damaged"));
    assert_eq!(sameness::no_circles(2_000, None).unwrap_err().name, "the_machine_does_not_run_in_circles");
}
