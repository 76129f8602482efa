//! # Memory: giving back what a rush needed
//!
//! glibc keeps freed memory for the process; after fifteen thousand connections have come and gone
//! that is most of what the process holds. It is only about one call to the allocator.
#![expect(
    unsafe_code,
    reason = "malloc_trim is a C function and has no safe wrapper"
)]

/// Has the allocator return free memory to the system. Takes a millisecond or so for each 100 MB,
/// so it is for quiet moments. Does nothing where the allocator is not glibc's.
pub fn trim() {
    #[cfg(all(target_os = "linux", target_env = "gnu"))]
    // SAFETY: malloc_trim may be called at any time from any thread; it takes the allocator's own
    // locks, and memory that is in use is never touched.
    unsafe {
        libc::malloc_trim(0);
    }
}
