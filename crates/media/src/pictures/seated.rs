//! One leg in a conference of pictures: its lines, what it says of itself, and how it is seen in a composed picture.
//!
//! Who sees whom never lives here.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use confocal::conference::{LegId, ParticipantId};
use confocal_transport::{LinkId, PictureLine, PictureStats};
use confocal_video::{Tier, TierChoice};

use super::lips::Lips;
use super::sender::{Allowance, Sender};
use super::viewer::Viewer;
use super::{LineTerms, PictureLines};

/// Who pauses for less still speaks, to the eye.
const PAUSE: Duration = Duration::from_millis(600);

/// What a caller is sent of a composed picture at first: it has told nothing of what it can take.
const FIRST: Tier = Tier::Medium;

/// What a caller thinks that it can take grows with what it is sent, from a guess of 300 kbit/s in browsers: before that time it says more
/// about the guess than about the way.
const GUESSING: Duration = Duration::from_secs(5);

/// A leg as it comes in.
#[derive(Debug)]
pub(crate) struct PictureSeat {
    pub(crate) leg: LegId,
    pub(crate) participant: ParticipantId,
    /// What it is called in pictures.
    pub(crate) name: Arc<str>,
    pub(crate) link: LinkId,
    /// Whether others hear it; may change at any time.
    pub(crate) heard: Arc<AtomicBool>,
    pub(crate) lines: PictureLines,
}

/// A leg in its conference.
#[derive(Debug)]
pub(super) struct Seated {
    pub(super) seat: PictureSeat,
    pub(super) senders: [Sender; 2],
    pub(super) viewers: [Option<Viewer>; 2],
    /// What it says that it can take, in bits a second.
    pub(super) estimate: Option<u64>,
    pub(super) allowance: Allowance,
    pub(super) lips: Lips,
    /// Which size of a composed picture it is sent.
    pub(super) tier: TierChoice,
    /// What it was sent and what it missed when that was looked at last.
    looked: Option<Duration>,
    /// Since when it is sent a composed picture.
    since: Duration,
    sent_bytes: u64,
    sent_bits: u64,
    told_missed: u64,
    /// When its voice was heard last.
    spoke: Option<Duration>,
    /// Whether it was taken to speak when that was looked at last.
    was_speaking: bool,
}

impl Seated {
    /// In a conference in which nothing larger than `top` is composed.
    pub(super) fn new(seat: PictureSeat, top: Tier, now: Duration) -> Self {
        let mut tier = TierChoice::new(FIRST);
        tier.allow(top, now);
        Self {
            seat,
            senders: Default::default(),
            viewers: [None, None],
            estimate: None,
            allowance: Allowance::default(),
            lips: Lips::default(),
            tier,
            looked: None,
            since: now,
            sent_bytes: 0,
            sent_bits: 0,
            told_missed: 0,
            spoke: None,
            was_speaking: false,
        }
    }

    /// What it sends on a line that may be shown.
    pub(super) fn shows(&self, line: PictureLine, now: Duration) -> Option<&LineTerms> {
        let terms =
            self.seat.lines.line(line).filter(|line| line.terms.direction.receives() && !line.muted)?;
        self.senders.get(line.index())?.is_live(now).then_some(terms)
    }

    pub(super) fn sender_mut(&mut self, line: PictureLine) -> Option<&mut Sender> {
        self.senders.get_mut(line.index())
    }

    /// It can be sent pictures on that line.
    pub(super) fn can_watch(&self, line: PictureLine) -> bool {
        self.seat.lines.line(line).is_some_and(|line| line.terms.direction.sends())
    }

    /// Its lines on which it is sent pictures now.
    pub(super) fn watched(&self) -> u64 {
        self.viewers.iter().flatten().filter(|viewer| viewer.wanted().is_some()).count() as u64
    }

    /// Others don't hear it, by its own doing or not.
    pub(super) fn is_muted(&self) -> bool {
        self.seat.lines.silent || !self.seat.heard.load(Ordering::Relaxed)
    }

    pub(super) const fn is_speaking(&self) -> bool {
        self.was_speaking
    }

    /// Its voice is heard.
    pub(super) const fn speaks(&mut self, now: Duration) {
        self.spoke = Some(now);
    }

    /// Looks whether it speaks; whether that is news.
    pub(super) fn look_who_speaks(&mut self, now: Duration) -> bool {
        let speaks = self.spoke.is_some_and(|spoke| now.saturating_sub(spoke) < PAUSE);
        std::mem::replace(&mut self.was_speaking, speaks) != speaks
    }

    /// Looks which size of a composed picture it can take, by what has passed in the `period` since that was last done; whether it is
    /// another.
    pub(super) fn look_at_tier(&mut self, stats: &PictureStats, period: Duration, now: Duration) -> bool {
        let before = self.tier.tier();
        if self.looked.replace(now).is_none_or(|looked| now.saturating_sub(looked) > period * 2) {
            self.since = now;
        }
        let bytes =
            stats.sent_bytes.saturating_sub(std::mem::replace(&mut self.sent_bytes, stats.sent_bytes));
        let bits = bytes.saturating_mul(8_000) / (period.as_millis() as u64).max(1);
        self.sent_bits = u64::midpoint(self.sent_bits, bits);
        let lines = self.watched().max(1);
        if let Some(estimate) = self.estimate.filter(|_| now.saturating_sub(self.since) >= GUESSING) {
            self.tier.estimated(estimate / lines, self.sent_bits / lines, now);
        }
        if stats.told_missed != self.told_missed {
            self.told_missed = stats.told_missed;
            self.tier.lost(stats.missed.unwrap_or(0), now);
        }
        self.tier.tier() != before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seated() -> Seated {
        let seat = PictureSeat {
            leg: LegId(1),
            participant: ParticipantId(1),
            name: Arc::from("Anna"),
            link: LinkId(1),
            heard: Arc::new(AtomicBool::new(true)),
            lines: PictureLines::default(),
        };
        Seated::new(seat, Tier::High, Duration::ZERO)
    }

    #[test]
    fn a_pause_between_words_is_no_end() {
        let mut seated = seated();
        let at = Duration::from_millis;
        assert!(!seated.look_who_speaks(at(0)));
        seated.speaks(at(1_000));
        assert!(seated.look_who_speaks(at(1_000)) && seated.is_speaking());
        assert!(!seated.look_who_speaks(at(1_599)));
        assert!(seated.look_who_speaks(at(1_600)) && !seated.is_speaking());
    }

    #[test]
    fn whoever_is_muted_by_whomever_is_not_heard() {
        let mut seated = seated();
        assert!(!seated.is_muted());
        seated.seat.heard.store(false, Ordering::Relaxed);
        assert!(seated.is_muted());
        seated.seat.heard.store(true, Ordering::Relaxed);
        seated.seat.lines.silent = true;
        assert!(seated.is_muted());
    }

    #[test]
    fn the_size_follows_what_can_be_taken() {
        let mut seated = seated();
        let period = Duration::from_millis(500);
        let mut stats = PictureStats::default();
        let mut now = Duration::ZERO;
        let mut go_on = |seated: &mut Seated, estimate: u64, sent: u64, halves: u32| {
            seated.estimate = Some(estimate);
            let mut changes = 0;
            for _ in 0..halves {
                now += period;
                stats.sent_bytes += sent / 16;
                changes += u32::from(seated.look_at_tier(&stats, period, now));
            }
            (changes, seated.tier.tier())
        };
        assert_eq!(go_on(&mut seated, 300_000, 500_000, 9), (0, Tier::Medium), "the guess at the beginning");
        assert_eq!(go_on(&mut seated, 2_000_000, 500_000, 30), (1, Tier::High));
        assert_eq!(go_on(&mut seated, 300_000, 1_200_000, 6), (1, Tier::Low));
    }
}
