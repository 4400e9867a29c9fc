//! What becomes of a composition that is late: fewer pictures a second first, then smaller ones, and then it is said to be too much.
//!
//! Pure: how long things took is told.

use std::time::Duration;

use confocal_video::Tier;

/// What is asked of the thread, from most to least: pictures a second, and the largest that is made.
const STEPS: [(u32, Tier); 5] =
    [(25, Tier::High), (20, Tier::High), (15, Tier::High), (15, Tier::Medium), (15, Tier::Low)];

/// It is looked at so many pictures at a time: a second's.
const WINDOW: u32 = 25;

/// More is asked for when it has been easy for so long.
const PATIENCE: Duration = Duration::from_secs(10);

/// And never later than after that, however often it was too much.
const MOST_PATIENCE: Duration = Duration::from_secs(160);

/// What was asked for and was too much again within that time was asked for too early.
const PROVED: Duration = Duration::from_secs(60);

/// What came of a look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It goes on as it was.
    Same,
    /// [`Pace::rate`] or [`Pace::top`] is another.
    Changed,
    /// It asks for the least and is late all the same.
    TooMuch,
}

/// How much is asked of the thread for one conference.
#[derive(Debug)]
pub(super) struct Pace {
    step: usize,
    pictures: u32,
    /// Of those, the ones that were not done when the next one was due.
    late: u32,
    /// And those that would have left little time had more been asked for.
    hard: u32,
    easy_since: Option<Duration>,
    patience: Duration,
    raised: Option<Duration>,
}

impl Pace {
    /// Begins with the most.
    pub(super) const fn new() -> Self {
        Self { step: 0, pictures: 0, late: 0, hard: 0, easy_since: None, patience: PATIENCE, raised: None }
    }

    /// Pictures a second.
    pub(super) fn rate(&self) -> u32 {
        self.asked().0
    }

    /// The time from one picture to the next.
    pub(super) fn period(&self) -> Duration {
        Duration::from_secs(1) / self.rate()
    }

    /// The largest picture that should be made.
    pub(super) fn top(&self) -> Tier {
        self.asked().1
    }

    fn asked(&self) -> (u32, Tier) {
        STEPS.get(self.step).copied().unwrap_or((15, Tier::Low))
    }

    /// A picture was done so long after it was due; the largest that is made has that size. `now` counts from any fixed moment.
    pub(super) fn done(&mut self, took: Duration, largest: Tier, now: Duration) -> Verdict {
        self.pictures += 1;
        self.late += u32::from(took > self.period());
        // With more asked for there would be less time for more work: twice the work is what the next size would be, or nearly.
        self.hard += u32::from(took * 5 > self.period() * 2);
        if self.pictures < WINDOW {
            return Verdict::Same;
        }
        let (pictures, late, hard) = (self.pictures, self.late, self.hard);
        (self.pictures, self.late, self.hard) = (0, 0, 0);
        if late * 2 > pictures {
            self.easy_since = None;
            return self.ask_less(largest, now);
        }
        if hard * 10 > pictures || self.step == 0 {
            self.easy_since = None;
            return Verdict::Same;
        }
        let since = *self.easy_since.get_or_insert(now);
        if now.saturating_sub(since) < self.patience {
            return Verdict::Same;
        }
        self.step -= 1;
        self.raised = Some(now);
        self.easy_since = None;
        Verdict::Changed
    }

    fn ask_less(&mut self, largest: Tier, now: Duration) -> Verdict {
        if self.raised.take().is_some_and(|raised| now.saturating_sub(raised) < PROVED) {
            self.patience = (self.patience * 2).min(MOST_PATIENCE);
        }
        let (rate, _) = self.asked();
        // A size that nobody is sent is no relief to do without.
        let relief =
            |step: &usize| STEPS.get(*step).is_some_and(|(less, top)| *less < rate || *top < largest);
        match (self.step + 1..STEPS.len()).find(relief) {
            Some(step) => {
                self.step = step;
                Verdict::Changed
            }
            None => Verdict::TooMuch,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A second of pictures each of which took so many milliseconds; what came of the last one.
    fn second(pace: &mut Pace, took: u64, largest: Tier, now: u64) -> Verdict {
        let verdicts: Vec<_> = (0..WINDOW)
            .map(|_| pace.done(Duration::from_millis(took), largest, Duration::from_secs(now)))
            .collect();
        assert!(verdicts[..24].iter().all(|verdict| *verdict == Verdict::Same));
        verdicts[24]
    }

    #[test]
    fn what_is_late_is_made_less_often_then_smaller_then_not_at_all() {
        let mut pace = Pace::new();
        let mut asked = Vec::new();
        for now in 0..5 {
            let largest = pace.top();
            let verdict = second(&mut pace, 200, largest, now);
            asked.push((pace.rate(), pace.top(), verdict));
        }
        let expected = [
            (20, Tier::High, Verdict::Changed),
            (15, Tier::High, Verdict::Changed),
            (15, Tier::Medium, Verdict::Changed),
            (15, Tier::Low, Verdict::Changed),
            (15, Tier::Low, Verdict::TooMuch),
        ];
        assert_eq!(asked, expected);
    }

    #[test]
    fn a_size_that_nobody_is_sent_is_not_done_without_first() {
        let mut pace = Pace::new();
        second(&mut pace, 200, Tier::Low, 0);
        second(&mut pace, 200, Tier::Low, 1);
        assert_eq!((pace.rate(), pace.top()), (15, Tier::High));
        assert_eq!(second(&mut pace, 200, Tier::Low, 2), Verdict::TooMuch);
    }

    #[test]
    fn a_few_late_ones_change_nothing() {
        let mut pace = Pace::new();
        for turn in 0..250 {
            let took = if turn % 3 == 0 { 90 } else { 20 };
            let verdict = pace.done(Duration::from_millis(took), Tier::High, Duration::from_secs(turn / 25));
            assert_eq!(verdict, Verdict::Same);
        }
        assert_eq!(pace.rate(), 25);
    }

    #[test]
    fn more_is_asked_for_after_ten_easy_seconds_and_later_where_that_was_too_much() {
        let mut pace = Pace::new();
        second(&mut pace, 50, Tier::High, 0);
        assert_eq!(pace.rate(), 20);
        let mut now = 1;
        let raise = |pace: &mut Pace, now: &mut u64| {
            let from = *now;
            while second(pace, 5, Tier::High, *now) == Verdict::Same {
                *now += 1;
                assert!(*now < 10_000);
            }
            *now - from
        };
        assert_eq!(raise(&mut pace, &mut now), 10);
        assert_eq!(pace.rate(), 25);
        second(&mut pace, 50, Tier::High, now + 1);
        now += 2;
        assert_eq!(raise(&mut pace, &mut now), 20);
    }

    #[test]
    fn what_would_leave_little_time_is_not_asked_for() {
        let mut pace = Pace::new();
        second(&mut pace, 50, Tier::High, 0);
        for now in 1..100 {
            assert_eq!(second(&mut pace, 30, Tier::High, now), Verdict::Same);
        }
        assert_eq!(pace.rate(), 20);
    }
}
