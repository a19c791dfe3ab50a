//! What the fuzz targets share: their checks, and a cap on every allocation.
//!
//! Linking this crate under `--cfg fuzzing` puts the cap in force: an allocation that follows a number from the input aborts,
//! also where the operating system would have lent the memory. C code's own allocations are not seen.

pub mod checks;

use std::alloc::{GlobalAlloc, Layout as Block, System};

/// No single allocation may be larger, in bytes: a chunk has 16 MiB at most, and buffers double.
const MAX_ALLOCATION_BYTES: usize = 40 << 20;

struct Capped;

#[global_allocator]
static CAPPED: Capped = Capped;

// SAFETY: all is done by the system's allocator; larger blocks end the process.
unsafe impl GlobalAlloc for Capped {
    unsafe fn alloc(&self, block: Block) -> *mut u8 {
        check(block.size());
        unsafe { System.alloc(block) }
    }

    unsafe fn alloc_zeroed(&self, block: Block) -> *mut u8 {
        check(block.size());
        unsafe { System.alloc_zeroed(block) }
    }

    unsafe fn dealloc(&self, at: *mut u8, block: Block) {
        unsafe { System.dealloc(at, block) }
    }

    unsafe fn realloc(&self, at: *mut u8, block: Block, bytes: usize) -> *mut u8 {
        check(bytes);
        unsafe { System.realloc(at, block, bytes) }
    }
}

fn check(bytes: usize) {
    if cfg!(fuzzing) && bytes > MAX_ALLOCATION_BYTES {
        eprintln!("an allocation of {bytes} bytes");
        std::process::abort();
    }
}
