//! Input that was broken on purpose: bytes of chance, and good input with something done to it. The same seed breaks the same way.
//!
//! What input means never lives here.

/// A source of chance: `SplitMix64` (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014).
#[derive(Clone, Debug)]
pub struct Damage {
    state: u64,
}

impl Damage {
    /// Begins at a seed.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// Any bytes, up to `longest` of them.
    pub fn bytes(&mut self, longest: usize) -> Vec<u8> {
        let length = self.below(longest + 1);
        (0..length).map(|_| self.number() as u8).collect()
    }

    /// `input` with one to four things done to it; `words` are what makes a difference in input of its kind.
    pub fn of(&mut self, input: &[u8], words: &[&str]) -> Vec<u8> {
        let mut bytes = input.to_vec();
        for _ in 0..=self.below(4) {
            self.once(&mut bytes, words);
        }
        bytes
    }

    /// One of `items`, which must not be empty.
    ///
    /// # Panics
    ///
    /// When there are none.
    pub fn one_of<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    fn once(&mut self, bytes: &mut Vec<u8>, words: &[&str]) {
        let at = self.below(bytes.len() + 1);
        let end = (at + self.below(40)).min(bytes.len());
        match self.below(7) {
            0 => drop(bytes.drain(at..end)),
            1 => bytes.truncate(at),
            2 => {
                let again = bytes[at..end].to_vec();
                bytes.splice(at..at, again);
            }
            3 => {
                let new = self.bytes(4);
                bytes.splice(at..end.min(at + 4), new);
            }
            4 if !words.is_empty() => {
                let word = self.one_of(words).as_bytes().to_vec();
                bytes.splice(at..at, word);
            }
            5 if !words.is_empty() => {
                let word = self.one_of(words).as_bytes().to_vec();
                bytes.splice(at..end, word);
            }
            _ => self.move_a_line(bytes),
        }
    }

    fn move_a_line(&mut self, bytes: &mut Vec<u8>) {
        let mut lines: Vec<Vec<u8>> =
            bytes.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
        if lines.len() > 1 {
            let line = lines.remove(self.below(lines.len()));
            let to = self.below(lines.len() + 1);
            lines.insert(to, line);
            *bytes = lines.concat();
        }
    }

    fn below(&mut self, bound: usize) -> usize {
        (self.number() % bound.max(1) as u64) as usize
    }

    const fn number(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
}

/// The files of a folder, in the order of their names, each with its name.
///
/// # Panics
///
/// When the folder can't be read: a corpus that is not found would be a test that tests nothing.
#[must_use]
pub fn corpus(folder: &std::path::Path) -> Vec<(String, Vec<u8>)> {
    let read = || -> std::io::Result<Vec<(String, Vec<u8>)>> {
        let mut files = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let path = entry?.path();
            if path.is_file() {
                files.push((path.display().to_string(), std::fs::read(&path)?));
            }
        }
        files.sort();
        Ok(files)
    };
    read().unwrap_or_else(|error| panic!("the corpus {}: {error}", folder.display()))
}
