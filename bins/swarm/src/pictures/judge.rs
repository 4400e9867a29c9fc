//! What one receiver saw in a window of time, judged: pictures that are missing or late, and how long nothing moved. Pure arithmetic on
//! what was noted.

use std::ops::Range;
use std::time::Duration;

use super::watch::Note;

/// A picture that comes so much after the fastest one, by the media clock, is late.
pub const LATE: Duration = Duration::from_millis(100);
/// Nothing for longer than that is a freeze.
pub const FREEZE: Duration = Duration::from_millis(500);

/// What a receiver saw.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Pictures that it should have seen.
    pub due: u64,
    /// Those that came, whole and with all that they need.
    pub came: u64,
    /// Of those, how many were [`LATE`].
    pub late: u64,
    /// How often nothing came for longer than [`FREEZE`].
    pub freezes: u64,
    /// How long that was together, in µs.
    pub frozen: i64,
    /// The longest time without a picture, in µs.
    pub longest: i64,
}

/// Judges what came in `window` (µs); a picture is due each `every`. Pictures are placed by the media clock, as frames of sound are, so
/// what follows the window may be late without being missing.
#[must_use]
pub fn judge<'a>(
    notes: impl Iterator<Item = &'a Note> + Clone,
    window: &Range<i64>,
    every: Duration,
) -> Seen {
    let every = i64::try_from(every.as_micros()).unwrap_or(i64::MAX).max(1);
    let length = window.end - window.start;
    let mut seen = Seen { due: (length / every).unsigned_abs(), longest: length, ..Seen::default() };
    let notes = notes.filter(|note| note.at >= window.start);
    let timed = unwrapped(notes.clone());
    let Some(base) = timed.clone().map(|(at, time)| at - time).min() else {
        seen.freezes = 1;
        seen.frozen = length;
        return seen;
    };
    // The places of pictures on the media clock, the first one's being 0; those are in the window that should come within it.
    let first = -(base - window.start).div_euclid(every);
    let last = -(base - window.end).div_euclid(every);
    let mut came = vec![false; usize::try_from(last - first).unwrap_or_default()];
    seen.due = came.len() as u64;
    for (at, time) in timed {
        let place = (time + every / 2).div_euclid(every) - first;
        let Some(mark) = usize::try_from(place).ok().and_then(|place| came.get_mut(place)) else { continue };
        if !std::mem::replace(mark, true) {
            seen.came += 1;
            seen.late += u64::from(at - time - base > micros(LATE));
        }
    }
    let mut before = window.start;
    seen.longest = 0;
    let ends = notes.map(|note| note.at).filter(|at| *at < window.end);
    for at in ends.chain([window.end]) {
        let gap = at - before;
        seen.longest = seen.longest.max(gap);
        if gap > micros(FREEZE) {
            seen.freezes += 1;
            seen.frozen += gap;
        }
        before = at;
    }
    seen
}

/// How long after each of `moments` (µs, in order) a receiver first saw the one who is meant, of whom `changes` tells when it began to see
/// whom; `None` where it did not before the next moment.
#[must_use]
pub fn shown_after(moments: &[(i64, usize)], changes: &[(i64, usize)]) -> Vec<Option<i64>> {
    let ends = moments.iter().skip(1).map(|(at, _)| *at).chain([i64::MAX]);
    let of = |((from, who), end): (&(i64, usize), i64)| {
        let mut within = changes.iter().filter(|(at, _)| (*from..end).contains(at));
        within.find(|(_, shown)| shown == who).map(|(at, _)| at - from)
    };
    moments.iter().zip(ends).map(of).collect()
}

/// When each came, and its time on the media clock, in µs, the first one's being 0.
fn unwrapped<'a>(notes: impl Iterator<Item = &'a Note> + Clone) -> impl Iterator<Item = (i64, i64)> + Clone {
    let mut before: Option<(u32, i64)> = None;
    notes.map(move |note| {
        let time = before.map_or(0, |(timestamp, time)| {
            time + i64::from(note.timestamp.wrapping_sub(timestamp).cast_signed())
        });
        before = Some((note.timestamp, time));
        (note.at, time * 1_000 / 90)
    })
}

fn micros(span: Duration) -> i64 {
    i64::try_from(span.as_micros()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const EVERY: Duration = Duration::from_millis(40);
    const WINDOW: Range<i64> = 1_000_000..11_000_000;

    /// Pictures of 25 a second from 1.01 s on, that take 20 ms and what is said.
    fn notes(more: impl Fn(i64) -> Option<i64>) -> Vec<Note> {
        let note = |index: i64| {
            let at = 1_010_000 + index * 40_000 + 20_000 + more(index)?;
            let timestamp = 0xffff_0000_u32.wrapping_add(index as u32 * 3_600);
            Some(Note { at, timestamp, key_frame: false, shot: None, data: None })
        };
        (0..250).filter_map(note).collect()
    }

    fn judged(notes: &[Note]) -> Seen {
        judge(notes.iter(), &WINDOW, EVERY)
    }

    #[test]
    fn a_steady_stream_misses_nothing() {
        let seen = judged(&notes(|_| Some(0)));
        assert_eq!((seen.due, seen.came, seen.late, seen.freezes), (250, 250, 0, 0));
        assert_eq!(seen.longest, 40_000);
    }

    #[test]
    fn what_is_lost_is_missing_and_what_is_late_is_not() {
        let seen =
            judged(&notes(|index| (index % 10 != 3).then_some(if index % 10 == 4 { 100_001 } else { 0 })));
        assert_eq!((seen.due, seen.came, seen.late), (250, 225, 25));
        assert_eq!(judged(&notes(|index| Some(index % 2 * 100_000))).late, 0, "just in time");
    }

    #[test]
    fn a_freeze_is_more_than_half_a_second_without_a_picture() {
        let seen = judged(&notes(|index| {
            (!(100..112).contains(&index) && !(150..161).contains(&index)).then_some(0)
        }));
        assert_eq!((seen.freezes, seen.frozen, seen.longest), (1, 520_000, 520_000));
        let ends = judged(&notes(|index| (20..230).contains(&index).then_some(0)));
        assert_eq!(ends.freezes, 2, "at the beginning and at the end");
    }

    #[test]
    fn nothing_at_all_is_one_freeze_and_all_missing() {
        let seen = judged(&[]);
        assert_eq!((seen.due, seen.came, seen.freezes, seen.frozen), (250, 0, 1, 10_000_000));
    }

    #[test]
    fn fewer_pictures_than_due_are_missing() {
        let seen = judged(&notes(|index| (index % 2 == 0).then_some(0)));
        assert_eq!((seen.due, seen.came), (250, 125));
        let half: Vec<Note> = notes(|index| (index % 2 == 0).then_some(0));
        assert_eq!(judge(half.iter(), &WINDOW, EVERY * 2).came, 125);
    }

    #[test]
    fn whoever_is_meant_is_looked_for_until_the_next_turn() {
        let moments = [(100, 1), (200, 0), (300, 1), (400, 0)];
        let changes = [(50, 1), (60, 0), (130, 2), (150, 1), (290, 0), (450, 0)];
        assert_eq!(shown_after(&moments, &changes), [Some(50), Some(90), None, Some(50)]);
        assert_eq!(shown_after(&[], &changes), []);
    }
}
