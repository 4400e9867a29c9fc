//! An allocator that counts what this thread does with it: the thread that runs the test program allocates when it likes.
//!
//! libopus allocates with malloc and so past this, but only in its `create` functions, which nobody calls.
#![allow(dead_code, reason = "each test uses its part")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

struct Counting;

thread_local! {
    static CALLS: Cell<u64> = const { Cell::new(0) };
    static BYTES: Cell<i64> = const { Cell::new(0) };
}

/// Calls of the allocator so far.
pub(crate) fn calls() -> u64 {
    CALLS.with(Cell::get)
}

/// Bytes that are allocated now.
pub(crate) fn bytes() -> i64 {
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
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(signed(layout.size()));
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-signed(layout.size()));
        unsafe { System.dealloc(memory, layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        count(signed(size) - signed(layout.size()));
        unsafe { System.realloc(memory, layout, size) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;
