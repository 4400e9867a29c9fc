//! A conference run by hand: the machine alone, no Matrix, no media, no clock.
//!
//! Two members of a room call its focus user, one of them leaves the room, the other hangs up, and the focus goes home. Every
//! request succeeds at once and every offer is answered. `cargo run -p two-callers-in-memory` prints what the machine wants.
#![allow(clippy::print_stdout, reason = "an example shows what happens")]

use confocal_conference::{
    Admission, CallInvite, CallKey, CallVersion, Config, Effect, Focus, HangupReason, Input, MediaCommand,
    MediaReport, Millis, RequestOutcome, Sdp, SignalRequest, StreamMetadata, Timestamp,
};

const ROOM: &str = "!room";
const FOCUS: &str = "@conf_room";

fn main() {
    let mut now = Timestamp::from_unix_millis(0);
    let mut focus = Focus::new(Config::default(), 1, now);
    for input in [
        invited(ROOM, "@alice"),
        invited("!alice-and-focus", "@alice"),
        invited("!bob-and-focus", "@bob"),
        call("!alice-and-focus", "@alice", "a1"),
        call("!bob-and-focus", "@bob", "b1"),
        Input::MemberRemoved { room: ROOM.into(), member: "@bob".into() },
        Input::CallHungUp {
            key: key("!alice-and-focus", "@alice", "a1"),
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
                        RequestOutcome::Admission(Admission { joined: true, direct_members: 2 })
                    }
                    SignalRequest::JoinGroup { .. }
                    | SignalRequest::JoinDirect { .. }
                    | SignalRequest::Leave { .. }
                    | SignalRequest::Answer { .. }
                    | SignalRequest::NegotiateAnswer { .. }
                    | SignalRequest::Reject { .. }
                    | SignalRequest::Hangup { .. }
                    | SignalRequest::Notice { .. } => RequestOutcome::Done,
                };
                focus.handle(Input::RequestDone { id, outcome }, now);
            }
            Effect::Media(MediaCommand::Open { leg, generation, .. }) => {
                let (answer, streams) = (Sdp("v=0 …".into()), StreamMetadata::new());
                focus
                    .handle(Input::Media(MediaReport::AnswerReady { leg, generation, answer, streams }), now);
                focus.handle(Input::Media(MediaReport::TransportUp { leg, generation }), now);
            }
            Effect::Media(
                MediaCommand::Renegotiate { .. }
                | MediaCommand::AddCandidates { .. }
                | MediaCommand::Close { .. },
            )
            | Effect::Notify(_) => {}
        }
    }
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
        offer: Sdp("v=0 …".into()),
        expires_in: Millis::from_secs(60),
        metadata: None,
    })
}
