//! What the news of conferences add up to: who is in which, and how they are.
//!
//! Serving it never lives here. A view knows only what it was told since it was made.

use std::collections::BTreeMap;

use confocal::conference::{
    ConferenceEvent, ConferenceId, LegId, LegNews, LevelDbov, MemberId, ParticipantId, RoomKey,
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
    participants: BTreeMap<ParticipantId, Participant>,
}

#[derive(Debug)]
struct Participant {
    member: MemberId,
    legs: BTreeMap<LegId, Leg>,
}

#[derive(Clone, Copy, Debug)]
struct Leg {
    state: LegState,
    muted: bool,
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
    /// Their calls, in the order in which they were placed.
    legs: Vec<LegStatus>,
}

/// One call of a participant, as JSON has it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(crate) struct LegStatus {
    /// Its number, never used twice.
    leg: LegId,
    /// `ringing`, `answering`, `connecting`, `active` or `reconnecting`.
    state: LegState,
    /// The caller has its microphone off.
    muted: bool,
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
    Reconnecting,
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
                    .or_insert_with(|| Conference { group: group.clone(), participants: BTreeMap::new() });
            }
            ConferenceEvent::Closed { conference } => {
                self.conferences.remove(conference);
            }
            ConferenceEvent::Leg { conference, participant, member, leg, state } => {
                if let Some(known) = self.conferences.get_mut(conference) {
                    known.leg_news(*participant, member, *leg, *state);
                }
            }
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
    fn leg_news(&mut self, participant: ParticipantId, member: &MemberId, leg: LegId, news: LegNews) {
        let (state, muted) = match news {
            LegNews::Ringing => (LegState::Ringing, None),
            LegNews::Answering => (LegState::Answering, None),
            LegNews::Connecting => (LegState::Connecting, None),
            LegNews::Active { muted } => (LegState::Active, Some(muted)),
            LegNews::Reconnecting => (LegState::Reconnecting, None),
            LegNews::Left(_) => return self.remove(participant, leg),
        };
        let participant = self
            .participants
            .entry(participant)
            .or_insert_with(|| Participant { member: member.clone(), legs: BTreeMap::new() });
        let fresh = Leg { state, muted: false, level: None, speaking: false };
        let leg = participant.legs.entry(leg).or_insert(fresh);
        leg.state = state;
        // While media is interrupted, the last word on the microphone holds.
        leg.muted = muted.unwrap_or(leg.muted);
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
            legs: participant.legs.iter().map(|(id, leg)| leg.status(*id)).collect(),
        });
        ConferenceStatus { conference, group: self.group.clone(), participants: participants.collect() }
    }
}

impl Leg {
    const fn status(self, leg: LegId) -> LegStatus {
        let Self { state, muted, level, speaking } = self;
        LegStatus { leg, state, muted, level, speaking }
    }
}

#[cfg(test)]
mod tests {
    use confocal::conference::EndReason;
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
            leg(5, "@a:a.org", 11, LegNews::Active { muted: false }),
            leg(4, "@b:b.org", 12, LegNews::Ringing),
            leg(5, "@a:a.org", 13, LegNews::Active { muted: true }),
            level(11, -23, true),
        ]);
        assert_eq!(
            found,
            json!([
                { "conference": 1, "group": "!g:a.org", "participants": [
                    { "participant": 4, "member": "@b:b.org", "legs": [
                        { "leg": 12, "state": "ringing", "muted": false, "level": null, "speaking": false },
                    ]},
                    { "participant": 5, "member": "@a:a.org", "legs": [
                        { "leg": 11, "state": "active", "muted": false, "level": -23, "speaking": true },
                        { "leg": 13, "state": "active", "muted": true, "level": null, "speaking": false },
                    ]},
                ]},
                { "conference": 2, "group": "!g:a.org", "participants": [] },
            ])
        );
    }

    #[test]
    fn every_state_has_its_word() {
        let words = [
            (LegNews::Ringing, "ringing"),
            (LegNews::Answering, "answering"),
            (LegNews::Connecting, "connecting"),
            (LegNews::Active { muted: false }, "active"),
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
            leg(5, "@a:a.org", 11, LegNews::Active { muted: false }),
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
            leg(1, "@a:a.org", 1, LegNews::Active { muted: true }),
            level(1, -20, true),
            leg(1, "@a:a.org", 1, LegNews::Reconnecting),
        ]);
        let expected =
            json!({ "leg": 1, "state": "reconnecting", "muted": true, "level": null, "speaking": false });
        assert_eq!(found[0]["participants"][0]["legs"][0], expected);
    }

    #[test]
    fn a_leg_that_mutes_itself_keeps_its_level_until_the_next() {
        let found = told(&[
            opened(1),
            leg(1, "@a:a.org", 1, LegNews::Active { muted: false }),
            level(1, -20, true),
            leg(1, "@a:a.org", 1, LegNews::Active { muted: true }),
        ]);
        let expected = json!({ "leg": 1, "state": "active", "muted": true, "level": -20, "speaking": true });
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
}
