//! Group rooms that are encrypted: what is said there, and who is let in.

use confocal_conference::{Config, EncryptedRooms, Input, Millis, Notice, Refusal, SignalRequest};

use crate::support::*;

fn refusing() -> Config {
    Config { encrypted_rooms: EncryptedRooms::Refuse, ..Config::default() }
}

fn encrypt(run: &mut Run) {
    run.tell(Input::RoomEncrypted { room: GROUP.into() });
}

fn says_so(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::Notice { room, notice: Notice::GroupEncrypted { .. }, .. } if room.as_str() == GROUP)
}

#[test]
fn the_room_is_told_once_also_over_a_restart_and_calls_are_taken() {
    let mut run = Run::joined(Config::default());
    encrypt(&mut run);
    run.take(says_so);
    run.restart();
    encrypt(&mut run);
    assert!(!run.has_sent(says_so));
    run.in_call("anna", "a1");
}

#[test]
fn what_can_not_be_said_before_the_join_is_said_after_it() {
    let mut run = Run::new(Config::default());
    run.invite_to_group();
    encrypt(&mut run);
    assert!(!run.has_sent(says_so));
    run.done(is_join_group);
    encrypt(&mut run);
    run.take(says_so);
}

#[test]
fn by_policy_a_member_is_refused_with_the_reason_and_who_is_in_stays() {
    let mut run = Run::joined(refusing());
    let leg = run.in_call("anna", "a1");
    run.open_direct("bert");
    run.call("bert", "b1");
    encrypt(&mut run);
    assert!(!run.has_sent(says_so));
    run.admit(true);
    assert_eq!(refusal(&mut run), Refusal::RoomEncrypted);
    run.call("bert", "b2");
    assert_eq!(refusal(&mut run), Refusal::RoomEncrypted, "it need not be asked again");
    assert!(!run.closed(leg));
    run.call("anna", "a2");
    run.admit(true);
    assert_ne!(run.last_opened().0, leg, "nor is their next call refused");
}

#[test]
fn a_focus_that_was_called_there_waits_like_one_that_was_invited() {
    let mut run = Run::new(refusing());
    run.open_direct("bert");
    run.call("bert", "b1");
    run.done(is_join_group);
    encrypt(&mut run);
    run.admit(true);
    assert_eq!(refusal(&mut run), Refusal::RoomEncrypted);
    assert!(!run.has_sent(is_leave_group), "or each call would be a coming and going in the room");
    run.pass(Millis::from_secs(300));
    run.take(is_leave_group);
}
