//! How hard encoders may work, by how much of its time the thread that mixes is busy. The time is measured elsewhere.

/// Above so much of its time, in a hundred, encoders work less hard.
const BUSY: u32 = 60;

/// And below so much harder again.
const IDLE: u32 = 30;

/// So many reports in a row must say so before encoders work harder; less hard they work at once.
const PATIENCE: u32 = 10;

/// Turns the load of a mixing thread into the complexity of its encoders ([`Mixer::set_complexity`](crate::Mixer::set_complexity)):
/// the quality goes down a little before packets come late.
#[derive(Clone, Copy, Debug)]
pub struct ComplexityByLoad {
    now: u8,
    best: u8,
    idle: u32,
}

impl ComplexityByLoad {
    /// It begins with the best, 0 to 10, which is never exceeded.
    #[must_use]
    pub const fn new(best: u8) -> Self {
        Self { now: best, best, idle: 0 }
    }

    /// Takes into account how much of a period (a second or so) was spent mixing, in a hundred, and returns the complexity from
    /// now on.
    pub const fn note(&mut self, busy_percent: u32) -> u8 {
        self.idle = if busy_percent < IDLE { self.idle + 1 } else { 0 };
        if busy_percent > BUSY {
            self.now = self.now.saturating_sub(2);
        } else if self.idle >= PATIENCE && self.now < self.best {
            self.now += 1;
            self.idle = 0;
        }
        self.now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complexity_falls_at_once_under_load_and_returns_slowly() {
        let mut complexity = ComplexityByLoad::new(5);
        assert_eq!([50, 70, 70, 95, 90].map(|busy| complexity.note(busy)), [5, 3, 1, 0, 0]);
        assert_eq!(complexity.note(45), 0, "neither busy nor idle");
        let returned: Vec<_> = (0..60).map(|_| complexity.note(10)).collect();
        assert_eq!(returned[8..11], [0, 1, 1]);
        assert_eq!(returned[49..], [5; 11], "and no further");
    }
}
