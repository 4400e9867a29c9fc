//! What the news of conferences add up to: who is in which, and how they are.
//!
//! Serving it never lives here. A view knows only what it was told since it was made.

use std::collections::BTreeMap;

use confocal::conference::{
    ConferenceEvent, ConferenceId, Layout, LegId, LegNews, LevelDbov, MemberId, ParticipantId, Role, RoomKey,
    Silenced,
};
use serde::Serialize;

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
        let fresh = Leg { state, muted: false, camera: false, screen: false, level: None, speaking: false };
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
        let Self { state, muted, camera, screen, level, speaking } = self;
        LegStatus { leg, state, muted, camera, screen, level, speaking }
    }
}

#[cfg(test)]
mod tests {
    use confocal::conference::{EndReason, LayoutChoice, View};
    use serde_json::{Value, json};

    use super::*;

    fn opened(conference: u64) -> ConferenceEvent {
        ConferenceEvent::Opened { conference: ConferenceId(conference), group: RoomKey::from("!g:a.org") }
    }

    fn leg(participant: u64, member: &str, leg: u64, state: LegNews) -> ConferenceEvent {
        ConferenceEvent::Leg {
            conference: ConferenceId(1),
            participant: ParticipantId(participant),
            member: MemberId::from(member),
            leg: LegId(leg),
            state,
        }
    }

    fn standing(participant: u64, member: &str) -> ConferenceEvent {
        ConferenceEvent::Standing {
            conference: ConferenceId(1),
            participant: ParticipantId(participant),
            member: MemberId::from(member),
            role: Role::Speaker,
            silenced: Some(Silenced::ByModerator),
            hand: true,
        }
    }

    const fn active(muted: bool) -> LegNews {
        LegNews::Active { muted, camera: false, screen: false }
    }

    fn level(leg: u64, level: i8, speaking: bool) -> ConferenceEvent {
        ConferenceEvent::Level {
            conference: ConferenceId(1),
            leg: LegId(leg),
            level: LevelDbov(level),
            speaking,
        }
    }

    /// The JSON after this news.
    fn told(news: &[ConferenceEvent]) -> Value {
        let mut view = StatusView::default();
        news.iter().for_each(|event| view.apply(event));
        serde_json::to_value(view.conferences()).unwrap()
    }

    #[test]
    fn the_json_names_everyone_and_everything() {
        let found = told(&[
            opened(1),
            opened(2),
            leg(5, "@a:a.org", 11, LegNews::Active { muted: false, camera: true, screen: false }),
            leg(4, "@b:b.org", 12, LegNews::Ringing),
            leg(5, "@a:a.org", 13, active(true)),
            level(11, -23, true),
            standing(5, "@a:a.org"),
            ConferenceEvent::Floor { conference: ConferenceId(1), locked: true, audience: false },
            ConferenceEvent::Recording { conference: ConferenceId(1), by: Some("@a:a.org".into()) },
            ConferenceEvent::ActiveSpeaker {
                conference: ConferenceId(1),
                speaker: Some(ParticipantId(5)),
                before: vec![ParticipantId(4)],
            },
            ConferenceEvent::Pictures {
                conference: ConferenceId(1),
                choice: LayoutChoice::Auto,
                view: View {
                    layout: Layout::Grid,
                    speaker: Some(ParticipantId(5)),
                    before: vec![],
                    screen: Some(LegId(11)),
                },
            },
        ]);
        assert_eq!(
            found,
            json!([
                { "conference": 1, "group": "!g:a.org", "locked": true, "audience": false, "recorded": true, "active_speaker": 5,
                  "layout": "grid", "picture": 5, "screen": 11,
                  "participants": [
                    { "participant": 4, "member": "@b:b.org", "role": "member", "silenced": null, "hand": false,
                      "legs": [
                        { "leg": 12, "state": "ringing", "muted": false, "camera": false, "screen": false,
                          "level": null, "speaking": false },
                    ]},
                    { "participant": 5, "member": "@a:a.org", "role": "speaker", "silenced": "moderator",
                      "hand": true, "legs": [
                        { "leg": 11, "state": "active", "muted": false, "camera": true, "screen": false,
                          "level": -23, "speaking": true },
                        { "leg": 13, "state": "active", "muted": true, "camera": false, "screen": false,
                          "level": null, "speaking": false },
                    ]},
                ]},
                { "conference": 2, "group": "!g:a.org", "locked": false, "audience": false, "recorded": false,
                  "active_speaker": null, "layout": "speaker", "picture": null, "screen": null, "participants": [] },
            ])
        );
    }

    #[test]
    fn every_state_has_its_word() {
        let words = [
            (LegNews::Ringing, "ringing"),
            (LegNews::Answering, "answering"),
            (LegNews::Connecting, "connecting"),
            (active(false), "active"),
            (LegNews::Held, "held"),
            (LegNews::Reconnecting, "reconnecting"),
        ];
        for (news, word) in words {
            let found = told(&[opened(1), leg(1, "@a:a.org", 1, news)]);
            assert_eq!(found[0]["participants"][0]["legs"][0]["state"], word);
        }
    }

    #[test]
    fn who_has_left_is_gone_leg_by_leg() {
        let mut news = vec![
            opened(1),
            leg(5, "@a:a.org", 11, active(false)),
            leg(5, "@a:a.org", 13, LegNews::Ringing),
            leg(5, "@a:a.org", 11, LegNews::Left(EndReason::CallerHungUp)),
        ];
        let found = told(&news);
        assert_eq!(found[0]["participants"][0]["legs"].as_array().unwrap().len(), 1);
        assert_eq!(found[0]["participants"][0]["legs"][0]["leg"], 13);

        news.push(leg(5, "@a:a.org", 13, LegNews::Left(EndReason::LeftGroup)));
        assert_eq!(told(&news)[0]["participants"], json!([]));
        // The end of what was never there.
        news.push(leg(5, "@a:a.org", 13, LegNews::Left(EndReason::LeftGroup)));
        news.push(level(13, -10, true));
        assert_eq!(told(&news)[0]["participants"], json!([]));
    }

    #[test]
    fn an_interrupted_leg_stays_muted_and_has_no_level() {
        let found = told(&[
            opened(1),
            leg(1, "@a:a.org", 1, active(true)),
            level(1, -20, true),
            leg(1, "@a:a.org", 1, LegNews::Reconnecting),
        ]);
        let expected = json!({ "leg": 1, "state": "reconnecting", "muted": true, "camera": false, "screen": false,
                "level": null, "speaking": false });
        assert_eq!(found[0]["participants"][0]["legs"][0], expected);
    }

    #[test]
    fn a_leg_that_mutes_itself_keeps_its_level_until_the_next() {
        let found = told(&[
            opened(1),
            leg(1, "@a:a.org", 1, active(false)),
            level(1, -20, true),
            leg(1, "@a:a.org", 1, active(true)),
        ]);
        let expected = json!({ "leg": 1, "state": "active", "muted": true, "camera": false, "screen": false,
            "level": -20, "speaking": true });
        assert_eq!(found[0]["participants"][0]["legs"][0], expected);
    }

    #[test]
    fn a_closed_conference_is_gone_and_news_of_unknown_ones_add_nothing() {
        let ended = ConferenceEvent::Closed { conference: ConferenceId(1) };
        let late = leg(1, "@a:a.org", 1, LegNews::Ringing);
        assert_eq!(told(&[opened(1), late.clone(), ended, late, level(1, -3, true)]), json!([]));
    }

    #[test]
    fn a_conference_told_again_keeps_its_participants() {
        let found = told(&[opened(1), leg(1, "@a:a.org", 1, LegNews::Ringing), opened(1)]);
        assert_eq!(found[0]["participants"].as_array().unwrap().len(), 1);
    }

    #[test]
    fn roles_and_silences_have_their_words() {
        for (role, word) in
            [(Role::Member, "member"), (Role::Speaker, "speaker"), (Role::Moderator, "moderator")]
        {
            assert_eq!(serde_json::to_value(RoleWord::from(role)).unwrap(), word);
        }
        for (silenced, word) in [
            (Silenced::ByThemselves, "themselves"),
            (Silenced::ByModerator, "moderator"),
            (Silenced::Audience, "audience"),
        ] {
            assert_eq!(serde_json::to_value(SilencedWord::from(silenced)).unwrap(), word);
        }
    }

    #[test]
    fn a_standing_told_before_the_calls_is_kept() {
        let found = told(&[opened(1), standing(1, "@a:a.org"), leg(1, "@a:a.org", 1, LegNews::Reconnecting)]);
        assert_eq!(found[0]["participants"][0]["role"], "speaker");
        assert_eq!(found[0]["participants"][0]["legs"].as_array().unwrap().len(), 1);
    }
}
