//! The memory in which libopus keeps the state of a codec: ours, so that it can be copied. What is in it is never looked at.

/// Zeroed memory, aligned for any C type.
#[derive(Debug)]
pub(crate) struct Memory(Box<[u128]>);

impl Memory {
    /// Memory of at least `bytes`.
    pub(crate) fn new(bytes: usize) -> Self {
        Self(vec![0; bytes.div_ceil(size_of::<u128>())].into_boxed_slice())
    }

    pub(crate) const fn as_mut_ptr<T>(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }

    /// Copies all of it. Both must be of one size, or nothing is copied.
    pub(crate) fn copy_from(&mut self, other: &Self) {
        if self.0.len() == other.0.len() {
            self.0.copy_from_slice(&other.0);
        }
    }
}
