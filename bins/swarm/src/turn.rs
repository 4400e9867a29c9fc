//! Talkers who take turns: who of them speaks in which beat of 20 ms.

/// A talker's turns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// How long each is, in beats; not 0.
    pub beats: u64,
    /// How many take turns; not 0.
    pub count: u64,
    /// Which of them it is, from 0 on.
    pub mine: u64,
}

impl Turn {
    /// How many beats of its turn are over in that beat since the beginning; `None` in the others'.
    #[must_use]
    pub const fn frame(self, beat: u64) -> Option<u64> {
        if beat / self.beats % self.count == self.mine { Some(beat % self.beats) } else { None }
    }

    /// The beats from `from` to before `to` in which its turns begin.
    pub fn begins(self, from: u64, to: u64) -> impl Iterator<Item = u64> {
        (from.div_ceil(self.beats)..to.div_ceil(self.beats))
            .filter(move |turn| turn % self.count == self.mine)
            .map(move |turn| turn * self.beats)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_speaks_at_a_time_and_all_do() {
        let turns = [0, 1, 2].map(|mine| Turn { beats: 10, count: 3, mine });
        for beat in 0..90 {
            let speaking: Vec<u64> = turns.iter().filter_map(|turn| turn.frame(beat)).collect();
            assert_eq!(speaking, [beat % 10]);
        }
        assert_eq!(turns[1].begins(0, 90).collect::<Vec<_>>(), [10, 40, 70]);
        assert_eq!(turns[1].begins(11, 70).collect::<Vec<_>>(), [40]);
    }
}
