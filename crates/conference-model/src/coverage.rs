//! What was reached: how often each kind of action, input, effect, state, command, reply and ending was seen.
//!
//! Whether it was right never lives here.

use std::collections::BTreeMap;
use std::fmt;

use confocal_conference::{
    Command, ConferenceEvent, Denial, Effect, EndReason, Input, LegNews, MediaCommand, MediaReport, Notice,
    OfferRefusal, Refusal, Reply, SignalRequest, Silence, Silenced, TimerKind, Whom,
};

use crate::action::KINDS;
use crate::seen::{Cause, Turn};

/// Counts, by kind and name.
#[derive(Clone, Debug, Default)]
pub struct Coverage {
    counts: BTreeMap<(&'static str, &'static str), u64>,
}

/// Names of an enum's variants: the list and the function can't differ.
macro_rules! names {
    ($list:ident, $name:ident($type:ty) { $($text:literal: $pattern:pat,)* }) => {
        const $list: &[&str] = &[$($text),*];

        const fn $name(value: &$type) -> &'static str {
            match value {
                $($pattern => $text,)*
            }
        }
    };
}

names!(INPUTS, input(Input) {
    "FocusInvited": Input::FocusInvited { .. },
    "NamedFocusInvited": Input::NamedFocusInvited { .. },
    "BotInvited": Input::BotInvited { .. },
    "NobodyInvited": Input::NobodyInvited { .. },
    "RoomEncrypted": Input::RoomEncrypted { .. },
    "FocusRemoved": Input::FocusRemoved { .. },
    "MemberRemoved": Input::MemberRemoved { .. },
    "RolesChanged": Input::RolesChanged { .. },
    "RoomReplaced": Input::RoomReplaced { .. },
    "Commanded": Input::Commanded { .. },
    "CallInvited": Input::CallInvited(_),
    "CallCandidates": Input::CallCandidates { .. },
    "CallSelected": Input::CallSelected { .. },
    "CallHungUp": Input::CallHungUp { .. },
    "CallNegotiated": Input::CallNegotiated { .. },
    "CallNegotiateAnswered": Input::CallNegotiateAnswered { .. },
    "CallMetadataChanged": Input::CallMetadataChanged { .. },
    "RequestDone": Input::RequestDone { .. },
    "Media AnswerReady": Input::Media(MediaReport::AnswerReady { .. }),
    "Media OfferReady": Input::Media(MediaReport::OfferReady { .. }),
    "Media OfferRefused": Input::Media(MediaReport::OfferRefused { .. }),
    "Media NoOffer": Input::Media(MediaReport::NoOffer { .. }),
    "Media TransportUp": Input::Media(MediaReport::TransportUp { .. }),
    "Media TransportLost": Input::Media(MediaReport::TransportLost { .. }),
    "Media TransportFailed": Input::Media(MediaReport::TransportFailed { .. }),
    "Media Flow": Input::Media(MediaReport::Flow { .. }),
    "Media RecordingFailed": Input::Media(MediaReport::RecordingFailed { .. }),
    "Media FellBack": Input::Media(MediaReport::FellBack { .. }),
    "Media Levels": Input::Media(MediaReport::Levels(_)),
    "Media Quality": Input::Media(MediaReport::Quality(_)),
    "EngineLost": Input::EngineLost,
    "CameBack": Input::CameBack,
});

names!(REQUESTS, request(SignalRequest) {
    "JoinGroup": SignalRequest::JoinGroup { .. },
    "JoinDirect": SignalRequest::JoinDirect { .. },
    "Leave": SignalRequest::Leave { .. },
    "JoinAsBot": SignalRequest::JoinAsBot { .. },
    "LeaveIfAlone": SignalRequest::LeaveIfAlone { .. },
    "InviteFocus": SignalRequest::InviteFocus { .. },
    "Announce": SignalRequest::Announce { announcement: Some(_), .. },
    "Withdraw": SignalRequest::Announce { announcement: None, .. },
    "CountOut": SignalRequest::CountOut { .. },
    "AssertIdentity": SignalRequest::AssertIdentity { .. },
    "AskAdmission": SignalRequest::AskAdmission { .. },
    "CompareMembers": SignalRequest::CompareMembers { .. },
    "AskRooms": SignalRequest::AskRooms { .. },
    "Answer": SignalRequest::Answer { .. },
    "NegotiateAnswer": SignalRequest::NegotiateAnswer { .. },
    "NegotiateOffer": SignalRequest::NegotiateOffer { .. },
    "DescribeStreams": SignalRequest::DescribeStreams { .. },
    "Reject": SignalRequest::Reject { .. },
    "Hangup": SignalRequest::Hangup { .. },
    "Notice Refused": SignalRequest::Notice { notice: Notice::Refused { .. }, .. },
    "Notice Encrypted": SignalRequest::Notice { notice: Notice::Encrypted { .. }, .. },
    "Notice Ended": SignalRequest::Notice { notice: Notice::Ended { .. }, .. },
    "Notice GroupEncrypted": SignalRequest::Notice { notice: Notice::GroupEncrypted { .. }, .. },
    "Notice RoomReplaced": SignalRequest::Notice { notice: Notice::RoomReplaced { .. }, .. },
    "Notice Joined": SignalRequest::Notice { notice: Notice::Joined { .. }, .. },
    "Notice Welcome": SignalRequest::Notice { notice: Notice::Welcome { .. }, .. },
    "Notice Deaf": SignalRequest::Notice { notice: Notice::Deaf { .. }, .. },
    "Notice Began": SignalRequest::Notice { notice: Notice::Began { .. }, .. },
    "Notice Over": SignalRequest::Notice { notice: Notice::Over { .. }, .. },
    "Notice RecordingStarted": SignalRequest::Notice { notice: Notice::RecordingStarted { .. }, .. },
    "Notice RecordingStopped": SignalRequest::Notice { notice: Notice::RecordingStopped { .. }, .. },
    "Notice FellBack": SignalRequest::Notice { notice: Notice::FellBack { .. }, .. },
    "Notice Screen": SignalRequest::Notice { notice: Notice::Screen { .. }, .. },
    "Notice Voice": SignalRequest::Notice { notice: Notice::Voice { .. }, .. },
    "Notice Reply": SignalRequest::Notice { notice: Notice::Reply { .. }, .. },
});

names!(MEDIA, media(MediaCommand) {
    "Open": MediaCommand::Open { .. },
    "Renegotiate": MediaCommand::Renegotiate { .. },
    "Offer": MediaCommand::Offer { .. },
    "OfferAgain": MediaCommand::OfferAgain { .. },
    "Describe": MediaCommand::Describe { .. },
    "Show": MediaCommand::Show { .. },
    "Accept": MediaCommand::Accept { .. },
    "SetHeard": MediaCommand::SetHeard { .. },
    "AddCandidates": MediaCommand::AddCandidates { .. },
    "Play": MediaCommand::Play { .. },
    "Record": MediaCommand::Record { .. },
    "StopRecording": MediaCommand::StopRecording { .. },
    "Close": MediaCommand::Close { .. },
});

names!(NEWS, news(ConferenceEvent) {
    "Opened": ConferenceEvent::Opened { .. },
    "Closed": ConferenceEvent::Closed { .. },
    "Leg": ConferenceEvent::Leg { .. },
    "Standing": ConferenceEvent::Standing { .. },
    "Recording": ConferenceEvent::Recording { .. },
    "Floor": ConferenceEvent::Floor { .. },
    "ActiveSpeaker": ConferenceEvent::ActiveSpeaker { .. },
    "Pictures": ConferenceEvent::Pictures { .. },
    "CallIgnored": ConferenceEvent::CallIgnored { .. },
    "Level": ConferenceEvent::Level { .. },
    "Quality poor": ConferenceEvent::Quality { poor: true, .. },
    "Quality": ConferenceEvent::Quality { .. },
});

names!(STATES, state(LegNews) {
    "Ringing": LegNews::Ringing,
    "Answering": LegNews::Answering,
    "Connecting": LegNews::Connecting,
    "Active": LegNews::Active { .. },
    "Held": LegNews::Held,
    "Reconnecting": LegNews::Reconnecting,
    "Left": LegNews::Left(_),
});

names!(ENDS, end(EndReason) {
    "CallerHungUp": EndReason::CallerHungUp,
    "AnsweredElsewhere": EndReason::AnsweredElsewhere,
    "LeftGroup": EndReason::LeftGroup,
    "LeftDirect": EndReason::LeftDirect,
    "FocusRemoved": EndReason::FocusRemoved,
    "FocusRemovedFromDirect": EndReason::FocusRemovedFromDirect,
    "Replaced": EndReason::Replaced,
    "NeverConnected": EndReason::NeverConnected,
    "MediaLost": EndReason::MediaLost,
    "Restarted": EndReason::Restarted,
    "NoMedia": EndReason::NoMedia,
    "Kicked": EndReason::Kicked,
    "Ended": EndReason::Ended,
    "Expired": EndReason::Expired,
    "Refused": EndReason::Refused(_),
    "AnswerUndeliverable": EndReason::AnswerUndeliverable,
    "Renegotiation": EndReason::Renegotiation(_),
});

names!(REFUSALS, refusal(Refusal) {
    "NotAMember": Refusal::NotAMember,
    "FocusNotInvited": Refusal::FocusNotInvited,
    "RoomNotDirect": Refusal::RoomNotDirect,
    "Ambiguous": Refusal::Ambiguous,
    "NotAllowed": Refusal::NotAllowed,
    "Kicked": Refusal::Kicked,
    "Locked": Refusal::Locked,
    "RoomReplaced": Refusal::RoomReplaced,
    "RoomEncrypted": Refusal::RoomEncrypted,
    "Full": Refusal::Full,
    "Busy": Refusal::Busy,
    "TooManyCalls": Refusal::TooManyCalls,
    "ServerFull": Refusal::ServerFull,
    "Offer TooLarge": Refusal::Offer(OfferRefusal::TooLarge),
    "Offer": Refusal::Offer(_),
    "Unknown": Refusal::Unknown,
});

names!(SILENCES, silence(Silence) {
    "Repeated": Silence::Repeated,
    "Ended": Silence::Ended,
    "Expired": Silence::Expired,
    "NotInDirectRoom": Silence::NotInDirectRoom,
    "NotForUs": Silence::NotForUs,
    "Ambiguous": Silence::Ambiguous,
    "TooFast": Silence::TooFast,
    "NameTooLong": Silence::NameTooLong,
});

names!(COMMANDS, command(Command) {
    "Help": Command::Help,
    "Who": Command::Who,
    "RaiseHand": Command::RaiseHand,
    "LowerHand Oneself": Command::LowerHand(Whom::Oneself),
    "LowerHand Member": Command::LowerHand(Whom::Member(_)),
    "LowerHand Everyone": Command::LowerHand(Whom::Everyone),
    "Mute Oneself": Command::Mute(Whom::Oneself),
    "Mute Member": Command::Mute(Whom::Member(_)),
    "Mute Everyone": Command::Mute(Whom::Everyone),
    "Unmute Oneself": Command::Unmute(Whom::Oneself),
    "Unmute Member": Command::Unmute(Whom::Member(_)),
    "Unmute Everyone": Command::Unmute(Whom::Everyone),
    "Kick": Command::Kick(_),
    "Unkick": Command::Unkick(_),
    "Lock": Command::Lock,
    "Unlock": Command::Unlock,
    "StartAudience": Command::StartAudience,
    "EndAudience": Command::EndAudience,
    "Grant": Command::Grant(_),
    "Revoke": Command::Revoke(_),
    "Record": Command::Record,
    "StopRecording": Command::StopRecording,
    "Layout": Command::Layout(_),
    "StopScreen": Command::StopScreen,
    "End": Command::End,
    "Start": Command::Start,
    "Stay": Command::Stay,
    "EndStay": Command::EndStay,
});

names!(REPLIES, reply(Reply) {
    "Done": Reply::Done,
    "Help": Reply::Help,
    "Who": Reply::Who(_),
    "Invited": Reply::Invited { .. },
    "MayNotInvite": Reply::MayNotInvite { .. },
    "Denied NoConference": Reply::Denied(Denial::NoConference),
    "Denied NotInConference": Reply::Denied(Denial::NotInConference),
    "Denied NotAModerator": Reply::Denied(Denial::NotAModerator),
    "Denied NoSuchParticipant": Reply::Denied(Denial::NoSuchParticipant),
    "Denied TargetIsModerator": Reply::Denied(Denial::TargetIsModerator),
    "Denied MutedByModerator": Reply::Denied(Denial::MutedByModerator),
    "Denied Audience": Reply::Denied(Denial::Audience),
    "Denied NotStarted": Reply::Denied(Denial::NotStarted),
    "Denied NoRecordings": Reply::Denied(Denial::NoRecordings),
    "Denied NobodyToRecord": Reply::Denied(Denial::NobodyToRecord),
    "Denied NoScreen": Reply::Denied(Denial::NoScreen),
    "Denied GridTooMuch": Reply::Denied(Denial::GridTooMuch),
    "Denied StaysAnyhow": Reply::Denied(Denial::StaysAnyhow),
    "Denied TooManyStay": Reply::Denied(Denial::TooManyStay),
    "Denied NotAllowed": Reply::Denied(Denial::NotAllowed),
    "Denied NoFocusUser": Reply::Denied(Denial::NoFocusUser),
    "Denied NotNow": Reply::Denied(Denial::NotNow),
});

names!(VOICES, voice(Option<Silenced>) {
    "heard": None,
    "ByModerator": Some(Silenced::ByModerator),
    "Audience": Some(Silenced::Audience),
    "ByThemselves": Some(Silenced::ByThemselves),
});

names!(TIMERS, timer(TimerKind) {
    "InviteExpires": TimerKind::InviteExpires(_),
    "ConnectTimeout": TimerKind::ConnectTimeout(_),
    "ReconnectGrace": TimerKind::ReconnectGrace(_),
    "Recovery": TimerKind::Recovery(_),
    "MediaTimeout": TimerKind::MediaTimeout(_),
    "InvitationGrace": TimerKind::InvitationGrace(..),
    "Idle": TimerKind::Idle(..),
    "Linger": TimerKind::Linger(_),
    "Compare": TimerKind::Compare(_),
    "Announce": TimerKind::Announce(_),
    "Alone": TimerKind::Alone(_),
    "Picture": TimerKind::Picture(_),
    "Layout": TimerKind::Layout(_),
    "OfferAgain": TimerKind::OfferAgain(_),
    "BotAlone": TimerKind::BotAlone(_),
    "DirectIdle": TimerKind::DirectIdle(_),
    "LeaveAgain": TimerKind::LeaveAgain(_),
    "Forget": TimerKind::Forget,
});

/// All kinds, each with all its names. `done` are the commands that were carried out, of the others there are the denials.
const KNOWN: [(&str, &[&str]); 15] = [
    ("input", INPUTS),
    ("request", REQUESTS),
    ("media", MEDIA),
    ("news", NEWS),
    ("state", STATES),
    ("end", ENDS),
    ("refusal", REFUSALS),
    ("silence", SILENCES),
    ("command", COMMANDS),
    ("done", COMMANDS),
    ("reply", REPLIES),
    // Whoever muted or unmuted themselves knows, and is not told.
    ("voice notice", VOICES.split_at(3).0),
    ("deadline", TIMERS),
    ("steps with so many participants", PARTICIPANTS),
    ("steps with so many legs", LEGS),
];

const PARTICIPANTS: &[&str] = &["0", "1", "2", "3"];
const LEGS: &[&str] = &["0", "1", "2", "3", "4", "5 or more"];

impl Coverage {
    /// Counts an action.
    pub fn action(&mut self, name: &'static str) {
        self.add("action", name);
    }

    /// Counts what a turn showed.
    pub fn turn(&mut self, turn: &Turn, legs: usize) {
        if let Cause::Input(told) = &turn.cause {
            self.add("input", input(told));
            if let Input::Commanded { command: asked, .. } = told {
                self.add("command", command(asked));
            }
        }
        for effect in &turn.effects {
            match effect {
                Effect::Send { request, .. } => self.request(request),
                Effect::Media(command) => self.add("media", media(command)),
                Effect::Notify(event) => self.news(event),
            }
        }
        if let Some(deadline) = &turn.deadline {
            self.add("deadline", timer(&deadline.why));
        }
        let participants = turn.rolls.values().map(|roll| roll.total).max().unwrap_or_default();
        self.add("steps with so many participants", PARTICIPANTS[participants.min(3)]);
        self.add("steps with so many legs", LEGS[legs.min(5)]);
    }

    fn request(&mut self, sent: &SignalRequest) {
        self.add("request", request(sent));
        let SignalRequest::Notice { notice, .. } = sent else { return };
        match notice {
            Notice::Refused { why, .. } => self.add("refusal", refusal(why)),
            Notice::Voice { silenced, .. } => self.add("voice notice", voice(silenced)),
            Notice::Reply { command: asked, reply: replied, .. } => {
                self.add("reply", reply(replied));
                if !matches!(replied, Reply::Denied(_)) {
                    self.add("done", command(asked));
                }
            }
            Notice::RoomReplaced { .. } => self.add("refusal", "RoomReplaced"),
            Notice::Encrypted { .. }
            | Notice::GroupEncrypted { .. }
            | Notice::Ended { .. }
            | Notice::Joined { .. }
            | Notice::Welcome { .. }
            | Notice::Deaf { .. }
            | Notice::Began { .. }
            | Notice::Over { .. }
            | Notice::RecordingStarted { .. }
            | Notice::RecordingStopped { .. }
            | Notice::FellBack { .. }
            | Notice::Screen { .. } => {}
        }
    }

    fn news(&mut self, event: &ConferenceEvent) {
        self.add("news", news(event));
        match event {
            ConferenceEvent::Leg { state: new, .. } => {
                self.add("state", state(new));
                if let LegNews::Left(reason) = new {
                    self.add("end", end(reason));
                }
            }
            ConferenceEvent::CallIgnored { why, .. } => self.add("silence", silence(why)),
            ConferenceEvent::Opened { .. }
            | ConferenceEvent::Closed { .. }
            | ConferenceEvent::Standing { .. }
            | ConferenceEvent::Floor { .. }
            | ConferenceEvent::Recording { .. }
            | ConferenceEvent::ActiveSpeaker { .. }
            | ConferenceEvent::Pictures { .. }
            | ConferenceEvent::Level { .. }
            | ConferenceEvent::Quality { .. } => {}
        }
    }

    fn add(&mut self, kind: &'static str, name: &'static str) {
        *self.counts.entry((kind, name)).or_default() += 1;
    }

    /// Takes another history's counts in.
    pub fn merge(&mut self, other: &Self) {
        for (name, count) in &other.counts {
            *self.counts.entry(*name).or_default() += count;
        }
    }

    /// How often something was seen.
    #[must_use]
    pub fn count(&self, kind: &str, name: &str) -> u64 {
        self.counts.iter().find(|((of, is), _)| *of == kind && *is == name).map_or(0, |(_, count)| *count)
    }

    /// What was seen so often at most, never at all included, as kind, name and count.
    #[must_use]
    pub fn rare(&self, at_most: u64) -> Vec<(&'static str, &'static str, u64)> {
        let actions = KINDS.iter().map(|(name, _)| ("action", *name));
        let others = KNOWN.iter().flat_map(|(kind, names)| names.iter().map(move |name| (*kind, *name)));
        let counted = actions
            .chain(others)
            .map(|(kind, name)| (kind, name, self.counts.get(&(kind, name)).copied().unwrap_or_default()));
        counted.filter(|(_, _, count)| *count <= at_most).collect()
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut last = "";
        for ((kind, name), count) in &self.counts {
            if *kind != last {
                write!(f, "{}{kind}:", if last.is_empty() { "" } else { "\n" })?;
                last = kind;
            }
            write!(f, " {name} {count},")?;
        }
        Ok(())
    }
}
