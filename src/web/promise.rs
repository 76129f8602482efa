//! # Promise: a value that is on its way before anybody waits for it
//!
//! What must be done whoever listens, such as storing something, begins at once. Its value may come
//! before the answer waits for it, or after; here the two meet.
//!
//! Promises
//! 1. The value goes to whoever waits, however the two are ordered.
//! 2. A promise that is dropped without a value is told as one that failed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::helper::{Return, Wait};

/// The end of whoever has the value one day: see [`promise`].
#[derive(Debug)]
pub struct Promise<T: Send + 'static>(Meeting<T>);

type Meeting<T> = Arc<Mutex<Sides<T>>>;

#[derive(Debug)]
enum Sides<T> {
    Nobody,
    /// The value came first.
    Came(T),
    /// Somebody waits.
    Waits(Return<T>),
    /// They have met, or never will.
    Over,
}

/// A value that somebody promises, and the wait for it. What must be done whoever listens begins at
/// once; the answer waits for it.
///
/// ```
/// use std::time::Duration;
/// use parlour::web::{Cx, Reply, promise};
///
/// fn boil(cx: &mut Cx<'_, u32>) -> Reply<u32> {
///     let (promise, boiled) = promise();
///     cx.house.after(Duration::from_secs(1), move |tick| {
///         *tick.state += 1;
///         promise.keep(*tick.state);
///     });
///     boiled.then(|_, eggs| format!("{eggs} eggs so far"))
/// }
/// # let _ = boil;
/// ```
pub fn promise<T: Send + 'static>() -> (Promise<T>, Wait<T>) {
    let meeting = Arc::new(Mutex::new(Sides::Nobody));
    let promise = Promise(Arc::clone(&meeting));
    let wait = Wait::on(move |back: Return<T>| {
        let mut sides = lock(&meeting);
        match std::mem::replace(&mut *sides, Sides::Over) {
            Sides::Nobody => *sides = Sides::Waits(back),
            Sides::Came(value) => back.hand(value),
            // Dropping the return tells that nothing will come.
            Sides::Waits(_) | Sides::Over => {}
        }
        Ok(())
    });
    (promise, wait)
}

impl<T: Send + 'static> Promise<T> {
    /// Hands the value over.
    pub fn keep(self, value: T) {
        let mut sides = lock(&self.0);
        match std::mem::replace(&mut *sides, Sides::Over) {
            Sides::Nobody => *sides = Sides::Came(value),
            Sides::Waits(back) => back.hand(value),
            Sides::Came(_) | Sides::Over => {}
        }
    }
}

impl<T: Send + 'static> Drop for Promise<T> {
    fn drop(&mut self) {
        let mut sides = lock(&self.0);
        if !matches!(*sides, Sides::Came(_)) {
            *sides = Sides::Over;
        }
    }
}

/// Nobody panics while holding the lock, so what is behind a poisoned one is whole.
fn lock<T>(meeting: &Mutex<Sides<T>>) -> MutexGuard<'_, Sides<T>> {
    meeting.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::reactor::driver::Driver;
    use crate::web::helper::Helpers;

    /// Waits under ticket 7, does something before and after that, and tells what comes back.
    fn meet(
        before: impl FnOnce(&mut Option<Promise<u8>>),
        after: impl FnOnce(&mut Option<Promise<u8>>),
    ) -> Vec<Option<u8>> {
        let driver = Driver::open(&["127.0.0.1:0".parse().unwrap()]).unwrap();
        let mut helpers = Helpers::new(std::env::temp_dir());
        helpers.set_bell(driver.bell());
        let (promise, wait) = promise();
        let mut promise = Some(promise);
        before(&mut promise);
        let (errand, unpack) = wait.into_parts();
        errand(&mut helpers, 7).unwrap();
        after(&mut promise);
        drop(promise);
        let mut unpack = Some(unpack);
        let come = std::iter::from_fn(|| helpers.done());
        come.map(|(ticket, outcome)| {
            assert_eq!(ticket, 7);
            outcome.map(|it| unpack.take().unwrap()(it))
        })
        .collect()
    }

    fn keep(promise: &mut Option<Promise<u8>>) {
        promise.take().unwrap().keep(1);
    }

    #[test]
    fn a_value_comes_once_however_the_two_are_ordered() {
        assert_eq!(meet(keep, |_| {}), [Some(1)]);
        assert_eq!(meet(|_| {}, keep), [Some(1)]);
    }

    #[test]
    fn a_promise_that_is_dropped_is_told() {
        assert_eq!(meet(|promise| *promise = None, |_| {}), [None]);
        assert_eq!(meet(|_| {}, |promise| *promise = None), [None]);
    }
}
