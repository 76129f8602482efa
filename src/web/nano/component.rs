//! # Components: services and their handlers

use std::cell::RefCell;
use std::rc::Rc;

use super::data::Decode;
use super::play::{Failure, Play};
use crate::web::Tick;

/// A service: what clients may ask of it, and what is done when the server begins and ends.
///
/// Its fields are its own state; what several components share is the app's state, at
/// [`Play::state`]. `init` of all components comes before any `after_init`; `before_shutdown` and then
/// `shutdown` come in the reverse order of registration.
///
/// ```
/// use parlour::web::nano::{Component, Failure, Handlers, Play};
/// use serde_json::json;
///
/// #[derive(Default)]
/// struct Dice {
///     thrown: u64,
/// }
///
/// impl<S: 'static> Component<S> for Dice {
///     fn handlers(handlers: &mut Handlers<Self, S>) {
///         handlers.on("Throw", Self::throw);
///     }
/// }
///
/// impl Dice {
///     fn throw<S>(&mut self, play: &mut Play<'_, S>, _: Vec<u8>) -> Result<(), Failure> {
///         self.thrown += 1;
///         let pips = 1 + self.thrown % 6;
///         Ok(play.session().response(&json!({ "pips": pips }))?)
///     }
/// }
/// # let _ = Dice::default();
/// ```
pub trait Component<S>: 'static {
    /// Says which handlers there are.
    fn handlers(handlers: &mut Handlers<Self, S>)
    where
        Self: Sized;

    /// The server begins: nobody is here yet, nor is every other component ready.
    fn init(&mut self, tick: &mut Tick<'_, S>) {
        let _ = tick;
    }

    /// All components are ready.
    fn after_init(&mut self, tick: &mut Tick<'_, S>) {
        let _ = tick;
    }

    /// A session has ended. It still is in its groups, hears nothing any more, and is gone when this
    /// returns. Comes once for each, whatever ended it.
    fn closed(&mut self, play: &mut Play<'_, S>) {
        let _ = play;
    }

    /// The server is about to stop; everybody is still here.
    fn before_shutdown(&mut self, tick: &mut Tick<'_, S>) {
        let _ = tick;
    }

    /// The server stops.
    fn shutdown(&mut self, tick: &mut Tick<'_, S>) {
        let _ = tick;
    }
}

/// A handler, with its component inside.
pub(super) type Handler<S> = Box<dyn Fn(&mut Play<'_, S>, &[u8]) -> Result<(), Failure>>;

/// A component's handlers, as it names them.
pub struct Handlers<C, S> {
    component: Rc<RefCell<C>>,
    named: Vec<(String, Handler<S>)>,
}

impl<C, S> std::fmt::Debug for Handlers<C, S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.named.iter().map(|(name, _)| name);
        f.debug_list().entries(names).finish()
    }
}

impl<C: 'static, S: 'static> Handlers<C, S> {
    pub(super) fn of(component: &Rc<RefCell<C>>) -> Self {
        Self {
            component: Rc::clone(component),
            named: Vec::new(),
        }
    }

    /// Adds a handler. The type of its last argument says how data is read: what cannot be read is
    /// answered with 400, and the handler is not called.
    pub fn on<D: Decode>(
        &mut self,
        name: &str,
        handler: impl Fn(&mut C, &mut Play<'_, S>, D) -> Result<(), Failure> + 'static,
    ) -> &mut Self {
        let component = Rc::clone(&self.component);
        let call: Handler<S> = Box::new(move |play, bytes| {
            let data = D::decode(bytes).map_err(|why| Failure::new(400, why))?;
            handler(&mut component.borrow_mut(), play, data)
        });
        self.named.push((name.to_owned(), call));
        self
    }

    pub(super) fn into_named(self) -> Vec<(String, Handler<S>)> {
        self.named
    }
}
