//! When a picture belongs to the sound that we send: the clocks of a caller's streams, and what of its sound was played when.
//!
//! A caller's sound waits in its jitter buffer and goes through the mix, its picture goes on as it comes. Both have timestamps that the
//! caller's sender reports relate to one clock (RFC 3550 section 6.4.1). So a picture belongs to the moment at which the sound of its
//! own moment was, or will be, in the mix. Until these reports have come (browsers send those of sound every five seconds) sound and picture
//! are taken to be of one moment that come at one moment.

use std::time::{Duration, Instant};

use confocal_transport::{NtpTime, PictureLine, StreamKind};

/// How timestamps of pictures count, in Hz.
const PICTURES: u32 = 90_000;

/// What is further from now is the nonsense of a broken clock.
const LIMIT: Duration = Duration::from_secs(5);

/// Sound that was played longer ago tells nothing of what would be played now: its delay has been another since.
const KEPT: Duration = Duration::from_secs(30);

/// A timestamp and its moment.
type Mark<T> = Option<(u32, T)>;

/// The clocks of one caller.
#[derive(Debug, Default)]
pub(super) struct Lips {
    sound: Mark<NtpTime>,
    pictures: [Mark<NtpTime>; 2],
    played: Option<Played>,
}

/// The sound of a caller that was played last.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Played {
    /// Its RTP timestamp.
    pub(crate) timestamp: u32,
    /// At how many Hz such count.
    pub(crate) rate: u32,
    /// When it is sent in the mix.
    pub(crate) at: Instant,
    /// How long sound takes from its moment until then, beside what it takes to us.
    pub(crate) waits: Duration,
}

impl Lips {
    /// A sender report came.
    pub(super) const fn reported(&mut self, of: StreamKind, timestamp: u32, ntp: NtpTime) {
        match of {
            StreamKind::Sound => self.sound = Some((timestamp, ntp)),
            StreamKind::Picture(line) => self.pictures[line.index()] = Some((timestamp, ntp)),
        }
    }

    /// Sound was played.
    pub(super) const fn played(&mut self, played: Played) {
        self.played = Some(played);
    }

    /// The moment at which the sound of a picture that comes now is sent; `None` if nothing was played lately.
    pub(super) fn plays_at(&self, line: PictureLine, timestamp: u32, now: Instant) -> Option<Instant> {
        let played = self.played.filter(|played| now.saturating_duration_since(played.at) <= KEPT)?;
        self.by_clocks(played, line, timestamp, now).or_else(|| now.checked_add(played.waits))
    }

    /// As the caller's reports have it, if there are any and they make sense.
    fn by_clocks(&self, played: Played, line: PictureLine, timestamp: u32, now: Instant) -> Option<Instant> {
        let of_sound = moment(self.sound?, played.timestamp, played.rate);
        let of_picture = moment(self.pictures[line.index()]?, timestamp, PICTURES);
        let (ahead, at) = (of_picture - of_sound, played.at);
        let distance = Duration::from_micros(ahead.unsigned_abs());
        let moment = if ahead < 0 { at.checked_sub(distance) } else { at.checked_add(distance) }?;
        let off = moment.saturating_duration_since(now) + now.saturating_duration_since(moment);
        (off < LIMIT).then_some(moment)
    }
}

/// The moment of a timestamp, in microseconds on the caller's clock, by a mark near it.
fn moment((marked, NtpTime(ntp)): (u32, NtpTime), timestamp: u32, rate: u32) -> i64 {
    let since = i64::from(timestamp.wrapping_sub(marked) as i32) * 1_000_000 / i64::from(rate);
    // Seconds and fractions of 2^-32 of one; microseconds of 136 years fit well.
    let micros = ((u128::from(ntp) * 1_000_000) >> 32) as i64;
    micros + since
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A moment on the caller's clock.
    fn ntp(millis: u64) -> NtpTime {
        NtpTime((3_900_000_000 << 32) + ((millis << 32) / 1_000))
    }

    const WAITS: Duration = Duration::from_millis(70);

    const fn played(timestamp: u32, rate: u32, at: Instant) -> Played {
        Played { timestamp, rate, at, waits: WAITS }
    }

    #[test]
    fn a_picture_belongs_where_the_sound_of_its_moment_is_played() {
        let now = Instant::now();
        let mut lips = Lips::default();
        let line = PictureLine::Camera;
        assert_eq!(lips.plays_at(line, 0, now), None);
        // At 1 s of its clock the sound was at 48,000 and the picture at 9,000.
        lips.reported(StreamKind::Sound, 48_000, ntp(1_000));
        lips.reported(StreamKind::Picture(line), 9_000, ntp(1_000));
        assert_eq!(lips.plays_at(line, 0, now), None, "nothing was played yet");
        // The sound of 1.1 s is played now; the picture of 1.25 s came already.
        lips.played(played(48_000 + 4_800, 48_000, now));
        let at = lips.plays_at(line, 9_000 + 22_500, now).unwrap();
        assert!((at - now).abs_diff(Duration::from_millis(150)) < Duration::from_micros(10));
        // And that of 1.05 s is late.
        let at = lips.plays_at(line, 9_000 + 4_500, now).unwrap();
        assert!((now - at).abs_diff(Duration::from_millis(50)) < Duration::from_micros(10));
        assert_eq!(
            lips.plays_at(PictureLine::Screen, 0, now),
            Some(now + WAITS),
            "another line has another clock"
        );
    }

    #[test]
    fn telephones_count_slower_and_timestamps_wrap() {
        let now = Instant::now();
        let mut lips = Lips::default();
        lips.reported(StreamKind::Sound, u32::MAX - 799, ntp(0));
        lips.reported(StreamKind::Picture(PictureLine::Screen), u32::MAX - 8_999, ntp(0));
        lips.played(played(0, 8_000, now));
        let at = lips.plays_at(PictureLine::Screen, 0, now).unwrap();
        let off = at.saturating_duration_since(now) + now.saturating_duration_since(at);
        assert!(off < Duration::from_micros(10), "{off:?}");
    }

    #[test]
    fn nonsense_and_what_is_long_ago_are_not_believed() {
        let now = Instant::now();
        let mut lips = Lips::default();
        lips.reported(StreamKind::Sound, 0, ntp(0));
        lips.reported(StreamKind::Picture(PictureLine::Camera), 0, ntp(60_000));
        lips.played(played(0, 48_000, now));
        assert_eq!(lips.plays_at(PictureLine::Camera, 0, now), Some(now + WAITS));
        lips.reported(StreamKind::Picture(PictureLine::Camera), 0, ntp(0));
        assert_eq!(lips.plays_at(PictureLine::Camera, 0, now), Some(now));
        assert_eq!(lips.plays_at(PictureLine::Camera, 0, now + Duration::from_secs(31)), None);
    }
}
