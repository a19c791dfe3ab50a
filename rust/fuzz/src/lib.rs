//! Shared by the fuzz targets: their checks, and a limit on every allocation.
//!
//! If this crate is linked with `--cfg fuzzing`, an allocation whose size follows a number from the input aborts, even
//! where the operating system would have granted it. Allocations by C code are not limited.

pub mod checks;

use std::alloc::{GlobalAlloc, Layout as Block, System};

/// Largest single allocation, in bytes: a chunk has at most 16 MiB, and buffers double.
const MAX_ALLOCATION_BYTES: usize = 40 << 20;

struct Capped;

#[global_allocator]
static CAPPED: Capped = Capped;

// SAFETY: the system's allocator does all the work; larger blocks end the process.
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
