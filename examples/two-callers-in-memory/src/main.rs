//! A conference run by hand: the machine alone, no Matrix, no media, no clock.
//!
//! Two members of a room call its focus user. One raises a hand, a moderator mutes the other one, someone asks who is here, one
//! puts the call on hold and comes back, one leaves the room, the other hangs up, and the focus goes home. Every request
//! succeeds at once and every offer is answered. `cargo run -p two-callers-in-memory` prints what the machine wants.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use std::collections::BTreeMap;

use confocal_conference::{
    Admission, Agreed, CallInvite, CallKey, CallVersion, Command, Config, Effect, Focus, HangupReason, Input,
    MediaCommand, MediaReport, Millis, RequestOutcome, Role, Sdp, SessionMemo, SignalRequest, StreamMetadata,
    Timestamp, Whom,
};

const ROOM: &str = "!room";
const FOCUS: &str = "@conf_room";
const ALICES_ROOM: &str = "!alice-and-focus";
const BOBS_ROOM: &str = "!bob-and-focus";

/// Stands for an SDP whose audio line says so.
const TALK: &str = "a=sendrecv";
const HOLD: &str = "a=sendonly";

fn main() {
    let mut now = Timestamp::from_unix_millis(0);
    let mut focus = Focus::new(Config::default(), 1, now);
    for input in [
        invited(ROOM, "@alice"),
        Input::RolesChanged {
            room: ROOM.into(),
            everyone: Role::Member,
            members: BTreeMap::from([("@alice".into(), Role::Moderator)]),
        },
        invited(ALICES_ROOM, "@alice"),
        invited(BOBS_ROOM, "@bob"),
        call(ALICES_ROOM, "@alice", "a1"),
        call(BOBS_ROOM, "@bob", "b1"),
        // What people ask for, in words: in the group room, or in their own room with the focus.
        said(BOBS_ROOM, "@bob", Command::RaiseHand),
        said(ROOM, "@alice", Command::Mute(Whom::Member("@bob".into()))),
        // Bob may not undo that.
        said(BOBS_ROOM, "@bob", Command::Unmute(Whom::Oneself)),
        said(ROOM, "@alice", Command::Who),
        negotiated(ALICES_ROOM, "@alice", "a1", HOLD),
        negotiated(ALICES_ROOM, "@alice", "a1", TALK),
        Input::MemberRemoved { room: ROOM.into(), member: "@bob".into() },
        Input::CallHungUp {
            key: key(ALICES_ROOM, "@alice", "a1"),
            party: None,
            reason: HangupReason::UserHangup,
        },
    ] {
        tell(&mut focus, input, now);
    }
    // Nothing happens any more, so time is all that is left to tell.
    while let Some(deadline) = focus.poll_timeout() {
        now = now.max(deadline.at);
        println!("{:>6} s  {:?}", now.as_unix_millis() / 1000, deadline.why);
        focus.handle_timeout(now);
        carry_out(&mut focus, now);
    }
}

fn tell(focus: &mut Focus, input: Input, now: Timestamp) {
    println!("\n{input:?}");
    focus.handle(input, now);
    carry_out(focus, now);
}

/// Does what the machine wants, until it wants nothing more. A real driver stores changes and requests first.
fn carry_out(focus: &mut Focus, now: Timestamp) {
    while let Some(effect) = focus.poll_effect() {
        println!("    → {effect:?}");
        match effect {
            Effect::Send { id, request } => {
                let outcome = match request {
                    SignalRequest::AskAdmission { .. } => {
                        RequestOutcome::Admission(Admission { joined: true, direct_members: 2, name: None })
                    }
                    SignalRequest::JoinGroup { .. }
                    | SignalRequest::JoinDirect { .. }
                    | SignalRequest::JoinAsBot { .. }
                    | SignalRequest::Leave { .. }
                    | SignalRequest::LeaveIfAlone { .. }
                    | SignalRequest::InviteFocus { .. }
                    | SignalRequest::Announce { .. }
                    | SignalRequest::CountOut { .. }
                    | SignalRequest::AssertIdentity { .. }
                    | SignalRequest::CompareMembers { .. }
                    | SignalRequest::AskRooms { .. }
                    | SignalRequest::Answer { .. }
                    | SignalRequest::NegotiateAnswer { .. }
                    | SignalRequest::NegotiateOffer { .. }
                    | SignalRequest::DescribeStreams { .. }
                    | SignalRequest::Reject { .. }
                    | SignalRequest::Hangup { .. }
                    | SignalRequest::Notice { .. } => RequestOutcome::Done,
                };
                focus.handle(Input::RequestDone { id, outcome }, now);
            }
            Effect::Media(command) => {
                for report in engine(command) {
                    focus.handle(Input::Media(report), now);
                }
            }
            Effect::Notify(_) => {}
        }
    }
}

/// What an engine would report: each offer is answered, and connects at once.
fn engine(command: MediaCommand) -> Vec<MediaReport> {
    match command {
        MediaCommand::Open { leg, generation, number, offer, .. } => {
            let answer = Sdp("v=0 …".into());
            let (streams, agreed, memo) = (StreamMetadata::new(), agreed(&offer), SessionMemo::default());
            vec![
                MediaReport::AnswerReady { leg, generation, offer: number, answer, streams, agreed, memo },
                MediaReport::TransportUp { leg, generation },
            ]
        }
        MediaCommand::Renegotiate { leg, generation, number, offer, .. } => {
            let answer = Sdp("v=0 …".into());
            let (streams, agreed, memo) = (StreamMetadata::new(), agreed(&offer), SessionMemo::default());
            vec![MediaReport::AnswerReady { leg, generation, offer: number, answer, streams, agreed, memo }]
        }
        // Nobody calls for a recovery here, and the rest has no report.
        MediaCommand::Offer { .. }
        | MediaCommand::OfferAgain { .. }
        | MediaCommand::Describe { .. }
        | MediaCommand::Show { .. }
        | MediaCommand::Accept { .. }
        | MediaCommand::SetHeard { .. }
        | MediaCommand::Play { .. }
        | MediaCommand::Record { .. }
        | MediaCommand::StopRecording { .. }
        | MediaCommand::AddCandidates { .. }
        | MediaCommand::Close { .. } => Vec::new(),
    }
}

fn agreed(offer: &Sdp) -> Agreed {
    Agreed { held: offer.0 == HOLD, ..Agreed::default() }
}

fn invited(room: &str, by: &str) -> Input {
    Input::FocusInvited {
        focus: FOCUS.into(),
        group: ROOM.into(),
        room: room.into(),
        by: by.into(),
        via: Vec::new(),
    }
}

fn key(room: &str, caller: &str, call: &str) -> CallKey {
    CallKey { room: room.into(), caller: caller.into(), call: call.into() }
}

fn call(room: &str, caller: &str, call: &str) -> Input {
    Input::CallInvited(CallInvite {
        key: key(room, caller, call),
        invitee: None,
        version: CallVersion::V1,
        party: None,
        offer: Sdp(TALK.into()),
        expires_in: Millis::from_secs(60),
        metadata: None,
    })
}

fn negotiated(room: &str, caller: &str, call: &str, offer: &str) -> Input {
    Input::CallNegotiated {
        key: key(room, caller, call),
        party: None,
        offer: Sdp(offer.into()),
        expires_in: Millis::from_secs(60),
        metadata: None,
    }
}

fn said(room: &str, by: &str, command: Command) -> Input {
    Input::Commanded { room: room.into(), by: by.into(), command }
}
