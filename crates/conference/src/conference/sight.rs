//! Callers are told whether there is anything to see: by that their clients show the picture, or a face or a name in its place.
//!
//! What is shown never lives here, see `pictures.rs`.

use serde::{Deserialize, Serialize};

use super::Conference;
use crate::call::{CallVersion, StreamMetadata, StreamPurpose};
use crate::core::Core;
use crate::effect::SignalRequest;
use crate::id::ParticipantId;
use crate::leg::Leg;
use crate::picture::{Layout, View};
use crate::time::{Millis, Timestamp};

/// The least time between two such words in one conference, as each is an event for everyone in it; and so long must the last picture have
/// been gone: one that is back at once, as after a restart, was not missed.
const APART: Millis = Millis::from_secs(5);

/// How long such a word is of use.
const OF_USE: Millis = Millis::from_secs(300);

/// For whom there is something to see.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Sight {
    /// For all, or for nobody.
    any: bool,
    /// But not for this one, whose own picture is all that there is.
    but: Option<ParticipantId>,
}

impl Sight {
    const NONE: Self = Self { any: false, but: None };
    const ALL: Self = Self { any: true, but: None };

    fn of(self, who: ParticipantId) -> bool {
        self.any && self.but != Some(who)
    }

    /// Somebody has something to see, and would not have by the other.
    fn loses_by(self, other: Self) -> bool {
        self.any && (!other.any || other.but.is_some() && other.but != self.but)
    }
}

/// What there is to see and what was told of it; part of the conference's record.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct SightTold {
    told: Sight,
    /// When it was told; `None`: at the beginning.
    at: Option<Timestamp>,
    /// What there is, and since when.
    seen: Sight,
    since: Option<Timestamp>,
}

impl SightTold {
    /// Of a conference that begins.
    pub(super) const fn new() -> Self {
        Self { told: Sight::NONE, at: None, seen: Sight::NONE, since: None }
    }

    /// Of a record of before anyone was told: all were told at the beginning of their calls that there is something.
    pub(super) const fn before() -> Self {
        Self { told: Sight::ALL, at: None, seen: Sight::ALL, since: None }
    }

    /// When what there is may be told, if that was not done and something was just before.
    pub(super) fn due(&self) -> Option<Timestamp> {
        let gone = self.since.filter(|_| self.told.loses_by(self.seen));
        self.at.max(gone).filter(|_| self.told != self.seen).map(|at| at + APART)
    }

    /// Notes what our streams in a call are for, and gives it back as the caller is to be told: with what all were told last of there
    /// being something to see.
    pub(super) fn describe(&self, leg: &mut Leg, streams: StreamMetadata) -> StreamMetadata {
        let told = self.as_told(leg.participant, &streams);
        leg.ours = Some(streams);
        told
    }

    fn as_told(&self, who: ParticipantId, streams: &StreamMetadata) -> StreamMetadata {
        let mut streams = streams.clone();
        let dark = !self.told.of(who);
        for stream in streams.values_mut().filter(|stream| stream.purpose == StreamPurpose::UserMedia) {
            stream.video_muted |= dark;
        }
        streams
    }
}

impl Conference {
    /// Tells callers what has changed for them, if it is time. The moment when it will be is given back otherwise.
    pub(super) fn tell_sight(&mut self, view: &View, core: &mut Core) -> Option<Timestamp> {
        let seen = self.sight(view);
        if seen != self.sight.seen {
            (self.sight.seen, self.sight.since) = (seen, Some(core.now));
            self.changed(core);
        }
        if seen == self.sight.told {
            return None;
        }
        if let Some(due) = self.sight.due().filter(|due| *due > core.now) {
            return Some(due);
        }
        let before = core::mem::replace(&mut self.sight.told, seen);
        self.sight.at = Some(core.now);
        self.changed(core);
        for leg in self.legs.values() {
            let who = leg.participant;
            let Some(ours) = leg.ours.as_ref().filter(|_| is_told(leg)) else { continue };
            if before.of(who) != seen.of(who) {
                let streams = self.sight.as_told(who, ours);
                let (to, expires) = (leg.address(), core.now + OF_USE);
                core.send(SignalRequest::DescribeStreams { to, streams, expires });
            }
        }
        None
    }

    fn sight(&self, view: &View) -> Sight {
        if view.layout == Layout::Grid {
            return Sight::ALL;
        }
        let sharer = view.screen.and_then(|leg| Some(self.legs.get(&leg)?.participant));
        let mut sources = view.speaker.iter().chain(&view.before).copied().chain(sharer);
        let Some(first) = sources.next() else { return Sight::NONE };
        let but = sources.all(|other| other == first).then_some(first);
        Sight { any: true, but }
    }
}

/// It can be told, if its client describes streams (`ours`), and would show it.
const fn is_told(leg: &Leg) -> bool {
    matches!(leg.version, CallVersion::V1) && leg.is_answered() && leg.agreed.pictures
}
