//! What has been seen of the machine from outside, turn by turn: facts about calls, legs, rooms and people, without a judgement.
//!
//! Judgements are the invariants' (`invariants.rs`); what ought to be is the reference's (`reference.rs`).

use std::collections::{BTreeMap, BTreeSet};

mod told;

use confocal_conference::{
    CallKey, Change, ConferenceEvent, ConferenceId, Deadline, Effect, EndReason, FocusUser, Generation,
    Input, LegId, LegNews, MediaCommand, MediaReport, MemberId, Millis, Notice, OfferNumber, ParticipantId,
    RequestId, RequestOutcome, Role, Roll, RoomKey, SignalRequest, Silence, Silenced, Timestamp,
};

use crate::invariants::compared;
use crate::reference::{Reference, is_the_caller};
use crate::setup::Setup;
use crate::view::{DoorStateView, View};
use confocal_conference::View as Shown;

/// How long an ended call is remembered.
pub const REMEMBERED: Millis = Millis::from_secs(600);

/// Why the machine was run.
#[derive(Clone, Debug, PartialEq)]
pub enum Cause {
    /// It was told something.
    Input(Input),
    /// It was told the time.
    Time,
    /// It was made anew from its records.
    Restored,
}

/// One run of the machine: why, and all that came of it.
#[derive(Clone, Debug)]
pub struct Turn {
    /// When, as the machine was told.
    pub now: Timestamp,
    /// Why.
    pub cause: Cause,
    /// What it wants done.
    pub effects: Vec<Effect>,
    /// What it wants stored.
    pub changes: Vec<Change>,
    /// When it wants to be told the time.
    pub deadline: Option<Deadline>,
    /// Who is in the conference of each group room that has one.
    pub rolls: BTreeMap<RoomKey, Roll>,
}

/// What was seen of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallFact {
    /// It rings, as this leg.
    Rang(LegId),
    /// It was answered.
    Answered,
    /// It was refused.
    Rejected,
    /// It was ended by a hangup.
    HungUp,
    /// It gets no word.
    Ignored(Silence),
    /// Its leg has ended.
    Left(EndReason),
}

/// What was seen of a leg.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LegFact {
    /// A session was opened for an offer.
    Open(Generation, OfferNumber),
    /// A session was opened to make an offer.
    Offer(Generation, OfferNumber),
    /// A changed offer went to the session.
    Renegotiate(Generation, OfferNumber),
    /// It was to make an offer of a second line, or of none.
    OfferAgain(Generation, OfferNumber, bool),
    /// The caller's streams were described to it.
    Describe(Generation),
    /// An answer to ours went to it.
    Accept(Generation),
    /// It was heard from now on, or not.
    Heard(Generation, bool),
    /// So many candidates went to it.
    Candidates(Generation, usize),
    /// It was closed.
    Close(Generation),
    /// All sessions were lost.
    EngineLost,
    /// The engine said whether packets come.
    Flow(Generation, bool),
    /// The caller told so many candidates that may be taken.
    Told(usize),
    /// News of its state.
    News(LegNews),
    /// News of its level.
    Level,
    /// News of how well its packets get through.
    Quality,
}

/// What is known of a leg, over its whole life.
#[derive(Clone, Debug)]
pub struct LegLog {
    /// The call.
    pub key: Option<CallKey>,
    /// Its conference.
    pub conference: ConferenceId,
    /// Whose it is.
    pub participant: ParticipantId,
    /// What was seen, in order.
    pub facts: Vec<LegFact>,
}

/// What was seen of a focus user in a room.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RoomFact {
    /// It is to join.
    Join,
    /// It is to leave.
    Leave,
    /// It is out: removed, or could not join.
    Out,
    /// It is to say something that answers a command.
    Reply,
    /// It is to say or ask something else.
    Speak,
}

/// Everything that was seen so far.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The settings of the history.
    pub setup: Setup,
    /// The records.
    pub records: BTreeMap<String, Vec<u8>>,
    /// What they said before the turn.
    pub before: View,
    /// What they say.
    pub after: View,
    /// The last turn.
    pub turn: Turn,
    /// Records that could not be read in it.
    pub unreadable: Option<String>,
    /// Calls, by key.
    pub calls: BTreeMap<CallKey, Vec<CallFact>>,
    /// Calls of which something was seen in this turn.
    pub calls_touched: BTreeSet<CallKey>,
    /// When calls ended last, before this turn.
    pub ended_at: BTreeMap<CallKey, Timestamp>,
    /// Calls that end in this turn.
    pub ending: BTreeSet<CallKey>,
    /// Legs.
    pub legs: BTreeMap<LegId, LegLog>,
    /// Legs of which something was seen in this turn, and how much was seen before.
    pub legs_touched: BTreeMap<LegId, usize>,
    /// Ids of the requests of this turn, in order, and the last one before.
    pub requests: (Option<RequestId>, Vec<RequestId>),
    /// Requests whose outcome is not known.
    pub outstanding: BTreeSet<RequestId>,
    /// Joins of group rooms that are under way, in which the focus user was removed from the room.
    pub doubtful_joins: BTreeSet<RequestId>,
    /// 1:1 rooms that were said to be encrypted before this turn, as long as we are in them.
    pub encrypted: BTreeSet<RoomKey>,
    /// Conferences in whose group room it was said that it is encrypted, before this turn.
    pub told_groups: BTreeSet<ConferenceId>,
    /// Focus users that have left rooms, before this turn.
    pub out: BTreeSet<(FocusUser, RoomKey)>,
    /// What was seen of focus users and rooms in this turn.
    pub room_facts: Vec<(FocusUser, RoomKey, RoomFact)>,
    /// The last news of what each participant may do and has asked for: role, silenced, hand.
    pub standing: BTreeMap<(ConferenceId, MemberId), (Role, Option<Silenced>, bool)>,
    /// The last news of each conference's floor: locked, audience.
    pub floors: BTreeMap<ConferenceId, (bool, bool)>,
    /// The last news of who speaks.
    pub speakers: BTreeMap<ConferenceId, Option<ParticipantId>>,
    /// What was announced last in each conference, and when.
    pub announced: BTreeMap<ConferenceId, Timestamp>,
    /// Announcements that stand in group rooms, before this turn, by the focus user whose they are.
    pub standing_announcements: BTreeSet<(FocusUser, RoomKey)>,
    /// When each leg was told last who speaks, before this turn.
    pub identified: BTreeMap<LegId, Timestamp>,
    /// What the engine was told to show in each conference, before this turn, and since when the picture is whose it is.
    pub views: BTreeMap<ConferenceId, (Shown, Timestamp)>,
    /// Which calls were told last that there is nothing to see, and which that there is, before this turn.
    pub dark: BTreeMap<CallKey, bool>,
    /// When a call was hung up last for a loss of its session, in each conference that is not over.
    pub hung_up: BTreeMap<ConferenceId, Timestamp>,
    /// What ought to be.
    pub reference: Reference,
}

impl Seen {
    /// Nothing was seen yet.
    #[must_use]
    pub fn new(setup: Setup, now: Timestamp) -> Self {
        let reference = Reference::new(&setup.config);
        Self {
            setup,
            records: BTreeMap::new(),
            before: View::default(),
            after: View::default(),
            turn: Turn {
                now,
                cause: Cause::Time,
                effects: Vec::new(),
                changes: Vec::new(),
                deadline: None,
                rolls: BTreeMap::new(),
            },
            unreadable: None,
            calls: BTreeMap::new(),
            calls_touched: BTreeSet::new(),
            ended_at: BTreeMap::new(),
            ending: BTreeSet::new(),
            legs: BTreeMap::new(),
            legs_touched: BTreeMap::new(),
            requests: (None, Vec::new()),
            outstanding: BTreeSet::new(),
            doubtful_joins: BTreeSet::new(),
            encrypted: BTreeSet::new(),
            told_groups: BTreeSet::new(),
            out: BTreeSet::new(),
            room_facts: Vec::new(),
            standing: BTreeMap::new(),
            floors: BTreeMap::new(),
            speakers: BTreeMap::new(),
            announced: BTreeMap::new(),
            standing_announcements: BTreeSet::new(),
            identified: BTreeMap::new(),
            views: BTreeMap::new(),
            dark: BTreeMap::new(),
            hung_up: BTreeMap::new(),
            reference,
        }
    }

    /// Takes a turn in.
    pub fn look(&mut self, turn: Turn) {
        self.begin(turn);
        self.look_at_cause();
        let effects = std::mem::take(&mut self.turn.effects);
        for effect in &effects {
            match effect {
                Effect::Send { id, request } => {
                    self.requests.1.push(*id);
                    self.outstanding.insert(*id);
                    self.look_at_request(request);
                }
                Effect::Media(command) => self.look_at_command(command),
                Effect::Notify(event) => self.look_at_news(event),
            }
        }
        self.turn.effects = effects;
        let mut reference = std::mem::take(&mut self.reference);
        reference.step(self);
        self.reference = reference;
    }

    /// The session that the engine has for a leg, as far as it was told, and whether it is heard.
    #[must_use]
    pub fn session(&self, leg: LegId) -> Option<(Generation, bool)> {
        let mut session = None;
        for fact in &self.legs.get(&leg)?.facts {
            match fact {
                LegFact::Open(generation, _) | LegFact::Offer(generation, _) => {
                    session = Some((*generation, true));
                }
                LegFact::Heard(generation, heard) => session = Some((*generation, *heard)),
                LegFact::Close(_) | LegFact::EngineLost => session = None,
                LegFact::Renegotiate(..)
                | LegFact::OfferAgain(..)
                | LegFact::Describe(_)
                | LegFact::Accept(_)
                | LegFact::Candidates(..)
                | LegFact::Flow(..)
                | LegFact::Told(_)
                | LegFact::News(_)
                | LegFact::Level
                | LegFact::Quality => {}
            }
        }
        session
    }

    fn begin(&mut self, turn: Turn) {
        self.remember_what_was_told();
        self.before = self.after.clone();
        // A call that has ended is remembered from its first end on, whatever else is said of it.
        let now = self.turn.now;
        for key in std::mem::take(&mut self.ending) {
            let ended = self.ended_at.entry(key).or_insert(now);
            if now.since(*ended) >= REMEMBERED {
                *ended = now;
            }
        }
        self.unreadable = None;
        if let Cause::Input(Input::RoomEncrypted { room }) = &self.turn.cause {
            self.encrypted.insert(room.clone());
        }
        for effect in &self.turn.effects {
            if let Some(room) = told_group(effect) {
                self.told_groups.extend(self.after.conferences.get(room).map(|it| it.id));
            }
        }
        self.encrypted.retain(|room| self.after.directs.contains_key(room));
        for change in &turn.changes {
            if let Err(error) = self.after.take(&change.key, change.value.as_deref()) {
                self.unreadable = Some(error);
            }
            match &change.value {
                Some(value) => drop(self.records.insert(change.key.clone(), value.clone())),
                None => drop(self.records.remove(&change.key)),
            }
        }
        let in_use = |id: &ConferenceId| self.after.conferences.values().any(|it| it.id == *id && it.used);
        self.hung_up.retain(|id, _| in_use(id));
        self.turn = turn;
        self.calls_touched.clear();
        self.legs_touched.clear();
        self.requests.0 = self.requests.1.last().copied().or(self.requests.0);
        self.requests.1.clear();
        for (focus, room, fact) in std::mem::take(&mut self.room_facts) {
            match fact {
                RoomFact::Join => drop(self.out.remove(&(focus, room))),
                RoomFact::Leave | RoomFact::Out => drop(self.out.insert((focus, room))),
                RoomFact::Reply | RoomFact::Speak => {}
            }
        }
    }

    fn look_at_cause(&mut self) {
        self.look_at_lost_announcements();
        if let Cause::Input(Input::RequestDone { id, .. }) = &self.turn.cause {
            self.outstanding.remove(id);
        }
        if let Cause::Input(Input::FocusRemoved { focus, room }) = &self.turn.cause
            && let Some(door) = self.before.conferences.get(room).and_then(|it| it.doors.get(focus))
            && let DoorStateView::Joining { request } = door.state
        {
            self.doubtful_joins.insert(request);
        }
        match &self.turn.cause {
            Cause::Input(Input::EngineLost) => {
                self.views.clear();
                let alive: Vec<LegId> = self.before.legs.keys().copied().collect();
                for leg in alive {
                    self.leg_fact(leg, LegFact::EngineLost);
                }
            }
            Cause::Input(Input::Media(MediaReport::Flow { leg, generation, flowing }))
                if self.before.legs.contains_key(leg) =>
            {
                self.leg_fact(*leg, LegFact::Flow(*generation, *flowing));
            }
            Cause::Input(Input::CallCandidates { key, party, candidates }) => {
                let limit = self.setup.config.limits.candidate_bytes;
                let fits = |line: &str| line.len() <= limit;
                let taken =
                    candidates.iter().filter(|new| fits(&new.line) && new.mid.as_deref().is_none_or(fits));
                let taken = taken.count();
                let leg = self.before.leg_of(key).filter(|(_, leg)| is_the_caller(leg, party.as_ref()));
                if let Some((leg, _)) = leg {
                    self.leg_fact(leg, LegFact::Told(taken));
                }
            }
            // A join that is under way may be of before or of after it.
            Cause::Input(Input::FocusRemoved { focus, room }) if !self.is_joining(focus, room) => {
                self.room_facts.push((focus.clone(), room.clone(), RoomFact::Out));
            }
            Cause::Input(Input::RequestDone { id, outcome: RequestOutcome::Failed(_) }) => {
                let failed: Vec<(FocusUser, RoomKey)> = self
                    .before
                    .directs
                    .iter()
                    .flat_map(|(room, direct)| {
                        direct.doors.iter().map(move |(focus, door)| (focus, room, door))
                    })
                    .filter(|(_, _, door)| door.joining == Some(*id))
                    .map(|(focus, room, _)| (focus.clone(), room.clone()))
                    .collect();
                self.room_facts.extend(failed.into_iter().map(|(focus, room)| (focus, room, RoomFact::Out)));
            }
            // A hangup may overtake its invite.
            Cause::Input(Input::CallHungUp { key, .. })
                if self.before.directs.contains_key(&key.room) && self.before.leg_of(key).is_none() =>
            {
                self.ending.insert(key.clone());
            }
            Cause::Input(Input::RequestDone { outcome: RequestOutcome::Membership(_), .. }) => {
                let absent = compared(self).filter(|(.., answer)| !answer.focus_joined);
                let out = absent.map(|(room, focus, ..)| (focus.clone(), room.clone(), RoomFact::Out));
                self.room_facts.extend(out);
            }
            Cause::Restored => {
                // Who watches knows nothing of the last run.
                self.standing.clear();
                self.floors.clear();
                self.speakers.clear();
                self.views.clear();
            }
            Cause::Input(_) | Cause::Time => {}
        }
    }

    fn is_joining(&self, focus: &FocusUser, room: &RoomKey) -> bool {
        let group = self.before.conferences.get(room).and_then(|conference| conference.doors.get(focus));
        let direct = self.before.directs.get(room).and_then(|direct| direct.doors.get(focus));
        group.is_some_and(|door| matches!(door.state, DoorStateView::Joining { .. }))
            || direct.is_some_and(|door| door.joining.is_some())
    }

    fn look_at_request(&mut self, request: &SignalRequest) {
        let fact = match request {
            SignalRequest::JoinGroup { .. }
            | SignalRequest::JoinDirect { .. }
            | SignalRequest::JoinAsBot { .. } => RoomFact::Join,
            SignalRequest::Leave { .. } => RoomFact::Leave,
            SignalRequest::Notice { notice: Notice::Reply { .. }, .. } => RoomFact::Reply,
            // It may be asked from nowhere.
            SignalRequest::AskRooms { .. } => return,
            SignalRequest::AskAdmission { .. }
            | SignalRequest::CompareMembers { .. }
            | SignalRequest::Answer { .. }
            | SignalRequest::NegotiateAnswer { .. }
            | SignalRequest::NegotiateOffer { .. }
            | SignalRequest::DescribeStreams { .. }
            | SignalRequest::LeaveIfAlone { .. }
            | SignalRequest::InviteFocus { .. }
            | SignalRequest::Announce { .. }
            | SignalRequest::CountOut { .. }
            | SignalRequest::AssertIdentity { .. }
            | SignalRequest::Reject { .. }
            | SignalRequest::Hangup { .. }
            | SignalRequest::Notice { .. } => RoomFact::Speak,
        };
        self.room_facts.push((request.focus().clone(), request.room().clone(), fact));
        let (to, fact) = match request {
            SignalRequest::Answer { to, .. } => (to, CallFact::Answered),
            SignalRequest::Reject { to } => (to, CallFact::Rejected),
            SignalRequest::Hangup { to, .. } => (to, CallFact::HungUp),
            SignalRequest::JoinGroup { .. }
            | SignalRequest::JoinDirect { .. }
            | SignalRequest::JoinAsBot { .. }
            | SignalRequest::Leave { .. }
            | SignalRequest::LeaveIfAlone { .. }
            | SignalRequest::InviteFocus { .. }
            | SignalRequest::Announce { .. }
            | SignalRequest::CountOut { .. }
            | SignalRequest::AssertIdentity { .. }
            | SignalRequest::AskAdmission { .. }
            | SignalRequest::CompareMembers { .. }
            | SignalRequest::AskRooms { .. }
            | SignalRequest::NegotiateAnswer { .. }
            | SignalRequest::NegotiateOffer { .. }
            | SignalRequest::DescribeStreams { .. }
            | SignalRequest::Notice { .. } => return,
        };
        let key = to.key();
        self.call_fact(key, fact);
    }

    fn look_at_command(&mut self, command: &MediaCommand) {
        let (leg, fact) = match command {
            MediaCommand::Open { leg, generation, number, .. } => (leg, LegFact::Open(*generation, *number)),
            MediaCommand::Renegotiate { leg, generation, number, .. } => {
                (leg, LegFact::Renegotiate(*generation, *number))
            }
            MediaCommand::Offer { leg, generation, number, .. } => {
                (leg, LegFact::Offer(*generation, *number))
            }
            MediaCommand::OfferAgain { leg, generation, number, screen } => {
                (leg, LegFact::OfferAgain(*generation, *number, *screen))
            }
            MediaCommand::Describe { leg, generation, .. } => (leg, LegFact::Describe(*generation)),
            MediaCommand::Accept { leg, generation, .. } => (leg, LegFact::Accept(*generation)),
            MediaCommand::SetHeard { leg, generation, heard } => (leg, LegFact::Heard(*generation, *heard)),
            MediaCommand::AddCandidates { leg, generation, candidates } => {
                (leg, LegFact::Candidates(*generation, candidates.len()))
            }
            MediaCommand::Close { leg, generation } => (leg, LegFact::Close(*generation)),
            MediaCommand::Play { .. }
            | MediaCommand::Record { .. }
            | MediaCommand::StopRecording { .. }
            | MediaCommand::Show { .. } => return,
        };
        self.leg_fact(*leg, fact);
    }

    fn look_at_news(&mut self, event: &ConferenceEvent) {
        match event {
            ConferenceEvent::Opened { .. }
            | ConferenceEvent::Recording { .. }
            | ConferenceEvent::Pictures { .. } => {}
            ConferenceEvent::Closed { conference } => {
                self.floors.remove(conference);
                self.speakers.remove(conference);
                self.standing.retain(|(of, _), _| of != conference);
            }
            ConferenceEvent::Leg { conference, participant, leg, state, .. } => {
                self.leg_news(*leg, *conference, *participant, *state);
            }
            ConferenceEvent::Standing { conference, member, role, silenced, hand, .. } => {
                self.standing.insert((*conference, member.clone()), (*role, *silenced, *hand));
            }
            ConferenceEvent::Floor { conference, locked, audience } => {
                self.floors.insert(*conference, (*locked, *audience));
            }
            ConferenceEvent::ActiveSpeaker { conference, speaker, .. } => {
                self.speakers.insert(*conference, *speaker);
            }
            ConferenceEvent::CallIgnored { key, why } => self.call_fact(key.clone(), CallFact::Ignored(*why)),
            ConferenceEvent::Level { leg, .. } => self.leg_fact(*leg, LegFact::Level),
            ConferenceEvent::Quality { leg, .. } => self.leg_fact(*leg, LegFact::Quality),
        }
    }

    fn leg_news(&mut self, leg: LegId, conference: ConferenceId, participant: ParticipantId, state: LegNews) {
        if !self.legs.contains_key(&leg) {
            let placed = match &self.turn.cause {
                Cause::Input(Input::CallInvited(invite)) => Some(&invite.key),
                Cause::Input(_) | Cause::Time | Cause::Restored => None,
            };
            let key = self.after.legs.get(&leg).map(|leg| &leg.key).or(placed).cloned();
            if let (Some(key), false) = (&key, self.turn.cause == Cause::Restored) {
                self.call_fact(key.clone(), CallFact::Rang(leg));
            }
            self.legs.insert(leg, LegLog { key, conference, participant, facts: Vec::new() });
        }
        self.leg_fact(leg, LegFact::News(state));
        if state == LegNews::Left(EndReason::Restarted) {
            self.hung_up.insert(conference, self.turn.now);
        }
        if let (LegNews::Left(reason), Some(key)) =
            (state, self.legs.get(&leg).and_then(|leg| leg.key.clone()))
        {
            self.call_fact(key, CallFact::Left(reason));
        }
    }

    fn call_fact(&mut self, key: CallKey, fact: CallFact) {
        if matches!(fact, CallFact::Left(_) | CallFact::Rejected) {
            self.ending.insert(key.clone());
        }
        self.calls.entry(key.clone()).or_default().push(fact);
        self.calls_touched.insert(key);
    }

    fn leg_fact(&mut self, leg: LegId, fact: LegFact) {
        let log = self.legs.entry(leg).or_insert_with(|| LegLog {
            key: None,
            conference: ConferenceId(0),
            participant: ParticipantId(0),
            facts: Vec::new(),
        });
        self.legs_touched.entry(leg).or_insert(log.facts.len());
        log.facts.push(fact);
    }
}

/// The group room that is said to be encrypted.
#[must_use]
pub const fn told_group(effect: &Effect) -> Option<&RoomKey> {
    match effect {
        Effect::Send {
            request: SignalRequest::Notice { room, notice: Notice::GroupEncrypted { .. }, .. },
            ..
        } => Some(room),
        Effect::Send { .. } | Effect::Media(_) | Effect::Notify(_) => None,
    }
}
