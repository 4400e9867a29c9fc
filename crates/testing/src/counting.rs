//! An allocator that counts what each thread does with it, for tests of code that must not allocate.
//!
//! A test program takes it by `#[global_allocator] static ALLOCATOR: Counting = Counting;`. What C code allocates with `malloc` goes
//! past it.

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, counted.
#[derive(Clone, Copy, Debug)]
pub struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

/// Calls of the allocator by this thread so far.
#[must_use]
pub fn calls() -> u64 {
    CALLS.with(Cell::get)
}

/// Bytes that this thread has allocated and not given back; what it gave back for others counts, too.
#[must_use]
pub fn bytes() -> i64 {
    BYTES.with(Cell::get)
}

fn count(bytes: i64) {
    // A thread that is ending has none, and is not the one that is looked at.
    let _ = CALLS.try_with(|calls| calls.set(calls.get() + 1));
    let _ = BYTES.try_with(|all| all.set(all.get() + bytes));
}

const fn signed(bytes: usize) -> i64 {
    bytes as i64
}

#[expect(unsafe_code, reason = "an allocator can't be written without")]
// SAFETY: each call is passed on to the system's allocator as it came, whose promises are these.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(signed(size) - signed(layout.size()));
        // SAFETY: as above.
        unsafe { System.realloc(memory, layout, size) }
    }
}
