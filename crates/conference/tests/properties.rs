//! What holds whatever comes in, in whatever order: each property named after its rule and looked at after every step.
#![allow(
    clippy::unwrap_used,
    clippy::wildcard_enum_match_arm,
    reason = "a test fails by panicking, with what it found"
)]
#![allow(dead_code, reason = "the machine under test is shared by several test programs")]

mod support;

use std::collections::{BTreeMap, BTreeSet};

use confocal_conference::{
    Admission, CallInvite, CallVersion, Candidate, ConferenceEvent, Config, Generation, Input, LegId, Limits,
    MediaCommand, MediaReport, MemberId, Millis, RequestFailure, RequestId, RequestOutcome, Sdp,
    SecondDevice, SignalRequest,
};
use proptest::prelude::*;
use support::{DOOR, GROUP, Run, direct, invite, key, member, metadata};

const USERS: [&str; 2] = ["anna", "bert"];
const CALLS: [&str; 3] = ["c1", "c2", "c3"];

/// One thing that may happen. Indexes are taken modulo what there is.
#[derive(Clone, Debug)]
enum Step {
    InviteToGroup,
    InviteToDirect(usize),
    Call {
        user: usize,
        call: usize,
        v0: bool,
        lifetime: u64,
    },
    Candidates {
        user: usize,
        call: usize,
    },
    HangUp {
        user: usize,
        call: usize,
    },
    Negotiate {
        user: usize,
        call: usize,
    },
    Select {
        user: usize,
        call: usize,
    },
    LeaveGroup(usize),
    LeaveDirect(usize),
    RemoveFocus,
    RemoveFocusFromDirect(usize),
    /// The oldest of the requests of a room that is chosen is done, by the outcome that is chosen.
    Finish {
        which: usize,
        outcome: u8,
    },
    AnswerReady(usize),
    Transport {
        which: usize,
        report: u8,
    },
    Pass(u64),
    Restart,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let user = 0..USERS.len();
    let call = 0..CALLS.len();
    let of_call = (user.clone(), call.clone());
    let step = prop_oneof![
        1 => Just(Step::InviteToGroup),
        2 => user.clone().prop_map(Step::InviteToDirect),
        4 => (user.clone(), call, any::<bool>(), 1_000_u64..90_000)
            .prop_map(|(user, call, v0, lifetime)| Step::Call { user, call, v0, lifetime }),
        1 => of_call.clone().prop_map(|(user, call)| Step::Candidates { user, call }),
        1 => of_call.clone().prop_map(|(user, call)| Step::HangUp { user, call }),
        1 => of_call.clone().prop_map(|(user, call)| Step::Negotiate { user, call }),
        1 => of_call.prop_map(|(user, call)| Step::Select { user, call }),
        1 => user.clone().prop_map(Step::LeaveGroup),
        1 => user.clone().prop_map(Step::LeaveDirect),
        1 => Just(Step::RemoveFocus),
        1 => user.prop_map(Step::RemoveFocusFromDirect),
        9 => (any::<usize>(), 0..8_u8).prop_map(|(which, outcome)| Step::Finish { which, outcome }),
        4 => any::<usize>().prop_map(Step::AnswerReady),
        2 => (any::<usize>(), 0..3_u8).prop_map(|(which, report)| Step::Transport { which, report }),
        2 => (0_u64..40_000).prop_map(Step::Pass),
        1 => Just(Step::Restart),
    ];
    prop::collection::vec(step, 1..80)
}

/// What has been seen of the machine from outside, and must fit together.
#[derive(Default)]
struct Seen {
    /// Sessions that the engine was told to open and not yet to close, and whose they are.
    open: BTreeMap<LegId, (Generation, MemberId)>,
    closed: BTreeSet<LegId>,
    answers: BTreeSet<String>,
    ends: BTreeSet<String>,
    /// How many media commands and requests were looked at.
    looked_at: (usize, usize),
    /// Whose each leg is.
    callers: BTreeMap<LegId, MemberId>,
}

impl Seen {
    fn look(&mut self, run: &Run, sent: &[SignalRequest]) {
        for event in &run.news {
            if let ConferenceEvent::Leg { leg, member, .. } = event {
                self.callers.insert(*leg, member.clone());
            }
        }
        for command in &run.media[self.looked_at.0..] {
            match command {
                MediaCommand::Open { leg, generation, .. } => {
                    assert!(!self.closed.contains(leg), "an ended leg is never named again: {command:?}");
                    let before = self.open.insert(*leg, (*generation, self.callers[leg].clone()));
                    assert!(
                        before.is_none_or(|(older, _)| older < *generation),
                        "each session has its generation"
                    );
                }
                MediaCommand::Close { leg, generation } => {
                    let open = self.open.remove(leg).map(|(generation, _)| generation);
                    assert_eq!(open, Some(*generation), "what is closed was open: {command:?}");
                    self.closed.insert(*leg);
                }
                MediaCommand::Renegotiate { leg, generation, .. }
                | MediaCommand::AddCandidates { leg, generation, .. } => {
                    let open = self.open.get(leg).map(|(generation, _)| *generation);
                    assert_eq!(open, Some(*generation), "a command is for an open session: {command:?}");
                }
            }
        }
        self.looked_at.0 = run.media.len();
        for request in &sent[self.looked_at.1..] {
            match request {
                SignalRequest::Answer { to, .. } => {
                    let call = format!("{} {} {}", to.room, to.caller, to.call);
                    assert!(!self.ends.contains(&call), "no answer after an end: {call}");
                    assert!(self.answers.insert(call), "at most one answer to an invite: {to:?}");
                }
                SignalRequest::Reject { to } => {
                    let call = format!("{} {} {}", to.room, to.caller, to.call);
                    assert!(!self.answers.contains(&call), "no reject after an answer: {call}");
                    assert!(self.ends.insert(call), "at most one end of a call: {to:?}");
                }
                SignalRequest::Hangup { to, .. } => {
                    let call = format!("{} {} {}", to.room, to.caller, to.call);
                    assert!(self.answers.contains(&call), "a hangup ends an answered call: {call}");
                    assert!(self.ends.insert(call), "at most one end of a call: {to:?}");
                }
                _ => {}
            }
        }
        self.looked_at.1 = sent.len();
        if let Some(deadline) = run.focus.poll_timeout() {
            assert!(
                deadline.at > run.now || run.now.since(deadline.at).0 == 0,
                "no deadline is missed: {deadline:?}"
            );
        }
    }
}

/// A run whose requests are also kept in the order in which they were made.
struct Play {
    run: Run,
    made: Vec<SignalRequest>,
    known: BTreeSet<RequestId>,
    seen: Seen,
}

impl Play {
    fn tell(&mut self, input: Input) {
        self.run.tell(input);
        self.note();
    }

    fn note(&mut self) {
        for (id, request) in &self.run.sent {
            if self.known.insert(*id) {
                self.made.push(request.clone());
            }
        }
        self.seen.look(&self.run, &self.made);
    }

    fn session(&self, which: usize) -> Option<(LegId, Generation)> {
        let open: Vec<_> = self.seen.open.iter().map(|(leg, (generation, _))| (*leg, *generation)).collect();
        open.get(which.checked_rem(open.len())?).copied()
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::InviteToGroup => {
                self.run.invite_to_group();
                self.note();
            }
            Step::InviteToDirect(user) => self.tell(Input::FocusInvited {
                focus: DOOR.into(),
                group: GROUP.into(),
                room: direct(USERS[user]),
                by: member(USERS[user]),
                via: vec![],
            }),
            Step::Call { user, call, v0, lifetime } => {
                let (version, party, metadata) = if v0 {
                    (CallVersion::V0, None, None)
                } else {
                    (CallVersion::V1, Some("THEIRS".into()), Some(metadata(false)))
                };
                let expires_in = Millis(lifetime);
                let invite = invite(USERS[user], CALLS[call]);
                self.tell(Input::CallInvited(CallInvite { version, party, metadata, expires_in, ..invite }));
            }
            Step::Candidates { user, call } => self.tell(Input::CallCandidates {
                key: key(USERS[user], CALLS[call]),
                party: None,
                candidates: vec![Candidate { line: "candidate".into(), mid: None, line_index: None }],
            }),
            Step::HangUp { user, call } => {
                self.run.hang_up(USERS[user], CALLS[call]);
                self.note();
            }
            Step::Negotiate { user, call } => self.tell(Input::CallNegotiated {
                key: key(USERS[user], CALLS[call]),
                party: None,
                offer: Sdp("another offer".into()),
                expires_in: Millis::from_secs(10),
                metadata: None,
            }),
            Step::Select { user, call } => {
                self.tell(Input::CallSelected {
                    key: key(USERS[user], CALLS[call]),
                    selected: "OTHER".into(),
                });
            }
            Step::LeaveGroup(user) => {
                self.tell(Input::MemberRemoved { room: GROUP.into(), member: member(USERS[user]) });
                let left = member(USERS[user]);
                let remaining = self.seen.open.values().any(|(_, caller)| *caller == left);
                assert!(!remaining, "R4: nobody outside the group room keeps a session");
            }
            Step::LeaveDirect(user) => {
                self.tell(Input::MemberRemoved { room: direct(USERS[user]), member: member(USERS[user]) });
                let left = member(USERS[user]);
                let remaining = self.seen.open.values().any(|(_, caller)| *caller == left);
                assert!(!remaining, "R5: nobody outside the 1:1 room keeps a session");
            }
            Step::RemoveFocus => self.tell(Input::FocusRemoved { focus: DOOR.into(), room: GROUP.into() }),
            Step::RemoveFocusFromDirect(user) => {
                self.tell(Input::FocusRemoved { focus: DOOR.into(), room: direct(USERS[user]) });
            }
            Step::Finish { which, outcome } => self.finish(which, outcome),
            Step::AnswerReady(which) => {
                if let Some((leg, generation)) = self.session(which) {
                    let (answer, streams) = (Sdp("answer".into()), metadata(false));
                    self.tell(Input::Media(MediaReport::AnswerReady { leg, generation, answer, streams }));
                }
            }
            Step::Transport { which, report } => {
                if let Some((leg, generation)) = self.session(which) {
                    self.tell(Input::Media(match report {
                        0 => MediaReport::TransportUp { leg, generation },
                        1 => MediaReport::TransportLost { leg, generation },
                        _ => MediaReport::TransportFailed { leg, generation },
                    }));
                }
            }
            Step::Pass(span) => {
                self.run.pass(Millis(span));
                self.note();
            }
            Step::Restart => {
                // The engine forgets all sessions; what the machine then opens is new.
                self.seen.look(&self.run, &self.made);
                for (leg, _) in std::mem::take(&mut self.seen.open) {
                    self.seen.callers.remove(&leg);
                }
                self.seen.looked_at.0 = 0;
                self.run.restart();
                self.note();
            }
        }
    }

    fn finish(&mut self, which: usize, outcome: u8) {
        // Requests of one room are carried out in order.
        let mut rooms = BTreeSet::new();
        let first: Vec<usize> =
            (0..self.run.sent.len()).filter(|at| rooms.insert(self.run.sent[*at].1.room().clone())).collect();
        let Some(at) = which.checked_rem(first.len()).map(|which| first[which]) else { return };
        let (id, request) = self.run.sent.remove(at);
        let outcome = match (outcome, request) {
            (0, _) => RequestOutcome::Failed(RequestFailure::Forbidden),
            (1, SignalRequest::Answer { .. }) => RequestOutcome::Failed(RequestFailure::Expired),
            (_, SignalRequest::AskAdmission { .. }) => {
                RequestOutcome::Admission(Admission { joined: outcome > 1, direct_members: 2 })
            }
            _ => RequestOutcome::Done,
        };
        self.tell(Input::RequestDone { id, outcome });
    }
}

fn play(config: Config, steps: Vec<Step>) -> Play {
    let mut play =
        Play { run: Run::new(config), made: Vec::new(), known: BTreeSet::new(), seen: Seen::default() };
    for step in steps {
        play.step(step);
    }
    play
}

fn config(add: bool) -> Config {
    let second_device = if add { SecondDevice::Add } else { SecondDevice::Replace };
    let limits = Limits { legs_per_conference: 3, ended_calls: 1000, ..Limits::default() };
    Config { second_device, limits, ..Config::default() }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn whatever_happens_calls_end_once_and_nobody_outside_stays(steps in steps(), add in any::<bool>()) {
        play(config(add), steps);
    }

    #[test]
    fn equal_inputs_times_and_seed_give_equal_effects(steps in steps()) {
        let (one, two) = (play(config(false), steps.clone()), play(config(false), steps));
        prop_assert_eq!(one.made, two.made);
        prop_assert_eq!(one.run.media, two.run.media);
        prop_assert_eq!(one.run.records, two.run.records);
    }

    #[test]
    fn when_everybody_has_gone_nothing_is_left_running(steps in steps()) {
        let mut play = play(config(false), steps);
        for user in 0..USERS.len() {
            play.step(Step::LeaveGroup(user));
            play.step(Step::LeaveDirect(user));
        }
        // Every request is done and time passes: the focus leaves, by R7 or R8.
        for _ in 0..200 {
            while !play.run.sent.is_empty() {
                play.finish(0, 7);
            }
            play.run.pass(Millis::from_secs(10));
            play.note();
        }
        prop_assert!(play.seen.open.is_empty());
        prop_assert_eq!(play.run.focus.poll_timeout(), None);
        let kept: Vec<_> = play.run.records.keys().filter(|key| key.starts_with("leg/") || key.starts_with("conf/")).collect();
        prop_assert!(kept.is_empty(), "{:?}", kept);
    }
}
