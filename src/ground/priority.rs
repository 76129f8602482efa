//! # Priority: work that others go before
//!
//! Where cores are few, a thread that computes for long takes half of one from the loop for as long
//! as it computes. It is only about one call to the system.
#![expect(
    unsafe_code,
    reason = "setpriority is a C function, and a crate around it would be for this one call"
)]

/// Has the calling thread go on when nobody else wants to: everything that answers somebody goes
/// before it. Where the system knows no priorities of threads, nothing changes.
pub fn after_others() {
    #[cfg(target_os = "linux")]
    // SAFETY: no memory is handed over; on Linux zero is the calling thread, and to be less
    // important is what each may ask of itself. If it is refused, all is as it was.
    unsafe {
        libc::setpriority(libc::PRIO_PROCESS, 0, LATER);
    }
}

/// Half-way down: about a tenth of a core that is fought for, all of one that is not.
#[cfg(target_os = "linux")]
const LATER: libc::c_int = 10;

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    fn nice_of_this_thread() -> i64 {
        let stat = std::fs::read_to_string("/proc/thread-self/stat").expect("this is Linux");
        let (_, after_name) = stat.rsplit_once(')').expect("the name is in brackets");
        let nice = after_name.split_whitespace().nth(16);
        nice.and_then(|it| it.parse().ok()).expect("a number")
    }

    #[test]
    #[expect(
        clippy::disallowed_methods,
        reason = "what it does is done to a thread"
    )]
    fn only_the_thread_that_asks_waits() {
        let before = nice_of_this_thread();
        let other = std::thread::spawn(|| {
            after_others();
            nice_of_this_thread()
        });
        assert_eq!(other.join().ok(), Some(i64::from(LATER)));
        assert_eq!(nice_of_this_thread(), before);
    }
}
