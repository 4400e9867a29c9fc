//! What is heard of G.711 where packets are missing: the last period of the voice again and again, dying away, in the manner of
//! ITU-T Rec. G.711 Appendix I (1999) without its delay. When something is missing is decided elsewhere.

/// The shortest and the longest period of a voice, in samples at 8 kHz: 200 and 66 Hz (appendix I, section I.2.2).
const PERIOD_MIN: usize = 40;
const PERIOD_MAX: usize = 120;

/// Over so many samples two pieces are compared: 20 ms.
const COMPARED: usize = 160;

const HISTORY: usize = PERIOD_MAX + COMPARED;

/// Made-up sound is as loud as what it goes on from for 10 ms, and gone after 60 ms (appendix I, section I.2.6).
const FADE_FROM: usize = 80;
const FADE_TO: usize = 480;

/// What comes after made-up sound is mixed with it for 4 ms.
const OVERLAP: usize = 32;

/// Follows one sender's sound at 8 kHz, and goes on with it.
#[derive(Clone, Debug)]
pub(super) struct Concealer {
    /// What was heard last, a ring.
    history: [i16; HISTORY],
    at: usize,
    /// The period that is repeated, its latest sample last.
    period: [i16; PERIOD_MAX],
    period_len: usize,
    /// Samples made up in a row, while they are.
    made: usize,
    /// Samples still to be mixed with made-up ones.
    overlap: usize,
}

impl Concealer {
    pub(super) const fn new() -> Self {
        Self {
            history: [0; HISTORY],
            at: 0,
            period: [0; PERIOD_MAX],
            period_len: PERIOD_MIN,
            made: 0,
            overlap: 0,
        }
    }

    /// A sample that was decoded, as it is to be heard.
    pub(super) fn take(&mut self, decoded: i16) -> i16 {
        if self.overlap == 0 {
            self.made = 0;
            self.keep(decoded);
            return decoded;
        }
        let made = i32::from(self.next_made());
        let part = self.overlap as i32;
        self.overlap -= 1;
        let mixed = (i32::from(decoded) * (OVERLAP as i32 + 1 - part) + made * part) / (OVERLAP as i32 + 1);
        // Between two samples of 16 bits.
        let mixed = mixed as i16;
        self.keep(mixed);
        mixed
    }

    /// A sample for one that is missing.
    pub(super) fn make(&mut self) -> i16 {
        if self.made == 0 {
            self.find_period();
        }
        let made = self.next_made();
        self.overlap = OVERLAP;
        self.keep(made);
        made
    }

    fn next_made(&mut self) -> i16 {
        let sample = self.period[self.made % self.period_len];
        let left = FADE_TO.saturating_sub(self.made.max(FADE_FROM)) as i32;
        self.made += 1;
        (i32::from(sample) * left / (FADE_TO - FADE_FROM) as i32) as i16
    }

    fn keep(&mut self, sample: i16) {
        self.history[self.at] = sample;
        self.at = (self.at + 1) % HISTORY;
    }

    /// The sample so many before the latest.
    const fn back(&self, samples: usize) -> i16 {
        self.history[(self.at + HISTORY - 1 - samples) % HISTORY]
    }

    /// Looks for the distance at which the latest sound is most like itself, and keeps one period of it.
    fn find_period(&mut self) {
        let likeness = |period: usize| {
            let (mut product, mut power) = (0.0_f32, 1.0_f32);
            for n in 0..COMPARED {
                let (now, before) = (f32::from(self.back(n)), f32::from(self.back(n + period)));
                product += now * before;
                power += before * before;
            }
            product / power.sqrt()
        };
        let (mut best, mut most) = (PERIOD_MAX, f32::MIN);
        // The shortest of those that are as good: its multiples are periods too.
        for period in PERIOD_MIN..PERIOD_MAX {
            let like = likeness(period);
            if like > most * 1.001 || most < 0.0 && like > most {
                (best, most) = (period, like);
            }
        }
        self.period_len = best;
        for n in 0..best {
            self.period[n] = self.back(best - 1 - n);
        }
    }
}
