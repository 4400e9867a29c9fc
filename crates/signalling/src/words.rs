//! What a person reads in the 1:1 room: why a call was refused or ended, and what to do next.
//!
//! When something is said never lives here.

use confocal::conference::{EndReason, Notice, OfferRefusal, Refusal};

/// The words of a notice, one or two plain sentences.
#[must_use]
pub const fn notice(notice: &Notice) -> &'static str {
    match notice {
        Notice::Refused { why, .. } => refusal(*why),
        Notice::Encrypted { .. } => {
            "This chat is encrypted and I have no key to it, so I can't see a call that you place here. \
             Start a chat with me without encryption and call from there."
        }
        Notice::Ended { why, .. } => end(*why),
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
        Refusal::Full => "There is no free place for your call at the moment. Please try again later.",
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
        use Refusal::{Ambiguous, FocusNotInvited, Full, NotAMember, RoomNotDirect, Unknown};
        let mut all = vec![NotAMember, FocusNotInvited, RoomNotDirect, Ambiguous, Full, Unknown];
        all.extend(OFFERS.map(Refusal::Offer));
        all
    }

    fn ends() -> Vec<EndReason> {
        use EndReason::{
            AnswerUndeliverable, AnsweredElsewhere, CallerHungUp, Expired, FocusRemoved,
            FocusRemovedFromDirect, LeftDirect, LeftGroup, MediaLost, NeverConnected, Renegotiation,
            Replaced, Restarted,
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
        for case in refused.chain(ended) {
            let words = notice(&case);
            assert!(words.len() > 20 && words.ends_with('.'), "{words}");
            assert!(!words.contains("  "), "{words}");
            assert!(seen.insert(words), "said twice: {words}");
        }
        assert_eq!(seen.len(), 27);
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
}
