//! A deliberately simple conference: who ought to be in, who ought to be heard, whose hand is up, what ought to be replied.
//!
//! It knows no doors, deadlines or media: which legs begin and end is taken from what was seen, and whether they may is judged
//! elsewhere. It remembers without bounds, so under small ones it is not asked about people.

use std::collections::{BTreeMap, BTreeSet};

mod losses;

use confocal_conference::{
    Admission, CallVersion, Command, ConferenceEvent, Config, Denial, Effect, EncryptedRooms, Input,
    LayoutChoice, LegId, LegNews, MemberId, Millis, PartyId, Refusal, Reply, RequestOutcome, Role, RoomKey,
    Silenced, StreamMetadata, StreamPurpose, Timestamp, Whom,
};

use crate::action::{self, About};
use crate::seen::{Cause, Seen};
use crate::view::{
    AskingView, ConferenceView, DoorStateView, DoorView, LegView, RecoveryView, StateView, View,
};
pub use losses::{Losses, is_of_a_live_session};

/// The reference conferences.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    audience: bool,
    participants: usize,
    kick_lasts: Millis,
    sdp_bytes: usize,
    roles: usize,
    /// By group room.
    pub groups: BTreeMap<RoomKey, Group>,
    /// What ought to be replied to the command of this turn; `None`: there was none.
    pub reply: Option<Expected>,
    /// What ought to come of the admission that was answered in this turn.
    pub admission: Option<(LegId, Result<(), Refusal>)>,
    /// What was lost lately.
    pub losses: Losses,
}

/// What ought to be replied.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// What can be asked for.
    Help,
    /// Who is here.
    Who,
    /// Done.
    Done,
    /// The focus user is invited.
    Invited,
    /// Not done.
    Denied(Denial),
}

impl Expected {
    /// Whether a reply is the expected one; who is here is compared elsewhere.
    #[must_use]
    pub fn fits(self, reply: &Reply) -> bool {
        match reply {
            Reply::Done => self == Self::Done,
            Reply::Help => self == Self::Help,
            Reply::Who(_) => self == Self::Who,
            Reply::Invited { .. } => self == Self::Invited,
            // That is known only later.
            Reply::MayNotInvite { .. } => false,
            Reply::Denied(why) => self == Self::Denied(*why),
        }
    }
}

/// One conference.
#[derive(Clone, Debug, Default)]
pub struct Group {
    /// Nobody new but moderators.
    pub locked: bool,
    /// Only those speak who may.
    pub audience: bool,
    everyone_muted: bool,
    everyone: Role,
    roles: BTreeMap<MemberId, Role>,
    people: BTreeMap<MemberId, Person>,
    /// Raised hands, the first one first.
    pub hands: Vec<MemberId>,
    /// Everyone in it, with the calls by which they are.
    pub present: BTreeMap<MemberId, BTreeSet<LegId>>,
    /// Legs whose microphone is off.
    pub microphones_off: BTreeSet<LegId>,
    replaced: bool,
    /// Nobody new, since its room is encrypted and the operator takes no such calls.
    refuses: bool,
    /// The operator has a place for recordings.
    recordings: bool,
}

#[derive(Clone, Copy, Debug, Default)]
struct Person {
    muted: Option<By>,
    has_the_word: bool,
    kicked_until: Option<Timestamp>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Themselves,
    Moderator,
}

impl Group {
    /// A member's role.
    #[must_use]
    pub fn role(&self, member: &MemberId) -> Role {
        self.roles.get(member).copied().unwrap_or(self.everyone)
    }

    /// Whether a member may speak and show something, as far as the audience goes.
    #[must_use]
    pub fn has_the_word(&self, member: &MemberId) -> bool {
        let given = self.people.get(member).is_some_and(|person| person.has_the_word);
        !self.audience || given || self.role(member) != Role::Member
    }

    /// Why a member is not heard.
    #[must_use]
    pub fn silenced(&self, member: &MemberId) -> Option<Silenced> {
        let person = self.people.get(member).copied().unwrap_or_default();
        let listens_only = !self.has_the_word(member);
        match person.muted {
            Some(By::Moderator) => Some(Silenced::ByModerator),
            Some(By::Themselves) => Some(Silenced::ByThemselves),
            None => listens_only.then_some(Silenced::Audience),
        }
    }

    /// Whether a moderator's removal of a member stands.
    #[must_use]
    pub fn is_kicked(&self, member: &MemberId, now: Timestamp) -> bool {
        self.people.get(member).and_then(|person| person.kicked_until).is_some_and(|until| until > now)
    }

    /// Whether a member keeps order.
    #[must_use]
    pub fn is_moderator(&self, member: &MemberId) -> bool {
        self.role(member) == Role::Moderator
    }

    fn person(&mut self, member: &MemberId) -> &mut Person {
        self.people.entry(member.clone()).or_default()
    }

    fn comes_in(&mut self, member: &MemberId, leg: LegId) {
        let first = !self.present.contains_key(member);
        self.present.entry(member.clone()).or_default().insert(leg);
        if first && self.everyone_muted && !self.is_moderator(member) {
            self.person(member).muted = Some(By::Moderator);
        }
    }

    fn goes(&mut self, member: &MemberId, leg: LegId) {
        self.microphones_off.remove(&leg);
        let Some(legs) = self.present.get_mut(member) else { return };
        legs.remove(&leg);
        if !legs.is_empty() {
            return;
        }
        self.present.remove(member);
        self.hands.retain(|hand| hand != member);
        let person = self.person(member);
        if person.muted == Some(By::Themselves) {
            person.muted = None;
        }
    }

    /// What moderators decided is over.
    fn begins_anew(&mut self, audience: bool) {
        (self.locked, self.audience, self.everyone_muted) = (false, audience, false);
        self.people.clear();
        self.hands.clear();
    }

    fn may_come_in(&self, member: &MemberId, answer: &RequestOutcome, limit: usize) -> Result<(), Refusal> {
        let admission = match answer {
            RequestOutcome::Admission(admission) => admission,
            RequestOutcome::Done
            | RequestOutcome::Membership(_)
            | RequestOutcome::Rooms(_)
            | RequestOutcome::Joined { .. }
            | RequestOutcome::Alone(_)
            | RequestOutcome::NotAllowed { .. }
            | RequestOutcome::Failed(_) => return Err(Refusal::Unknown),
        };
        match admission {
            Admission { joined: false, .. } => Err(Refusal::NotAMember),
            Admission { direct_members: 3.., .. } => Err(Refusal::RoomNotDirect),
            Admission { .. } if self.present.contains_key(member) => Ok(()),
            Admission { .. } if self.replaced => Err(Refusal::RoomReplaced),
            Admission { .. } if self.refuses => Err(Refusal::RoomEncrypted),
            Admission { .. } if self.locked && !self.is_moderator(member) => Err(Refusal::Locked),
            Admission { .. } if self.present.len() >= limit => Err(Refusal::Full),
            Admission { .. } => Ok(()),
        }
    }

    fn command(
        &mut self,
        by: &MemberId,
        command: &Command,
        until: Timestamp,
        (stays_anyhow, may_stay): (bool, bool),
        has_call: impl Fn(&MemberId) -> bool,
    ) -> Expected {
        let denied = Expected::Denied;
        let here = self.present.contains_key(by);
        let absent = |group: &Self, member: &MemberId| !group.present.contains_key(member);
        match command {
            Command::Help => return Expected::Help,
            Command::Who => return Expected::Who,
            Command::Start => return Expected::Done,
            Command::RaiseHand
            | Command::LowerHand(Whom::Oneself)
            | Command::Mute(Whom::Oneself)
            | Command::Unmute(Whom::Oneself)
                if !here =>
            {
                return denied(Denial::NotInConference);
            }
            Command::RaiseHand => {
                if !self.hands.contains(by) {
                    self.hands.push(by.clone());
                }
            }
            Command::LowerHand(Whom::Oneself) => self.hands.retain(|hand| hand != by),
            Command::Mute(Whom::Oneself) => {
                self.person(by).muted.get_or_insert(By::Themselves);
            }
            Command::Unmute(Whom::Oneself) => {
                let by_moderator = self.person(by).muted == Some(By::Moderator);
                if by_moderator && !self.is_moderator(by) {
                    return denied(Denial::MutedByModerator);
                }
                self.person(by).muted = None;
                if self.silenced(by).is_some() {
                    return denied(Denial::Audience);
                }
            }
            _ if !self.is_moderator(by) => return denied(Denial::NotAModerator),
            Command::LowerHand(Whom::Member(member))
            | Command::Mute(Whom::Member(member))
            | Command::Unmute(Whom::Member(member))
            | Command::Grant(member)
            | Command::Revoke(member)
                if absent(self, member) =>
            {
                return denied(Denial::NoSuchParticipant);
            }
            Command::Kick(member) if !has_call(member) => return denied(Denial::NoSuchParticipant),
            Command::Kick(member) if self.is_moderator(member) => return denied(Denial::TargetIsModerator),
            Command::Kick(member) => self.person(member).kicked_until = Some(until),
            Command::Unkick(member) => self.person(member).kicked_until = None,
            Command::LowerHand(Whom::Member(member)) => self.hands.retain(|hand| hand != member),
            Command::LowerHand(Whom::Everyone) => self.hands.clear(),
            Command::Mute(Whom::Member(member)) => self.person(member).muted = Some(By::Moderator),
            Command::Unmute(Whom::Member(member)) => self.person(member).muted = None,
            Command::Mute(Whom::Everyone) => {
                self.everyone_muted = true;
                let here: Vec<MemberId> = self.present.keys().cloned().collect();
                for member in &here {
                    if !self.is_moderator(member) {
                        self.person(member).muted = Some(By::Moderator);
                    }
                }
            }
            Command::Unmute(Whom::Everyone) => {
                self.everyone_muted = false;
                for person in self.people.values_mut() {
                    person.muted = person.muted.filter(|by| *by != By::Moderator);
                }
            }
            Command::Lock => self.locked = true,
            Command::Unlock => self.locked = false,
            Command::StartAudience => self.audience = true,
            Command::EndAudience => self.audience = false,
            Command::Grant(member) => {
                self.person(member).has_the_word = true;
                self.hands.retain(|hand| hand != member);
            }
            Command::Revoke(member) => self.person(member).has_the_word = false,
            Command::EndStay if stays_anyhow => return denied(Denial::StaysAnyhow),
            Command::Stay if !may_stay => return denied(Denial::TooManyStay),
            Command::Record if !self.recordings => return denied(Denial::NoRecordings),
            Command::Record if self.present.is_empty() => return denied(Denial::NobodyToRecord),
            Command::Record
            | Command::StopRecording
            | Command::Layout(_)
            | Command::StopScreen
            | Command::Stay
            | Command::EndStay => {}
            // Everyone goes, which is seen; then what was decided is over.
            Command::End => {}
        }
        Expected::Done
    }
}

impl Reference {
    /// No conference yet.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        Self {
            audience: config.audience,
            participants: config.limits.participants_per_conference,
            kick_lasts: config.kick_lasts,
            sdp_bytes: config.limits.sdp_bytes,
            roles: config.limits.roles,
            ..Self::default()
        }
    }

    /// Goes along with a turn that was seen.
    pub fn step(&mut self, seen: &Seen) {
        (self.reply, self.admission) = (None, None);
        self.losses.step(seen);
        for room in seen.after.conferences.keys() {
            let (audience, recordings) = (self.audience, seen.setup.config.recordings);
            let fresh = || Group { audience, recordings, ..Group::default() };
            self.groups.entry(room.clone()).or_insert_with(fresh);
        }
        let ended = match &seen.turn.cause {
            Cause::Input(input) => self.told(input, seen),
            Cause::Time | Cause::Restored => None,
        };
        for effect in &seen.turn.effects {
            self.legs_go(effect, seen);
        }
        let audience = self.audience;
        if let Some(group) = ended.and_then(|room| self.groups.get_mut(&room)) {
            group.begins_anew(audience);
        }
        for (room, before) in &seen.before.conferences {
            let over = seen.after.conferences.get(room).is_some_and(|after| before.used && !after.used);
            if let Some(group) = self.groups.get_mut(room).filter(|_| over) {
                group.begins_anew(audience);
            }
        }
        self.groups.retain(|room, _| seen.after.conferences.contains_key(room));
    }

    /// An input. The room whose conference a moderator ended is given back.
    fn told(&mut self, input: &Input, seen: &Seen) -> Option<RoomKey> {
        match input {
            Input::RolesChanged { room, everyone, members } => {
                if let Some(group) = self.groups.get_mut(room) {
                    let mut others: Vec<_> = members.iter().filter(|(_, role)| *role != everyone).collect();
                    // The highest are known, and of those the first by name.
                    others.sort_by(|one, two| two.1.cmp(one.1).then(one.0.cmp(two.0)));
                    let known = others.into_iter().take(self.roles);
                    group.roles = known.map(|(member, role)| (member.clone(), *role)).collect();
                    group.everyone = *everyone;
                }
            }
            Input::RoomEncrypted { room } => {
                if let Some(group) = self.groups.get_mut(room) {
                    group.refuses = seen.setup.config.encrypted_rooms == EncryptedRooms::Refuse;
                }
            }
            Input::RoomReplaced { room, by } => {
                let known =
                    seen.before.conferences.get(room).and_then(|it| it.replaced_by.as_ref()) == Some(by);
                let in_call = seen.before.legs.values().any(|leg| leg.group == *room);
                let audience = self.audience;
                if let Some(group) = self.groups.get_mut(room).filter(|_| !known) {
                    group.replaced = true;
                    // Without calls it is over.
                    if !in_call {
                        group.begins_anew(audience);
                    }
                }
            }
            Input::Commanded { room, by, command } => {
                if let Some((group, in_group)) = asked(seen, room) {
                    let by_bot = is_asked_of_bot(seen, room);
                    return self.commanded(&group, (in_group, by_bot), by, command, seen);
                }
            }
            Input::CallInvited(invite) => {
                let off = invite.metadata.as_ref().is_some_and(is_off);
                if let Some((leg, view)) = seen.after.leg_of(&invite.key)
                    && seen.before.leg_of(&invite.key).is_none()
                {
                    self.microphone(leg, view, off);
                }
            }
            Input::CallMetadataChanged { key, party, metadata } => {
                self.microphone_of(seen, key, party.as_ref(), metadata);
            }
            Input::CallNegotiated { key, party, offer, expires_in, metadata: Some(metadata) } => {
                let may_change = |(_, leg): (LegId, &LegView)| {
                    leg.is_answered() && leg.version == CallVersion::V1 && expires_in.0 > 0
                };
                if seen.before.leg_of(key).is_some_and(may_change) && offer.0.len() <= self.sdp_bytes {
                    self.microphone_of(seen, key, party.as_ref(), metadata);
                }
            }
            Input::CallNegotiateAnswered { key, party, answer, metadata: Some(metadata) } => {
                // Only who was offered something has an answer to it.
                let offered = |(_, leg): (LegId, &LegView)| match &leg.state {
                    StateView::Recovering(step) => matches!(step, RecoveryView::Offered { .. }),
                    StateView::Ringing { .. }
                    | StateView::Answering { .. }
                    | StateView::Connecting { .. }
                    | StateView::Active
                    | StateView::Reconnecting { .. } => {
                        matches!(leg.second.asking, AskingView::Out { .. } | AskingView::Late { .. })
                    }
                };
                if seen.before.leg_of(key).is_some_and(offered) && answer.0.len() <= self.sdp_bytes {
                    self.microphone_of(seen, key, party.as_ref(), metadata);
                }
            }
            Input::RequestDone { id, outcome } => {
                let asked = |leg: &LegView| matches!(leg.state, StateView::Ringing { admission: Some(asked), .. } if asked == *id);
                let asked = seen.before.legs.iter().find(|(_, leg)| asked(leg));
                if let Some((leg, view)) = asked
                    && let Some(group) = self.groups.get_mut(&view.group)
                {
                    let caller = &view.key.caller;
                    let may = group.may_come_in(caller, outcome, self.participants);
                    if may.is_ok() {
                        group.comes_in(caller, *leg);
                    }
                    self.admission = Some((*leg, may));
                }
            }
            Input::FocusInvited { .. }
            | Input::NamedFocusInvited { .. }
            | Input::BotInvited { .. }
            | Input::NobodyInvited { .. }
            | Input::FocusRemoved { .. }
            | Input::MemberRemoved { .. }
            | Input::CallCandidates { .. }
            | Input::CallSelected { .. }
            | Input::CallHungUp { .. }
            | Input::CallNegotiated { metadata: None, .. }
            | Input::CallNegotiateAnswered { metadata: None, .. }
            | Input::Media(_)
            | Input::EngineLost
            | Input::CameBack => {}
        }
        None
    }

    fn commanded(
        &mut self,
        room: &RoomKey,
        (in_group, by_bot): (bool, bool),
        by: &MemberId,
        command: &Command,
        seen: &Seen,
    ) -> Option<RoomKey> {
        // Who asks too often is not heard; whether that may be is judged elsewhere.
        let replied = seen.turn.effects.iter().any(is_reply);
        if !replied {
            return None;
        }
        let until = seen.turn.now + self.kick_lasts;
        if *command == Command::Start && by_bot {
            let has_focus = seen.before.bots.get(room).is_some_and(|it| it.focus.is_some());
            self.reply = Some(if !seen.setup.config.policy.allows(by) {
                Expected::Denied(Denial::NotAllowed)
            } else if has_focus {
                Expected::Invited
            } else {
                Expected::Denied(Denial::NoFocusUser)
            });
            return None;
        }
        let Some(group) = self.groups.get_mut(room) else {
            let nothing = if by_bot { Denial::NotStarted } else { Denial::NoConference };
            self.reply = Some(if *command == Command::Help {
                Expected::Help
            } else if *command == Command::Start {
                Expected::Done
            } else {
                Expected::Denied(nothing)
            });
            return None;
        };
        let of_everyone = matches!(command, Command::Help | Command::Start);
        if !of_everyone && !in_group && !group.present.contains_key(by) {
            self.reply = Some(Expected::Denied(Denial::NotInConference));
            return None;
        }
        let coming = in_group && seen.before.conferences.get(room).is_some_and(is_coming);
        if coming && action::about(command) == About::Others {
            self.reply = Some(Expected::Denied(Denial::NotNow));
            return None;
        }
        let has_call = |member: &MemberId| {
            seen.before.legs.values().any(|leg| leg.group == *room && leg.key.caller == *member)
        };
        let stays_anyhow = seen.setup.config.stay.contains(room);
        let staying = seen.before.conferences.values().filter(|conference| conference.stay).count();
        let stays = stays_anyhow || seen.before.conferences.get(room).is_some_and(|it| it.stay);
        let may_stay = stays || staying < seen.setup.config.limits.stay_rooms;
        let reply = group.command(by, command, until, (stays_anyhow, may_stay), has_call);
        // What is shown and what was too much is in the records.
        let showing = seen.before.conferences.get(room).map(|it| &it.showing);
        let rests = showing.is_some_and(|it| it.rests_until.is_some_and(|until| until > seen.turn.now));
        let dark = showing.is_none_or(|it| it.screen.is_none());
        let reply = if reply != Expected::Done {
            reply
        } else if *command == Command::Layout(LayoutChoice::Grid) && rests {
            Expected::Denied(Denial::GridTooMuch)
        } else if *command == Command::StopScreen && dark {
            Expected::Denied(Denial::NoScreen)
        } else {
            reply
        };
        self.reply = Some(reply);
        (*command == Command::End && reply == Expected::Done).then(|| room.clone())
    }

    fn legs_go(&mut self, effect: &Effect, seen: &Seen) {
        let Effect::Notify(ConferenceEvent::Leg { member, leg, state: LegNews::Left(_), .. }) = effect else {
            return;
        };
        let Some(view) = seen.before.legs.get(leg) else { return };
        if let Some(group) = self.groups.get_mut(&view.group) {
            group.goes(member, *leg);
        }
    }

    fn microphone_of(
        &mut self,
        seen: &Seen,
        key: &confocal_conference::CallKey,
        party: Option<&PartyId>,
        metadata: &StreamMetadata,
    ) {
        let Some((leg, view)) = seen.before.leg_of(key) else { return };
        if is_the_caller(view, party) {
            self.microphone(leg, view, is_off(metadata));
        }
    }

    fn microphone(&mut self, leg: LegId, view: &LegView, off: bool) {
        let Some(group) = self.groups.get_mut(&view.group) else { return };
        if off {
            group.microphones_off.insert(leg);
        } else {
            group.microphones_off.remove(&leg);
        }
    }
}

/// Which conference is asked by what is said in a room, and whether that is its group room: where a focus user of the group
/// room is joined, that room's; in a 1:1 room that of the focus user in it. `None`: nobody of us hears it.
#[must_use]
pub fn asked(seen: &Seen, room: &RoomKey) -> Option<(RoomKey, bool)> {
    let conference = seen.before.conferences.get(room);
    if conference.is_some_and(|it| it.doors.values().any(DoorView::is_joined)) {
        return Some((room.clone(), true));
    }
    let direct = seen.before.directs.get(room);
    let mut doors = direct.into_iter().flat_map(|direct| direct.doors.values());
    if let Some(door) = doors.find(|door| door.joining.is_none()) {
        return Some((door.group.clone(), door.group == *room));
    }
    if is_asked_of_bot(seen, room) || conference.is_some_and(is_coming) {
        return Some((room.clone(), true));
    }
    // One that is on its way: what is said in the moment of its coming is heard, and replied to after it.
    let door = direct.and_then(|direct| direct.doors.values().next())?;
    Some((door.group.clone(), door.group == *room))
}

/// No focus user has joined a group room, and one is about to.
fn is_coming(conference: &ConferenceView) -> bool {
    let joining = |door: &DoorView| matches!(door.state, DoorStateView::Joining { .. });
    conference.doors.values().any(joining) && !conference.doors.values().any(DoorView::is_joined)
}

/// Whether it is the bot that hears what is said in a room: it is there, and no focus user is; or it is on its way, and none is either.
#[must_use]
pub fn is_asked_of_bot(seen: &Seen, room: &RoomKey) -> bool {
    hears_as_bot(&seen.before, room)
}

/// The same of what is said next.
#[must_use]
pub fn is_asked_of_bot_next(seen: &Seen, room: &RoomKey) -> bool {
    hears_as_bot(&seen.after, room)
}

fn hears_as_bot(view: &View, room: &RoomKey) -> bool {
    let conference = view.conferences.get(room);
    let in_group = conference.is_some_and(|it| it.doors.values().any(DoorView::is_joined));
    let direct = view.directs.get(room);
    let in_direct = direct.is_some_and(|it| it.doors.values().any(|door| door.joining.is_none()));
    let coming = conference.is_some_and(is_coming) || direct.is_some();
    let bot = view.bots.get(room).is_some_and(|bot| bot.joining.is_none() || !coming);
    bot && !in_group && !in_direct
}

/// Whether an event is of the party that placed the call, or can't be told from it.
#[must_use]
pub fn is_the_caller(leg: &LegView, party: Option<&PartyId>) -> bool {
    leg.caller_party.is_none() || party.is_none() || leg.caller_party.as_ref() == party
}

/// Whether an effect is the reply to a command.
#[must_use]
pub fn is_reply(effect: &Effect) -> bool {
    use confocal_conference::{Notice, SignalRequest};
    matches!(effect, Effect::Send { request: SignalRequest::Notice { notice: Notice::Reply { .. }, .. }, .. })
}

fn is_off(metadata: &StreamMetadata) -> bool {
    let microphones = || metadata.values().filter(|stream| stream.purpose == StreamPurpose::UserMedia);
    microphones().count() > 0 && !microphones().any(|stream| !stream.audio_muted)
}
