//! # Remote: the rest of a program speaks to its app
//!
//! Other threads send an act to the loop's thread, where it is done as if a timer had come up.

use std::fmt;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use super::helper::Busy;
use super::timer::Tick;
use crate::reactor::driver::Bell;

/// Acts that may wait for the loop.
const ACTS_MAX: usize = 10_000;

/// What is done on the loop.
pub(super) type Act<S> = Box<dyn FnOnce(&mut Tick<'_, S>) + Send>;

/// Another thread's hold on an app. Clones hold the same one.
///
/// The app's state belongs to the loop's thread. Others send an [`act`](Self::act) there, which is done
/// between two turns as if a timer had come up.
///
/// ```
/// use parlour::web::{App, Running};
///
/// let any = "127.0.0.1:0".parse()?;
/// let running = Running::start(&[any], || App::new(0))?;
/// let remote = running.remote().clone();
/// std::thread::spawn(move || remote.act(|tick| *tick.state += 1)).join().unwrap()?;
/// assert_eq!(running.stop()?, 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Remote<S> {
    acts: SyncSender<Act<S>>,
    bell: Bell,
}

impl<S> Clone for Remote<S> {
    fn clone(&self) -> Self {
        Self {
            acts: self.acts.clone(),
            bell: self.bell.clone(),
        }
    }
}

impl<S> fmt::Debug for Remote<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Remote")
    }
}

impl<S> Remote<S> {
    pub(super) fn new(bell: Bell) -> (Self, Receiver<Act<S>>) {
        let (acts, waiting) = sync_channel(ACTS_MAX);
        (Self { acts, bell }, waiting)
    }

    /// Has something done on the loop, with the app's state, groups and timers at hand. [`Busy`]
    /// if too much waits there already, or the app has ended.
    ///
    /// ```
    /// use parlour::web::{Busy, Event, Remote};
    ///
    /// fn tell(remote: &Remote<u32>, news: String) -> Result<(), Busy> {
    ///     remote.act(move |tick| {
    ///         *tick.state += 1;
    ///         tick.house.group_send("news", &Event::new("news", news));
    ///     })
    /// }
    /// ```
    pub fn act(&self, act: impl FnOnce(&mut Tick<'_, S>) + Send + 'static) -> Result<(), Busy> {
        self.acts.try_send(Box::new(act)).map_err(|_| Busy)?;
        self.bell.ring();
        Ok(())
    }

    /// Stops the app with grace.
    pub fn stop(&self) {
        self.bell.stop();
    }
}
