//! Generated histories: whatever happens, every invariant holds after every turn.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]

use std::collections::BTreeSet;

use confocal_conference::{Input, Millis};
use confocal_conference_model::action::{Action, BYTES};
use confocal_conference_model::setup::{GROUPS, Setup, USERS};
use confocal_conference_model::world::World;
use confocal_conference_model::{play, replay};
use proptest::prelude::*;

/// Actions as their bytes, so that a failure is made shorter action by action.
fn histories() -> impl Strategy<Value = Vec<[u8; BYTES]>> {
    prop::collection::vec(any::<[u8; BYTES]>(), 1..80)
}

fn actions(history: &[[u8; BYTES]]) -> Vec<Action> {
    Action::decode_all(&history.concat())
}

/// A moderator who makes the focus stay is asked for nothing else.
fn asks_to_stay(action: &Action) -> bool {
    matches!(action, Action::Command { command, target, .. } if command % 32 == 31 && target % 4 == 0)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_200))]

    #[test]
    fn whatever_happens_every_invariant_holds(setup in any::<u8>(), history in histories()) {
        if let Err(violation) = play(setup, &actions(&history), &BTreeSet::new()) {
            prop_assert!(false, "{}", violation);
        }
    }

    /// R4, R5, R7, R8: nothing that is to wait for, and no record of a leg or a conference, remains.
    #[test]
    fn when_everybody_has_gone_nothing_is_left_running(setup in any::<u8>(), history in histories()) {
        // Without a room to stay in, which is stayed in.
        let setup = setup & !0b1000;
        let mut world = World::new(Setup::from_byte(setup), BTreeSet::new());
        for action in actions(&history).into_iter().filter(|action| !asks_to_stay(action)) {
            prop_assert_eq!(world.apply(&action).err(), None);
        }
        let rooms: Vec<_> = world.seen.after.directs.keys().cloned().collect();
        for user in USERS {
            for room in GROUPS.map(Into::into).iter().chain(&rooms) {
                let left = Input::MemberRemoved { room: room.clone(), member: user.into() };
                prop_assert_eq!(world.say(left).err(), None);
            }
        }
        prop_assert!(world.seen.after.legs.is_empty(), "{:?}", world.seen.after.legs);
        // More than an hour: so long it is remembered how often the bot has replied to strangers.
        for _ in 0..400 {
            while let Some(first) = world.outside.first_requests().first() {
                prop_assert_eq!(world.carried_out(*first).err(), None);
            }
            prop_assert_eq!(world.wait(Millis::from_secs(10)).err(), None);
        }
        prop_assert!(world.seen.after.conferences.is_empty(), "{:?}", world.seen.after.conferences);
        prop_assert!(world.outside.sessions.is_empty());
        // 1:1 rooms that somebody was invited into by somebody else may remain, for a long while; so may rooms that could not be left
        // several times.
        let rooms = world.seen.after.directs.values().map(|direct| direct.until);
        let leaves = world.seen.after.departures.values().filter_map(|departure| departure.again);
        let waits = rooms.chain(leaves).min();
        prop_assert_eq!(world.next_deadline(), waits);
    }
}

#[test]
fn no_bytes_are_no_history() {
    assert_eq!(replay(&[]).unwrap().actions, 0);
}
