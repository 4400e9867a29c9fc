//! Commands to the media engine.
//!
//! What the engine reports never lives here (`input.rs`), nor how a command is carried out.

use alloc::sync::Arc;
use alloc::vec::Vec;

use crate::call::{Candidate, Sdp, SessionMemo, StreamMetadata};
use crate::id::{ConferenceId, Generation, LegId, OfferNumber, ParticipantId, RecordingId};
use crate::picture::View;
use crate::sound::{Audience, Sound};

/// A command to the media engine. Commands of one leg are done in order, and so are those of one recording.
#[derive(Clone, Debug, PartialEq)]
pub enum MediaCommand {
    /// Set up media for a leg and answer its offer.
    Open {
        /// The leg.
        leg: LegId,
        /// Its session; later commands and all reports carry it.
        generation: Generation,
        /// Where its sound goes.
        conference: ConferenceId,
        /// Whose voice it is: no leg hears a leg of the same participant.
        participant: ParticipantId,
        /// The number of the offer, which comes back with its answer.
        number: OfferNumber,
        /// The caller's offer.
        offer: Sdp,
        /// What the caller's streams are for, where it says.
        theirs: Option<StreamMetadata>,
        /// What the participant is called in pictures: 64 characters at most, none of them a control character.
        name: Arc<str>,
        /// What was to be kept of the session whose place it takes, if there was one: the caller should notice as little of the
        /// change as possible.
        memo: Option<SessionMemo>,
    },
    /// Answer a changed offer of a running leg. One that comes while another is being answered takes its place.
    Renegotiate {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// The number of the offer, which comes back with its answer.
        number: OfferNumber,
        /// The new offer.
        offer: Sdp,
        /// What the caller's streams are for, where it says.
        theirs: Option<StreamMetadata>,
    },
    /// Set up media for a leg whose session was lost and make an offer; answered by
    /// [`MediaReport::OfferReady`](crate::MediaReport::OfferReady), or by
    /// [`NoOffer`](crate::MediaReport::NoOffer) from an engine that can't.
    Offer {
        /// The leg.
        leg: LegId,
        /// Its session; later commands and all reports carry it.
        generation: Generation,
        /// Where its sound goes.
        conference: ConferenceId,
        /// Whose voice it is.
        participant: ParticipantId,
        /// The number of the offer, which comes back with it.
        number: OfferNumber,
        /// What the caller's streams are for, where it says.
        theirs: Option<StreamMetadata>,
        /// As in `Open`.
        name: Arc<str>,
        /// What was to be kept of the session; `None` where it was lost before any was told.
        memo: Option<SessionMemo>,
    },
    /// Offer a change of a running leg: a second line of pictures, for a screen, is to be there, or no longer. Answered by
    /// [`MediaReport::OfferReady`](crate::MediaReport::OfferReady), or by [`NoOffer`](crate::MediaReport::NoOffer), after which
    /// the session goes on as it was. An offer of the caller's that comes before the answer takes its place: ours is taken back
    /// (the polite side of <https://www.w3.org/TR/webrtc/#perfect-negotiation-example>).
    OfferAgain {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// The number of the offer, which comes back with it.
        number: OfferNumber,
        /// The line is there, and sends (`a=sendonly`, in a stream of its own); else it is off (`a=inactive`, without a
        /// stream), and kept for the next screen: a line can't leave a description.
        screen: bool,
    },
    /// What the caller says now of its streams (`m.call.sdp_stream_metadata_changed`): its camera or microphone went off or on.
    Describe {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// All of it, in place of what it said before.
        theirs: StreamMetadata,
    },
    /// What is shown in a conference: said before the first of its sessions is opened, and whenever it changes. Where nobody
    /// is, nothing happens.
    Show {
        /// Which.
        conference: ConferenceId,
        /// What.
        view: View,
    },
    /// The caller's answer to our offer, the last one that was made.
    Accept {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// The answer.
        answer: Sdp,
    },
    /// Whether a leg's sound goes into the mix. It does, until this says otherwise.
    SetHeard {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// It is heard.
        heard: bool,
    },
    /// More of the caller's candidates.
    AddCandidates {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
        /// The candidates.
        candidates: Vec<Candidate>,
    },
    /// Play a sound, besides all else that is heard. Where nobody is, nothing happens.
    Play {
        /// Where.
        conference: ConferenceId,
        /// To whom.
        to: Audience,
        /// What.
        sound: Sound,
    },
    /// Record a conference, all voices in it, until [`StopRecording`](Self::StopRecording). One that fails is told by
    /// [`MediaReport::RecordingFailed`](crate::MediaReport::RecordingFailed).
    Record {
        /// Which.
        conference: ConferenceId,
        /// Names the recording.
        recording: RecordingId,
    },
    /// Record it no more.
    StopRecording {
        /// Which.
        conference: ConferenceId,
        /// The recording; of another one nothing happens.
        recording: RecordingId,
    },
    /// End a leg's media at once. No report comes after it.
    Close {
        /// The leg.
        leg: LegId,
        /// Its session.
        generation: Generation,
    },
}
