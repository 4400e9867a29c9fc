//! What the news of conferences add up to: who is in which, and how they are.
//!
//! Serving it never lives here. A view knows only what it was told since it was made.

use std::collections::BTreeMap;

use confocal::conference::{
    ConferenceEvent, ConferenceId, Layout, LegId, LegNews, LevelDbov, MemberId, ParticipantId, Role, RoomKey,
    Silenced,
};
use serde::Serialize;

use super::connection::ConnectionStatus;
use super::metrics::Present;

/// All open conferences.
#[derive(Debug, Default)]
pub(crate) struct StatusView {
    conferences: BTreeMap<ConferenceId, Conference>,
}

#[derive(Debug)]
struct Conference {
    group: RoomKey,
    locked: bool,
    audience: bool,
    recorded: bool,
    active_speaker: Option<ParticipantId>,
    layout: LayoutWord,
    picture: Option<ParticipantId>,
    screen: Option<LegId>,
    participants: BTreeMap<ParticipantId, Participant>,
}

#[derive(Debug)]
struct Participant {
    member: MemberId,
    standing: Standing,
    legs: BTreeMap<LegId, Leg>,
}

/// What a participant may do, or has asked for.
#[derive(Clone, Copy, Debug, Default)]
struct Standing {
    role: Role,
    silenced: Option<Silenced>,
    hand: bool,
}

#[derive(Clone, Copy, Debug)]
struct Leg {
    state: LegState,
    muted: bool,
    camera: bool,
    screen: bool,
    level: Option<LevelDbov>,
    speaking: bool,
    connection: Option<ConnectionStatus>,
}

/// One conference, as JSON has it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ConferenceStatus {
    /// Its number, never used twice.
    conference: ConferenceId,
    /// The group room's id.
    group: RoomKey,
    /// Nobody new comes in but moderators.
    locked: bool,
    /// Only those are heard who have the role or were given the word.
    audience: bool,
    /// It is recorded.
    recorded: bool,
    /// The participant who speaks, or spoke last; `null` before anyone has, or when they are gone.
    active_speaker: Option<ParticipantId>,
    /// How pictures are shown: `speaker` or `grid`.
    layout: LayoutWord,
    /// The participant whose camera has the picture; `null` when nobody's is on.
    picture: Option<ParticipantId>,
    /// The leg whose screen is shown; `null` when none is.
    screen: Option<LegId>,
    /// In the order in which they first called.
    participants: Vec<ParticipantStatus>,
}

/// One participant, as JSON has it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct ParticipantStatus {
    /// Their number, never used twice.
    participant: ParticipantId,
    /// Their user id.
    member: MemberId,
    /// `member`, `speaker` or `moderator`.
    role: RoleWord,
    /// Why they are not heard: `themselves`, `moderator` or `audience`; `null` when they are.
    silenced: Option<SilencedWord>,
    /// They have raised a hand.
    hand: bool,
    /// Their calls, in the order in which they were placed.
    legs: Vec<LegStatus>,
}

/// One call of a participant, as JSON has it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LegStatus {
    /// Its number, never used twice.
    leg: LegId,
    /// `ringing`, `answering`, `connecting`, `active`, `held` or `reconnecting`.
    state: LegState,
    /// The caller has its microphone off.
    muted: bool,
    /// The caller sends pictures of itself.
    camera: bool,
    /// The caller shares its screen.
    screen: bool,
    /// In dBov, 0 the loudest and −127 silence; `null` before the first measurement.
    level: Option<LevelDbov>,
    /// It speaks.
    speaking: bool,
    /// How well its packets get through; `null` before the first report.
    connection: Option<ConnectionStatus>,
}

/// The state of a leg that is not over.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum LegState {
    Ringing,
    Answering,
    Connecting,
    Active,
    Held,
    Reconnecting,
}

impl LegState {
    const ALL: [Self; 6] =
        [Self::Ringing, Self::Answering, Self::Connecting, Self::Active, Self::Held, Self::Reconnecting];

    /// Its word, in JSON too.
    const fn word(self) -> &'static str {
        match self {
            Self::Ringing => "ringing",
            Self::Answering => "answering",
            Self::Connecting => "connecting",
            Self::Active => "active",
            Self::Held => "held",
            Self::Reconnecting => "reconnecting",
        }
    }
}

/// A layout's word in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum LayoutWord {
    Speaker,
    Grid,
}

impl From<Layout> for LayoutWord {
    fn from(layout: Layout) -> Self {
        match layout {
            Layout::Speaker => Self::Speaker,
            Layout::Grid => Self::Grid,
        }
    }
}

/// A role's word in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum RoleWord {
    Member,
    Speaker,
    Moderator,
}

impl From<Role> for RoleWord {
    fn from(role: Role) -> Self {
        match role {
            Role::Member => Self::Member,
            Role::Speaker => Self::Speaker,
            Role::Moderator => Self::Moderator,
        }
    }
}

/// Who or what silenced someone, in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum SilencedWord {
    Themselves,
    Moderator,
    Audience,
}

impl From<Silenced> for SilencedWord {
    fn from(silenced: Silenced) -> Self {
        match silenced {
            Silenced::ByThemselves => Self::Themselves,
            Silenced::ByModerator => Self::Moderator,
            Silenced::Audience => Self::Audience,
        }
    }
}

impl StatusView {
    /// Takes one piece of news. Of a conference or a leg that was never told of, what follows it is left out.
    pub(crate) fn apply(&mut self, event: &ConferenceEvent) {
        match event {
            ConferenceEvent::Opened { conference, group } => {
                // Told again, as after a restart, it is no reason to forget who is in it.
                self.conferences
                    .entry(*conference)
                    .and_modify(|known| known.group = group.clone())
                    .or_insert_with(|| Conference::of(group));
            }
            ConferenceEvent::Closed { conference } => {
                self.conferences.remove(conference);
            }
            ConferenceEvent::Leg { conference, participant, member, leg, state } => {
                if let Some(known) = self.conferences.get_mut(conference) {
                    known.leg_news(*participant, member, *leg, *state);
                }
            }
            ConferenceEvent::Standing { conference, participant, member, role, silenced, hand } => {
                if let Some(known) = self.conferences.get_mut(conference) {
                    let standing = Standing { role: *role, silenced: *silenced, hand: *hand };
                    known.participant(*participant, member).standing = standing;
                }
            }
            ConferenceEvent::Floor { conference, locked, audience } => {
                if let Some(known) = self.conferences.get_mut(conference) {
                    (known.locked, known.audience) = (*locked, *audience);
                }
            }
            ConferenceEvent::Recording { conference, by } => {
                if let Some(known) = self.conferences.get_mut(conference) {
                    known.recorded = by.is_some();
                }
            }
            ConferenceEvent::ActiveSpeaker { conference, speaker, before: _ } => {
                if let Some(known) = self.conferences.get_mut(conference) {
                    known.active_speaker = *speaker;
                }
            }
            ConferenceEvent::Pictures { conference, view, choice: _ } => {
                if let Some(known) = self.conferences.get_mut(conference) {
                    (known.layout, known.picture) = (view.layout.into(), view.speaker);
                    known.screen = view.screen;
                }
            }
            // It never was in a conference.
            ConferenceEvent::CallIgnored { .. } => {}
            ConferenceEvent::Level { conference, leg, level, speaking } => {
                if let Some(leg) = self.conferences.get_mut(conference).and_then(|known| known.leg_mut(*leg))
                {
                    leg.level = Some(*level);
                    leg.speaking = *speaking;
                }
            }
            ConferenceEvent::Quality { conference, leg, quality, poor } => {
                if let Some(leg) = self.conferences.get_mut(conference).and_then(|known| known.leg_mut(*leg))
                {
                    leg.connection.get_or_insert_default().learn(quality, *poor);
                }
            }
        }
    }

    /// How many there are of what.
    pub(crate) fn present(&self) -> Present {
        let conferences = self.conferences.values();
        let legs = conferences
            .clone()
            .flat_map(|conference| conference.participants.values())
            .flat_map(|participant| participant.legs.values());
        let count = |is: &dyn Fn(&Leg) -> bool| legs.clone().filter(|leg| is(leg)).count();
        Present {
            conferences: self.conferences.len(),
            recorded: conferences.clone().filter(|conference| conference.recorded).count(),
            participants: conferences.map(|conference| conference.participants.len()).sum(),
            legs: LegState::ALL.map(|state| (state.word(), count(&|leg| leg.state == state))),
            speaking: count(&|leg| leg.speaking),
            poor: count(&|leg| leg.connection.is_some_and(ConnectionStatus::is_poor)),
        }
    }

    /// All open conferences, oldest first.
    pub(crate) fn conferences(&self) -> Vec<ConferenceStatus> {
        self.conferences.iter().map(|(id, conference)| conference.status(*id)).collect()
    }
}

impl Conference {
    fn of(group: &RoomKey) -> Self {
        Self {
            group: group.clone(),
            locked: false,
            audience: false,
            recorded: false,
            active_speaker: None,
            layout: LayoutWord::Speaker,
            picture: None,
            screen: None,
            participants: BTreeMap::new(),
        }
    }

    /// A participant, known or new: after a restart their standing is told before their calls.
    fn participant(&mut self, participant: ParticipantId, member: &MemberId) -> &mut Participant {
        self.participants.entry(participant).or_insert_with(|| Participant {
            member: member.clone(),
            standing: Standing::default(),
            legs: BTreeMap::new(),
        })
    }

    fn leg_news(&mut self, participant: ParticipantId, member: &MemberId, leg: LegId, news: LegNews) {
        let (state, sends) = match news {
            LegNews::Ringing => (LegState::Ringing, None),
            LegNews::Answering => (LegState::Answering, None),
            LegNews::Connecting => (LegState::Connecting, None),
            LegNews::Active { muted, camera, screen } => (LegState::Active, Some((muted, camera, screen))),
            LegNews::Held => (LegState::Held, None),
            LegNews::Reconnecting => (LegState::Reconnecting, None),
            LegNews::Left(_) => return self.remove(participant, leg),
        };
        let participant = self.participant(participant, member);
        let fresh = Leg {
            state,
            muted: false,
            camera: false,
            screen: false,
            level: None,
            speaking: false,
            connection: None,
        };
        let leg = participant.legs.entry(leg).or_insert(fresh);
        leg.state = state;
        // While media is interrupted or held, the last word on what is sent holds.
        if let Some((muted, camera, screen)) = sends {
            (leg.muted, leg.camera, leg.screen) = (muted, camera, screen);
        }
        if state != LegState::Active {
            // No sound is measured, so nothing would ever take the last measurement back.
            leg.level = None;
            leg.speaking = false;
            leg.connection = None;
        }
    }

    fn remove(&mut self, participant: ParticipantId, leg: LegId) {
        let Some(known) = self.participants.get_mut(&participant) else { return };
        known.legs.remove(&leg);
        if known.legs.is_empty() {
            self.participants.remove(&participant);
        }
    }

    fn leg_mut(&mut self, leg: LegId) -> Option<&mut Leg> {
        self.participants.values_mut().find_map(|participant| participant.legs.get_mut(&leg))
    }

    fn status(&self, conference: ConferenceId) -> ConferenceStatus {
        let participants = self.participants.iter().map(|(id, participant)| ParticipantStatus {
            participant: *id,
            member: participant.member.clone(),
            role: participant.standing.role.into(),
            silenced: participant.standing.silenced.map(SilencedWord::from),
            hand: participant.standing.hand,
            legs: participant.legs.iter().map(|(id, leg)| leg.status(*id)).collect(),
        });
        ConferenceStatus {
            conference,
            group: self.group.clone(),
            locked: self.locked,
            audience: self.audience,
            recorded: self.recorded,
            active_speaker: self.active_speaker,
            layout: self.layout,
            picture: self.picture,
            screen: self.screen,
            participants: participants.collect(),
        }
    }
}

impl Leg {
    const fn status(self, leg: LegId) -> LegStatus {
        let Self { state, muted, camera, screen, level, speaking, connection } = self;
        LegStatus { leg, state, muted, camera, screen, level, speaking, connection }
    }
}

#[cfg(test)]
mod tests;
