//! What it means that a frame was shown: who was seen in whose turn, and the figures of a run in words.

use http_conference::Layout;

use crate::onlookers::{Frame, SENDERS, Seen, TURN};

/// How the picture follows those who talk in turn, in speaker mode.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// How long after the beginning of each turn its talker was seen, in ms.
    pub(crate) followed_ms: Vec<f64>,
    /// Turns whose talker was never seen in them.
    pub(crate) unseen: usize,
    /// Turns in which somebody else was seen after their talker.
    pub(crate) left: usize,
}

impl Turns {
    /// Of all turns that were looked at from their beginning to their end.
    pub(crate) fn of(frames: &[Frame], began_ms: i64) -> Self {
        let mut turns = Self::default();
        let (Some(first), Some(last)) = (frames.first(), frames.last()) else { return turns };
        let (turn, began) = (TURN as f64 * 1_000.0, began_ms as f64);
        for number in 0_u32.. {
            let begin = began + f64::from(number) * turn;
            let end = begin + turn;
            if begin < first.at {
                continue;
            }
            if end > last.at {
                return turns;
            }
            let talker = Some(u64::from(number) % SENDERS as u64);
            let during: Vec<&Frame> = frames.iter().filter(|it| (begin..end).contains(&it.at)).collect();
            match during.iter().position(|frame| frame.seen[0] == talker) {
                None => turns.unseen += 1,
                Some(at) => {
                    turns.followed_ms.push(during[at].at - begin);
                    // What can't be read says nothing of anybody.
                    let another = |frame: &&Frame| frame.seen[0].is_some() && frame.seen[0] != talker;
                    turns.left += usize::from(during[at..].iter().any(another));
                }
            }
        }
        turns
    }
}

/// Writes the figures of a run to standard output.
#[expect(clippy::print_stdout, reason = "it is a measurement that somebody has asked for")]
pub(crate) fn report(layout: Layout, seen: &Seen) {
    println!("{layout:?}: first pictures after {}", least_half_most(&seen.first_ms));
    for sight in &seen.sights {
        let turns = Turns::of(&sight.frames, seen.began_ms);
        let read = sight.frames.iter().filter(|frame| frame.seen.iter().all(Option::is_some)).count();
        println!(
            "{layout:?}: in {:.0} s {:.1} pictures a second, {} freezes; {read} of {} shown could be read; talkers seen after {}",
            sight.seconds,
            sight.rate,
            sight.freezes,
            sight.frames.len(),
            if layout == Layout::Speaker { least_half_most(&turns.followed_ms) } else { "–".to_owned() }
        );
    }
}

fn least_half_most(values: &[f64]) -> String {
    let mut values = values.to_vec();
    values.sort_unstable_by(f64::total_cmp);
    match (values.first(), values.get(values.len() / 2), values.last()) {
        (Some(least), Some(half), Some(most)) => format!("{least:.0} – {half:.0} – {most:.0} ms"),
        _ => "–".to_owned(),
    }
}
