//! What came of the pictures of a run: for people rows of the table, for programs JSON.

use std::collections::HashMap;
use std::ops::Range;

use serde::Serialize;

use super::clip::{Clips, Shot};
use super::judge::{Seen, judge, shown_after};
use super::look::{Looked, look};
use super::plan::ViewedAs;
use super::watch::Faults;
use super::{PictureLine, Sender};
use crate::measure::{quantile, share};
use crate::plan::Plan;
use crate::pump::{BEAT_MS, Seat};

/// How long something took, in ms, of several times.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Spread {
    /// How many times.
    pub count: usize,
    /// Half of them took no longer.
    pub p50_ms: Option<f64>,
    /// 95 in a hundred took no longer.
    pub p95_ms: Option<f64>,
    /// The longest.
    pub max_ms: Option<f64>,
}

impl Spread {
    /// Of times in µs.
    #[must_use]
    pub fn of(mut micros: Vec<i64>) -> Self {
        micros.sort_unstable();
        let at = |part| quantile(&micros, part).map(|micros| micros as f64 / 1_000.0);
        Self { count: micros.len(), p50_ms: at(0.5), p95_ms: at(0.95), max_ms: at(1.0) }
    }
}

/// What one receiver saw.
#[derive(Clone, Debug, Serialize)]
pub struct PicturesListener {
    /// Its number.
    pub caller: usize,
    /// It passes.
    pub passes: bool,
    /// Pictures that it should have seen.
    pub due: u64,
    /// Those that came, whole and with all that they need.
    pub came: u64,
    /// Of those, how many were more than 100 ms late.
    pub late: u64,
    /// How often nothing came for more than half a second.
    pub freezes: u64,
    /// How long that was together, in ms.
    pub frozen_ms: f64,
    /// The longest time without a picture, in ms.
    pub longest_ms: f64,
    /// What came, in kbit/s.
    pub kbits: f64,
    /// Key frames that it asked for.
    pub asked: u64,
    /// Packets that it asked for, each as often as it did.
    pub missed: u64,
    /// Packets that were missed and came.
    pub recovered: u64,
    /// What may not be: payloads that are none, pictures torn, times that go backwards, picture ids that leap.
    pub faults: u64,
}

impl PicturesListener {
    fn missing(&self) -> f64 {
        1.0 - share(self.came, self.due)
    }

    fn late(&self) -> f64 {
        share(self.late, self.came)
    }
}

/// What came of the pictures of a run.
#[derive(Clone, Debug, Serialize)]
pub struct Pictures {
    /// How many of each conference sent pictures.
    pub senders: usize,
    /// Receivers to whom pictures were due.
    pub receivers: usize,
    /// All of those pass.
    pub passed: bool,
    /// Receivers that don't.
    pub failing: usize,
    /// The share of due pictures that did not come, over all receivers.
    pub missing: f64,
    /// The same of the receiver that it is worst for.
    pub missing_worst: f64,
    /// The share of pictures more than 100 ms late, over all.
    pub late: f64,
    /// The same of the receiver that it is worst for.
    pub late_worst: f64,
    /// Pictures a second that a receiver got, on average.
    pub a_second: f64,
    /// What a receiver got, on average, in kbit/s.
    pub kbits: f64,
    /// How often nothing came for more than half a second, over all receivers.
    pub freezes: u64,
    /// Receivers for which that happened.
    pub frozen: usize,
    /// The longest time without a picture, in ms.
    pub longest_ms: f64,
    /// From the sending of a picture to its being whole at a receiver, where it is forwarded as it is; or to its being seen in a composed
    /// one, where that was decoded.
    pub delay: Spread,
    /// From being connected to the first picture, over all who joined while somebody sent.
    pub first_picture: Spread,
    /// Those who never saw one.
    pub without_picture: usize,
    /// From the beginning of a talker's turn to their first picture, at each receiver.
    pub turns: Spread,
    /// Turns whose talker was not seen within them, counted at each receiver.
    pub turns_unseen: usize,
    /// The same from the first request for a key frame that the talker was sent in its turn: without the time that is taken for a decision.
    pub turns_asked: Spread,
    /// Key frames that senders were asked for.
    pub asked_of_senders: u64,
    /// The same while callers joined, before it was measured.
    pub asked_of_senders_before: u64,
    /// Key frames that they sent, those among them with which their clips began anew.
    pub key_frames_sent: u64,
    /// Key frames that receivers asked for.
    pub asked_by_receivers: u64,
    /// Key frames that a receiver saw, on average.
    pub key_frames_seen: f64,
    /// Packets that receivers asked for, each as often as they did.
    pub missed: u64,
    /// Packets that they missed, and that came.
    pub recovered: u64,
    /// From something's being missed to going on.
    pub recovery: Spread,
    /// Pictures that were sent in the smaller size, because the sender was told to send less.
    pub sent_smaller: u64,
    /// Payloads that are none of VP8.
    pub malformed: u64,
    /// Pictures that begin in their middle, have several times, or end without a marker.
    pub torn: u64,
    /// Pictures whose time is not after that of the one before.
    pub backwards: u64,
    /// Pictures that follow one another, but whose picture ids don't.
    pub leaping_ids: u64,
    /// What was decoded, of each receiver that kept it.
    pub looked: Vec<Looked>,
    /// Each receiver.
    pub listeners: Vec<PicturesListener>,
}

/// When a conference's senders sent what.
type Sendings = HashMap<Shot, Vec<i64>>;

/// What there is to judge.
struct Evidence<'a> {
    plan: &'a Plan,
    seats: &'a [Seat],
    window: &'a Range<i64>,
    /// The first beat, in µs.
    began: i64,
    /// By conference.
    sendings: Vec<Sendings>,
}

impl Pictures {
    /// Judges what the callers of a run sent and received of pictures in `window`; `began` is the first beat, both in µs.
    ///
    /// # Errors
    ///
    /// When libvpx makes no decoder for what was kept.
    pub(crate) fn new(
        plan: &Plan,
        clips: &Clips,
        seats: &[Seat],
        window: &Range<i64>,
        began: i64,
    ) -> anyhow::Result<Self> {
        let evidence = Evidence { plan, seats, window, began, sendings: sendings(plan, seats) };
        let mut delays = Vec::new();
        let (mut listeners, mut recoveries, mut faults) = (Vec::new(), Vec::new(), Faults::default());
        let mut key_frames_seen = 0;
        for (caller, line) in evidence.receivers() {
            let watch = &line.receiver.watch;
            let seen = judge(watch.notes.iter(), window, plan.pictures.due_every());
            listeners.push(evidence.listener(caller, line, &seen));
            delays.extend(evidence.delays(caller, line));
            recoveries.extend(&watch.recoveries);
            key_frames_seen += watch.key_frames_seen;
            faults.malformed += watch.faults.malformed;
            faults.torn += watch.faults.torn;
            faults.backwards += watch.faults.backwards;
            faults.picture_ids += watch.faults.picture_ids;
        }
        let mut looked = Vec::new();
        for (caller, line) in evidence.receivers().filter(|(caller, _)| plan.keeps_pictures(*caller)) {
            let seen = look(&plan.pictures, clips, &line.receiver.watch.notes, window)?;
            delays.extend(evidence.tile_delays(caller, &seen));
            looked.push(seen);
        }
        let (first, without_picture) = evidence.first_pictures();
        let (turns, turns_unseen) = evidence.turns(|_, _, begins, _| Some(begins));
        let asked = |sender: &Sender, _: usize, begins: i64, ends: i64| {
            sender.asked.iter().copied().find(|asked| (begins..ends).contains(asked))
        };
        let (turns_asked, _) = evidence.turns(asked);
        let senders = || seats.iter().filter_map(|seat| seat.caller.pictures.as_ref()?.sender.as_ref());
        let sum = |field: fn(&PicturesListener) -> u64| listeners.iter().map(field).sum::<u64>();
        let worst = |of: fn(&PicturesListener) -> f64| listeners.iter().map(of).fold(0.0, f64::max);
        let count = listeners.len().max(1) as f64;
        let seconds = (window.end - window.start) as f64 / 1e6;
        let failing = listeners.iter().filter(|listener| !listener.passes).count();
        Ok(Self {
            senders: plan.pictures.senders,
            receivers: listeners.len(),
            passed: failing == 0,
            failing,
            missing: 1.0 - share(sum(|it| it.came), sum(|it| it.due)),
            missing_worst: worst(PicturesListener::missing),
            late: share(sum(|it| it.late), sum(|it| it.came)),
            late_worst: worst(PicturesListener::late),
            a_second: sum(|it| it.came) as f64 / count / seconds,
            kbits: listeners.iter().map(|it| it.kbits).sum::<f64>() / count,
            freezes: sum(|it| it.freezes),
            frozen: listeners.iter().filter(|it| it.freezes > 0).count(),
            longest_ms: worst(|it| it.longest_ms),
            delay: Spread::of(delays),
            first_picture: Spread::of(first),
            without_picture,
            turns: Spread::of(turns),
            turns_unseen,
            turns_asked: Spread::of(turns_asked),
            asked_of_senders: senders().map(|sender| sender.stats.asked).sum(),
            asked_of_senders_before: senders().map(|it| it.asked.len() as u64 - it.stats.asked).sum(),
            key_frames_sent: senders().map(|sender| sender.stats.key_frames).sum(),
            asked_by_receivers: sum(|it| it.asked),
            key_frames_seen: key_frames_seen as f64 / count,
            missed: sum(|it| it.missed),
            recovered: sum(|it| it.recovered),
            recovery: Spread::of(recoveries),
            sent_smaller: senders().map(|sender| sender.stats.less).sum(),
            malformed: faults.malformed,
            torn: faults.torn,
            backwards: faults.backwards,
            leaping_ids: faults.picture_ids,
            looked,
            listeners,
        })
    }

    /// The rows of the table.
    pub(crate) fn rows(&self, mut row: impl FnMut(&str, String) -> std::fmt::Result) -> std::fmt::Result {
        let percent = |part: f64| format!("{:.2} %", part * 100.0);
        let spread = |of: &Spread| match (of.p50_ms, of.p95_ms, of.max_ms) {
            (Some(p50), Some(p95), Some(max)) => {
                format!("{p50:.1} ms, 95 % {p95:.1} ms, at most {max:.1} ms ({} times)", of.count)
            }
            _ => "not measured".to_owned(),
        };
        row(
            "pictures: receivers passing",
            format!("{} of {}", self.receivers - self.failing, self.receivers),
        )?;
        row(
            "pictures missing (worst)",
            format!("{} ({})", percent(self.missing), percent(self.missing_worst)),
        )?;
        row(
            "pictures > 100 ms late (worst)",
            format!("{} ({})", percent(self.late), percent(self.late_worst)),
        )?;
        row("pictures a second, kbit/s", format!("{:.1}, {:.0}", self.a_second, self.kbits))?;
        row(
            "freezes > 500 ms",
            format!("{} at {} receivers, longest {:.0} ms", self.freezes, self.frozen, self.longest_ms),
        )?;
        row("picture delay", spread(&self.delay))?;
        row("first picture after connecting", spread(&self.first_picture))?;
        if self.without_picture > 0 {
            row("joined and saw none", self.without_picture.to_string())?;
        }
        if self.turns.count + self.turns_unseen > 0 {
            row("turn → first picture", spread(&self.turns))?;
            row("key frame asked → first picture", spread(&self.turns_asked))?;
            row("turns unseen", self.turns_unseen.to_string())?;
        }
        row(
            "key frames asked of senders (joining), sent",
            format!("{} ({}), {}", self.asked_of_senders, self.asked_of_senders_before, self.key_frames_sent),
        )?;
        row(
            "key frames asked by receivers, seen",
            format!("{}, {:.1} each", self.asked_by_receivers, self.key_frames_seen),
        )?;
        row("packets asked for again, recovered", format!("{}, {}", self.missed, self.recovered))?;
        row("going on after a loss", spread(&self.recovery))?;
        if self.sent_smaller > 0 {
            row("pictures sent smaller", self.sent_smaller.to_string())?;
        }
        let faults = self.malformed + self.torn + self.backwards + self.leaping_ids;
        if faults > 0 {
            row(
                "payloads malformed, pictures torn, backwards, ids leaping",
                format!("{}, {}, {}, {}", self.malformed, self.torn, self.backwards, self.leaping_ids),
            )?;
        }
        for (index, looked) in self.looked.iter().enumerate() {
            looked_rows(index, looked, &mut row)?;
        }
        let mut worst: Vec<_> = self.listeners.iter().filter(|listener| !listener.passes).collect();
        worst.sort_by(|a, b| b.missing().total_cmp(&a.missing()));
        for listener in worst.iter().take(5) {
            row(
                &format!("pictures of caller {}", listener.caller + 1),
                format!(
                    "{} of {} due, {} late, {} freezes",
                    listener.came, listener.due, listener.late, listener.freezes
                ),
            )?;
        }
        Ok(())
    }
}

fn looked_rows(
    index: usize,
    looked: &Looked,
    row: &mut impl FnMut(&str, String) -> std::fmt::Result,
) -> std::fmt::Result {
    let (width, height) = looked.size;
    let value = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.2}"));
    let likeness = |value: Option<f64>| value.map_or_else(|| "–".to_owned(), |value| format!("{value:.4}"));
    row(
        &format!("decoded {}: {width}x{height}", index + 1),
        format!("{}, {} not decodable, {} misread", looked.decoded, looked.undecodable, looked.misread),
    )?;
    row(
        &format!("decoded {}: PSNR (least), SSIM", index + 1),
        format!("{} dB ({}), {}", value(looked.psnr_db), value(looked.psnr_least_db), likeness(looked.ssim)),
    )?;
    for tile in &looked.tiles {
        row(
            &format!("decoded {}: sender {}", index + 1, tile.place + 1),
            format!(
                "readable in {:.1} %, moves {:.1} times a second",
                tile.readable * 100.0,
                tile.moves_a_second
            ),
        )?;
    }
    Ok(())
}

fn sendings(plan: &Plan, seats: &[Seat]) -> Vec<Sendings> {
    let mut all = vec![Sendings::new(); plan.conferences];
    for (caller, seat) in seats.iter().enumerate() {
        let sender = seat.caller.pictures.as_ref().and_then(|line| line.sender.as_ref());
        for (at, shot) in sender.into_iter().flat_map(|sender| &sender.sent) {
            all[plan.conference(caller)].entry(*shot).or_default().push(*at);
        }
    }
    all
}

impl<'a> Evidence<'a> {
    /// Those to whom pictures are due: where somebody else sends; in a grid one sees oneself, too.
    fn receivers(&self) -> impl Iterator<Item = (usize, &'a PictureLine)> {
        let plan = self.plan;
        let lines = self.seats.iter().enumerate();
        lines
            .filter(move |(caller, _)| plan.sees_pictures(*caller))
            .filter_map(|(caller, seat)| Some((caller, seat.caller.pictures.as_ref()?)))
    }

    fn listener(&self, caller: usize, line: &PictureLine, seen: &Seen) -> PicturesListener {
        let (stats, plan) = (&line.receiver.stats, &self.plan.pictures);
        let faults = line.receiver.watch.faults.sum();
        let seconds = (self.window.end - self.window.start) as f64 / 1e6;
        let mut listener = PicturesListener {
            caller,
            passes: false,
            due: seen.due,
            came: seen.came,
            late: seen.late,
            freezes: seen.freezes,
            frozen_ms: seen.frozen as f64 / 1_000.0,
            longest_ms: seen.longest as f64 / 1_000.0,
            kbits: stats.bytes as f64 * 8.0 / 1_000.0 / seconds,
            asked: stats.asked,
            missed: stats.missed,
            recovered: stats.recovered,
            faults,
        };
        listener.passes = 1.0 - listener.missing() >= plan.least && listener.late() <= plan.late;
        listener
    }

    /// When what was seen at `at` had been sent.
    fn sent(&self, caller: usize, shot: Shot, at: i64) -> Option<i64> {
        let times = self.sendings.get(self.plan.conference(caller))?.get(&shot)?;
        times.get(times.partition_point(|sent| *sent <= at).checked_sub(1)?).copied()
    }

    fn delays(&self, caller: usize, line: &PictureLine) -> Vec<i64> {
        let notes = line.receiver.watch.notes.iter().filter(|note| self.window.contains(&note.at));
        notes.filter_map(|note| Some(note.at - self.sent(caller, note.shot?, note.at)?)).collect()
    }

    fn tile_delays(&self, caller: usize, looked: &Looked) -> Vec<i64> {
        let of = |place: usize, at: i64, index: u32| {
            let either = [false, true].map(|less| self.sent(caller, Shot { place, less, index }, at));
            Some(at - either.into_iter().flatten().max()?)
        };
        let tiles = looked.tiles.iter();
        tiles
            .flat_map(|tile| tile.moves.iter().filter_map(|(at, index)| of(tile.place, *at, *index)))
            .collect()
    }

    /// How long who joined while somebody else sent waited for a picture; how many saw none.
    fn first_pictures(&self) -> (Vec<i64>, usize) {
        let (mut waited, mut without) = (Vec::new(), 0);
        for (caller, line) in self.receivers() {
            let Some(connected) = line.connected else { continue };
            let others =
                self.plan.picture_senders_of(self.plan.conference(caller)).filter(|other| *other != caller);
            let begins = |other: usize| Some(self.sender(other)?.sent.first()?.0);
            if !others.filter_map(begins).any(|begins| begins <= connected) {
                continue;
            }
            match line.receiver.watch.first {
                Some(first) => waited.push(first - connected),
                None => without += 1,
            }
        }
        (waited, without)
    }

    fn sender(&self, caller: usize) -> Option<&'a Sender> {
        self.seats.get(caller)?.caller.pictures.as_ref()?.sender.as_ref()
    }

    /// How long after a moment in each turn its talker was first seen, at each receiver that saw another one before; how many did not see
    /// them. `moment` is told the sender, its place, and beginning and end of the turn.
    fn turns(&self, moment: impl Fn(&Sender, usize, i64, i64) -> Option<i64>) -> (Vec<i64>, usize) {
        let (mut times, mut unseen) = (Vec::new(), 0);
        if self.plan.pictures.view == ViewedAs::Grid {
            return (times, unseen);
        }
        for conference in 0..self.plan.conferences {
            let moments = self.moments(conference, &moment);
            for (caller, line) in
                self.receivers().filter(|(caller, _)| self.plan.conference(*caller) == conference)
            {
                let changes = &line.receiver.watch.changes;
                for ((at, who), shown) in moments.iter().zip(shown_after(&moments, changes)) {
                    let before =
                        changes.iter().rev().find(|(change, _)| change < at).map(|(_, place)| *place);
                    if self.plan.picture_place(caller) == Some(*who) || before == Some(*who) {
                        continue;
                    }
                    times.extend(shown);
                    unseen += usize::from(shown.is_none());
                }
            }
        }
        (times, unseen)
    }

    /// The moments of a conference's turns that are over within the window, in order, and whose they are.
    fn moments(
        &self,
        conference: usize,
        moment: impl Fn(&Sender, usize, i64, i64) -> Option<i64>,
    ) -> Vec<(i64, usize)> {
        let beat = BEAT_MS as i64 * 1_000;
        let mut moments = Vec::new();
        for caller in self.plan.talkers_of(conference) {
            let (Some(turn), Some(place), Some(sender)) =
                (self.plan.turn(caller), self.plan.picture_place(caller), self.sender(caller))
            else {
                continue;
            };
            // Callers take turns within a beat.
            let phase = (caller as u64 % BEAT_MS) as i64 * 1_000;
            let beats = |at: i64| ((at - self.began - phase) / beat).max(0).unsigned_abs();
            for begins in turn.begins(beats(self.window.start) + 1, beats(self.window.end)) {
                let at = self.began + phase + begins as i64 * beat;
                let ends = at + turn.beats as i64 * beat;
                if ends <= self.window.end {
                    moments.extend(moment(sender, place, at, ends).map(|at| (at, place)));
                }
            }
        }
        moments.sort_unstable();
        moments
    }
}

#[cfg(test)]
mod tests;
