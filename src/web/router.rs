//! # Router: which handler a path and a method mean
//!
//! A path is decoded once and then matched, segment by segment. How patterns are written is said at
//! [`Routes`].

use std::collections::HashMap;
use std::rc::Rc;

use super::consumer::{Consumer, consumer};
use super::guard::accept_websocket;
use super::handler::Handler;
use super::names::Names;
use crate::http::Method;
use crate::http::form::decoded_segments;

/// Routes of an area, to be put together and set under a prefix.
///
/// A pattern has segments that stand for themselves, `{name}` for any one segment, and in its end
/// `{rest..}` for all that follow: see [`Request::param`](super::Request::param). What stands for itself
/// goes before `{name}`, and that before `{rest..}`. A path is percent-decoded before it is matched. GET
/// answers HEAD too, and OPTIONS answers itself; a path that is there for other methods is 405 and says
/// for which.
///
/// ```
/// use parlour::web::{Cx, Routes};
///
/// fn routes() -> Routes<()> {
///     Routes::new()
///         .get("/todo", |_: &mut Cx<'_, ()>| "all of them")
///         .nest("/admin", Routes::new().get("/users", |_: &mut Cx<'_, ()>| "everybody"))
/// }
/// # routes();
/// ```
pub struct Routes<S> {
    pub(super) routes: Vec<Route<S>>,
    /// Names, and which of the routes each means; none if there was no route to name yet.
    names: Vec<(String, Option<usize>)>,
}

/// One route.
pub(super) struct Route<S> {
    method: Method,
    pattern: String,
    handler: Rc<dyn Handler<S>>,
}

impl<S> std::fmt::Debug for Routes<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let lines = self
            .routes
            .iter()
            .map(|route| format!("{} {}", route.method, route.pattern));
        f.debug_list().entries(lines).finish()
    }
}

impl<S: 'static> Default for Routes<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: 'static> Routes<S> {
    /// No routes.
    pub const fn new() -> Self {
        Self {
            routes: Vec::new(),
            names: Vec::new(),
        }
    }

    /// Adds a route for a method.
    pub fn route(mut self, method: Method, pattern: &str, handler: impl Handler<S>) -> Self {
        let (pattern, handler) = (pattern.to_owned(), Rc::new(handler));
        self.routes.push(Route {
            method,
            pattern,
            handler,
        });
        self
    }

    /// Adds a route for GET, and so for HEAD.
    pub fn get(self, pattern: &str, handler: impl Handler<S>) -> Self {
        self.route(Method::Get, pattern, handler)
    }

    /// Adds a route for POST.
    pub fn post(self, pattern: &str, handler: impl Handler<S>) -> Self {
        self.route(Method::Post, pattern, handler)
    }

    /// Adds a route for PUT.
    pub fn put(self, pattern: &str, handler: impl Handler<S>) -> Self {
        self.route(Method::Put, pattern, handler)
    }

    /// Adds a route for PATCH.
    pub fn patch(self, pattern: &str, handler: impl Handler<S>) -> Self {
        self.route(Method::Patch, pattern, handler)
    }

    /// Adds a route for DELETE.
    pub fn delete(self, pattern: &str, handler: impl Handler<S>) -> Self {
        self.route(Method::Delete, pattern, handler)
    }

    /// Adds a WebSocket with a consumer for each connection.
    pub fn consumer<C: Consumer<S>>(self, pattern: &str, make: impl Fn() -> C + 'static) -> Self {
        self.get(pattern, consumer(make))
    }

    /// Adds a view that serves plain requests and WebSockets alike.
    pub fn view(self, pattern: &str, view: impl Handler<S>) -> Self {
        self.get(pattern, accept_websocket(view))
    }

    /// Names the route that was added last, so that links to it are made by its name:
    /// [`Cx::url_for`](super::Cx::url_for). Two routes of an app may not have the same name.
    ///
    /// ```
    /// use parlour::web::{Cx, Error, Routes};
    ///
    /// fn show(cx: &mut Cx<'_, ()>) -> Result<String, Error> {
    ///     let next: u32 = cx.request.param::<u32>("id")? + 1;
    ///     cx.url_for("todo.show", &[("id", &next.to_string())])
    /// }
    /// # Routes::new()
    /// .get("/todo/{id}", show).named("todo.show")
    /// # ;
    /// ```
    pub fn named(mut self, name: &str) -> Self {
        let last = self.routes.len().checked_sub(1);
        self.names.push((name.to_owned(), last));
        self
    }

    /// Puts `area` and a dot before all names that are in this table by now.
    ///
    /// ```
    /// use parlour::web::{App, Cx, Routes};
    ///
    /// /// Knows neither its prefix nor how the app calls it.
    /// fn routes() -> Routes<()> {
    ///     let show = |_: &mut Cx<'_, ()>| "one of them";
    ///     Routes::new().get("/{id}", show).named("show")
    /// }
    ///
    /// // `todo.show` is below /todo, `post.show` below /posts.
    /// let app = App::new(())
    ///     .nest("/todo", routes().names_under("todo"))
    ///     .nest("/posts", routes().names_under("post"));
    /// # drop(app);
    /// ```
    pub fn names_under(mut self, area: &str) -> Self {
        for (name, _) in &mut self.names {
            *name = format!("{area}.{name}");
        }
        self
    }

    /// Method and pattern of each route, in the order in which they were added: for an app that tells
    /// what it serves.
    ///
    /// ```
    /// use parlour::http::Method;
    /// use parlour::web::{Cx, Routes};
    ///
    /// let routes = Routes::new().get("/todo", |_: &mut Cx<'_, ()>| "all of them");
    /// assert!(routes.patterns().eq([(Method::Get, "/todo")]));
    /// ```
    pub fn patterns(&self) -> impl Iterator<Item = (Method, &str)> {
        let routes = self.routes.iter();
        routes.map(|route| (route.method, route.pattern.as_str()))
    }

    /// What the names mean, or why they are none.
    pub(super) fn names(&self) -> Result<Names, String> {
        Names::new(self.names.iter().map(|(name, at)| {
            let pattern = at.map(|at| self.routes[at].pattern.as_str());
            (name.as_str(), pattern)
        }))
    }

    /// Whether there is a route for a method and just this pattern.
    pub(super) fn knows(&self, method: Method, pattern: &str) -> bool {
        let mut routes = self.routes.iter();
        routes.any(|route| route.method == method && route.pattern == pattern)
    }

    /// Adds all routes of another table under a prefix. They keep their names.
    pub fn nest(mut self, prefix: &str, routes: Self) -> Self {
        let prefix = prefix.trim_end_matches('/');
        let before = self.routes.len();
        let names = routes.names.into_iter();
        let moved = names.map(|(name, at)| (name, at.map(|at| before + at)));
        self.names.extend(moved);
        self.routes.extend(routes.routes.into_iter().map(|route| {
            let pattern = if route.pattern == "/" && !prefix.is_empty() {
                prefix.to_owned()
            } else {
                format!("{prefix}{}", route.pattern)
            };
            Route { pattern, ..route }
        }));
        self
    }
}

/// What a path and a method mean.
pub(super) enum Found<S> {
    Handler {
        handler: Rc<dyn Handler<S>>,
        params: Vec<(String, String)>,
    },
    /// The path is there, with other methods: an `Allow` field's value.
    OtherMethods(String),
    Nothing,
}

/// What each method of one path means.
type Table<S> = Vec<(Method, Rc<dyn Handler<S>>)>;

/// All routes, ready to be asked.
pub(super) struct Router<S> {
    paths: matchit::Router<usize>,
    tables: Vec<Table<S>>,
}

impl<S> Router<S> {
    /// The routes, or why they cannot be told apart.
    pub(super) fn new(routes: Routes<S>) -> Result<Self, String> {
        let mut known: HashMap<String, usize> = HashMap::new();
        let mut router = Self {
            paths: matchit::Router::new(),
            tables: Vec::new(),
        };
        for Route {
            method,
            pattern,
            handler,
        } in routes.routes
        {
            if let Some(why) = misspelt(&pattern) {
                return Err(format!("the route '{pattern}': {why}"));
            }
            let index = match known.get(&pattern) {
                Some(index) => *index,
                None => {
                    router
                        .paths
                        .insert(rewritten(&pattern), router.tables.len())
                        .map_err(|error| format!("the route '{pattern}': {error}"))?;
                    known.insert(pattern.clone(), router.tables.len());
                    router.tables.push(Vec::new());
                    router.tables.len() - 1
                }
            };
            if router.tables[index]
                .iter()
                .any(|(other, _)| *other == method)
            {
                return Err(format!("the route '{method} {pattern}' is there twice"));
            }
            router.tables[index].push((method, handler));
        }
        Ok(router)
    }

    pub(super) fn find(&self, method: Method, path: &str) -> Found<S> {
        if !path.contains(['%', '\\']) && !path.contains("/.") {
            return self.find_decoded(method, path);
        }
        match decoded_segments(path) {
            Ok(segments) => self.find_decoded(method, &format!("/{}", segments.join("/"))),
            Err(_) => Found::Nothing,
        }
    }

    fn find_decoded(&self, method: Method, path: &str) -> Found<S> {
        let Ok(found) = self.paths.at(path) else {
            return Found::Nothing;
        };
        let table = &self.tables[*found.value];
        let with = |wanted: Method| table.iter().find(|(method, _)| *method == wanted);
        let fallback = || {
            (method == Method::Head)
                .then(|| with(Method::Get))
                .flatten()
        };
        match with(method).or_else(fallback) {
            Some((_, handler)) => {
                let params = found.params.iter();
                // What is joined to a folder must not be taken for an absolute path.
                if found.params.iter().any(|(_, value)| value.starts_with('/')) {
                    return Found::Nothing;
                }
                let params = params.map(|(name, value)| (name.to_owned(), value.to_owned()));
                Found::Handler {
                    handler: Rc::clone(handler),
                    params: params.collect(),
                }
            }
            None => Found::OtherMethods(allow(table.iter().map(|(method, _)| *method))),
        }
    }
}

/// What would never match as it was meant.
fn misspelt(pattern: &str) -> Option<&'static str> {
    let mut segments = pattern.split('/');
    if !pattern.starts_with('/') {
        Some("a pattern begins with /")
    } else if segments.any(|segment| segment.starts_with(':')) {
        Some("a parameter is written {name}")
    } else if pattern.contains("{*") {
        Some("all that follows is written {rest..}")
    } else {
        None
    }
}

/// `{rest..}`, as the crate that matches writes it.
fn rewritten(pattern: &str) -> String {
    match pattern
        .strip_suffix("..}")
        .and_then(|head| head.rsplit_once('{'))
    {
        Some((head, name)) => format!("{head}{{*{name}}}"),
        None => pattern.to_owned(),
    }
}

fn allow(methods: impl Iterator<Item = Method>) -> String {
    let mut names: Vec<&str> = Vec::new();
    for method in methods {
        names.push(method.name());
        if method == Method::Get {
            names.push("HEAD");
        }
    }
    names.push("OPTIONS");
    names.sort_unstable();
    names.dedup();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::{Cx, Reply};

    fn router(patterns: &[(Method, &str)]) -> Result<Router<()>, String> {
        let handler = |_: &mut Cx<'_, ()>| -> Reply<()> { unreachable!("nobody calls it here") };
        let add = |routes: Routes<()>, (method, pattern): &(Method, &str)| {
            routes.route(*method, pattern, handler)
        };
        Router::new(patterns.iter().fold(Routes::new(), add))
    }

    fn check(router: &Router<()>, method: Method, path: &str, expected: &str) {
        let found = match router.find(method, path) {
            Found::Handler { params, .. } => {
                let params = params.iter().map(|(name, value)| format!("{name}={value}"));
                format!("found {}", params.collect::<Vec<_>>().join(" "))
            }
            Found::OtherMethods(allow) => allow,
            Found::Nothing => "nothing".into(),
        };
        assert_eq!(found.trim_end(), expected, "{method} {path}");
    }

    #[test]
    fn paths_find_their_handlers() {
        use Method::{Delete, Get, Head, Post};
        let router = router(&[
            (Get, "/"),
            (Get, "/todo"),
            (Post, "/todo"),
            (Get, "/todo/{id}"),
            (Delete, "/todo/{id}"),
            (Get, "/files/{rest..}"),
        ])
        .unwrap();
        check(&router, Get, "/", "found");
        check(&router, Head, "/todo", "found");
        check(&router, Get, "/todo/7", "found id=7");
        check(&router, Get, "/todo/a%20b", "found id=a b");
        check(&router, Get, "/%74odo", "found");
        check(&router, Get, "/todo/a%2Fb", "nothing");
        check(&router, Get, "/todo/%2e%2e", "nothing");
        check(&router, Get, "/files/a/b.css", "found rest=a/b.css");
        check(&router, Get, "/files//etc/passwd", "nothing");
        check(&router, Get, "/files/../a", "nothing");
        check(&router, Get, "/nothing", "nothing");
        check(&router, Get, "/todo/", "nothing");
        check(&router, Delete, "/todo", "GET, HEAD, OPTIONS, POST");
    }

    #[test]
    fn routes_that_cannot_be_told_apart_are_refused_by_name() {
        let twice = router(&[(Method::Get, "/a"), (Method::Get, "/a")])
            .err()
            .unwrap();
        assert!(twice.contains("GET /a"), "{twice}");
        for (pattern, why) in [
            ("a", "begins with /"),
            ("/:id", "{name}"),
            ("/{*rest}", "{rest..}"),
        ] {
            let misspelt = router(&[(Method::Get, pattern)]).err().unwrap();
            assert!(misspelt.contains(why), "{misspelt}");
        }
        let conflict = router(&[(Method::Get, "/{a}"), (Method::Get, "/{b}")])
            .err()
            .unwrap();
        assert!(conflict.contains("/{b}"), "{conflict}");
    }
}
