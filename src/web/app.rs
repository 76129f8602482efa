//! # App: putting one together, and running it
//!
//! An [`App`] is a program's main loop ([`App::serve`]), or runs inside of another program on a
//! thread of its own and is stopped from there ([`Running`]).

use std::fmt;
use std::path::PathBuf;
use std::sync::mpsc::Receiver;
use std::thread::JoinHandle;

use super::assets::{From, Mount};
use super::consumer::Consumer;
use super::cx::Cx;
use super::error::Error;
use super::handler::Handler;
use super::middleware::Middleware;
use super::middleware::order::Wrapped;
use super::nano::{Endpoint, Nano};
use super::remote::{Act, Remote};
use super::router::Routes;
use super::service::Service;
use super::shelf::Asset;
use super::templates::Templates;
use super::timer::{Once, Tick};
use crate::http::{Method, Response};
use crate::layer::Bounds;
use crate::reactor::Settings;
use crate::reactor::driver::listeners::{Address, ListenError};
use crate::reactor::driver::{Bell, Driver, fresh_seed};

/// A server in the making.
///
/// ```
/// use parlour::web::{App, Cx, Routes};
///
/// fn index(cx: &mut Cx<'_, u32>) -> String {
///     *cx.state += 1;
///     format!("visit number {}", cx.state)
/// }
///
/// fn about() -> Routes<u32> {
///     Routes::new().get("/", |_: &mut Cx<'_, u32>| "about us").named("about")
/// }
///
/// let app = App::new(0).get("/", index).nest("/about", about());
/// # drop(app);
/// // app.serve("127.0.0.1:8080") serves it until SIGTERM.
/// ```
pub struct App<S> {
    parts: Parts<S>,
    settings: Settings,
    farewell: Option<(u16, String)>,
}

/// What an app is put together from.
pub(super) struct Parts<S> {
    pub(super) state: S,
    pub(super) routes: Routes<S>,
    pub(super) middleware: Vec<Wrapped<S>>,
    pub(super) templates: Option<Templates>,
    pub(super) mounts: Vec<Mount>,
    pub(super) body_bytes_max: u64,
    /// Where uploads spill.
    pub(super) spill_folder: PathBuf,
    /// Of groups.
    pub(super) bounds: Bounds,
    /// What sits at connections of plain bytes.
    pub(super) plain: Option<MakeConsumer<S>>,
    pub(super) nano: Option<Nano<S>>,
    pub(super) on_start: Vec<Once<S>>,
    pub(super) on_stopping: Vec<Once<S>>,
}

/// Makes a consumer for each connection.
pub(super) type MakeConsumer<S> = Box<dyn Fn() -> Box<dyn Consumer<S>>>;

impl<S> fmt::Debug for App<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App")
            .field("routes", &self.parts.routes)
            .finish_non_exhaustive()
    }
}

/// Why an app cannot be served.
///
/// A `main` that returns it shows it in words. Most of them are told before anything is served:
///
/// ```
/// use parlour::web::{App, Cx, ServeError};
///
/// fn page(_: &mut Cx<'_, ()>) -> &'static str {
///     "hello"
/// }
///
/// let app = App::new(()).get("/{name}", page).get("/{other}", page);
/// let Err(refused) = app.serve("127.0.0.1:0") else {
///     panic!("which of the two is meant?");
/// };
/// assert!(matches!(refused, ServeError::Routes(_)));
/// assert!(refused.to_string().contains("/{other}"), "{refused}");
/// ```
pub enum ServeError {
    /// The address is none.
    Address(String),
    /// Its routes contradict each other.
    Routes(String),
    /// Its middleware is [wrapped in the wrong order](Middleware::comes_after).
    Middleware(String),
    /// A template is broken, or its folder is not there.
    Templates(String),
    /// Files that it is to serve are not there.
    Assets(String),
    /// It cannot listen.
    Listen(ListenError),
    /// The loop broke.
    Loop(std::io::Error),
}

impl fmt::Display for ServeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(why) => f.write_str(why),
            Self::Middleware(why) | Self::Templates(why) | Self::Assets(why) => f.write_str(why),
            Self::Routes(why) => write!(f, "the routes contradict each other: {why}"),
            Self::Listen(error) => error.fmt(f),
            Self::Loop(error) => write!(f, "the event loop broke: {error}"),
        }
    }
}

impl fmt::Debug for ServeError {
    /// As a `main` that returns it shows it: in words.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for ServeError {}

/// Middleware that only gives errors a face.
struct Face<F>(F);

impl<S, F: Fn(&mut Cx<'_, S>, &Error) -> Option<Response> + 'static> Middleware<S> for Face<F> {
    fn exception(&self, cx: &mut Cx<'_, S>, error: &Error) -> Option<Response> {
        (self.0)(cx, error)
    }
}

impl<S: 'static> App<S> {
    /// An app around a state, without routes.
    pub fn new(state: S) -> Self {
        let parts = Parts {
            state,
            routes: Routes::new(),
            middleware: Vec::new(),
            templates: None,
            mounts: Vec::new(),
            body_bytes_max: crate::reactor::app::BODY_BYTES_MAX,
            spill_folder: std::env::temp_dir(),
            bounds: Bounds::default(),
            plain: None,
            nano: None,
            on_start: Vec::new(),
            on_stopping: Vec::new(),
        };
        Self {
            parts,
            settings: Settings::default(),
            farewell: None,
        }
    }

    /// Wraps middleware around every request. What is wrapped first sees a request first.
    pub fn wrap(mut self, middleware: impl Middleware<S>) -> Self {
        self.parts.middleware.push(Wrapped::new(middleware));
        self
    }

    /// Gives errors a face: 404, 405, what a handler fails with, and the 500 of one that panics. What
    /// `face` does not care for stays as it is: a plain page for browsers, a line of text for others.
    ///
    /// ```
    /// use parlour::web::{App, Templates, context};
    ///
    /// const PAGES: &[(&str, &str)] = &[("error.html", "<h1>{{ status }}</h1><p>{{ message }}")];
    ///
    /// let app = App::new(()).templates(Templates::embedded(PAGES)).on_error(|cx, error| {
    ///     let status = error.status();
    ///     let page = context! { status => status.code(), message => error.message() };
    ///     Some(cx.render("error.html", page).ok()?.with_status(status))
    /// });
    /// # drop(app);
    /// ```
    ///
    /// ```
    /// use parlour::http::Response;
    /// use parlour::web::App;
    ///
    /// let app = App::new(()).on_error(|_, error| {
    ///     let page = format!("<h1>{}</h1>", error.status().code());
    ///     Some(Response::html(page).with_status(error.status()))
    /// });
    /// # drop(app);
    /// ```
    pub fn on_error(
        self,
        face: impl Fn(&mut Cx<'_, S>, &Error) -> Option<Response> + 'static,
    ) -> Self {
        self.wrap(Face(face))
    }

    fn routed(mut self, add: impl FnOnce(Routes<S>) -> Routes<S>) -> Self {
        self.parts.routes = add(self.parts.routes);
        self
    }

    /// Adds a route for a method. A pattern begins with `/`; `{name}` stands for one segment, and
    /// `{rest..}` in the end for all that follow: see [`Request::param`](super::Request::param). A
    /// closure that handles it has to name its argument, as in `|cx: &mut Cx<'_, Book>| …`.
    pub fn route(self, method: Method, pattern: &str, handler: impl Handler<S>) -> Self {
        self.routed(|routes| routes.route(method, pattern, handler))
    }

    /// Adds a route for GET, and so for HEAD.
    pub fn get(self, pattern: &str, handler: impl Handler<S>) -> Self {
        self.routed(|routes| routes.get(pattern, handler))
    }

    /// Adds a route for POST.
    pub fn post(self, pattern: &str, handler: impl Handler<S>) -> Self {
        self.routed(|routes| routes.post(pattern, handler))
    }

    /// Adds a route for PUT.
    pub fn put(self, pattern: &str, handler: impl Handler<S>) -> Self {
        self.routed(|routes| routes.put(pattern, handler))
    }

    /// Adds a route for PATCH.
    pub fn patch(self, pattern: &str, handler: impl Handler<S>) -> Self {
        self.routed(|routes| routes.patch(pattern, handler))
    }

    /// Adds a route for DELETE.
    pub fn delete(self, pattern: &str, handler: impl Handler<S>) -> Self {
        self.routed(|routes| routes.delete(pattern, handler))
    }

    /// Adds a WebSocket with a [`Consumer`] for each connection. Where one function is to serve a page
    /// and its WebSocket, add a [`view`](Self::view).
    pub fn consumer<C: Consumer<S>>(self, pattern: &str, make: impl Fn() -> C + 'static) -> Self {
        self.routed(|routes| routes.consumer(pattern, make))
    }

    /// Has a [`Consumer`] for each connection at an address of plain bytes, `tcp:HOST:PORT`: there is
    /// no request and no upgrade, so [`connect`](Consumer::connect) is not called. What is said comes as
    /// [`Binary`](crate::ws::Message::Binary), a read at a time, however its sender cut it; what is sent
    /// leaves as it is.
    ///
    /// ```
    /// use std::io::{Read, Write};
    /// use std::net::TcpStream;
    /// use parlour::web::{App, Consumer, Live, Running};
    /// use parlour::ws::Message;
    ///
    /// struct Shout;
    ///
    /// impl Consumer<()> for Shout {
    ///     fn receive(&mut self, message: Message<'_>, live: &mut Live<'_, ()>) {
    ///         live.send_binary(&message.bytes().to_ascii_uppercase());
    ///         live.close(1000, "");
    ///     }
    /// }
    ///
    /// let any = "tcp:127.0.0.1:0".parse()?;
    /// let running = Running::start(&[any], || App::new(()).plain(|| Shout))?;
    /// let mut stream = TcpStream::connect(running.addresses()[0].tcp().unwrap())?;
    /// stream.write_all(b"hello")?;
    /// let mut heard = String::new();
    /// stream.read_to_string(&mut heard)?;
    /// assert_eq!(heard, "HELLO");
    /// # running.stop()?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn plain<C: Consumer<S>>(mut self, make: impl Fn() -> C + 'static) -> Self {
        self.parts.plain = Some(Box::new(move || Box::new(make())));
        self
    }

    /// Serves pomelo's, nano's and starx' clients: over WebSockets at a path, and at every address of
    /// plain bytes that the app listens at, `tcp:HOST:PORT`. An app has one [`Nano`]: the last
    /// counts.
    pub fn nano(mut self, pattern: &str, nano: Nano<S>) -> Self {
        let bytes_max = nano.longest_body();
        self.parts.nano = Some(nano);
        self.plain(move || Endpoint::new(bytes_max))
            .consumer(pattern, move || Endpoint::new(bytes_max))
    }

    /// Adds a view that serves plain requests and WebSockets alike: a handler under
    /// [`accept_websocket`](super::accept_websocket), which finds the socket at
    /// [`Request::websocket`](super::Request::websocket).
    pub fn view(self, pattern: &str, view: impl Handler<S>) -> Self {
        self.routed(|routes| routes.view(pattern, view))
    }

    /// Adds all routes of a table under a prefix; `""` adds them as they are.
    pub fn nest(self, prefix: &str, table: Routes<S>) -> Self {
        self.routed(|routes| routes.nest(prefix, table))
    }

    /// Names the route that was added last: see [`Routes::named`].
    pub fn named(self, name: &str) -> Self {
        self.routed(|routes| routes.named(name))
    }

    /// Says where the app's pages come from, for [`Cx::render`]. They are compiled before anything
    /// is served, and a broken one refuses the app.
    pub fn templates(mut self, templates: Templates) -> Self {
        self.parts.templates = Some(templates);
        self
    }

    /// Serves the files of a folder below a prefix: their kinds, ranges and conditions, and smaller
    /// forms that lie beside them as `.br` or `.gz`. `index.html` is the page of its folder. What
    /// begins with a dot, or is a link out of the folder, is not there. The folder is looked through
    /// before anything is served, so that `static_url` of a template knows the files.
    ///
    /// A file that is asked for under the address that `static_url` gave it, with the hash of its
    /// content, may be kept for ever. Every other is asked for again each time, and mostly not sent
    /// again. A helper reads them: the loop never waits for the disk.
    ///
    /// ```
    /// use parlour::web::App;
    ///
    /// // pictures/cat.png is at /pictures/cat.png, and pictures/index.html at /pictures/.
    /// let app = App::new(()).assets("/pictures", "pictures");
    /// # drop(app);
    /// ```
    pub fn assets(mut self, prefix: &str, folder: impl Into<PathBuf>) -> Self {
        self.parts.mounts.push(Mount {
            prefix: prefix.to_owned(),
            from: From::Folder(folder.into()),
        });
        self
    }

    /// Serves files that are part of the program below a prefix: see [`assets!`](crate::assets). They
    /// are in memory already, so that the loop answers with them at once.
    pub fn embedded(mut self, prefix: &str, assets: &'static [Asset]) -> Self {
        self.parts.mounts.push(Mount {
            prefix: prefix.to_owned(),
            from: From::Embedded(assets),
        });
        self
    }

    /// How large groups may grow: see [`Bounds`].
    pub const fn group_bounds(mut self, bounds: Bounds) -> Self {
        self.parts.bounds = bounds;
        self
    }

    /// Where large uploads are kept while a form arrives; the system's folder for such things if
    /// nothing is said. Best on the disk on which they are to stay.
    pub fn spill_folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.parts.spill_folder = folder.into();
        self
    }

    /// What the body of a request may measure, 1 MiB if nothing is said, unless its handler
    /// [`takes`](super::takes) more.
    pub const fn body_bytes_max(mut self, bytes: u64) -> Self {
        self.parts.body_bytes_max = bytes;
        self
    }

    /// Has something done when the loop begins, before anybody is served: arming timers, reading what
    /// was kept. May be said several times; what is said first is done first.
    ///
    /// ```
    /// use std::time::Duration;
    /// use parlour::web::{App, Event};
    ///
    /// let app = App::new(0_u64)
    ///     .on_start(|tick| {
    ///         tick.house.every(Duration::from_secs(60), |tick| *tick.state += 1);
    ///     })
    ///     .on_stopping(|tick| {
    ///         let bye = format!("this took {} minutes, goodbye", tick.state);
    ///         tick.house.group_send("all", &Event::new("bye", bye));
    ///     })
    ///     .farewell(4004, "come again in a minute");
    /// # drop(app);
    /// ```
    pub fn on_start(mut self, then: impl FnOnce(&mut Tick<'_, S>) + 'static) -> Self {
        self.parts.on_start.push(Box::new(then));
        self
    }

    /// Has something done when the server is about to stop, once: what is said here still reaches
    /// everybody, in front of the end of their connections. May be said several times.
    pub fn on_stopping(mut self, then: impl FnOnce(&mut Tick<'_, S>) + 'static) -> Self {
        self.parts.on_stopping.push(Box::new(then));
        self
    }

    /// With which code and reason WebSockets are closed when the server stops, 1001 if nothing is
    /// said; those that are closed in [`on_stopping`](Self::on_stopping) have their own.
    pub fn farewell(mut self, code: u16, reason: impl Into<String>) -> Self {
        self.farewell = Some((code, reason.into()));
        self
    }

    /// Other bounds for the loop.
    pub fn settings(mut self, settings: Settings) -> Self {
        self.settings = settings;
        self
    }

    /// Serves at `HOST:PORT` or `unix:PATH`, and says nothing by itself: a program that is to read
    /// `--listen`, to say where it listens and to write a log is put together with
    /// [`serve_at`](Self::serve_at) and a logger of the `log` crate, or by the command line's
    /// `Program`. Serves until SIGTERM or SIGINT, and gives the state back.
    pub fn serve(self, address: &str) -> Result<S, ServeError> {
        let address = address.parse().map_err(ServeError::Address)?;
        self.serve_at(&[address], |_, _| {})
    }

    /// Serves until SIGTERM or SIGINT, or until a remote says stop. `on_ready` is told where the app
    /// listens, with the ports that the system chose, and gets a hold on it for other threads.
    pub fn serve_at(
        self,
        addresses: &[Address],
        on_ready: impl FnOnce(&[Address], Remote<S>),
    ) -> Result<S, ServeError> {
        self.serve_on(
            Driver::open(addresses).map_err(ServeError::Listen)?,
            on_ready,
        )
    }

    /// The same on a driver that listens already.
    pub fn serve_on(
        self,
        mut driver: Driver,
        on_ready: impl FnOnce(&[Address], Remote<S>),
    ) -> Result<S, ServeError> {
        driver.stop_on_signals().map_err(ServeError::Loop)?;
        let (remote, acts) = Remote::new(driver.bell());
        let addresses = driver.addresses();
        self.run(driver, acts, || on_ready(&addresses, remote))
    }

    /// What an engine runs, and the bounds of it. Without an `outside` nothing rings when a wait is
    /// over: whoever drives the engine looks by itself, and no thread is started before a job for
    /// the helper is.
    pub(crate) fn put_together(
        self,
        outside: Option<(Bell, Receiver<Act<S>>)>,
    ) -> Result<(Service<S>, Settings), ServeError> {
        let mut settings = self.settings;
        if let Some(farewell) = self.farewell {
            settings.farewell = farewell;
        }
        Ok((Service::new(self.parts, outside)?, settings))
    }

    fn run(
        self,
        driver: Driver,
        acts: Receiver<Act<S>>,
        on_ready: impl FnOnce(),
    ) -> Result<S, ServeError> {
        let (service, settings) = self.put_together(Some((driver.bell(), acts)))?;
        on_ready();
        let served = driver.run(service, settings, fresh_seed());
        Ok(served.map_err(ServeError::Loop)?.into_state())
    }
}

/// An app that runs on a thread of its own, inside of another program.
///
/// ```
/// use parlour::web::{App, Cx, Running};
///
/// let any = "127.0.0.1:0".parse()?;
/// let running = Running::start(&[any], || App::new(7).get("/", |_: &mut Cx<'_, u32>| "hello"))?;
/// println!("listening on {}", running.addresses()[0]);
/// running.remote().act(|tick| *tick.state += 1)?;
/// assert_eq!(running.stop()?, 8);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Running<S> {
    addresses: Vec<Address>,
    remote: Remote<S>,
    thread: JoinHandle<Result<S, ServeError>>,
}

impl<S: Send + 'static> Running<S> {
    /// Puts an app together on a thread of its own and serves it there. `make` runs on that thread,
    /// because an app's parts may not leave it. Signals stay with the program.
    #[expect(
        clippy::disallowed_methods,
        reason = "the app's loop has a thread of its own here"
    )]
    pub fn start(
        addresses: &[Address],
        make: impl FnOnce() -> App<S> + Send + 'static,
    ) -> Result<Self, ServeError> {
        let driver = Driver::open(addresses).map_err(ServeError::Listen)?;
        let (remote, acts) = Remote::new(driver.bell());
        let addresses = driver.addresses();
        let thread = std::thread::spawn(move || make().run(driver, acts, || {}));
        Ok(Self {
            addresses,
            remote,
            thread,
        })
    }
}

impl<S> Running<S> {
    /// Where it listens.
    pub fn addresses(&self) -> &[Address] {
        &self.addresses
    }

    /// A hold on it, for any thread.
    pub const fn remote(&self) -> &Remote<S> {
        &self.remote
    }

    /// Stops it with grace, and gives its state back.
    pub fn stop(self) -> Result<S, ServeError> {
        self.remote.stop();
        self.thread.join().unwrap_or_else(|_| {
            Err(ServeError::Loop(std::io::Error::other(
                "the app's thread panicked",
            )))
        })
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::rc::Rc;

    use super::super::{Reply, Return, Wait};
    use super::*;
    use crate::ground::time::{Instant, Now};
    use crate::reactor::{Engine, Peer};

    /// What is waited for, and handed over by the test.
    type Waiting = Rc<RefCell<Vec<Return<u32>>>>;

    fn ask(cx: &mut Cx<'_, Waiting>) -> Reply<Waiting> {
        let waiting = Rc::clone(cx.state);
        Wait::on(move |back| {
            waiting.borrow_mut().push(back);
            Ok(())
        })
        .then(|_, answer| format!("the answer is {answer}"))
    }

    #[test]
    fn an_app_runs_without_threads_and_without_a_bell() {
        let waiting = Waiting::default();
        let app = App::new(Rc::clone(&waiting)).get("/", ask);
        let (service, settings) = app.put_together(None).unwrap();
        let mut engine = Engine::new(service, settings, 1);
        engine.begin(Now {
            instant: Instant(7),
            unix_ms: 7,
        });
        engine.start();
        let id = engine.accepted(Peer::Local).unwrap();
        engine.received(id, &mut b"GET / HTTP/1.1\r\nHost: h\r\n\r\n".to_vec());
        let mut said = Vec::new();
        let mut flush = |engine: &mut Engine<_>| {
            engine.flush(|_, slices| {
                said.extend(slices.iter().flat_map(|slice| slice.to_vec()));
                Ok(slices.iter().map(|slice| slice.len()).sum())
            });
            said.clone()
        };
        engine.woken();
        assert!(flush(&mut engine).is_empty());
        waiting.borrow_mut().pop().unwrap().hand(42);
        engine.woken();
        assert!(flush(&mut engine).ends_with(b"the answer is 42"));
    }
}
