//! A machine under test: told inputs and time, asked what it wants done.

use confocal_conference::{
    Admission, Agreed, CallInvite, CallKey, CallVersion, Candidate, ConferenceEvent, Config, Deadline,
    Effect, Focus, Generation, HangupReason, Input, LegId, MediaCommand, MediaReport, MemberId, Membership,
    Millis, Notice, OfferNumber, Refusal, RequestFailure, RequestId, RequestOutcome, RoomKey, Sdp,
    SessionMemo, SignalRequest, Silenced, StreamInfo, StreamMetadata, StreamPurpose, TimerKind, Timestamp,
};

pub(crate) const GROUP: &str = "!group";
pub(crate) const DOOR: &str = "@conf_group";

/// The machine, its time, and what it asked for that is not done yet.
pub(crate) struct Run {
    pub(crate) focus: Focus,
    pub(crate) config: Config,
    pub(crate) now: Timestamp,
    pub(crate) sent: Vec<(RequestId, SignalRequest)>,
    /// Of what it asked for what only tells people of the conference: see `is_telling`.
    pub(crate) telling: Vec<(RequestId, SignalRequest)>,
    pub(crate) media: Vec<MediaCommand>,
    pub(crate) news: Vec<ConferenceEvent>,
    pub(crate) records: std::collections::BTreeMap<String, Vec<u8>>,
    /// The names of all records that were written or dropped, as often as they were.
    pub(crate) written: Vec<String>,
}

impl Run {
    pub(crate) fn new(config: Config) -> Self {
        let now = Timestamp::from_unix_millis(1_000_000);
        let focus = Focus::new(config.clone(), 7, now);
        let (sent, telling, media, news) = Default::default();
        Self { focus, config, now, sent, telling, media, news, records: Default::default(), written: vec![] }
    }

    /// A machine whose focus user sits in the group room.
    pub(crate) fn joined(config: Config) -> Self {
        let mut run = Self::new(config);
        run.invite_to_group();
        run.done(|request| matches!(request, SignalRequest::JoinGroup { .. }));
        run
    }

    pub(crate) fn tell(&mut self, input: Input) {
        self.focus.handle(input, self.now);
        self.drain();
    }

    /// Lets time pass, stopping at every deadline on the way.
    pub(crate) fn pass(&mut self, span: Millis) {
        let end = self.now + span;
        for _ in 0..1000 {
            let Some(Deadline { at, .. }) = self.focus.poll_timeout().filter(|deadline| deadline.at <= end)
            else {
                self.now = end;
                return;
            };
            self.now = self.now.max(at);
            self.focus.handle_timeout(self.now);
            self.drain();
        }
        panic!("a thousand deadlines in {span}: the machine runs in circles");
    }

    /// The next thing that the machine waits for, but for what it forgets and 1:1 rooms in which nobody calls.
    pub(crate) fn waits_for(&self) -> Option<TimerKind> {
        // A machine of its own is asked, which forgets until something else is due.
        let mut focus = self.focus.clone();
        loop {
            match focus.poll_timeout()? {
                Deadline { why: TimerKind::Forget, at } => focus.handle_timeout(at),
                Deadline { why: TimerKind::DirectIdle(_), .. } => return None,
                Deadline { why, .. } => return Some(why),
            }
        }
    }

    fn drain(&mut self) {
        while let Some(effect) = self.focus.poll_effect() {
            match effect {
                Effect::Send { id, request } if is_telling(&request) => self.telling.push((id, request)),
                Effect::Send { id, request } => self.sent.push((id, request)),
                Effect::Media(command) => self.media.push(command),
                Effect::Notify(event) => self.news.push(event),
            }
        }
        while let Some(change) = self.focus.poll_change() {
            self.written.push(change.key.clone());
            match change.value {
                Some(value) => self.records.insert(change.key, value),
                None => self.records.remove(&change.key),
            };
        }
    }

    /// The process dies and comes back: a machine restored from the records.
    pub(crate) fn restart(&mut self) {
        self.focus = Focus::restore(self.config.clone(), 8, self.now, self.records.clone()).unwrap();
        self.media.clear();
        self.tell(Input::EngineLost);
    }

    /// Takes the one request that fits, which must be there.
    pub(crate) fn take(&mut self, wanted: impl Fn(&SignalRequest) -> bool) -> (RequestId, SignalRequest) {
        let at = self.sent.iter().position(|(_, request)| wanted(request));
        let at = at.unwrap_or_else(|| panic!("no such request among {:#?}", self.sent));
        self.sent.remove(at)
    }

    /// Carries out the one request that fits.
    pub(crate) fn done(&mut self, wanted: impl Fn(&SignalRequest) -> bool) {
        let (id, _) = self.take(wanted);
        self.tell(Input::RequestDone { id, outcome: RequestOutcome::Done });
    }

    pub(crate) fn fail(&mut self, failure: RequestFailure, wanted: impl Fn(&SignalRequest) -> bool) {
        let (id, _) = self.take(wanted);
        self.tell(Input::RequestDone { id, outcome: RequestOutcome::Failed(failure) });
    }

    pub(crate) fn invite_to_group(&mut self) {
        self.tell(Input::FocusInvited {
            focus: DOOR.into(),
            group: GROUP.into(),
            room: GROUP.into(),
            by: "@alice".into(),
            via: vec![],
        });
    }

    /// The 1:1 room of a user, who is named without the sigil.
    pub(crate) fn open_direct(&mut self, user: &str) {
        self.tell(Input::FocusInvited {
            focus: DOOR.into(),
            group: GROUP.into(),
            room: direct(user),
            by: member(user),
            via: vec![],
        });
        self.done(|request| matches!(request, SignalRequest::JoinDirect { .. }));
    }

    pub(crate) fn call(&mut self, user: &str, call: &str) {
        self.tell(Input::CallInvited(invite(user, call)));
    }

    /// Answers the one open question about a caller.
    pub(crate) fn admit(&mut self, joined: bool) {
        let (id, _) = self.take(|request| matches!(request, SignalRequest::AskAdmission { .. }));
        let admission = Admission { joined, direct_members: 2, name: None };
        self.tell(Input::RequestDone { id, outcome: RequestOutcome::Admission(admission) });
    }

    /// Whoever is in a conference is joined to its group room, as the homeserver says.
    pub(crate) fn nobody_is_absent(&mut self) {
        let (id, _) = self.take(|request| matches!(request, SignalRequest::CompareMembers { .. }));
        let membership = Membership { focus_joined: true, absent: [].into() };
        self.tell(Input::RequestDone { id, outcome: RequestOutcome::Membership(membership) });
    }

    /// The leg and generation of the last session that was opened.
    pub(crate) fn last_opened(&self) -> (LegId, Generation) {
        self.media
            .iter()
            .rev()
            .find_map(|command| match command {
                MediaCommand::Open { leg, generation, .. } => Some((*leg, *generation)),
                _ => None,
            })
            .unwrap()
    }

    pub(crate) fn answer_ready(&mut self) {
        let (leg, _) = self.last_opened();
        self.answered(leg, Agreed::default());
    }

    /// The engine answers the last offer of a leg.
    pub(crate) fn answered(&mut self, leg: LegId, agreed: Agreed) {
        let info = StreamInfo {
            purpose: StreamPurpose::UserMedia,
            audio_muted: false,
            video_muted: !agreed.pictures,
        };
        self.tell(Input::Media(MediaReport::AnswerReady {
            leg,
            generation: self.generation(leg),
            offer: self.last_offer(leg),
            answer: Sdp("the answer".into()),
            streams: [("stream".into(), info)].into(),
            agreed,
            memo: SessionMemo("as answered".into()),
        }));
    }

    /// The session of a leg.
    pub(crate) fn generation(&self, wanted: LegId) -> Generation {
        let generation = self.media.iter().rev().find_map(|command| match command {
            MediaCommand::Open { leg, generation, .. } | MediaCommand::Offer { leg, generation, .. }
                if *leg == wanted =>
            {
                Some(*generation)
            }
            _ => None,
        });
        generation.unwrap()
    }

    /// The number of the last offer of a leg that the engine was given.
    pub(crate) fn last_offer(&self, wanted: LegId) -> OfferNumber {
        let number = self.media.iter().rev().find_map(|command| match command {
            MediaCommand::Open { leg, number, .. } | MediaCommand::Renegotiate { leg, number, .. }
                if *leg == wanted =>
            {
                Some(*number)
            }
            _ => None,
        });
        number.unwrap()
    }

    /// The number of the last offer of ours that the engine was to make for a leg.
    pub(crate) fn number(&self, wanted: LegId) -> OfferNumber {
        let number = self.media.iter().rev().find_map(|command| match command {
            MediaCommand::Offer { leg, number, .. } | MediaCommand::OfferAgain { leg, number, .. }
                if *leg == wanted =>
            {
                Some(*number)
            }
            _ => None,
        });
        number.unwrap()
    }

    /// A user in the conference, media flowing. Returns their leg.
    pub(crate) fn in_call(&mut self, user: &str, call: &str) -> LegId {
        self.open_direct(user);
        self.call(user, call);
        self.admit(true);
        self.answer_ready();
        self.done(|request| matches!(request, SignalRequest::Answer { .. }));
        let (leg, generation) = self.last_opened();
        self.tell(Input::Media(MediaReport::TransportUp { leg, generation }));
        leg
    }

    /// What a user was told when they came in last: how many others there are, and why they are not heard.
    pub(crate) fn greeting(&self, user: &str) -> Option<(usize, Option<Silenced>)> {
        self.telling.iter().rev().find_map(|(_, request)| match request {
            SignalRequest::Notice { room, notice: Notice::Joined { others, silenced, .. }, .. }
                if *room == direct(user) =>
            {
                Some((*others, *silenced))
            }
            _ => None,
        })
    }

    pub(crate) fn hang_up(&mut self, user: &str, call: &str) {
        self.tell(Input::CallHungUp {
            key: key(user, call),
            party: Some("THEIRS".into()),
            reason: HangupReason::UserHangup,
        });
    }

    /// Whether the engine was told to end a leg.
    pub(crate) fn closed(&self, wanted: LegId) -> bool {
        self.media.iter().any(|command| matches!(command, MediaCommand::Close { leg, .. } if *leg == wanted))
    }

    pub(crate) fn has_sent(&self, wanted: impl Fn(&SignalRequest) -> bool) -> bool {
        self.sent.iter().any(|(_, request)| wanted(request))
    }
}

pub(crate) fn member(user: &str) -> MemberId {
    MemberId::new(format!("@{user}"))
}

pub(crate) fn direct(user: &str) -> RoomKey {
    RoomKey::new(format!("!direct-{user}"))
}

pub(crate) fn key(user: &str, call: &str) -> CallKey {
    CallKey { room: direct(user), caller: member(user), call: call.into() }
}

pub(crate) fn invite(user: &str, call: &str) -> CallInvite {
    CallInvite {
        key: key(user, call),
        invitee: None,
        version: CallVersion::V1,
        party: Some("THEIRS".into()),
        offer: Sdp("the offer".into()),
        expires_in: Millis::from_secs(60),
        metadata: Some(metadata(false)),
    }
}

pub(crate) fn metadata(audio_muted: bool) -> StreamMetadata {
    let info = StreamInfo { purpose: StreamPurpose::UserMedia, audio_muted, video_muted: true };
    [("stream".into(), info)].into()
}

/// What goes with a call or a conference and decides nothing in it; tests of other things need not know of it.
fn is_telling(request: &SignalRequest) -> bool {
    matches!(
        request,
        SignalRequest::Announce { .. }
            | SignalRequest::CountOut { .. }
            | SignalRequest::AssertIdentity { .. }
            | SignalRequest::DescribeStreams { .. }
            | SignalRequest::Notice {
                notice: Notice::Joined { .. } | Notice::Began { .. } | Notice::Over { .. },
                ..
            }
    )
}

pub(crate) fn is_join_group(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::JoinGroup { .. })
}

pub(crate) fn is_leave_group(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::Leave { room, .. } if room.as_str() == GROUP)
}

pub(crate) fn is_answer(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::Answer { .. })
}

pub(crate) fn is_hangup(request: &SignalRequest) -> bool {
    matches!(request, SignalRequest::Hangup { .. })
}

pub(crate) fn refusal(run: &mut Run) -> Refusal {
    run.take(|request| matches!(request, SignalRequest::Reject { .. }));
    match run.take(|request| matches!(request, SignalRequest::Notice { .. })).1 {
        SignalRequest::Notice { notice: Notice::Refused { why, .. }, .. } => why,
        other => panic!("not a refusal: {other:?}"),
    }
}

pub(crate) fn candidate(line: &str) -> Candidate {
    Candidate { line: line.into(), mid: Some("0".into()), line_index: Some(0) }
}
