//! What people read in the 1:1 room and in the group room: why a call was refused or ended, what a command led to, what to do next.
//!
//! When something is said never lives here, nor what people write to us.

mod replies;
mod room;

use std::borrow::Cow;

use confocal::conference::{EndReason, Notice, OfferRefusal, Refusal, RoomKey, Silenced};
use ruma_common::RoomId;

/// The words of a notice, one or two plain sentences; the reply to "who" has a line for each participant.
#[must_use]
pub fn notice(notice: &Notice) -> Cow<'static, str> {
    match notice {
        Notice::Refused { why, .. } => refusal(*why).into(),
        Notice::Encrypted { .. } => {
            "This chat is encrypted and I have no key to it, so I can't see a call that you \
             place here. Start a chat with me without encryption and call from there."
                .into()
        }
        Notice::GroupEncrypted { .. } => {
            "This room is encrypted, but its conference calls are not end-to-end: to mix the voices, the server that I run on \
             decrypts each call. What is written here stays encrypted, so I can't read commands in this room; \
             write them to me in our direct chat."
                .into()
        }
        Notice::Ended { why, .. } => end(*why).into(),
        Notice::RoomReplaced { by, .. } => replaced(by).into(),
        Notice::Joined { others, silenced, recorded_by, .. } => {
            room::joined(*others, *silenced, recorded_by.as_ref()).into()
        }
        Notice::Welcome { focus, encrypted, .. } => room::welcome(focus.as_ref(), *encrypted).into(),
        Notice::Deaf { .. } => {
            "This room is encrypted now and I have no key to it, so I can't read what you ask me here. \
             Its conference can be called as before."
                .into()
        }
        Notice::Began { by, .. } => room::began(by).into(),
        Notice::Over { lasted, .. } => room::over(*lasted).into(),
        Notice::RecordingStarted { by, .. } => room::recording_started(by).into(),
        Notice::RecordingStopped { why, .. } => room::recording_stopped(why).into(),
        Notice::FellBack { .. } => room::FELL_BACK.into(),
        Notice::Screen { notice, .. } => room::screen(notice),
        Notice::Voice { silenced, .. } => voice(*silenced).into(),
        Notice::Reply { command, reply, .. } => replies::reply(command, reply),
    }
}

fn replaced(by: &RoomKey) -> String {
    let link = RoomId::parse(by.as_str()).map(|room| room.matrix_to_uri().to_string());
    format!(
        "The room this conference belongs to was upgraded, and the conference goes on in the new room: {}. \
         Join it, then call the conference user there.",
        link.unwrap_or_else(|_| by.to_string())
    )
}

const fn voice(silenced: Option<Silenced>) -> &'static str {
    match silenced {
        None => "You can be heard now.",
        Some(Silenced::ByThemselves) => "You have muted yourself, so nobody hears you.",
        Some(Silenced::ByModerator) => {
            "A moderator has muted you, so nobody hears you at the moment. You still hear the others."
        }
        Some(Silenced::Audience) => {
            "This conference has an audience, and you are part of it: you hear the others, and they don't hear you. \
             Raise your hand to be given the word."
        }
    }
}

const fn refusal(why: Refusal) -> &'static str {
    match why {
        Refusal::NotAMember => {
            "You are not a member of the room this conference belongs to. Join the room, then call again."
        }
        Refusal::FocusNotInvited => {
            "I can't enter the room this conference belongs to. Invite me there (or ask someone who may), then call again."
        }
        Refusal::RoomNotDirect => {
            "There are other people in this room, and I take calls only in a room that we two have to ourselves. \
             Start a direct chat with me and call from there."
        }
        Refusal::Ambiguous => {
            "There is more than one conference user in this room, and your call does not say which one it is for. \
             Start a direct chat with one of us and call from there."
        }
        Refusal::NotAllowed => {
            "Whoever runs this conference server does not let you take part in its conferences. \
             If you think that is a mistake, ask them."
        }
        Refusal::Kicked => {
            "A moderator has removed you from this conference. You can call again later, or when a moderator lets you in."
        }
        Refusal::Locked => {
            "This conference is locked, so nobody new can come in. Ask a moderator to unlock it, then call again."
        }
        Refusal::RoomReplaced => {
            "The room this conference belongs to was upgraded. Join the new room and call its conference user."
        }
        Refusal::RoomEncrypted => {
            "The room this conference belongs to is encrypted, and whoever runs this conference server lets no calls of \
             encrypted rooms be decrypted here, without which I can't mix them."
        }
        Refusal::Full => "This conference is full at the moment. Please try again later.",
        Refusal::Busy => {
            "There are as many conferences on this server as there can be. Please try again later."
        }
        Refusal::TooManyCalls => {
            "You have as many calls as one person may have. End one of them, then call again."
        }
        Refusal::ServerFull => {
            "As many people of your homeserver are in conferences here as may be. Please try again later."
        }
        Refusal::Offer(refusal) => offer(refusal),
        Refusal::Unknown => {
            "I could not find out whether you are a member of the room this conference belongs to. \
             Please call again in a minute."
        }
    }
}

const fn offer(refusal: OfferRefusal) -> &'static str {
    match refusal {
        OfferRefusal::Malformed => {
            "I could not read what your app sent to set up the call. Please try another app, and tell its makers."
        }
        OfferRefusal::TooLarge => {
            "What your app sent to set up the call is too large for me. Please try a plain voice call."
        }
        OfferRefusal::NoAudio => {
            "Your call has no sound. Allow your app to use a microphone, then call again."
        }
        OfferRefusal::NoCommonCodec => {
            "Your app and I have no sound format in common (I know Opus). Please try another app."
        }
        OfferRefusal::NoFingerprint => {
            "Your app did not offer an encrypted call, and I take no others. Please try another app."
        }
        OfferRefusal::NoBundle => {
            "Your app wants a connection of its own for each stream, which I don't do. \
             Please try a plain voice call, or another app."
        }
        OfferRefusal::Overloaded => {
            "The conference server is at its limit and can't take your call. Please try again later."
        }
        OfferRefusal::Internal => {
            "Something went wrong on my side while I set up your call. Please call again; if it keeps happening, \
             tell whoever runs this server."
        }
    }
}

const fn end(why: EndReason) -> &'static str {
    match why {
        EndReason::CallerHungUp => "You hung up. Call again whenever you like.",
        EndReason::AnsweredElsewhere => {
            "Your call was answered elsewhere. Call again to join the conference."
        }
        EndReason::LeftGroup => {
            "You are no longer in the room this conference belongs to, so your call has ended. \
             Join the room again, then call again."
        }
        EndReason::LeftDirect => {
            "You left this room, so your call has ended. Start a direct chat with me to call again."
        }
        EndReason::FocusRemoved => {
            "I was removed from the room this conference belongs to, so the conference is over. \
             Invite me there again to start a new one."
        }
        EndReason::FocusRemovedFromDirect => {
            "I was removed from this room, so your call has ended. Start a direct chat with me to call again."
        }
        EndReason::Replaced => {
            "You called again, so your earlier call has ended. If that was not you, look through your sessions."
        }
        EndReason::NeverConnected => {
            "Your call could not be connected: no sound came through between us. \
             Try again, perhaps from another network."
        }
        EndReason::MediaLost => {
            "The connection of your call was lost and did not come back. Please call again."
        }
        EndReason::Restarted => {
            "The conference server was restarted, which ended your call. Please call again."
        }
        EndReason::NoMedia => {
            "Nothing came from your app for a while, no sound and no sign of life, so your call has ended. \
             Check that your app may use the microphone, then call again."
        }
        EndReason::Kicked => "A moderator has removed you from the conference.",
        EndReason::Ended => "A moderator has ended the conference for everyone.",
        EndReason::Expired => "Your call rang too long before I could answer it. Please call again.",
        EndReason::Refused(why) => refusal(why),
        EndReason::AnswerUndeliverable => {
            "I answered your call, but the answer could not be delivered here. Please call again; if it keeps happening, \
             check that I may send messages in this room."
        }
        EndReason::Renegotiation(_) => {
            "I could not follow a change to your call (as of video, hold or screen sharing), so it has ended. \
             Please call again."
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use confocal::conference::RoomKey;
    use std::collections::BTreeSet;

    use confocal::conference::{RecordingEnd, RecordingFailure, ScreenNotice};

    const OFFERS: [OfferRefusal; 8] = [
        OfferRefusal::Malformed,
        OfferRefusal::TooLarge,
        OfferRefusal::NoAudio,
        OfferRefusal::NoCommonCodec,
        OfferRefusal::NoFingerprint,
        OfferRefusal::NoBundle,
        OfferRefusal::Overloaded,
        OfferRefusal::Internal,
    ];

    fn refusals() -> Vec<Refusal> {
        use Refusal::{
            Ambiguous, Busy, FocusNotInvited, Full, Kicked, Locked, NotAMember, NotAllowed, RoomEncrypted,
            RoomNotDirect, RoomReplaced, ServerFull, TooManyCalls, Unknown,
        };
        let mut all = vec![
            NotAMember,
            FocusNotInvited,
            RoomNotDirect,
            Ambiguous,
            NotAllowed,
            Kicked,
            Locked,
            RoomReplaced,
            RoomEncrypted,
            Full,
            Busy,
            TooManyCalls,
            ServerFull,
            Unknown,
        ];
        all.extend(OFFERS.map(Refusal::Offer));
        all
    }

    fn ends() -> Vec<EndReason> {
        use EndReason::{
            AnswerUndeliverable, AnsweredElsewhere, CallerHungUp, Ended, Expired, FocusRemoved,
            FocusRemovedFromDirect, Kicked, LeftDirect, LeftGroup, MediaLost, NeverConnected, NoMedia,
            Renegotiation, Replaced, Restarted,
        };
        vec![
            CallerHungUp,
            AnsweredElsewhere,
            LeftGroup,
            LeftDirect,
            FocusRemoved,
            FocusRemovedFromDirect,
            Replaced,
            NeverConnected,
            MediaLost,
            Restarted,
            NoMedia,
            Kicked,
            Ended,
            Expired,
            AnswerUndeliverable,
            Renegotiation(OfferRefusal::Malformed),
        ]
    }

    #[test]
    fn every_reason_has_words_of_its_own() {
        let group = RoomKey::from("!group:hs.test");
        let mut seen = BTreeSet::new();
        let refused = refusals().into_iter().map(|why| Notice::Refused { why, group: group.clone() });
        let ended = ends().into_iter().map(|why| Notice::Ended { why, group: group.clone() });
        let silenced =
            [None, Some(Silenced::ByThemselves), Some(Silenced::ByModerator), Some(Silenced::Audience)];
        let voices = silenced.map(|silenced| Notice::Voice { silenced, group: group.clone() });
        let stopped = |why| Notice::RecordingStopped { group: group.clone(), why };
        let screen = |notice| Notice::Screen { notice, group: group.clone() };
        let others = [
            Notice::Encrypted { group: group.clone() },
            Notice::GroupEncrypted { group: group.clone() },
            Notice::Joined { group: group.clone(), others: 0, silenced: None, recorded_by: None },
            Notice::Joined { group: group.clone(), others: 1, silenced: None, recorded_by: None },
            Notice::Joined { group: group.clone(), others: 2, silenced: None, recorded_by: None },
            Notice::Joined {
                group: group.clone(),
                others: 2,
                silenced: Some(Silenced::Audience),
                recorded_by: None,
            },
            Notice::Welcome { group: group.clone(), focus: Some("@conf_x:hs.test".into()), encrypted: false },
            Notice::Welcome { group: group.clone(), focus: Some("@conf_x:hs.test".into()), encrypted: true },
            Notice::Welcome { group: group.clone(), focus: None, encrypted: false },
            Notice::Deaf { group: group.clone() },
            Notice::Began { group: group.clone(), by: "@anna:hs.test".into() },
            Notice::Over { group: group.clone(), lasted: confocal::conference::Millis(125_000) },
            Notice::RoomReplaced { group: group.clone(), by: "!new:hs.test".into() },
            Notice::Joined {
                group: group.clone(),
                others: 2,
                silenced: None,
                recorded_by: Some("@anna:hs.test".into()),
            },
            Notice::RecordingStarted { group: group.clone(), by: "@anna:hs.test".into() },
            stopped(RecordingEnd::StoppedBy("@anna:hs.test".into())),
            Notice::FellBack { group: group.clone() },
            screen(ScreenNotice::Waits { by: "@anna:hs.test".into() }),
            screen(ScreenNotice::Shown),
            screen(ScreenNotice::Audience),
            screen(ScreenNotice::Stopped),
            stopped(RecordingEnd::Empty),
            stopped(RecordingEnd::Restarted),
            stopped(RecordingEnd::Failed(RecordingFailure::NoPlace)),
            stopped(RecordingEnd::Failed(RecordingFailure::NotWritable)),
            stopped(RecordingEnd::Failed(RecordingFailure::DiskFull)),
            stopped(RecordingEnd::Failed(RecordingFailure::Internal)),
        ];
        for case in refused.chain(ended).chain(voices).chain(others) {
            let words = notice(&case);
            assert!(words.len() > 20 && words.ends_with('.'), "{words}");
            assert!(!words.contains("  "), "{words}");
            assert!(seen.insert(words.to_string()), "said twice: {words}");
        }
        assert_eq!(seen.len(), 69);
    }

    #[test]
    fn a_call_that_ended_by_refusal_says_the_same() {
        let group = RoomKey::from("!group:hs.test");
        for why in refusals() {
            assert_eq!(
                notice(&Notice::Ended { why: EndReason::Refused(why), group: group.clone() }),
                notice(&Notice::Refused { why, group: group.clone() }),
            );
        }
    }

    #[test]
    fn a_room_that_was_replaced_is_linked_to() {
        let words = |by: &str| notice(&Notice::RoomReplaced { group: "!old:hs.test".into(), by: by.into() });
        assert!(
            words("!new:hs.test").contains(": https://matrix.to/#/!new:hs.test. "),
            "{}",
            words("!new:hs.test")
        );
        assert!(words("no room").contains(": no room. "));
    }
}
