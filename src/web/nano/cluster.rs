//! # Cluster: services of other nodes
//!
//! What lives in this process when a service is on another node. How words travel and who is a
//! member is behind [`Cluster`].
//!
//! ```text
//!   client ── gate ── Call ──────────────────────────► backend: a stand-in session, its handler
//!             gate ◄─ Push, Response, Bind, Kick, Close ─ backend
//!   client gone: gate ── Closed ─────────────────────► backend: closed hooks, the stand-in is gone
//! ```

/// What nodes say to each other. Sessions are named by the number that they have at their gate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Word {
    /// A request or, with `mid` 0, a notify for a service of that node.
    Call {
        /// Where the client is connected.
        gate: String,
        /// Its session there.
        session: u64,
        /// Whom it is bound to; 0 for nobody.
        uid: i64,
        /// Which request it is.
        mid: u64,
        /// Service and method.
        route: String,
        /// What it says.
        data: Vec<u8>,
    },
    /// Something for the client.
    Push {
        /// Its session at the gate.
        session: u64,
        /// What it is about.
        route: String,
        /// What it says.
        data: Vec<u8>,
    },
    /// An answer for the client.
    Response {
        /// Its session at the gate.
        session: u64,
        /// Which request it answers.
        mid: u64,
        /// What it says.
        data: Vec<u8>,
    },
    /// The session is somebody's from now on.
    Bind {
        /// The session at the gate.
        session: u64,
        /// Whose it is.
        uid: i64,
    },
    /// The client is to go, and told why.
    Kick {
        /// Its session at the gate.
        session: u64,
        /// Why, in the app's own form.
        reason: Vec<u8>,
    },
    /// The client is to go.
    Close {
        /// Its session at the gate.
        session: u64,
    },
    /// The client has gone: its stand-in goes too.
    Closed {
        /// Its session at the gate that says so.
        session: u64,
    },
}

/// What comes from the cluster.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// A node says something.
    Word {
        /// Its name.
        from: String,
        /// What it says.
        word: Word,
    },
    /// A node has left or failed. [`Cluster::nodes`] names it no more, and nothing that it said comes
    /// after this unless it has joined again: what it was asked and has not answered is answered with
    /// 503 now.
    Left(String),
}

/// The other nodes.
///
/// ```
/// use std::cell::RefCell;
/// use std::collections::VecDeque;
/// use std::rc::Rc;
/// use parlour::web::nano::{Cluster, Heard, Nano, Word};
///
/// /// Two nodes in one thread, for a test: each hears what the other says.
/// struct Pair {
///     name: &'static str,
///     other: &'static str,
///     said: Rc<RefCell<VecDeque<(String, Word)>>>,
/// }
///
/// impl Cluster for Pair {
///     fn name(&self) -> &str {
///         self.name
///     }
///
///     fn nodes(&self, service: &str) -> Vec<String> {
///         if service == "chess" { vec![self.other.to_owned()] } else { Vec::new() }
///     }
///
///     fn say(&mut self, to: &str, word: Word) {
///         self.said.borrow_mut().push_back((to.to_owned(), word));
///     }
///
///     fn hear(&mut self) -> Option<Heard> {
///         let word = self.said.borrow_mut().pop_front_if(|(to, _)| to == self.name)?.1;
///         Some(Heard::Word { from: self.other.to_owned(), word })
///     }
/// }
///
/// let said = Rc::default();
/// let gate = Nano::<()>::new().cluster(Pair { name: "gate", other: "table", said });
/// # drop(gate);
/// ```
///
/// Asked on the loop, so nothing here may wait; what comes in rings the
/// [`Bell`](crate::reactor::driver::Bell), and is taken then.
pub trait Cluster {
    /// The name of this node.
    fn name(&self) -> &str;

    /// The other nodes that have a service just now, always in the same order.
    fn nodes(&self, service: &str) -> Vec<String>;

    /// Says something to a node.
    fn say(&mut self, to: &str, word: Word);

    /// What has come and was not taken yet.
    fn hear(&mut self) -> Option<Heard>;
}
