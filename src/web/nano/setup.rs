//! # Setup: a nano in the making
//!
//! What an app author puts together, and what becomes of it when the server begins.

use std::cell::RefCell;
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use serde_json::{Map, Value};

use super::cluster::Cluster;
use super::component::{Component, Handler, Handlers};
use super::pipeline::{Passing, Pipeline};
use super::play::{Failure, Play};
use super::session::Record;
use crate::ground::seed::Seed;
use crate::nano::handshake::Hello;
use crate::nano::{Dictionary, Rules};
use crate::web::Tick;

/// What judges a handshake: what the client is told as `user`, or why it may not come in.
type Validator<S> = Box<dyn Fn(&mut Play<'_, S>, &Hello) -> Result<Map<String, Value>, Failure>>;
/// What is called when a session has ended.
type Closed<S> = Box<dyn Fn(&mut Play<'_, S>)>;
/// What chooses among the nodes that have a service.
type Choose = Box<dyn Fn(&Record, &[String], &mut Seed) -> usize>;

/// A service that is not named yet: its methods may still be.
struct Service<S> {
    name: String,
    methods: Vec<(String, Handler<S>)>,
    component: Rc<RefCell<dyn Component<S>>>,
}

/// What an app's nano is made of.
pub(in crate::web) struct Kit<S> {
    pub(super) routes: HashMap<String, Handler<S>>,
    pub(super) components: Vec<Rc<RefCell<dyn Component<S>>>>,
    pub(super) validator: Option<Validator<S>>,
    pub(super) inbound: Pipeline,
    pub(super) on_closed: Vec<Closed<S>>,
    pub(super) choose: Choose,
}

/// A nano in the making: components, terms, hooks.
///
/// ```
/// use std::time::Duration;
/// use parlour::web::App;
/// use parlour::web::nano::{Component, Failure, Handlers, Nano, Play};
/// use serde_json::{Map, json};
///
/// struct Echo;
///
/// impl Component<u64> for Echo {
///     fn handlers(handlers: &mut Handlers<Self, u64>) {
///         handlers.on("Say", Self::say);
///     }
/// }
///
/// impl Echo {
///     fn say(&mut self, play: &mut Play<'_, u64>, words: Vec<u8>) -> Result<(), Failure> {
///         *play.state += 1;
///         Ok(play.session().response(&words)?)
///     }
/// }
///
/// let nano = Nano::new()
///     .component("echo", Echo)
///     .named_by(str::to_ascii_lowercase)
///     .heartbeat(Duration::from_secs(20))
///     .dictionary([("echo.say", 1)])
///     .validator(|_, hello| match hello.client() {
///         Some("js-websocket") => Ok(Map::new()),
///         _ => Err(Failure::new(501, "this game is played in browsers")),
///     })
///     .on_closed(|play| log::info!("session {} has ended", play.id));
/// let app = App::new(0).nano("/nano", nano);
/// # drop(app);
/// ```
pub struct Nano<S> {
    rules: Rules,
    services: Vec<Service<S>>,
    validator: Option<Validator<S>>,
    inbound: Pipeline,
    outbound: Pipeline,
    on_closed: Vec<Closed<S>>,
    choose: Choose,
    cluster: Option<Box<dyn Cluster>>,
}

impl<S> std::fmt::Debug for Nano<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = self.services.iter().map(|service| &service.name);
        f.debug_list().entries(names).finish()
    }
}

impl<S: 'static> Default for Nano<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: 'static> Nano<S> {
    /// A nano without services, with a heartbeat every 30 seconds.
    pub fn new() -> Self {
        Self {
            rules: Rules::default(),
            services: Vec::new(),
            validator: None,
            inbound: Pipeline::default(),
            outbound: Pipeline::default(),
            on_closed: Vec::new(),
            choose: Box::new(|_, nodes, seed| seed.below(nodes.len() as u64) as usize),
            cluster: None,
        }
    }

    /// Adds a service: `NAME.Method` calls its handlers.
    pub fn component<C: Component<S>>(mut self, name: &str, component: C) -> Self {
        let component = Rc::new(RefCell::new(component));
        let mut handlers = Handlers::of(&component);
        C::handlers(&mut handlers);
        self.services.push(Service {
            name: name.to_owned(),
            methods: handlers.into_named(),
            component,
        });
        self
    }

    /// Names the methods of the component that was added last by a function of their names.
    pub fn named_by(mut self, name: impl Fn(&str) -> String) -> Self {
        if let Some(service) = self.services.last_mut() {
            for (method, _) in &mut service.methods {
                *method = name(method);
            }
        }
        self
    }

    /// The same, in lower case: `Room`'s `Join` is `room.join` if the component is called `room`.
    pub fn lower_case(self) -> Self {
        self.named_by(str::to_lowercase)
    }

    /// Time between two heartbeats, 30 seconds if nothing is said; none are sent if it is nothing. A
    /// client that says nothing for twice as long has gone.
    pub const fn heartbeat(mut self, every: Duration) -> Self {
        self.rules.heartbeat = every;
        self
    }

    /// The longest body of a packet that a client may send, 65,536 bytes if nothing is said.
    pub const fn body_bytes_max(mut self, bytes: usize) -> Self {
        self.rules.body_bytes_max = bytes;
        self
    }

    /// Codes for routes, which clients are told in the handshake.
    ///
    /// # Panics
    ///
    /// If a route or a code is there twice.
    pub fn dictionary<'r>(mut self, entries: impl IntoIterator<Item = (&'r str, u16)>) -> Self {
        let dictionary = Dictionary::of(entries);
        self.rules.dictionary = dictionary.unwrap_or_else(|error| panic!("{error}"));
        self
    }

    /// Judges each handshake: what is to be told the client as `user`, or why it may not come in, with
    /// code 500, or 501 if the client does not suit.
    pub fn validator(
        mut self,
        judge: impl Fn(&mut Play<'_, S>, &Hello) -> Result<Map<String, Value>, Failure> + 'static,
    ) -> Self {
        self.validator = Some(Box::new(judge));
        self
    }

    /// Adds a hook behind the others that see what clients send. What it rejects is answered with
    /// 403, if an answer is wanted.
    pub fn inbound(
        mut self,
        hook: impl Fn(&mut Record, &mut Passing<'_>) -> Result<(), String> + 'static,
    ) -> Self {
        self.inbound.push_back(Box::new(hook));
        self
    }

    /// The same in front of the others.
    pub fn inbound_first(
        mut self,
        hook: impl Fn(&mut Record, &mut Passing<'_>) -> Result<(), String> + 'static,
    ) -> Self {
        self.inbound.push_front(Box::new(hook));
        self
    }

    /// Adds a hook behind the others that see what is sent to clients.
    pub fn outbound(
        mut self,
        hook: impl Fn(&mut Record, &mut Passing<'_>) -> Result<(), String> + 'static,
    ) -> Self {
        self.outbound.push_back(Box::new(hook));
        self
    }

    /// The same in front of the others.
    pub fn outbound_first(
        mut self,
        hook: impl Fn(&mut Record, &mut Passing<'_>) -> Result<(), String> + 'static,
    ) -> Self {
        self.outbound.push_front(Box::new(hook));
        self
    }

    /// Has something done when a session has ended, once for each. May be said several times.
    pub fn on_closed(mut self, then: impl Fn(&mut Play<'_, S>) + 'static) -> Self {
        self.on_closed.push(Box::new(then));
        self
    }

    /// Services of other nodes, too.
    pub fn cluster(mut self, cluster: impl Cluster + 'static) -> Self {
        self.cluster = Some(Box::new(cluster));
        self
    }

    /// Which node serves a session if several have a service: one by chance, if nothing is said. It is
    /// asked once for each session and service, and again when that node is no more.
    pub fn choose(
        mut self,
        choose: impl Fn(&Record, &[String], &mut Seed) -> usize + 'static,
    ) -> Self {
        self.choose = Box::new(choose);
        self
    }

    /// The longest body that clients may send.
    pub(in crate::web) const fn longest_body(&self) -> usize {
        self.rules.body_bytes_max
    }

    /// What it is made of, in the lobby of a server.
    pub(in crate::web) fn furnish(self, lobby: &mut super::Lobby<S>) {
        let mut routes = HashMap::new();
        let mut components = Vec::new();
        for service in self.services {
            for (method, handler) in service.methods {
                let route = format!("{}.{method}", service.name);
                if routes.insert(route.clone(), handler).is_some() {
                    log::error!("'{route}' is there twice: the last one counts");
                }
            }
            components.push(service.component);
        }
        lobby.rules = Rc::new(self.rules);
        lobby.outbound = Rc::new(self.outbound);
        lobby.cluster = self.cluster;
        lobby.kit = Some(Rc::new(Kit {
            routes,
            components,
            validator: self.validator,
            inbound: self.inbound,
            on_closed: self.on_closed,
            choose: self.choose,
        }));
    }
}

impl<S: 'static> Kit<S> {
    /// The server begins.
    pub(in crate::web) fn begin(&self, tick: &mut Tick<'_, S>) {
        for component in &self.components {
            component.borrow_mut().init(tick);
        }
        for component in &self.components {
            component.borrow_mut().after_init(tick);
        }
    }

    /// The server is about to stop.
    pub(in crate::web) fn end(&self, tick: &mut Tick<'_, S>) {
        for component in self.components.iter().rev() {
            component.borrow_mut().before_shutdown(tick);
        }
        for component in self.components.iter().rev() {
            component.borrow_mut().shutdown(tick);
        }
    }
}
