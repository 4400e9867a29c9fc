//! Every order of a few actions, from a few beginnings: no invariant is broken by any of them.
//!
//! The depths are those that a run of all tests has time for. For more, say how many seconds each world may take:
//! `CONFOCAL_SMALL_WORLD_SECONDS=60 cargo test --release --package confocal-conference-model --test small_worlds -- --nocapture`.
//!
//! | world | actions | after | depth in a run of all tests | in a release run of 150 s each, 2 cores, 2026-11-22 |
//! |---|---|---|---|---|
//! | coming in: 1 user, 1:1 room and group room | 12 | 0 | 6 | 8 (101,000 states, 347,000 transitions) |
//! | two users, two group rooms | 17 | 4 | 5 | 5 (75,000 states, 196,000 transitions) |
//! | two users in one conference | 15 | 12 | 3 | 4 (76,000 states, 138,000 transitions) |
//! | one call over losses of the engine | 12 | 6 | 9 | 15 (158,000 states, 1,142,000 transitions) |
//!
//! What ends the long run is memory, not time: of a depth with more than 60,000 new states only a part is looked at.
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found; how far a search came is of interest"
)]

use std::time::Duration;

use confocal_conference_model::action::Action;
use confocal_conference_model::explore::{Report, Search};

/// How many actions in a row a run of all tests has time for.
const DEPTH_COMING_IN: usize = 6;
const DEPTH_TWO: usize = 3;
const DEPTH_LOSS: usize = 9;
const DEPTH_TWO_ROOMS: usize = 5;

/// The first user's 1:1 room with the first focus user, and a call placed there.
const ROOM_OF_ANNA: Action = Action::InviteToDirect { user: 0, room: 0, door: 0 };
const ROOM_OF_BERT: Action = Action::InviteToDirect { user: 1, room: 0, door: 0 };
const ANNA_CALLS: Action = Action::Call { user: 0, place: 0, kind: 0, lifetime: 255 };
const BERT_CALLS_ELSEWHERE: Action = Action::Call { user: 1, place: 1, kind: 0, lifetime: 255 };
const BERT_CALLS: Action = Action::Call { user: 1, place: 0, kind: 0, lifetime: 255 };
const INVITED: Action = Action::InviteToGroup { door: 0, by: 0 };
const FIRST_DONE: Action = Action::Outcome { which: 0, outcome: 0 };
const SECOND_DONE: Action = Action::Outcome { which: 1, outcome: 0 };
const FIRST_FAILED: Action = Action::Outcome { which: 0, outcome: 4 };
const ANSWERED: Action = Action::Engine { which: 0, report: 0, shade: 0 };
const SECOND_ANSWERED: Action = Action::Engine { which: 1, report: 0, shade: 0 };
const UP: Action = Action::Engine { which: 0, report: 6, shade: 0 };
const SECOND_UP: Action = Action::Engine { which: 1, report: 6, shade: 0 };
const LOST: Action = Action::Engine { which: 0, report: 9, shade: 0 };
const STARVED: Action = Action::Engine { which: 0, report: 13, shade: 0 };
const OFFER_READY: Action = Action::Engine { which: 0, report: 4, shade: 0 };
const NEXT_DEADLINE: Action = Action::Time { how: 0, span: 0 };
const RESTART: Action = Action::Restart { away: 0 };

/// Goes through a world. `least` is the depth that must be reached, in whatever time.
fn search(setup: u8, beginning: &[Action], alphabet: &[Action], least: usize) -> Report {
    let seconds = std::env::var("CONFOCAL_SMALL_WORLD_SECONDS").ok().and_then(|text| text.parse().ok());
    let (depth, time) = match seconds {
        Some(seconds) => (64, Some(Duration::from_secs(seconds))),
        None => (least, None),
    };
    let (beginning, alphabet) = (beginning.to_vec(), alphabet.to_vec());
    let search = Search { setup, beginning, alphabet, depth, time, states: 60_000 };
    let report = match search.run() {
        Ok(report) => report,
        Err(violation) => panic!("{violation}"),
    };
    println!("settings {setup:#010b}: {report:?}");
    assert!(report.whole || report.depth >= least, "{report:?}");
    report
}

#[test]
fn coming_in() {
    let alphabet = [
        INVITED,
        ROOM_OF_ANNA,
        ANNA_CALLS,
        FIRST_DONE,
        SECOND_DONE,
        FIRST_FAILED,
        ANSWERED,
        Action::HangUp { call: 0, party: 0 },
        Action::RemoveFocus { door: 0 },
        Action::LeaveGroup { user: 0, group: 0 },
        NEXT_DEADLINE,
        RESTART,
    ];
    for setup in [0b0000_0000, 0b0000_1001, 0b0010_0010] {
        let report = search(setup, &[], &alphabet, DEPTH_COMING_IN);
        assert!(report.states > 100, "{report:?}");
    }
}

#[test]
fn two_in_a_conference() {
    let beginning = [
        ROOM_OF_ANNA,
        FIRST_DONE,
        ROOM_OF_BERT,
        FIRST_DONE,
        ANNA_CALLS,
        FIRST_DONE,
        FIRST_DONE,
        ANSWERED,
        FIRST_DONE,
        UP,
        BERT_CALLS,
        FIRST_DONE,
    ];
    let alphabet = [
        SECOND_ANSWERED,
        SECOND_UP,
        FIRST_DONE,
        Action::LeaveDirect { user: 1, of: 1, room: 0 },
        Action::LeaveGroup { user: 0, group: 0 },
        Action::HangUp { call: 1, party: 0 },
        // Everyone is muted; oneself; a kick; the end: by the moderator, or by anyone.
        Action::Command { user: 1, place: 1, command: 9, target: 0 },
        Action::Command { user: 0, place: 0, command: 6, target: 0 },
        Action::Command { user: 1, place: 1, command: 14, target: 0 },
        Action::Command { user: 1, place: 1, command: 16, target: 2 },
        Action::Command { user: 1, place: 1, command: 28, target: 0 },
        Action::Levels { which: 1, loud: 0x8a, quality: 0 },
        BERT_CALLS,
        Action::Replace { group: 0 },
        NEXT_DEADLINE,
    ];
    for setup in [0b0000_0000, 0b0000_0101] {
        search(setup, &beginning, &alphabet, DEPTH_TWO);
    }
}

#[test]
fn two_users_in_two_group_rooms() {
    let beginning = [
        ROOM_OF_ANNA,
        FIRST_DONE,
        // Bert's second 1:1 room is with the focus user of the second group room.
        Action::InviteToDirect { user: 1, room: 1, door: 2 },
        FIRST_DONE,
    ];
    let alphabet = [
        ANNA_CALLS,
        BERT_CALLS_ELSEWHERE,
        Action::InviteToDirect { user: 1, room: 0, door: 0 },
        BERT_CALLS,
        FIRST_DONE,
        SECOND_DONE,
        FIRST_FAILED,
        ANSWERED,
        UP,
        Action::HangUp { call: 0, party: 0 },
        Action::HangUp { call: 1, party: 0 },
        Action::LeaveGroup { user: 0, group: 0 },
        Action::LeaveGroup { user: 1, group: 1 },
        Action::LeaveDirect { user: 1, of: 1, room: 1 },
        Action::RemoveFocus { door: 2 },
        NEXT_DEADLINE,
        RESTART,
    ];
    for setup in [0b0000_0000, 0b0000_1001] {
        search(setup, &beginning, &alphabet, DEPTH_TWO_ROOMS);
    }
}

#[test]
fn a_call_that_goes_on_after_a_loss() {
    let beginning = [ROOM_OF_ANNA, FIRST_DONE, ANNA_CALLS, FIRST_DONE, FIRST_DONE, ANSWERED];
    let alphabet = [
        FIRST_DONE,
        FIRST_FAILED,
        ANSWERED,
        OFFER_READY,
        UP,
        LOST,
        STARVED,
        Action::Negotiate { call: 0, party: 0, kind: 1 },
        Action::NegotiateAnswer { call: 0, party: 0 },
        Action::EngineLost,
        RESTART,
        NEXT_DEADLINE,
    ];
    search(0, &beginning, &alphabet, DEPTH_LOSS);
}
